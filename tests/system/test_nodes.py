# SPDX-License-Identifier: Apache-2.0
"""Multi-node parallel jobs: placed whole, the main node first, and it decides."""

from dev_api import ApiError
from waiting import wait_for
from world import template

ONE = {"name": "one", "vcpus": 2, "memory": "4Gi", "price": "0.1", "bootSeconds": 0}


def nodes(num, main=0, others=None, **how):
    """nodeProperties with the main node's template, and another for the rest."""
    return {"nodeProperties": {"numNodes": num, "mainNode": main, "nodeRangeProperties": [
        {"targetNodes": "0:", "template": template(**{"hang": True, **(others or {})})},
        {"targetNodes": str(main), "template": template(**how)}]}}


def submit(world, name, spec, **how):
    return world.submit(name, spec={"template": None, **spec}, **how)


def environment_of(pod):
    return {e["name"]: e.get("value") for e in pod["spec"]["containers"][0]["env"]}


def lives(world, name):
    """{node index: [life of each of its pods, oldest first]}, as the judge saw them."""
    found = {}
    for seen in world.judge.pods_of(world.job(name)["metadata"]["uid"]):
        found.setdefault(int(seen.labels["bulkhead.dev/index"]), []).append(seen)
    return found


def room(world, max_vcpus=16):
    """Room for eight nodes and no more."""
    world.setup(max_vcpus=max_vcpus, catalog=[ONE])
    world.allow_deletes()  # the others are stopped when the main node has ended
    return world


def test_eight_nodes(world):
    """The main node first, each alone on its node; a child's end is not the job's; the main node's is."""
    room(world)
    submit(world, "sum", nodes(8, main=3, hang=True))
    world.submit("then", run_ms=100)
    pods = world.wait_running("sum", 8) and world.pods("sum")
    assert len({p["spec"]["nodeName"] for p in pods}) == 8
    assert world.phase("then") != "SUCCEEDED"
    told = {int(environment_of(p)["AWS_BATCH_JOB_NODE_INDEX"]): environment_of(p) for p in pods}
    assert sorted(told) == list(range(8))
    for index, variables in told.items():
        assert variables["AWS_BATCH_JOB_NUM_NODES"] == "8"
        assert variables["AWS_BATCH_JOB_MAIN_NODE_INDEX"] == "3"
        assert variables["AWS_BATCH_JOB_ID"].endswith(f"#{index}")
        # Which address it is, real kubelets tell: KWOK may give a pod another one later.
        assert ("AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS" in variables) == (index != 3)
    seen = lives(world, "sum")
    began = min(s.created_at for i, [s] in seen.items() if i != 3)
    assert seen[3][0].created_at < began
    status = wait_for("all to be told to run", lambda: (s := world.status("sum"))
                      and s["nodeProperties"]["statusSummary"]["RUNNING"] == 8 and s)
    assert status["progress"] == "8/8 nodes" and status["nodeProperties"]["mainNode"] == 3

    child = next(p for p in pods if environment_of(p)["AWS_BATCH_JOB_NODE_INDEX"] == "5")["metadata"]["name"]
    world.api.delete(f"/api/v1/namespaces/{world.namespace}/pods/{child}")
    wait_for("the child's end to be told", lambda: [t for t in world.status("sum").get("tries", []) if t["index"] == 5])
    assert world.phase("sum") == "RUNNING"
    assert len(lives(world, "sum")[5]) == 1

    world.request("sum", "TERMINATE", "seen enough")
    status = world.failed("sum")
    assert status["statusReason"] == "seen enough" and status["attempts"] == 1
    world.succeeded("then")
    world.wait_no_pods("sum")


def test_only_the_main_node_retries(world):
    """All again once all have gone; the success of the main node ends the others."""
    room(world)
    submit(world, "twice", nodes(4, fail_attempts=1, run_ms=300), retry=3)
    status = world.succeeded("twice")
    assert status["attempts"] == 2
    first, second = ([s[n] for s in lives(world, "twice").values() if len(s) > n] for n in (0, 1))
    assert {s.pod["metadata"]["annotations"]["bulkhead.dev/attempt"] for s in second} == {"2"}
    assert len(second) >= 1 and len(first) == 4
    world.wait_no_pods("twice")


