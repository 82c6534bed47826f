# SPDX-License-Identifier: Apache-2.0
"""Killed at each write, through a proxy that counts them; the whole history of the cluster is judged by revision.

    rolling    the controller is killed at the next write it makes, again and again, until all work is done
    isolated   one job set of its own for each pair of a write and a phase, killed there once

The judge of all tests looks on as well. What is measured is printed, also when all is well.
"""

import time
from collections import Counter

import pytest

from history import History
from proxy import PHASES, Proxy
from waiting import stays, wait_quiet
from world import ENDED

KINDS_WRITTEN = ("pods", "nodes", "batchjobs", "arraystates", "jobqueues", "computeenvironments", "leases", "cells")
WIDE = {"name": "wide", "vcpus": 16, "memory": "64Gi", "bootSeconds": 0}


@pytest.fixture
def proxied(cluster, world):
    """A controller that reaches the API server only through a proxy, instead of the usual one."""
    world.controller.stop()
    proxy = Proxy(cluster.dev, cluster.dev.dir / "controller.kubeconfig", cluster.scratch / "proxied.kubeconfig")
    usual = world.controller
    world.controller = cluster.new_controller("proxied", kubeconfig=proxy.kubeconfig)
    world.proxy = proxy
    world.history = History(cluster.api)
    yield world
    world.controller.stop()
    world.controller = usual
    usual.start()
    proxy.close()
    world.history.end()


def place(world, max_vcpus=64):
    """As setup() does, but nobody is there yet to find it good: that is written between two strikes as well."""
    world.add_environment(world.environment, max_vcpus, [WIDE])
    world.add_queue(world.queue, [world.environment])


def live(world, at, phase, done, deadline, sorts=("write",)):
    """One life, until it is struck at its at-th write, or until done(). Returns the Strike."""
    strike = world.proxy.arm(at, phase, sorts)
    world.controller.start(ready=False)
    strike.aim(world.controller.process.pid)
    begin = time.monotonic()
    while not strike.done.wait(0.05):
        if done() and world.proxy.call_off(strike):
            break
        assert world.controller.alive() or strike.done.wait(1), f"it ended by itself:\n{world.controller.tail()}"
        assert time.monotonic() - begin < deadline, f"nothing is written for {deadline} s, and it is not done"
    if strike.done.is_set():
        world.controller.wait_exit()
        world.proxy.cut()
    return strike


def submit(world, children, prefix=""):
    """split → map, children that each fail once → reduce"""
    names = [f"{prefix}{name}" for name in ("split", "map", "reduce")]
    return names, [
        world.submit(names[0], run_ms=50)["metadata"]["uid"],
        world.submit(names[1], array=children, cpu="250m", memory="16Mi", run_ms=100, depends=[names[0]], retry=3,
                     fail_attempts="1")["metadata"]["uid"],
        world.submit(names[2], run_ms=50, depends=[names[1]])["metadata"]["uid"]]


def check(world, names, uids, children):
    """Lost none, twice none, each attempt counted once: by the statuses, and by the whole history."""
    for name in names:
        world.succeeded(name, 120)
    world.wait_no_pods(deadline=120)
    fold = world.history.fold()
    fold.verdict()
    assert fold.lost(uids[0], 1, {"Succeeded": 1}) == []
    assert fold.lost(uids[1], children, {"Failed": 1, "Succeeded": 1}) == []
    assert fold.lost(uids[2], 1, {"Succeeded": 1}) == []
    status = world.status(names[1])["arrayProperties"]
    assert status["statusSummary"]["SUCCEEDED"] == children
    assert fold.recorded[uids[1]] == [("s", 2)] * children
    return fold


def roll(world, children, stride):
    """Lives that are struck at their first write, or at their first, second, ... stride-th in turn."""
    begin = time.monotonic()
    place(world)
    names, uids = submit(world, children)
    lives, struck, held, answers, hits = 0, Counter(), None, Counter(), []
    while world.phase(names[2]) not in ENDED:
        phase = PHASES[lives % len(PHASES)]
        strike = live(world, 1 + lives % stride, phase, lambda: world.phase(names[2]) in ENDED, 60)
        lives += 1
        if strike.done.is_set():
            struck[phase] += 1
            hits.append(f"{phase} {' '.join(strike.hit)}")
        if held is not None:  # of the life before: the epoch has been raised since
            answers[let_go(world, held)] += 1
        held = strike if strike.done.is_set() and phase == "late" else None
        assert lives < 200 + 20 * children, "no end of it; the last strikes:\n" + "\n".join(hits[-30:])
    world.proxy.disarm()
    if not world.controller.alive():
        world.controller.start()
    fold = check(world, names, uids, children)
    return fold, (f"{lives} lives, struck {told(struck)}; {told_fold(fold)}; late writes: {told(answers)}; "
                  f"{time.monotonic() - begin:.0f} s")


