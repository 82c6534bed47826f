# SPDX-License-Identifier: Apache-2.0
"""Kubelets that sum requests and refuse what does not fit (kubelet.py), on nodes to which pods come that nobody announced.

What a kubelet refuses is a try and no attempt; in the end everything has run, and no machine ran more than it has.
"""

import random
import time
from collections import Counter

import pytest

from history import History
from kubelet import Kubelet
from test_chaos import tell, told
from waiting import wait_for
from world import ENDED


class Machines:
    """Machines of an UNMANAGED environment, each with a kubelet of ours."""

    def __init__(self, world):
        self.world, self.kubelets = world, []

    def add(self, name, **size):
        mine = {"bulkhead.dev/compute-environment": self.world.environment}
        taint = {"key": "bulkhead.dev/compute-environment", "value": self.world.environment, "effect": "NoSchedule"}
        if ("/api/v1/nodes", name) not in self.world.cluster_objects:
            self.world.cluster_objects.append(("/api/v1/nodes", name))
        self.world.judge.allow_crowds(name)
        kubelet = Kubelet(self.world.api, name, labels=mine, taints=[taint], **size)
        self.kubelets.append(kubelet)
        return kubelet

    def refused(self):
        return sum((kubelet.refused for kubelet in self.kubelets), Counter())

    def verdict(self):
        wrong = [line for kubelet in self.kubelets for line in kubelet.wrong]
        assert not wrong, "\n".join(wrong)


@pytest.fixture
def machines(world):
    world.add_static_environment(world.environment)
    world.add_queue(world.queue, [world.environment])
    machines = Machines(world)
    world.history = History(world.api)
    yield machines
    world.history.end()
    world.clean()
    world.wait_no_pods()  # it takes kubelets to end what runs
    for kubelet in machines.kubelets:
        kubelet.die()
    machines.verdict()


REFUSALS = [
    ({"cpu": "3"}, {"cpu": "2"}, "OutOfcpu", "cpu, requested: 2000, used: 3000, capacity: 4000"),
    ({"memory": "15Gi"}, {"memory": "2Gi"}, "OutOfmemory",
     "memory, requested: 2147483648, used: 16106127360, capacity: 17179869184"),
    ({"pods": "3"}, {}, "OutOfpods", "pods, requested: 1, used: 3, capacity: 3"),
]


@pytest.mark.parametrize("taken, wanted, reason, words", REFUSALS, ids=[row[2] for row in REFUSALS])
def test_a_refusal_is_no_attempt(machines, taken, wanted, reason, words):
    """Static pods have taken what the API server says is free. The job is told in the kubelet's words, and runs later."""
    world, kubelet = machines.world, machines.add(f"{machines.world.namespace}-0", pods=3)
    world.wait_valid()
    assert kubelet.take("static", **taken)
    uid = world.submit("work", run_ms=100, **wanted)["metadata"]["uid"]
    first = wait_for("the first try to be told", lambda: world.status("work").get("tries"))[0]
    text = f"{reason}: Pod was rejected: Node didn't have enough resource: {words}"
    assert first["statusReason"] == text, first
    assert world.status("work").get("attempts", 0) == 0
    kubelet.give("static")
    status = world.succeeded("work")
    assert status["attempts"] == 1
    assert kubelet.refused[reason] >= 1 and len(world.judge.pods_of(uid)) == kubelet.refused[reason] + 1
    world.wait_no_pods("work")
    fold = world.history.fold()
    fold.verdict()
    assert fold.lost(uid, 1, {"Succeeded": 1}) == [] and fold.refused[uid, 0] == kubelet.refused[reason]


def child_of(pod):
    return int(pod["metadata"]["labels"]["bulkhead.dev/index"])


