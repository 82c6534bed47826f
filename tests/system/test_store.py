# SPDX-License-Identifier: Apache-2.0
"""What lies between the controller and the store: API servers that are behind, that die, and a store that forgets.

Of two API servers the controller's is made to see old things: its path to etcd is held up (etcdpath.py), while users and
kubelets use the other. Or there is one for all, killed at writes that a proxy counts. The judges are the store's own
history, revision by revision, and the judge of all tests.
"""

import copy
import functools
import json
import os
import random
import signal
import threading
import time
from collections import Counter

import pytest

import dev_processes as processes
from conftest import Cluster
from dev_api import Api
from dev_controller import install
from devcluster import DevCluster, free_ports
from etcdpath import Etcd, EtcdPath, StoreWatch
from history import KINDS, History
from judge import Judge
from proxy import Proxy
from test_chaos import tell, told, told_fold
from test_fence import pod, refused
from waiting import stays, wait_for
from world import ENDED, World

JSON = "--storage-media-type=application/json"
WIDE = {"name": "wide", "vcpus": 4, "memory": "16Gi", "bootSeconds": 0}


class SecondServer:
    """Another API server of the same cluster, whose path to etcd is ours."""

    def __init__(self, dev):
        self._dev, self._settings = dev, copy.deepcopy(dev._settings())
        self.path = EtcdPath(self._settings["ports"]["etcd"])
        self._settings["ports"].update({"etcd": self.path.port, "kube-apiserver": free_ports(1)[0]})
        self._record = dev.dir / "pids" / "second-apiserver"
        self.start()
        tls = dev._tls()
        self.api = Api(self.server(), tls)
        wait_for("the second API server to be ready", self._ready, 60)

    def server(self):
        return f"https://127.0.0.1:{self._settings['ports']['kube-apiserver']}"

    def _ready(self):
        try:
            return self.api.raw("GET", "/readyz")[0] == 200
        except OSError:
            return False

    def start(self):
        arguments = self._dev._arguments("kube-apiserver", self._settings)
        processes.spawn([self._dev.tool("kube-apiserver"), *arguments, JSON], self._dev.log("second-apiserver"),
                        self._record, cwd=self._dev.dir)

    def kubeconfig(self, out):
        """The controller's, but to this server."""
        doc = json.loads((self._dev.dir / "controller.kubeconfig").read_text())
        doc["clusters"][0]["cluster"]["server"] = self.server()
        out.touch(mode=0o600)
        out.write_text(json.dumps(doc))
        return out

    def end(self):
        self.path.close()
        processes.end(self._record, kill=True)


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """A cluster with two API servers."""
    dev = DevCluster(f"store-{os.getpid()}")
    with dev.up(nodes="kwok", without=("kube-scheduler",), extra_args={"kube-apiserver": [JSON]}):
        install(dev, dev.dir / "controller.kubeconfig")
        cluster = Cluster(dev, tmp_path_factory.mktemp("store"))
        cluster.etcd = Etcd(dev._settings()["ports"]["etcd"])
        cluster.second = SecondServer(dev)
        cluster.judge = Judge(cluster.api)
        cluster.controller = cluster.new_controller("behind", kubeconfig=cluster.second.kubeconfig(
            cluster.scratch / "second.kubeconfig"))
        try:
            yield cluster
        finally:
            cluster.controller.kill()
            cluster.judge.end()
            cluster.second.end()


@pytest.fixture
def behind(two, request):
    """A world whose controller uses the API server that can be made to see old things."""
    if not two.controller.alive():
        two.controller.start()
    two.controller.wait_leading()
    world = World(two, two.controller, two.judge, request.node.name)
    request.node.worlds = [world]
    world.path, world.old = two.second.path, two.second.api
    two.judge.begin()
    world.history = History(two.api, functools.partial(StoreWatch, two.etcd))
    yield world
    world.path.release()
    world.path.resume()
    world.history.end()
    if not two.controller.alive():
        two.controller.start()
    world.clean()
    two.judge.verdict()
    world.gone()