def let_go(world, strike):
    """What becomes of a write that arrives after its writer has died and another leads."""
    method, path = strike.hit
    status, _ = world.proxy.let_go(strike)
    what = path.partition("?")[0].split("/")
    kind = next(word for word in reversed(what) if word in KINDS_WRITTEN)
    return f"{method} {kind} {status}"


def told(count):
    return ", ".join(f"{key} x{n}" for key, n in sorted(count.items())) or "none"


def told_fold(fold):
    return (f"{fold.revisions} revisions judged, {len(fold.wrong)} violations, "
            f"{len(fold.stale)} stale writes stored of {fold.signed} signed")


def tell(capsys, text):
    with capsys.disabled():
        print("\n" + text, flush=True)


@pytest.mark.parametrize("children, stride", [(2, 1), pytest.param(200, 8, marks=pytest.mark.long)])
def test_killed_at_each_next_write(proxied, capsys, children, stride):
    """One life for each write (stride 1): killed before, during and after it, or before it arrives late."""
    fold, words = roll(proxied, children, stride)
    tell(capsys, f"rolling crash, {children} children twice each, at write 1 to {stride} of each life: {words}")
    assert not fold.stale, fold.stale


def sample(world, number, at, phase, sorts):
    """One small job set, one strike; (whether there were so many writes, what became of a late one)."""
    names, uids = submit(world, 2, f"n{number}-")
    strike = live(world, at, phase, lambda: world.phase(names[2]) in ENDED, 60, sorts)
    late = None
    if strike.done.is_set():
        world.proxy.disarm()
        world.controller.start(ready=False)
    if strike.done.is_set() and phase == "late":
        world.controller.wait_leading()
        late = let_go(world, strike)
    for name in names:
        world.succeeded(name, 120)
    world.controller.kill()
    return strike.done.is_set(), late, uids


@pytest.mark.parametrize("count", [4, pytest.param(100, marks=pytest.mark.long)])
def test_killed_once(proxied, capsys, count):
    """Each sample has its own jobs and its own (write, phase); the writes of the lease and the epoch count as well."""
    begin = time.monotonic()
    place(proxied)
    struck, answers, all_uids = Counter(), Counter(), []
    for number in range(count):
        phase, at = PHASES[number % len(PHASES)], 1 + number // len(PHASES) if count > 4 else 3 + number
        sorts = ("write", "cell", "lease") if number % 8 < 4 and at <= 4 else ("write",)
        hit, late, uids = sample(proxied, number, at, phase, sorts)
        struck[phase if hit else "not that many writes"] += 1
        answers.update([late] if late else [])
        all_uids.append(uids)
    proxied.proxy.disarm()
    proxied.controller.start()
    proxied.wait_no_pods(deadline=120)
    fold = proxied.history.fold()
    tell(capsys, f"isolated crashes, {count} samples: struck {told(struck)}; {told_fold(fold)}; late writes: "
                 f"{told(answers)}; {time.monotonic() - begin:.0f} s")
    fold.verdict()
    for split, array, reduce in all_uids:
        assert fold.lost(split, 1, {"Succeeded": 1}) == fold.lost(reduce, 1, {"Succeeded": 1}) == []
        assert fold.lost(array, 2, {"Failed": 1, "Succeeded": 1}) == []
    assert not fold.stale, fold.stale


@pytest.mark.parametrize("seconds", [15, pytest.param(600, marks=pytest.mark.long)])
def test_nothing_is_written_when_nothing_happens(proxied, capsys, seconds):
    """A job that runs, one that waits for room, one that has ended, a node: after that the lease alone is written."""
    world = proxied
    world.controller.start()
    world.setup(max_vcpus=16, catalog=[WIDE])
    world.submit("runs", cpu="16", hang=True)
    world.wait_running("runs")
    world.submit("waits", cpu="16")
    world.wait_reason("waits", world.environment)
    world.wait_no_deletions()
    quiet = wait_quiet("what is written", lambda: sum(n for sort, n in world.proxy.counts.items()
                                                      if sort not in ("lease", "read")), 5, 60)
    world.proxy.answers, world.proxy.keep = [], True

    def written():
        return [answer[:4] for answer in world.proxy.answers if answer[0] != "lease"]
    stays("nothing is written", lambda: not written() or world._not(written()), seconds)
    leases = len(world.proxy.answers)
    tell(capsys, f"{seconds} idle seconds, after {quiet} requests that were not reads: {len(written())} writes, "
                 f"{leases} of the lease")
    assert leases > 0
    world.allow_deletes()