class Crowd:
    """Everybody else: pods that are bound to the machines directly, and static pods that are announced late or never."""

    def __init__(self, machines, seed):
        self.machines, self.dice = machines, random.Random(seed)
        self.namespace = machines.world.add_namespace(f"{machines.world.namespace}-others")
        self.leaving = []  # (when, function)
        self.came, self.taken = 0, 0

    def turn(self):
        """A little of it, as time goes by: the more machines, the more."""
        for _ in range(len(self.machines.kubelets) // 3):
            self._come()

    def _come(self):
        due = [what for when, what in self.leaving if when <= time.monotonic()]
        self.leaving = [(when, what) for when, what in self.leaving if when > time.monotonic()]
        for leave in due:
            leave()
        kubelet = self.dice.choice(self.machines.kubelets)
        seconds = self.dice.uniform(0.2, 1.2)
        requests = self.dice.choice([{"cpu": "1"}, {"cpu": "2"}, {"cpu": "3"}, {"memory": "5Gi"}, {"memory": "9Gi"}])
        if self.dice.random() < 0.5:
            self._bind(kubelet, seconds, requests)
        elif kubelet.take(key := f"static-{self.taken}", **requests, pods="1"):
            self.taken += 1
            self.leaving.append((time.monotonic() + seconds, lambda: kubelet.give(key)))

    def _bind(self, kubelet, seconds, requests):
        self.came += 1
        self.machines.world.api.post(f"/api/v1/namespaces/{self.namespace}/pods", {
            "metadata": {"name": f"somebody-{self.came}",
                         "annotations": {"kwok.bulkhead.dev/run-ms": str(int(seconds * 1000))}},
            "spec": {"nodeName": kubelet.node, "restartPolicy": "Never", "terminationGracePeriodSeconds": 0,
                     "containers": [{"name": "main", "image": "i", "resources": {"requests": requests}}]}})

    def end(self):
        for _, leave in self.leaving:
            leave()
        self.machines.world.api.delete(f"/api/v1/namespaces/{self.namespace}/pods")


@pytest.mark.parametrize("children, count", [(24, 3), pytest.param(400, 12, marks=pytest.mark.long)])
def test_refused_again_and_again(machines, capsys, children, count):
    """An array whose children each fail once, while others take room that the controller has not heard of."""
    world, begin = machines.world, time.monotonic()
    for number in range(count):
        machines.add(f"{world.namespace}-{number}", pods=5)
    world.wait_valid()
    crowd, ours = Crowd(machines, children), 0
    names = [f"work-{number}" for number in range(6)]
    while names and ours == 0:  # where nobody was refused the next array is
        name = names.pop(0)
        uid = world.submit(name, array=children, cpu="1", memory="2Gi", run_ms=200, retry=2,
                           fail_attempts="1")["metadata"]["uid"]
        wait_for(f"{name} to end", lambda n=name: crowd.turn() or world.phase(n) in ENDED
                 or world._not(f"{world.told(world.status(n))}, refused: {told(machines.refused())}"),
                 60 + 5 * children, every=0.05)
        world.succeeded(name)
        world.wait_no_pods(name)
        fold = world.history.fold()
        assert fold.lost(uid, children, {"Failed": 1, "Succeeded": 1}) == []
        assert fold.recorded[uid] == [("s", 2)] * children
        ours = sum(fold.refused[uid, child] for child in range(children))
    crowd.end()
    tell(capsys, f"{children} children on {count} kubelets that sum requests, beside {crowd.came} foreign and {crowd.taken} "
                 f"static pods: refused {told(machines.refused())}; {ours} of ours, none an attempt; {fold.revisions} "
                 f"revisions judged, {len(fold.wrong)} violations; {time.monotonic() - begin:.0f} s")
    fold.verdict()
    machines.verdict()
    assert ours > 0, "nobody was refused: this shows nothing"


def test_the_name_of_a_node_comes_back(machines, capsys):
    """A machine dies and another has its name at once; the pods of the first are there still, and their kubelet is new.

    A try of theirs is lost, once, and tried again; what ran elsewhere goes on.
    """
    world, names = machines.world, [f"{machines.world.namespace}-{n}" for n in range(2)]
    first, other = [machines.add(name) for name in names]
    world.wait_valid()
    world.allow_deletes()
    uid = world.submit("work", array=8, cpu="1", run_ms=4000, retry=3)["metadata"]["uid"]
    world.wait_running("work", 8)
    hit = sorted(child_of(pod) for pod in world.pods("work") if pod["spec"]["nodeName"] == names[0])
    assert len(hit) == 4
    old = world.api.get(f"/api/v1/nodes/{names[0]}")["metadata"]["uid"]
    began = time.monotonic()
    first.die()
    world.api.delete(f"/api/v1/nodes/{names[0]}")
    machines.add(names[0])
    assert world.api.get(f"/api/v1/nodes/{names[0]}")["metadata"]["uid"] != old
    world.succeeded("work")
    took = time.monotonic() - began
    world.wait_no_pods("work")
    fold = world.history.fold()
    attempts = [n for _, n in fold.recorded[uid]]
    tell(capsys, f"a node's name came back under 4 of 8 pods: attempts {attempts}, all well after {took:.1f} s; "
                 f"{fold.revisions} revisions judged, {len(fold.wrong)} violations")
    fold.verdict()
    assert attempts == [2 if child in hit else 1 for child in range(8)]
    assert fold.lost(uid, 8, {"Succeeded": 1}) == hit
    assert [dict(fold.ends[uid, child]) for child in hit] == [{"Failed": 1, "Succeeded": 1}] * 4
    assert other.ran >= 4


def test_a_node_is_lost(world, capsys):
    """The machine and its Node go while pods run there: one attempt each, and the next ones follow elsewhere."""
    world.setup(max_vcpus=8)
    history = History(world.api)
    uid = world.submit("work", array=8, cpu="1", hang=True, retry=3)["metadata"]["uid"]
    world.wait_running("work", 8)
    node = world.nodes()[0]["metadata"]["name"]
    hit = {child_of(pod) for pod in world.pods("work") if pod["spec"]["nodeName"] == node}
    assert len(hit) == 4
    world.allow_deletes()
    began = time.monotonic()
    world.api.delete(f"/api/v1/nodes/{node}")
    wait_for("all to run elsewhere", lambda: len({child_of(pod) for pod in world.pods("work")
             if pod["status"].get("phase") == "Running" and pod["spec"]["nodeName"] != node}) == 8, 90)
    took = time.monotonic() - began
    wait_for("the lost attempts to be told", lambda: f"w1*{len(hit)}" in world.status("work")["arrayProperties"]["data"])
    world.request("work", "TERMINATE", "seen enough")
    world.failed("work")
    world.wait_no_pods("work")
    fold = history.fold()
    history.end()
    attempts = [n for _, n in fold.recorded[uid]]
    tell(capsys, f"a node was lost under 4 of 8 pods: they ran again after {took:.1f} s, attempts in the end {attempts}; "
                 f"{fold.revisions} revisions judged, {len(fold.wrong)} violations")
    fold.verdict()
    assert attempts == [2 if child in hit else 1 for child in range(8)]