def test_no_room_for_all_starts_none(world):
    """With room for two of three it waits, says so, and no pod of it is ever made."""
    room(world, max_vcpus=4)
    submit(world, "large", nodes(3))
    world.wait_reason("large", "needs 3 nodes at once", "within maxvCpus 4")
    world.submit("small", run_ms=100)
    world.succeeded("small")
    assert not lives(world, "large")
    world.request("large", "CANCEL", "too large")
    world.failed("large")


def hostnames(world, service):
    """What DNS answers with: {hostname: address}, from the Service's EndpointSlices."""
    slices = world.api.get(f"/apis/discovery.k8s.io/v1/namespaces/{world.namespace}/endpointslices"
                           f"?labelSelector=kubernetes.io/service-name%3D{service}")["items"]
    return {e.get("hostname"): e["addresses"][0] for s in slices for e in s.get("endpoints") or []}


def test_names_of_nodes(world):
    """A headless Service names the nodes, from before the first pod until the job has ended."""
    room(world)
    services = f"/api/v1/namespaces/{world.namespace}/services"
    submit(world, "mesh", nodes(3, main=1, hang=True))
    pods = world.wait_running("mesh", 3) and world.pods("mesh")
    [service] = [s for s in world.api.get(services)["items"] if s["metadata"]["name"].startswith("mesh-")]
    name, job = service["metadata"]["name"], world.job("mesh")
    assert name == "mesh-" + job["metadata"]["uid"][:8]
    assert service["metadata"]["ownerReferences"][0]["uid"] == job["metadata"]["uid"]
    assert service["spec"]["clusterIP"] == "None" and service["spec"]["publishNotReadyAddresses"]
    assert service["metadata"]["creationTimestamp"] <= min(p["metadata"]["creationTimestamp"] for p in pods)
    for pod in pods:
        variables = environment_of(pod)
        host = f"{name}-{variables['AWS_BATCH_JOB_NODE_INDEX']}"
        assert (pod["spec"]["hostname"], pod["spec"]["subdomain"]) == (host, name)
        assert variables["BULKHEAD_JOB_NODE_NAME"] == f"{host}.{name}.{world.namespace}.svc"
        assert variables["BULKHEAD_JOB_MAIN_NODE_NAME"] == f"{name}-1.{name}.{world.namespace}.svc"
    wait_for("all names to be known", lambda: sorted(hostnames(world, name)) == [f"{name}-{i}" for i in range(3)])

    world.request("mesh", "TERMINATE", "seen enough")
    world.failed("mesh")
    wait_for("the Service to go", lambda: not [s for s in world.api.get(services)["items"]
                                              if s["metadata"]["name"] == name])
    world.wait_no_pods("mesh")


def test_a_definition_of_several_nodes(world):
    room(world)
    path = f"/apis/bulkhead.dev/v1alpha1/namespaces/{world.namespace}/jobdefinitions"
    doc = {"apiVersion": "bulkhead.dev/v1alpha1", "kind": "JobDefinition", "metadata": {"name": "pair"}}
    world.api.post(path, {**doc, "spec": {"type": "multinode", **nodes(2, run_ms=200)}})
    world.submit("by-definition", definition="pair")
    assert world.succeeded("by-definition")["nodeProperties"]["numNodes"] == 2
    world.submit("three", definition="pair", spec={"nodeOverrides": {"numNodes": 3}})
    status = world.succeeded("three")
    assert status["nodeProperties"]["numNodes"] == 3
    bad = nodes(2)
    for why, change in (("mainNode: expected less than numNodes", {"mainNode": 2}),):
        try:
            submit(world, "bad", {"nodeProperties": {**bad["nodeProperties"], **change}})
        except ApiError as error:
            assert why in str(error)
        else:
            raise AssertionError("it was accepted")