@pytest.fixture
def counted(two, request):
    """A world whose controller reaches the API server that all use through a proxy, with a lease that outlasts an outage."""
    two.controller.stop()
    proxy = Proxy(two.dev, two.dev.dir / "controller.kubeconfig", two.scratch / "counted.kubeconfig")
    controller = two.new_controller("counted", "--lease-duration", "90", "--renew-deadline", "80",
                                    kubeconfig=proxy.kubeconfig).start()
    controller.wait_leading()
    world = World(two, controller, two.judge, request.node.name)
    request.node.worlds = [world]
    world.proxy = proxy
    two.judge.begin()
    world.history = History(two.api, functools.partial(StoreWatch, two.etcd))
    yield world
    two.dev.start_part("kube-apiserver")
    two.dev.stop_part("kube-controller-manager", kill=True)  # it too comes back late by itself
    two.dev.start_part("kube-controller-manager")
    proxy.disarm()
    world.history.end()
    revive(world)
    world.clean()
    two.judge.verdict()
    world.gone()
    controller.stop()
    proxy.close()


def versions(api, path):
    """What a server's cache holds, however old it is."""
    joint = "&" if "?" in path else "?"
    return {item["metadata"]["name"]: item["metadata"]["resourceVersion"]
            for item in api.items(f"{path}{joint}resourceVersion=0")}


def pods_path(world):
    return f"/api/v1/namespaces/{world.namespace}/pods"


def old_phases(world):
    """Of the pods, as the server that is behind tells who asks for nothing newer."""
    return sorted(pod["status"].get("phase") for pod in world.old.items(pods_path(world) + "?resourceVersion=0"))


def revive(world):
    """A leader that could not renew its lease has ended, as it must."""
    if not world.controller.alive():
        world.controller.start(ready=False)


def finish(world, name, deadline=120):
    wait_for(f"job {name} to end", lambda: revive(world) or world.phase(name) in ENDED
             or world._not(world.told(world.status(name))), deadline)
    revive(world)
    world.succeeded(name)
    world.wait_no_pods()


def verdict(world):
    fold = world.history.fold()
    fold.verdict()
    assert not fold.stale, fold.stale
    return fold


OLD = [pytest.param(("pods",), id="pods"), pytest.param(("minions",), id="nodes", marks=pytest.mark.long),
       pytest.param(("batchjobs",), id="jobs", marks=pytest.mark.long),
       pytest.param(("pods", "minions", "batchjobs", "arraystates", "computeenvironments"), id="all")]


@pytest.mark.parametrize("kinds", OLD)
def test_old_views(behind, capsys, kinds):
    """Watches of some kinds tell nothing while pods end, a pod is deleted, a Node goes and jobs are stopped."""
    world = behind.setup(max_vcpus=12, catalog=[WIDE], idle=2)
    world.allow_deletes()
    work = world.submit("work", array=10, run_ms=700, retry=4, fail_attempts="1")["metadata"]["uid"]
    world.submit("stopped", cpu="2", hang=True)
    wait_for("one to run", lambda: world.phases("stopped").get("Running"))
    victim = wait_for("some to run", lambda: [pod for pod in world.pods("work")
                                              if pod["status"].get("phase") == "Running"])[-1]
    kept = world.path.kept
    world.path.hold(*kinds)
    path = pods_path(world)
    places = {kind: place for kind, place in (("pods", path), ("minions", "/api/v1/nodes"), ("batchjobs", world.jobs_path()))
              if kind in kinds}
    looks = []

    def stands():
        """What had passed before it was held back arrives first."""
        looks.append({kind: versions(world.old, place) for kind, place in places.items()})
        return len(looks) > 1 and looks[-1] == looks[-2]
    wait_for("the old views to stand still", stands, every=0.1)
    world.request("stopped", "TERMINATE", "seen enough")
    world.submit("later", run_ms=100)
    world.api.delete(f"{path}/{victim['metadata']['name']}")
    lost = next(node for node in world.nodes() if node["metadata"]["name"] != victim["spec"]["nodeName"])
    world.api.delete(f"/api/v1/nodes/{lost['metadata']['name']}")
    begin = time.monotonic()
    stays("what is old stays so", lambda: all(versions(world.old, place) == looks[-1][kind]
                                              for kind, place in places.items()), 4)
    held = time.monotonic() - begin
    assert world.path.kept > kept
    world.path.release()
    world.failed("stopped")
    world.succeeded("later")
    world.succeeded("work", 60)
    world.wait_no_pods()
    fold = verdict(world)
    tell(capsys, f"views of {', '.join(kinds)} {held:.1f} s old: {told_fold(fold)}; attempts "
                 f"{sorted(n for _, n in fold.recorded[work])}")
    assert all(fold.ends[work, child]["Succeeded"] == 1 for child in range(10))
    assert all(outcome == "s" for outcome, _ in fold.recorded[work])


