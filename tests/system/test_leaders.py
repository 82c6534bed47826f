# SPDX-License-Identifier: Apache-2.0
"""Two controllers under load: the leader dies or is stopped, the other takes over; and one that dies every 20 s.

The history of the cluster is judged by revision (history.py). What is measured is printed, also when all is well.
BULKHEAD_CHILDREN, BULKHEAD_LIVE_PODS and BULKHEAD_ROUNDS (kills,stops) set the size of the long cases.
"""

import os
import signal
import time

import pytest

from conftest import Cluster
from dev_controller import install
from devcluster import DevCluster
from history import History
from waiting import wait_for
from world import ENDED, World

WIDE = {"name": "wide", "vcpus": 16, "memory": "64Gi", "bootSeconds": 0}
ROOMY = {"name": "roomy", "vcpus": 64, "memory": "256Gi", "bootSeconds": 0}
LEASE_S = 5  # a busy machine loses a shorter one now and then
SHORT = ["--lease-duration", str(LEASE_S), "--renew-deadline", "4", "--retry-period", "1"]
LEASE = "/apis/coordination.k8s.io/v1/namespaces/bulkhead-system/leases/bulkhead-controller"
CELL = "/apis/bulkhead.dev/v1alpha1/cells/default"
CHILDREN = int(os.environ.get("BULKHEAD_CHILDREN", "50000"))


def tell(capsys, text):
    with capsys.disabled():
        print("\n" + text, flush=True)


def percentiles(values):
    values = sorted(values)
    if not values:
        return "none"
    return (f"p50 {values[len(values) // 2]:.2f} s, p99 {values[min(len(values) - 1, len(values) * 99 // 100)]:.2f} s, "
            f"longest {values[-1]:.2f} s")


class Load:
    """Arrays of children that each fail once, one after the other, so that something is always under way."""

    def __init__(self, world, children):
        self.world, self.children, self.uids, self.names = world, children, [], []
        self.feed()

    def feed(self):
        if self.names and self.world.phase(self.names[-1]) not in ENDED:
            return
        self.names.append(f"load-{len(self.names)}")
        doc = self.world.submit(self.names[-1], array=self.children, cpu="250m", memory="16Mi", run_ms=1000, retry=3,
                                fail_attempts="1")
        self.uids.append(doc["metadata"]["uid"])

    def check(self, fold):
        """(children lost, children that had more pods than they should)"""
        lost = twice = 0
        for name, uid in zip(self.names, self.uids):
            assert self.world.phase(name) == "SUCCEEDED", name
            for child in range(self.children):
                ends = fold.ends[uid, child]
                lost += ends["Succeeded"] < 1
                twice += ends["Succeeded"] > 1 or sum(ends.values()) > 2
        return lost, twice


class Pair:
    def __init__(self, world):
        self.world = world
        self.both = {name: world.cluster.new_controller(name, *SHORT) for name in ("left", "right")}
        self.warm = 0  # takeovers by one that had read along

    def start(self):
        for controller in self.both.values():
            if not controller.alive():
                controller.start()

    def leader(self):
        name = self.world.api.get(LEASE)["spec"].get("holderIdentity")
        return self.both.get(name)

    def other(self, controller):
        return next(c for c in self.both.values() if c is not controller)

    def wait_leader(self):
        """Who leads, and has begun to."""
        def leads():
            self.start()  # one that lost its lease on a busy machine has ended
            leader = self.leader()
            return leader if leader and leader.lines("msg=leading") and leader.ready()[0] else None
        return wait_for("somebody to lead", leads, 60)

    def finish(self, load):
        """All work ends, with two that are started again if they must."""
        for name in load.names:
            wait_for(f"job {name} to end", lambda n=name: self.start() or self.world.phase(n) in ENDED, 300)
        wait_for("the pods to be gone", lambda: self.start() or not self.world.pods(), 120)

    def end(self):
        for controller in self.both.values():
            if controller.alive():
                os.kill(controller.process.pid, signal.SIGCONT)
            controller.kill()


def epoch_of(world):
    return world.api.get(CELL)["status"]["epoch"]


