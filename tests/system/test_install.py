# SPDX-License-Identifier: Apache-2.0
"""Installing, showing, applying again, and taking away: what admins and GitOps tools do."""

import os
import subprocess

import pytest
import yaml

from dev_api import BULKHEAD, Api
from dev_controller import ROOT, install, program
from devcluster import DevCluster
from waiting import stays, wait_for, wait_quiet
from world import API_VERSION, SMALL, is_sentence, job, template

EXAMPLES = ROOT / "manifests" / "examples"


def test_examples_end_well_and_apply_again_writes_nothing(world, tmp_path):
    """Everything in manifests/examples runs; applying it again changes nothing and makes nobody write.

    Only the array of a thousand children is made one of a hundred."""
    cluster = world.cluster
    kubectl = cluster.kubectl
    documents = [doc for file in sorted(EXAMPLES.glob("*.yaml")) for doc in yaml.safe_load_all(file.read_text())]
    jobs = [doc for doc in documents if doc["kind"] == "BatchJob"]
    for doc in jobs:
        array = doc["spec"].get("arrayProperties", {})
        array.update({"size": min(array["size"], 100)} if "size" in array else {})
    examples = tmp_path / "examples.yaml"
    examples.write_text(yaml.safe_dump_all(documents))
    namespace = jobs[0]["metadata"]["namespace"]
    world.namespaces.append(namespace)
    world.judge.allow_deletes(namespace)  # the end of a multi-node job stops its other nodes
    plurals = {"ComputeEnvironment": "computeenvironments", "ConsumableResource": "consumableresources",
               "JobQueue": "jobqueues", "SchedulingPolicy": "schedulingpolicies"}
    world.cluster_objects += [(f"{BULKHEAD}/{plurals[doc['kind']]}", doc["metadata"]["name"])
                              for doc in documents if doc["kind"] in plurals]
    code, _, err = kubectl("apply", "-f", examples)
    assert code == 0, err
    for doc in jobs:
        path = f"{BULKHEAD}/namespaces/{namespace}/batchjobs/{doc['metadata']['name']}"
        wait_for(f"{doc['metadata']['name']} to end", lambda p=path: world.controller.alive()
                 and world.api.get(p).get("status", {}).get("status") == "SUCCEEDED", 60)
    wait_for("the pods to be gone", lambda: not world.api.items(f"/api/v1/namespaces/{namespace}/pods"))

    def versions():
        return {doc["metadata"]["name"]: doc["metadata"]["resourceVersion"] for plural in ("batchjobs", "jobdefinitions")
                for doc in world.api.items(f"{BULKHEAD}/namespaces/{namespace}/{plural}")}
    # Nodes are idle for a minute before they go, so that nothing moves now but the lease.
    writes = wait_quiet("the number of writes", lambda: world.controller.metric("bulkhead_writes_total"))
    before = versions()
    code, out, err = kubectl("apply", "-f", examples)
    assert code == 0, err
    assert all(line.endswith("unchanged") for line in out.splitlines()), out
    stays("nothing is written", lambda: versions() == before
          and world.controller.metric("bulkhead_writes_total") == writes, 1)


def test_deleting_what_live_jobs_use_waits(world):
    """A queue and an environment in use stay until the last job has ended, and say for whom they wait."""
    world.setup()
    world.submit("last-one", hang=True)
    world.wait_running("last-one")
    world.api.delete(f"{BULKHEAD}/jobqueues/{world.queue}")
    world.api.delete(f"{BULKHEAD}/computeenvironments/{world.environment}")
    for get in (world.get_queue, world.get_environment):
        text = wait_for("DELETING", lambda g=get: (s := g()["status"])["status"] == "DELETING" and s["statusReason"])
        assert "last-one" in text and is_sentence(text), text
    assert world.phases("last-one") == {"Running": 1}, "the job goes on meanwhile"
    world.submit("too-late")
    assert is_sentence(world.wait_reason("too-late", "being deleted"))
    world.allow_deletes()
    world.api.delete(world.jobs_path("too-late"))
    world.request("last-one", "TERMINATE", "done")
    world.failed("last-one")
    wait_for("both to be gone", lambda: world.api.find(f"{BULKHEAD}/jobqueues/{world.queue}") is None
             and world.api.find(f"{BULKHEAD}/computeenvironments/{world.environment}") is None)


