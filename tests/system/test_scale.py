# SPDX-License-Identifier: Apache-2.0
"""Buying, filling and giving back nodes. The judge watches maxvCpus and the room of every node meanwhile."""

import pytest

from waiting import stays, wait_for
from world import SMALL, is_sentence


def nodes_are(world, count, environment=None):
    wait_for(f"{count} nodes of {environment or world.environment}",
             lambda: len(world.nodes(environment)) == count or world._not(len(world.nodes(environment))))


def test_from_zero_to_max_and_back(world):
    """20 children, room for 8: two nodes, not one more; and none a moment after the last child."""
    world.setup(max_vcpus=8, idle=1)
    assert world.nodes() == []
    world.submit("work", array=20, cpu="1", run_ms=400)
    most = 0

    def look():
        nonlocal most
        most = max(most, world.node_vcpus())
        return world.phase("work") == "SUCCEEDED"
    wait_for("work to end", look)
    assert most == 8
    status = wait_for("the environment to say that nothing is left",
                      lambda: (s := world.get_environment()["status"]).get("vcpus", 0) == 0 and s)
    assert [status.get(key, 0) for key in ("desiredvCpus", "usedvCpus", "nodes", "nodesBooting")] == [0, 0, 0, 0]
    nodes_are(world, 0)


def test_min_vcpus_stay(world):
    world.setup(max_vcpus=16, idle=0, environment={"computeResources": {"minvCpus": 4}})
    nodes_are(world, 1)
    world.submit("burst", array=8, cpu="2", run_ms=200)
    world.succeeded("burst")
    nodes_are(world, 1)
    stays("one node stays", lambda: len(world.nodes()) == 1, 1)


def test_idle_node_waits_for_its_delay(world):
    """A node that is idle for less than the delay is used again instead of a new one."""
    world.setup(max_vcpus=8, idle=30)
    world.submit("one")
    world.succeeded("one")
    [before] = [n["metadata"]["uid"] for n in world.nodes()]
    world.submit("two")
    world.succeeded("two")
    assert [n["metadata"]["uid"] for n in world.nodes()] == [before]


def test_scale_down_spares_running_jobs(world):
    """Of three nodes two become idle: those go, and the one that works stays."""
    world.setup(max_vcpus=12, idle=1)
    world.submit("long", cpu="4", hang=True)
    world.submit("short", array=2, cpu="4", run_ms=200)
    world.succeeded("short")
    nodes_are(world, 1)
    assert world.phases("long") == {"Running": 1}
    world.allow_deletes()


def test_node_is_not_idle_before_it_is_ready(world):
    """A machine that boots for longer than the idle delay is waited for, and bought once."""
    world.setup(max_vcpus=8, idle=1, catalog=[{**SMALL, "bootSeconds": 3}])
    world.submit("patient", cpu="4", run_ms=300)
    seen = set()
    wait_for("patient to end", lambda: seen.update(n["metadata"]["name"] for n in world.nodes())
             or world.phase("patient") == "SUCCEEDED")
    assert len(seen) == 1, seen


def test_next_type_when_one_runs_out(world):
    """The cheapest type has one machine: the rest is bought of the next, and nobody waits."""
    world.setup(max_vcpus=16, catalog=[{**SMALL, "name": "scarce", "price": "0.1", "capacity": 1},
                                       {**SMALL, "name": "plenty", "price": "0.9"}])
    world.submit("three", array=3, cpu="4", hang=True)
    world.wait_running("three", 3)
    types = sorted(n["metadata"]["labels"]["node.kubernetes.io/instance-type"] for n in world.nodes())
    assert types == ["plenty", "plenty", "scarce"]
    world.allow_deletes()


def test_capacity_that_runs_out_is_said(world):
    world.setup(max_vcpus=16, catalog=[{**SMALL, "name": "scarce", "capacity": 1}])
    world.submit("two", array=2, cpu="4", hang=True)
    world.wait_running("two", 1)
    text = world.wait_reason("two", "1 of 2", "INSUFFICIENT_INSTANCE_CAPACITY", "scarce")
    assert is_sentence(text), text
    world.allow_deletes()