def one_round(pair, load, history, stop):
    """The leader is killed or stopped; seconds until a write of the heir is stored."""
    world, leader = pair.world, pair.wait_leader()
    wait_for("the standby to read along", lambda: pair.start() or pair.other(leader).lines('msg="reading along"'), 60)
    before = epoch_of(world)
    load.feed()
    wait_for("the leader to write", lambda: history.first_signed_after(before - 1))
    pid, began = leader.process.pid, time.monotonic()
    os.kill(pid, signal.SIGSTOP if stop else signal.SIGKILL)
    heir = pair.other(leader)  # alone: the one that was killed would take its own lease again at once

    def written():
        if not heir.alive():
            heir.start()
        return history.first_signed_after(before) or load.feed()
    wait_for("the other to write", written, 90)
    took = history.first_signed_after(before) - began
    pair.warm += bool(heir.lines("msg=leading", "standby=warm"))
    if stop:
        os.kill(pid, signal.SIGCONT)
        assert leader.wait_exit() == 1, f"it ended with {leader.exit_status}:\n{leader.tail()}"
    pair.start()
    return took


ROUNDS = tuple(int(n) for n in os.environ.get("BULKHEAD_ROUNDS", "50,20").split(","))


@pytest.mark.parametrize("kills, stops", [(2, 2), pytest.param(*ROUNDS, marks=pytest.mark.long, id="many")])
def test_two_under_load(world, capsys, kills, stops):
    begin = time.monotonic()
    world.setup(max_vcpus=16, catalog=[WIDE])
    world.controller.stop()
    pair, history = Pair(world), History(world.api)
    try:
        pair.start()
        load = Load(world, 100)
        took = {False: [], True: []}
        for number in range(kills + stops):
            stop = number % ((kills + stops) // stops) == 0 and len(took[True]) < stops
            took[stop].append(one_round(pair, load, history, stop))
        pair.finish(load)
        fold = history.fold()
        lost, twice = load.check(fold)
        tell(capsys, f"two controllers, lease {LEASE_S} s, {len(load.names) * load.children} children twice each: leader "
                     f"killed x{len(took[False])}, stopped x{len(took[True])}; {lost} lost, {twice} twice, "
                     f"{len(fold.stale)} stale writes stored of {fold.signed} signed, {fold.revisions} revisions judged, "
                     f"{len(fold.wrong)} violations; {pair.warm} takeovers warm; to the heir's first write: killed {percentiles(took[False])}; "
                     f"stopped {percentiles(took[True])}; {time.monotonic() - begin:.0f} s")
        fold.verdict()
        assert (lost, twice) == (0, 0)
        assert pair.warm > 0
        assert not fold.stale, fold.stale
    finally:
        pair.end()
        history.end()


class Blind:
    """Instead of the judge, which keeps every pod: for tens of thousands of them the history alone is asked."""

    def allow_deletes(self, namespace):
        pass


# Nodes whose heartbeats come late, because the machine that plays them all is busy, would be given up with their pods.
LARGE = ["--lease-duration", "15", "--renew-deadline", "10", "--start-deadline", "3600"]
PATIENT = {"kube-controller-manager": ["--node-monitor-grace-period=1h", "--kube-api-qps=1000", "--kube-api-burst=2000"]}


@pytest.fixture(scope="module")
def large_cluster(tmp_path_factory):
    dev = DevCluster(f"large-{os.getpid()}")
    with dev.up(nodes="kwok", without=("kube-scheduler",), extra_args=PATIENT):
        install(dev, dev.dir / "controller.kubeconfig")
        yield Cluster(dev, tmp_path_factory.mktemp("logs"))


@pytest.fixture
def large_world(large_cluster, request):
    """A place for tens of thousands of pods, and a controller with a stable identity."""
    controller = large_cluster.new_controller("steady", *LARGE)
    world = World(large_cluster, controller, Blind(), request.node.name)
    request.node.worlds = [world]
    controller.start()
    yield world
    controller = world.controller  # or who took over
    if not controller.alive():
        controller.start(ready=False).wait_leading(120)
    world.clean()
    world.gone(1800)
    controller.stop()


@pytest.mark.long
def test_killed_every_20_seconds(large_world, capsys):
    """A large array drains; the controller takes its own lease again at once."""
    world = large_world
    world.setup(max_vcpus=64, catalog=[ROOMY])
    history, back = History(world.api), []
    begin = time.monotonic()
    uid = world.submit("drain", array=CHILDREN, cpu="100m", memory="8Mi", run_ms=100)["metadata"]["uid"]
    while world.phase("drain") not in ENDED:
        assert time.monotonic() - begin < 7200
        try:
            wait_for("20 s to be over", lambda: world.phase("drain") in ENDED, 20, every=0.5)
        except AssertionError:
            before, killed = epoch_of(world), time.monotonic()
            world.controller.kill()
            world.controller.start(ready=False)
            wait_for("its first write", lambda b=before: history.first_signed_after(b)
                     or world.phase("drain") in ENDED, 60)
            if (at := history.first_signed_after(before)) is not None:
                back.append(at - killed)
    took = time.monotonic() - begin
    status = world.succeeded("drain")
    world.wait_no_pods(deadline=300)
    fold = history.fold()
    history.end()
    lost = fold.lost(uid, CHILDREN, {"Succeeded": 1})
    twice = sum(sum(fold.ends[uid, child].values()) > 1 for child in range(CHILDREN))
    tell(capsys, f"killed every 20 s: {CHILDREN} children in {took:.0f} s, killed x{len(back)}; {len(lost) - twice} lost, "
                 f"{twice} twice, {fold.revisions} revisions judged, {len(fold.wrong)} violations, {len(fold.stale)} stale "
                 f"writes stored of {fold.signed} signed; from the kill to the first write {percentiles(back)}")
    fold.verdict()
    assert lost == [] and not fold.stale
    assert status["arrayProperties"]["statusSummary"]["SUCCEEDED"] == CHILDREN


def took_over(world, kind, capsys):
    """Another one stands by, the leader is killed; from the lease to the first pod of a job that came meanwhile."""
    before, said = world.controller, 'msg="reading along"' if kind == "warm" else 'msg="standing by"'
    heir = world.cluster.new_controller(f"{kind}-{before.lives}-{time.monotonic():.0f}", *LARGE,
                                        *(["--cold-standby"] if kind == "cold" else []))
    heir.start(ready=False)
    wait_for("it to stand by", lambda: heir.lines(said), 120)
    standing = heir.rss_bytes() / 2**20
    before.kill()
    name = f"after-{heir.log.stem}"
    uid = world.submit(name, cpu="100m", memory="8Mi")["metadata"]["uid"]
    path = f"/api/v1/namespaces/{world.namespace}/pods/{name[:30].rstrip('-')}-{uid[:8]}-0-1"
    world.controller = heir
    wait_for("the lease to be its own", lambda: heir.lines("the lease is ours"), 60, every=0.005)
    begin = time.monotonic()
    wait_for("its first pod", lambda: world.api.find(path), 120, every=0.01)
    took = time.monotonic() - begin
    [line] = wait_for("what it said", lambda: heir.lines("msg=leading"))
    assert f"standby={kind}" in line, line
    tell(capsys, f"{kind} standby of {standing:.0f} MiB: {took:.2f} s from the lease to its first pod; "
                 f"{line.partition('msg=')[2]}")
    world.succeeded(name)


@pytest.mark.long
def test_restart_with_many_live_pods(large_world, capsys):
    """20,000 pods run; from the start of the process to its first write, which is the pod of a job that waits."""
    world, pods = large_world, int(os.environ.get("BULKHEAD_LIVE_PODS", "20000"))
    world.setup(max_vcpus=64 * 200, catalog=[ROOMY])
    world.submit("many", array=pods, cpu="100m", memory="8Mi", hang=True)
    wait_for(f"{pods} pods to run", lambda: world.status("many").get("running", 0) == pods
             or world._not(world.status("many").get("progress")), 3600, every=2)
    took = []
    for number in range(5):
        world.controller.kill()
        before = epoch_of(world)
        uid = world.submit(f"next-{number}", cpu="100m", memory="8Mi")["metadata"]["uid"]
        # By its name: a list by label would have the server go through all the others each time.
        path = f"/api/v1/namespaces/{world.namespace}/pods/next-{number}-{uid[:8]}-0-1"
        begin = time.monotonic()
        world.controller.start(ready=False)
        wait_for("its first pod", lambda p=path: world.api.find(p), 120, every=0.01)
        took.append(time.monotonic() - begin)
        world.succeeded(f"next-{number}", 300)  # KWOK is slow with so many pods
        assert epoch_of(world) == before + 1
    for kind in ("warm", "cold") * 2:
        took_over(world, kind, capsys)
    tell(capsys, f"restart with {pods} live pods, from the start of the process to its first write: {percentiles(took)}; "
                 f"memory {world.controller.rss_bytes() / 2**20:.0f} MiB")