def test_metrics_tell_the_truth(world):
    """The text format parses, and at rest the numbers are those that the API server has."""
    world.setup(max_vcpus=8)
    world.submit("hold", array=10, cpu="2", hang=True)
    world.submit("later", cpu="2")  # behind it
    world.wait_running("hold", 4)
    controller = world.controller
    wait_for("the status to say so", lambda: world.status("hold").get("running") == 4)
    wait_for("everything to be at rest", lambda: not controller.metric("bulkhead_actions_in_flight"))

    def jobs(phase):
        return controller.metric("bulkhead_jobs", queue=world.queue, phase=phase)
    assert {p: jobs(p) for p in ("RUNNING", "RUNNABLE", "STARTING")} == {"RUNNING": 4, "RUNNABLE": 7, "STARTING": 0}
    wait_for("the queue's status to have the same numbers", lambda: [
        world.get_queue()["status"]["jobs"].get(phase) for phase in ("RUNNING", "RUNNABLE")] == [4, 7])
    vcpus = {state: controller.metric("bulkhead_environment_vcpus", environment=world.environment, state=state)
             for state in ("current", "used", "max")}
    assert vcpus == {"current": 8, "used": 8, "max": 8}
    assert controller.metric("bulkhead_environment_nodes", environment=world.environment, state="ready") == 2
    assert controller.metric("bulkhead_watch_repaired_total") == 0
    status, text = controller.http("/metrics")
    assert status == 200
    names = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
    assert all(name.startswith("bulkhead_") for name in names)
    world.allow_deletes()


def own_cluster(name, cluster, *flags):
    dev = DevCluster(f"{name}-{os.getpid()}").up(nodes="kwok")
    install(dev, dev.dir / "controller.kubeconfig")
    controller = cluster.new_controller(name, *flags, kubeconfig=dev.dir / "controller.kubeconfig")
    return dev, Api.of(dev), controller


def put_to_work(api):
    """A namespace with a queue, an environment and an array that runs until somebody stops it."""
    api.post("/api/v1/namespaces", {"metadata": {"name": "research"}})
    wait_for("its service account", lambda: api.find("/api/v1/namespaces/research/serviceaccounts/default"))
    api.post(f"{BULKHEAD}/computeenvironments", {
        "apiVersion": API_VERSION, "kind": "ComputeEnvironment", "metadata": {"name": "kwok"},
        "spec": {"type": "MANAGED", "kubernetesNamespaces": ["research"], "computeResources": {"maxvCpus": 8},
                 "nodeGroup": {"provider": "kwok", "kwok": {"catalog": [SMALL]}}}})
    api.post(f"{BULKHEAD}/jobqueues", {
        "apiVersion": API_VERSION, "kind": "JobQueue", "metadata": {"name": "default"},
        "spec": {"computeEnvironmentOrder": [{"order": 1, "computeEnvironment": "kwok"}]}})
    api.post(f"{BULKHEAD}/namespaces/research/batchjobs", job("endless", "default", array=6, hang=True))
    wait_for("it to run", lambda: len([p for p in api.items("/api/v1/namespaces/research/pods")
                                       if p["status"].get("phase") == "Running"]) == 6)


def nothing_left(dev, api):
    assert "bulkhead" not in dev.kubectl("get", "crd", "-o", "name")
    assert not api.items("/api/v1/namespaces/research/pods")
    assert not api.items("/api/v1/nodes")
    for path in ("/api/v1/namespaces/bulkhead-system", "/apis/rbac.authorization.k8s.io/v1/clusterroles/bulkhead-controller"):
        wait_for(f"{path} to be gone", lambda p=path: api.find(p) is None)


def test_uninstall(cluster, the_controller):
    """In the order that the docs give: jobs and queues first, then the rest. Nothing hangs on a finalizer."""
    dev, api, controller = own_cluster("uninstall", cluster)
    try:
        controller.start().wait_leading()
        put_to_work(api)
        dev.kubectl("delete", "bj,jq,ce", "--all", "-A", "--timeout=45s", timeout=60)
        dev.kubectl("delete", "-k", ROOT / "manifests" / "kwok", "--ignore-not-found", "--timeout=45s", timeout=60)
        nothing_left(dev, api)
    finally:
        controller.kill()
        dev.down()


def test_uninstall_all_at_once(cluster, the_controller):
    """The CRDs are deleted under running jobs: their objects go, the controller takes its finalizers off."""
    dev, api, controller = own_cluster("uproot", cluster)
    try:
        controller.start().wait_leading()
        put_to_work(api)
        dev.kubectl("delete", "-k", ROOT / "crds", "--timeout=45s", timeout=60)
        wait_for("the pods to be gone", lambda: not api.items("/api/v1/namespaces/research/pods"))
        wait_for("the nodes to be gone", lambda: not api.items("/api/v1/nodes"))
        dev.kubectl("delete", "-k", ROOT / "manifests" / "kwok", "--ignore-not-found", "--timeout=45s", timeout=60)
        nothing_left(dev, api)
    finally:
        controller.kill()
        dev.down()


