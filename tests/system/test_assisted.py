# SPDX-License-Identifier: Apache-2.0
"""Pods that only the cluster's scheduler can place: created without a node, bound by the real kube-scheduler."""

from waiting import wait_for
from world import condition

APART = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
    {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "apart"}}}]}}
NEAR_NOBODY = {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
    {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "nobody"}}}]}}


def lives(world, name):
    return world.judge.pods_of(world.job(name)["metadata"]["uid"])


def test_apart_from_each_other(world):
    """Two small pods that may not share a node: a second machine is bought, and the scheduler uses both."""
    world.setup()
    world.submit("apart", array=2, hang=False, run_ms=1500, labels={"app": "apart"}, spec={
        "template": {"spec": {"affinity": APART}}})
    world.wait_running("apart", 2)
    nodes = {pod["spec"]["nodeName"] for pod in world.pods("apart")}
    assert len(nodes) == 2 and nodes <= {node["metadata"]["name"] for node in world.nodes()}, nodes
    world.succeeded("apart")
    for pod in lives(world, "apart"):
        assert "nodeSelector" in pod.pod["spec"]
        assert condition(pod.pod, "PodScheduled")["status"] == "True", "the scheduler bound it"


def test_a_claim_that_waits_for_its_first_consumer(world):
    """With a preset nodeName such a claim would stay unbound for ever."""
    world.setup()
    name = world.namespace
    world.api.post("/apis/storage.k8s.io/v1/storageclasses", {
        "metadata": {"name": name}, "provisioner": "kubernetes.io/no-provisioner",
        "volumeBindingMode": "WaitForFirstConsumer"})
    world.api.post("/api/v1/persistentvolumes", {
        "metadata": {"name": name}, "spec": {
            "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": name,
            "persistentVolumeReclaimPolicy": "Retain", "hostPath": {"path": "/tmp/none"}}})
    claims = f"/api/v1/namespaces/{name}/persistentvolumeclaims"
    world.api.post(claims, {
        "metadata": {"name": "data"}, "spec": {
            "accessModes": ["ReadWriteOnce"], "storageClassName": name,
            "resources": {"requests": {"storage": "1Gi"}}}})
    try:
        world.submit("reader", run_ms=200, spec={"template": {"spec": {
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]}}})
        world.succeeded("reader")
        assert world.api.get(f"{claims}/data")["status"]["phase"] == "Bound"
        [pod] = lives(world, "reader")
        assert pod.phases[-1] == "Succeeded"
    finally:
        world.api.delete(f"/api/v1/persistentvolumes/{name}")
        world.api.delete(f"/apis/storage.k8s.io/v1/storageclasses/{name}")


def test_the_schedulers_words(world):
    """What hangs says why, in the scheduler's words, until its start deadline; another job is not in its way."""
    world.setup()
    world.submit("near", retry=1, spec={"startDeadlineSeconds": 12,
                                        "template": {"spec": {"affinity": NEAR_NOBODY}}})
    wait_for("the scheduler's words", lambda: "waits for the cluster's scheduler: Unschedulable: "
             in world.status("near").get("statusReason", ""))
    world.submit("other", run_ms=100)
    world.succeeded("other")
    world.failed("near")
    status = world.status("near")
    assert status["statusReason"] == "Task failed to start"
    assert "Unschedulable" in status["tries"][-1]["reason"], status["tries"]


def test_killed_while_the_scheduler_works(world):
    """A controller that is started again finds its unbound pods, and makes no second one."""
    world.setup()
    world.submit("apart", array=2, run_ms=300, labels={"app": "apart"}, spec={
        "template": {"spec": {"affinity": APART}}})
    wait_for("a pod", lambda: world.pods("apart"))
    world.controller.kill()
    world.controller.start()
    world.succeeded("apart")
    assert len(lives(world, "apart")) == 2
