# SPDX-License-Identifier: Apache-2.0
"""Revisions of a JobDefinition: an edit makes one, new jobs get the newest, and a job keeps what it was accepted with."""

from dev_api import BULKHEAD
from waiting import wait_for
from world import is_sentence

REVISIONS = "bulkhead.dev/job-definition"


def definition(image, **spec):
    return {"apiVersion": "bulkhead.dev/v1alpha1", "kind": "JobDefinition", "metadata": {"name": "train"},
            "spec": {"template": {"metadata": {"annotations": {"kwok.bulkhead.dev/run-ms": "300"}}, "spec": {
                "containers": [{"name": "main", "image": f"busybox:{image}",
                                "resources": {"requests": {"cpu": "500m", "memory": "64Mi"}}}]}}, **spec}}


class Definition:
    def __init__(self, world):
        self.world, self.api = world, world.api
        self.all = f"{BULKHEAD}/namespaces/{world.namespace}/jobdefinitions"

    def create(self, image, **spec):
        return self.api.post(self.all, definition(image, **spec))

    def edit(self, image, **spec):
        return self.api.patch(f"{self.all}/train", {"spec": definition(image, **spec)["spec"]})

    def told(self, latest, *active, status="ACTIVE"):
        """Its status, once it says so of the newest spec."""
        def look():
            doc = self.api.get(f"{self.all}/train")
            got = doc.get("status", {})
            assert got.get("observedGeneration") == doc["metadata"]["generation"], f"it is {got}"
            assert (got.get("latestRevision"), got.get("activeRevisions", [])) == (latest, list(active)), f"it is {got}"
            assert got["status"] == status, f"it is {got}"
            return got
        return wait_for(f"revision {latest} to be told", look)

    def stored(self):
        """{number: image} of what is kept."""
        kept = self.api.items(f"/apis/apps/v1/namespaces/{self.world.namespace}/controllerrevisions"
                              f"?labelSelector={REVISIONS}=train")
        return {doc["revision"]: doc["data"]["spec"]["template"]["spec"]["containers"][0]["image"] for doc in kept}


def images(world, name):
    pods = world.judge.pods_of(world.job(name)["metadata"]["uid"])
    return [p.pod["spec"]["containers"][0]["image"] for p in sorted(pods, key=lambda p: int(p.labels["bulkhead.dev/try"]))]


def test_edit_is_a_revision(world):
    """By name the newest, by number that one; the same again is none; one that is to come is waited for."""
    world.setup()
    train = Definition(world)
    world.submit("third", definition="train:3")
    train.create("1")
    train.told(1, 1)
    train.edit("2")
    train.told(2, 2, 1)
    code, _, err = world.cluster.kubectl("label", "jd/train", "team=blue", "-n", world.namespace)
    assert code == 0, err
    train.edit("2")
    world.submit("newest", definition="train")
    world.submit("first", definition="train:1")
    assert world.succeeded("newest")["definition"] == "train:2"
    assert world.succeeded("first")["definition"] == "train:1"
    assert images(world, "newest") == ["busybox:2"]
    assert images(world, "first") == ["busybox:1"]
    assert world.wait_phase("third", "SUBMITTED")["reason"] == "JobDefinitionMissing"
    train.edit("3")
    assert world.succeeded("third")["definition"] == "train:3"
    assert train.stored() == {1: "busybox:1", 2: "busybox:2", 3: "busybox:3"}
    code, out, _ = world.cluster.kubectl("get", "jd", "train", "-n", world.namespace)
    assert code == 0
    assert out.splitlines()[1].split()[1:3] == ["ACTIVE", "3"]


def test_deregistered(world):
    world.setup()
    train = Definition(world)
    train.create("1")
    train.told(1, 1)
    train.edit("2", deregisteredRevisions=[2])
    train.told(2, 1)
    world.submit("by-name", definition="train")
    world.submit("by-number", definition="train:2")
    assert world.succeeded("by-name")["definition"] == "train:1"
    status = world.failed("by-number")
    assert status["reason"] == "InvalidDefinition"
    assert "train:2 is INACTIVE" in status["statusReason"]
    assert is_sentence(status["statusReason"])
    train.edit("2", deregisteredRevisions=[1, 2])
    train.told(2, status="INACTIVE")
    world.submit("none", definition="train")
    assert "all its revisions are deregistered" in world.failed("none")["statusReason"]


def test_kept_across_restart(world):
    """The definition is edited, deleted and made again while a job of it runs and the controller is killed."""
    world.setup()
    train = Definition(world)
    train.create("1", retryStrategy={"attempts": 2})
    world.submit("job", definition="train", spec={"overrides": {"metadata": {"annotations": {
        "kwok.bulkhead.dev/run-ms": "4000", "kwok.bulkhead.dev/fail-attempts": "1"}}}})
    world.wait_running("job")
    world.controller.kill()
    world.api.delete(f"{train.all}/train")
    train.create("2")
    world.controller.start()
    train.told(1, 1)
    world.submit("other", definition="train")
    status = world.succeeded("job")
    assert status["attempts"] == 2
    assert status["definition"] == "train:1"
    assert images(world, "job") == ["busybox:1", "busybox:1"]
    world.succeeded("other")
    assert images(world, "other") == ["busybox:2"]
    wait_for("the old revision to go with its last job", lambda: train.stored() == {1: "busybox:2"})
    world.api.delete(f"{train.all}/train")
    wait_for("the other one to go too", lambda: train.stored() == {})