def run_uninstall(dev, timeout=90):
    """(exit status, what it said) of the controller's --uninstall, as cluster admin."""
    result = subprocess.run([program(), "--uninstall", "--kubeconfig", dev.kubeconfig], capture_output=True, text=True,
                            timeout=timeout, check=False)
    return result.returncode, result.stderr


def test_uninstall_without_a_controller(cluster, the_controller):
    """The controller has died among jobs in every state: --uninstall takes off what waits for it, and nothing hangs."""
    dev, api, controller = own_cluster("orphaned", cluster, "--lease-duration", "6", "--renew-deadline", "5")
    jobs = f"{BULKHEAD}/namespaces/research/batchjobs"

    def phases():
        return {doc["metadata"]["name"]: doc.get("status", {}).get("status") for doc in api.items(jobs)}
    try:
        controller.start().wait_leading()
        put_to_work(api)
        api.post(f"{BULKHEAD}/consumableresources", {
            "apiVersion": API_VERSION, "kind": "ConsumableResource", "metadata": {"name": "licence"},
            "spec": {"resourceType": "REPLENISHABLE", "totalQuantity": 1}})
        api.post(f"{BULKHEAD}/namespaces/research/jobdefinitions", {
            "apiVersion": API_VERSION, "kind": "JobDefinition", "metadata": {"name": "twice"},
            "spec": {"type": "container", "template": template(cpu="100m")}})
        for name, how in (("good", {"cpu": "100m", "definition": "twice"}), ("bad", {"cpu": "100m", "exit_code": 1}),
                          ("large", {"cpu": "64"}), ("later", {"cpu": "100m", "depends": ["endless"]})):
            api.post(jobs, job(name, "default", **how))
        api.post(jobs, job("with-licence", "default", cpu="100m", hang=True, spec={"consumableResourceProperties": {
            "consumableResourceList": [{"consumableResource": "licence", "quantity": 1}]}}))
        wait_for("them to be where they should", lambda: {"good": "SUCCEEDED", "bad": "FAILED", "later": "PENDING"}.items()
                 <= phases().items() and phases()["with-licence"] == "RUNNING")
        code, said = run_uninstall(dev)
        assert code == 1 and "a controller leads; stop it first" in said, said
        api.post(jobs, job("ends-unseen", "default", cpu="100m", array=4, run_ms=4000))
        wait_for("its pods", lambda: len(api.items("/api/v1/namespaces/research/pods")) == 11)
        controller.kill()
        wait_for("an end that nobody records", lambda: sum(
            pod["status"].get("phase") == "Succeeded" for pod in api.items("/api/v1/namespaces/research/pods")) >= 4, 30)
        for plural in ("jobqueues", "computeenvironments", "consumableresources"):
            api.delete(f"{BULKHEAD}/{plural}")
        api.delete(jobs)  # their pods are the garbage collector's, and wait for their finalizers
        code, said = run_uninstall(dev)
        assert code == 0, said
        for words in ("msg=\"taken away\" kind=Pod", "kind=JobQueue finalizers=1", "kind=ComputeEnvironment finalizers=1",
                      "kind=ConsumableResource finalizers=1", "kind=ControllerRevision", "nodes of environments are left"):
            assert words in said, f"{words}:\n{said}"
        code, again = run_uninstall(dev)
        assert code == 0 and "taken away" not in again, again
        wait_for("the pods to be gone", lambda: not api.items("/api/v1/namespaces/research/pods"))
        dev.kubectl("delete", "-k", ROOT / "manifests" / "kwok", "--ignore-not-found", "--timeout=45s", timeout=60)
        assert not api.items("/apis/apps/v1/controllerrevisions?labelSelector=bulkhead.dev/job-definition")
        api.delete("/api/v1/nodes")
        wait_for("the nodes to be gone", lambda: not api.items("/api/v1/nodes"))
        nothing_left(dev, api)
    finally:
        controller.kill()
        dev.down()


def test_namespace_deleted(world):
    """The namespace goes under running jobs: pods, jobs and the namespace itself are gone soon."""
    world.setup()
    world.submit("work", array=3, hang=True)
    world.wait_running("work", 3)
    world.allow_deletes()
    world.api.delete(f"/api/v1/namespaces/{world.namespace}")
    wait_for("the namespace to be gone", lambda: world.api.find(f"/api/v1/namespaces/{world.namespace}") is None)
    world.namespaces.clear()


@pytest.mark.long
def test_idle_controller_writes_nothing(world):
    """A minute of nothing costs the API server a lease renewal a second and no other write."""
    world.setup()
    world.submit("one")
    world.succeeded("one")
    wait_for("the nodes to be gone", lambda: not world.nodes())
    writes = wait_quiet("the number of writes", lambda: world.controller.metric("bulkhead_writes_total"), seconds=5)
    stays("nothing is written", lambda: world.controller.metric("bulkhead_writes_total") == writes, 60)