def test_restarted_before_an_old_view(behind, capsys):
    """A controller that starts while its server's cache is old sees what is: it asks for lists that may not be old.

    Its pods have ended; the cache says that they run. It records their ends while the cache still says so.
    """
    world = behind.setup(max_vcpus=8, catalog=[WIDE], idle=30)
    work = world.submit("work", array=8, run_ms=1500)["metadata"]["uid"]
    world.wait_running("work", 8)
    wait_for("the cache to say so", lambda: old_phases(world) == ["Running"] * 8)
    world.path.hold("pods", "minions", "batchjobs", "arraystates")
    world.controller.kill()
    wait_for("the pods to end", lambda: world.phases("work") == {"Succeeded": 8})
    world.submit("later", run_ms=100)
    assert old_phases(world) == ["Running"] * 8
    begin = time.monotonic()
    world.controller.start(ready=False)
    world.succeeded("work", 60)
    took = time.monotonic() - begin
    wait_for("what came meanwhile to run", lambda: world.phases("later") == {"Succeeded": 1})
    assert old_phases(world) == ["Running"] * 8, "this shows nothing: the cache had heard of it"
    world.path.release()
    world.succeeded("later")
    world.wait_no_pods()
    fold = verdict(world)
    tell(capsys, f"restarted before an old cache: all recorded {took:.1f} s after the start, while the cache said that "
                 f"8 pods run; {told_fold(fold)}")
    assert fold.lost(work, 8, {"Succeeded": 1}) == []


def test_its_own_epoch_is_not_heard(behind, capsys):
    """The fence compares with an old Cell, and refuses the leader: it waits, fails no job for it, and goes on.

    For as long as that lasts the server would take writes of who led before: names, UIDs and versions have to do.
    """
    world = behind.setup(max_vcpus=8, catalog=[WIDE], idle=60)
    world.submit("before", array=8, run_ms=300)
    world.succeeded("before")
    world.wait_no_pods()
    world.controller.kill()
    world.path.hold("all", but=("events", "leases"))
    work = world.submit("work", array=4, run_ms=300, retry=2, fail_attempts="1")["metadata"]["uid"]
    world.controller.start(ready=False)
    wait_for("its writes to be refused", lambda: world.controller.alive()
             and world.controller.metric("bulkhead_writes_total", result="Invalid") >= 3, 60)
    assert world.phase("work") not in ("FAILED", "SUCCEEDED") and not world.judge.pods_of(work)
    now = world.api.get("/apis/bulkhead.dev/v1alpha1/cells/default")["status"]["epoch"]
    create = f"{pods_path(world)}?dryRun=All&fieldManager=bulkhead-default-{now - 1}"
    assert world.old.raw("POST", create, pod("late"))[0] == 201 and refused(world.api.raw("POST", create, pod("late")))
    assert world.controller.alive()
    world.path.release()
    world.succeeded("work", 60)
    world.wait_no_pods()
    fold = verdict(world)
    tell(capsys, f"a leader whose epoch its server had not heard of: {told_fold(fold)}")
    assert fold.lost(work, 4, {"Failed": 1, "Succeeded": 1}) == []


@pytest.fixture
def late(behind):
    """A controller behind a proxy to the server that is behind, whose first pod will arrive late."""
    world, two = behind.setup(max_vcpus=4, catalog=[WIDE], idle=60), behind.cluster
    world.submit("before", run_ms=50)
    world.succeeded("before")
    world.wait_no_pods()
    two.controller.stop()
    world.proxy = Proxy(two.dev, two.dev.dir / "controller.kubeconfig", two.scratch / "late.kubeconfig",
                        two.second.server())
    world.strike = world.proxy.arm(1, "late", words=("POST", "/pods"))
    world.dead = two.new_controller("dead", kubeconfig=world.proxy.kubeconfig).start()
    world.strike.aim(world.dead.process.pid)
    world.dead.wait_leading()
    usual, world.controller = world.controller, two.new_controller("heir", "--identity", "dead")
    yield world
    world.dead.kill()
    world.controller.stop()
    world.controller = usual
    world.proxy.close()