def test_type_is_chosen_by_need(world):
    world.setup(max_vcpus=64, catalog=[SMALL, {"name": "large", "vcpus": 16, "memory": "64Gi", "price": "0.75",
                                               "bootSeconds": 0}])
    world.submit("fat", cpu="10", hang=True)
    world.wait_running("fat", 1)
    assert [n["metadata"]["labels"]["node.kubernetes.io/instance-type"] for n in world.nodes()] == ["large"]
    world.allow_deletes()


def test_two_environments_in_order(world):
    first, second = f"{world.environment}-a", f"{world.environment}-b"
    world.add_environment(first, max_vcpus=4)
    world.add_environment(second, max_vcpus=4)
    world.add_queue(world.queue, [first, second])
    for name, environment in (("one", first), ("two", second)):
        world.submit(name, cpu="4", hang=True)
        world.wait_running(name, 1)
        assert [p["metadata"]["labels"]["bulkhead.dev/compute-environment"] for p in world.pods(name)] == [environment]
    world.submit("three", cpu="4")
    text = world.wait_reason("three", first, second)
    assert is_sentence(text), text
    world.allow_deletes()


def test_queue_priority(world):
    """One place, two queues: what waits in the queue of higher priority goes first, whoever came first."""
    world.setup(max_vcpus=4, idle=30, queue={"priority": 1})
    high = f"{world.queue}-high"
    world.add_queue(high, [world.environment], priority=100)
    world.submit("blocker", cpu="4", hang=True)
    world.wait_running("blocker", 1)
    low = world.submit("low", cpu="4")
    world.wait_reason("low", world.environment)
    top = world.submit("high", cpu="4", queue=high)
    world.wait_reason("high", world.environment)
    world.allow_deletes()
    world.request("blocker", "TERMINATE", "make room")
    world.succeeded("low")
    world.succeeded("high")
    [first], [then] = (world.judge.pods_of(j["metadata"]["uid"]) for j in (top, low))
    assert first.created_at < then.created_at


def test_age_within_a_queue(world):
    """In a queue the older job goes first."""
    world.setup(max_vcpus=4, idle=30)
    world.submit("blocker", cpu="4", hang=True)
    world.wait_running("blocker", 1)
    stamp = world.submit("a-young")["metadata"]["creationTimestamp"]  # of the same second names decide
    jobs = [("b-waits", world.submit("b-waits", cpu="4"))]
    wait_for("the next second", lambda: jobs.append(("c", world.submit(f"c{len(jobs)}", cpu="4")))
             or jobs[-1][1]["metadata"]["creationTimestamp"] > stamp, every=0.3)
    world.allow_deletes()
    world.request("blocker", "TERMINATE", "make room")
    for _, doc in jobs:
        world.succeeded(doc["metadata"]["name"])
    began = [world.judge.pods_of(doc["metadata"]["uid"])[0].created_at for _, doc in jobs]
    assert began == sorted(began)


def static(world, nodes=2, cpu=4):
    world.add_static_environment(world.environment)
    world.add_queue(world.queue, [world.environment])
    for i in range(nodes):
        world.add_node(f"{world.namespace}-{i}", cpu=cpu)
    world.wait_valid()


def test_static_nodes(world):
    """An UNMANAGED environment: nodes that carry its label are used, none is started or stopped."""
    static(world)
    world.submit("work", array=12, cpu="2", run_ms=200)
    world.succeeded("work")
    used = {p.pod["spec"]["nodeName"] for p in world.judge.pods_of(world.job("work")["metadata"]["uid"])}
    assert used == {f"{world.namespace}-0", f"{world.namespace}-1"}
    world.submit("wide", cpu="5")
    assert is_sentence(world.wait_reason("wide", "no labelled node is large enough"))
    world.add_node(f"{world.namespace}-big", cpu=8)
    world.succeeded("wide")


def foreign_pod(world, name, node, cpu):
    path = f"/api/v1/namespaces/{world.namespace}/pods"
    world.api.post(path, {"metadata": {"name": name}, "spec": {
        "nodeSelector": {"kubernetes.io/hostname": node}, "terminationGracePeriodSeconds": 0,
        "tolerations": [{"operator": "Exists"}],
        "containers": [{"name": "main", "image": "i", "resources": {"requests": {"cpu": cpu}}}]}})
    wait_for(f"foreign pod {name} to run",
             lambda: world.api.get(f"{path}/{name}")["status"].get("phase") == "Running")
    return f"{path}/{name}"