def test_a_late_create_that_nothing_fences(late, capsys):
    """Three things at once: a leader dies, its create arrives after its heir is done, by a server that knows no new epoch.

    The fence cannot help. The pod is there for a moment: its try is on record, so it is removed on sight, and changes nothing.
    """
    world = late
    world.path.hold("cells")
    work = world.submit("work", run_ms=3000)["metadata"]["uid"]
    assert world.strike.done.wait(30)
    world.controller.start()
    world.succeeded("work")
    world.wait_no_pods()
    world.allow_deletes()  # it may have begun to run when it is removed
    status, text = world.proxy.let_go(world.strike)
    assert status == 201, text
    world.wait_no_pods()
    fold = world.history.fold()
    tell(capsys, f"a create that came late through a server that is behind: {len(fold.begun[work, 0])} pods began, ends "
                 f"{told(fold.ends[work, 0])}; {told_fold(fold)}")
    assert [line for line in fold.wrong if not line.startswith("twice: ")] == [], fold.wrong
    assert world.status("work")["attempts"] == 1 and fold.ends[work, 0]["Succeeded"] == 1
    assert [(kind, name) for kind, name, *_ in fold.stale] == [("pod", f"work-{work[:8]}-0-1")]
    with world.judge.lock:
        world.judge.wrong[:] = [line for line in world.judge.wrong if work not in line]


@pytest.mark.parametrize("seconds", [3, pytest.param(7, marks=pytest.mark.long)])
def test_the_path_pauses(behind, capsys, seconds):
    """Nothing passes to etcd, then nothing from it, then neither: writes hang, are late, or are stored and not answered."""
    world = behind.setup(max_vcpus=12, catalog=[WIDE], idle=30)
    work = world.submit("work", array=60, run_ms=400, retry=2, fail_attempts="1")["metadata"]["uid"]
    for way in ({"down": False}, {"up": False}, {}):
        before = len(world.judge.pods_of(work))
        wait_for("some more", lambda b=before: revive(world) or len(world.judge.pods_of(work)) >= b + 12)
        world.path.pause(**way)
        threading.Event().wait(seconds)  # this is how long it lasts; nothing tells that it has begun to hurt
        world.path.resume()
    finish(world, "work")
    fold = verdict(world)
    tell(capsys, f"the path to etcd paused three times for {seconds} s: {told_fold(fold)}; "
                 f"lives of the controller: {world.controller.lives}")
    assert fold.lost(work, 60, {"Failed": 1, "Succeeded": 1}) == []
    assert fold.recorded[work] == [("s", 2)] * 60


# ---- API servers that die, and a store that forgets --------------------------------------------------------------


def start_again(cluster, compact=False):
    """A new API server, which remembers nothing; and the store neither, if compact. The revision."""
    cluster.dev.stop_part("kube-apiserver", kill=True)
    revision = cluster.etcd.compact() if compact else cluster.etcd.revision()
    cluster.dev.start_part("kube-apiserver")
    # Kubelets come back by themselves as well, after half a minute.
    cluster.dev.stop_part("kwok", kill=True)
    cluster.dev.start_part("kwok", wait=False)
    # It is ready before its caches of custom resources are.
    wait_for("it to serve all kinds", lambda: all(cluster.api.raw("GET", path)[0] == 200 for path in KINDS.values()))
    return revision


def struck(world, strike):
    """Whether it was struck before all was done."""
    while not strike.done.wait(0.2):
        try:
            if world.phase("work") in ENDED:
                return False
        except OSError:
            pass  # it has just been struck
    return True