def test_foreign_pods_keep_their_room(world):
    """Somebody else's pod takes 3 of 4 CPUs of a node: only what is left is used, and all of it once that pod goes."""
    static(world, nodes=1)
    pod = foreign_pod(world, "somebody", f"{world.namespace}-0", "3")
    world.submit("work", array=3, cpu="1", hang=True)
    world.wait_running("work", 1)
    assert is_sentence(world.wait_reason("work", "2 of 3", "nodes are full"))
    stays("one runs", lambda: world.phases("work") == {"Running": 1}, 0.7)
    world.api.delete(pod, gracePeriodSeconds=0)
    world.wait_running("work", 3)
    world.allow_deletes()


def test_daemon_sets_keep_their_room(world):
    """A DaemonSet that goes onto every node of an environment has room there before its pod exists."""
    world.api.post(f"/apis/apps/v1/namespaces/{world.namespace}/daemonsets", {
        "metadata": {"name": "agent"}, "spec": {
            "selector": {"matchLabels": {"app": "agent"}},
            "template": {"metadata": {"labels": {"app": "agent"}}, "spec": {
                "nodeSelector": {"bulkhead.dev/compute-environment": world.environment},
                "tolerations": [{"operator": "Exists"}], "terminationGracePeriodSeconds": 0,
                "containers": [{"name": "main", "image": "i", "resources": {"requests": {"cpu": "1"}}}]}}}})
    world.setup(max_vcpus=16)
    world.submit("work", array=4, cpu="2", run_ms=1200)
    world.succeeded("work")
    pods = world.judge.pods_of(world.job("work")["metadata"]["uid"])
    assert len({p.pod["spec"]["nodeName"] for p in pods}) >= 2, "4 - 1 CPUs hold one child of 2, not two"
    # A node whose room the agent needs is not for a job that would take all of it.
    world.submit("whole", cpu="4")
    assert is_sentence(world.wait_reason("whole", world.environment))


@pytest.mark.long
def test_node_that_goes_away(world):
    """The machine is gone while the job runs: an attempt, told in AWS's words, and the next one follows.

    Kubernetes itself waits 40 s before it calls the pods of a deleted node lost."""
    world.setup(max_vcpus=4)
    world.submit("hit", hang=True, retry=2)
    world.wait_running("hit", 1)
    [node] = world.nodes()
    world.allow_deletes()
    world.api.delete(f"/api/v1/nodes/{node['metadata']['name']}")
    job = world.job("hit")["metadata"]["uid"]
    wait_for("the second attempt to run", lambda: len(world.judge.pods_of(job)) == 2
             and world.phases("hit").get("Running"), 120)
    status = wait_for("the first attempt in status", lambda: (s := world.status("hit")).get("tries") and s)
    assert status["tries"][0]["statusReason"].startswith("Host EC2 ("), status["tries"][0]


@pytest.mark.long
def test_silent_node(world):
    """A node that stops answering: what ran on it is tried again elsewhere."""
    static(world, nodes=2)
    world.submit("hit", cpu="3", hang=True, retry=2)
    world.wait_running("hit", 1)
    node = world.pods("hit")[0]["spec"]["nodeName"]
    world.allow_deletes()
    world.api.patch(f"/api/v1/nodes/{node}", {"metadata": {"annotations": {"kwok.bulkhead.dev/silent": "true"}}})
    wait_for("the job to go on elsewhere", lambda: any(
        p["spec"]["nodeName"] != node and p["status"].get("phase") == "Running" for p in world.pods("hit")), 480)


@pytest.mark.long
def test_thousand_children(world):
    world.setup(max_vcpus=128, catalog=[{**SMALL, "vcpus": 16, "memory": "64Gi"}])
    job = world.submit("sweep", array=1000, cpu="250m", memory="16Mi", retry=2, fail_attempts="1", run_ms=50)
    status = world.succeeded("sweep", deadline=240)
    assert status["arrayProperties"]["statusSummary"]["SUCCEEDED"] == 1000
    assert len(world.judge.pods_of(job["metadata"]["uid"])) == 2000