@pytest.mark.parametrize("kills, children", [(2, 40), pytest.param(24, 300, marks=pytest.mark.long)])
def test_api_server_killed_at_writes(counted, capsys, kills, children):
    """While a write is being stored, when it is stored and not answered, before it arrives, and after the answer."""
    world = counted.setup(max_vcpus=12, catalog=[WIDE], idle=30)
    work = world.submit("work", array=children, run_ms=300, retry=2, fail_attempts="1")["metadata"]["uid"]
    dice, hits, begin = random.Random(kills), Counter(), time.monotonic()
    for number in range(kills):
        phase = ("during", "committed", "before", "answered")[number % 4]
        strike = world.proxy.arm(dice.randrange(1, 40), phase)
        strike.aim(world.cluster.dev.status()["kube-apiserver"])
        if not struck(world, strike):
            break
        hits[f"{phase} {strike.hit[0]}"] += 1
        start_again(world.cluster)
        world.proxy.disarm()
    world.proxy.disarm()
    finish(world, "work", 90 + children)
    fold = verdict(world)
    tell(capsys, f"API server killed at writes ({told(hits)}): {told_fold(fold)}; lives of the controller: "
                 f"{world.controller.lives}; {time.monotonic() - begin:.0f} s")
    assert sum(hits.values()) >= min(kills, 8)
    assert fold.lost(work, children, {"Failed": 1, "Succeeded": 1}) == []
    assert fold.recorded[work] == [("s", 2)] * children


def lists(world, kind):
    return world.controller.metric("bulkhead_watch_lists_total", kind=kind)


def test_compacted_while_it_slept(counted, capsys):
    """It sleeps while pods end, a job is stopped, one is deleted and one submitted; what it had seen last is forgotten.

    Its watches are told so (410), and it lists again: what it never heard of was told by nobody else.
    """
    world = counted.setup(max_vcpus=16, catalog=[WIDE], idle=30)
    world.allow_deletes()
    work = world.submit("work", array=20, run_ms=600, retry=2, fail_attempts="1")["metadata"]["uid"]
    for name in ("stopped", "deleted"):
        world.submit(name, hang=True)
        world.wait_running(name)
    before = {kind: lists(world, kind) for kind in ("Pod", "BatchJob", "Node")}
    pid = world.controller.process.pid
    os.kill(pid, signal.SIGSTOP)
    world.proxy.cut()  # or what happens now waits in its sockets
    world.request("stopped", "TERMINATE", "seen enough")
    world.api.delete(world.jobs_path("deleted"))
    world.submit("later", run_ms=100)
    wait_for("what runs to end", lambda: not world.phases("work").get("Running"))
    revision = start_again(world.cluster, compact=True)
    os.kill(pid, signal.SIGCONT)
    finish(world, "work")
    world.failed("stopped")
    world.succeeded("later")
    again = {kind: lists(world, kind) - before[kind] for kind in before}
    fold = verdict(world)
    tell(capsys, f"compacted at revision {revision} while it slept: lists read again {told(again)}; {told_fold(fold)}")
    for version in world.history.versions:
        assert world.controller.lives == 1 and again["Pod"] >= 1 and again["BatchJob"] >= 1
    assert fold.lost(work, 20, {"Failed": 1, "Succeeded": 1}) == []


def test_compacted_between_two_pages(counted, capsys):
    """A start reads 520 jobs in pages; before the second the store forgets the first: it reads them all anew."""
    world = counted
    world.controller.kill()
    names = [f"job-{number:03}" for number in range(520)]
    for name in names:
        world.submit(name, queue="nobody")
    gate = world.proxy.gate("/batchjobs?", "continue=")
    world.controller.start(ready=False)
    assert gate.reached.wait(30), "it reads them in one page"
    for name in names[:10]:
        world.api.delete(world.jobs_path(name))
    names = [*names[10:], "job-520", "aaa"]  # one beyond the last page, one before the first
    for name in names[-2:]:
        world.submit(name, queue="nobody")
    revision = start_again(world.cluster, compact=True)
    gate.go()
    world.controller.wait_leading(60)
    wait_for("all to be told why they wait", lambda: not [
        doc["metadata"]["name"] for doc in world.api.items(world.jobs_path())
        if "nobody" not in doc.get("status", {}).get("statusReason", "")], 60, every=0.3)
    assert sorted(doc["metadata"]["name"] for doc in world.api.items(world.jobs_path())) == sorted(names)
    assert world.controller.metric("bulkhead_objects", kind="jobs") == len(names)
    fold = verdict(world)
    tell(capsys, f"compacted at revision {revision} between two pages of 520 jobs: the second was answered with "
                 f"{gate.status}, and all read anew; {told_fold(fold)}")
    assert gate.status == 410
