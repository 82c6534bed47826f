# SPDX-License-Identifier: Apache-2.0
"""Consumable resources: taken with the pod, waited for, given back, used up."""

import pytest

from dev_api import BULKHEAD, ApiError
from waiting import wait_for
from world import API_VERSION, is_sentence

RESOURCES = f"{BULKHEAD}/consumableresources"


def takes(**quantities):
    """In the spec of a job: so much of each of the test's resources."""
    return {"consumableResourceProperties": {"consumableResourceList": [
        {"consumableResource": name, "quantity": quantity} for name, quantity in quantities.items()]}}


def add_resource(world, name, **spec):
    world.api.post(RESOURCES, {"apiVersion": API_VERSION, "kind": "ConsumableResource",
                               "metadata": {"name": name}, "spec": spec})
    world.cluster_objects.append((RESOURCES, name))
    return name


def wait_counts(world, name, **wanted):
    """in_use=1 means status.inUseQuantity 1."""
    keys = {"in_use": "inUseQuantity", "available": "availableQuantity", "consumed": "consumedQuantity"}

    def counted():
        status = world.api.get(f"{RESOURCES}/{name}").get("status", {})
        assert all(status.get(keys[key], 0) == value for key, value in wanted.items()), f"it is {status}"
        return status
    return wait_for(f"resource {name} to have {wanted}", counted)


def test_consumable_given_back(world):
    """Two licences, a job that holds both, one that waits for one and says so, and a resource that outlives neither."""
    world.setup()
    name = add_resource(world, f"{world.namespace}-lic", totalQuantity=2)
    world.submit("holds", hang=True, spec=takes(**{name: 2}))
    world.wait_running("holds")
    annotations = world.pods("holds")[0]["metadata"]["annotations"]
    assert annotations["bulkhead.dev/consumable-resources"] == f"{name}=2", annotations
    world.submit("waits", spec=takes(**{name: 1}))
    told = world.wait_reason("waits", f"needs 1 of ConsumableResource {name}", "0 of 2 free", "holds")
    assert is_sentence(told) and world.status("waits")["reason"] == "ConsumableResourceInUse", told
    wait_counts(world, name, in_use=2, available=0)
    world.api.delete(f"{RESOURCES}/{name}")
    status = wait_for("the resource to say who holds it", lambda: (
        lambda s: s if s.get("status") == "DELETING" else None)(world.api.get(f"{RESOURCES}/{name}").get("status", {})))
    assert "holds" in status["statusReason"], status
    world.allow_deletes()
    world.request("holds", "TERMINATE", "enough")
    world.failed("holds")
    wait_for("the resource to be gone", lambda: world.api.find(f"{RESOURCES}/{name}") is None)
    world.wait_reason("waits", f"ConsumableResource {name} does not exist")
    add_resource(world, name, totalQuantity=1)
    world.succeeded("waits")
    wait_counts(world, name, in_use=0, available=1)


def test_consumable_used_up(world):
    """Four doses: three children take one each, a retry takes the fourth, and then there is none."""
    world.setup()
    name = add_resource(world, f"{world.namespace}-dose", totalQuantity=4, resourceType="NON_REPLENISHABLE")
    world.submit("array", array=2, spec=takes(**{name: 1}))
    world.succeeded("array")
    world.submit("twice", retry=2, fail_attempts=1, spec=takes(**{name: 1}))
    world.succeeded("twice")
    status = wait_counts(world, name, in_use=0, available=0, consumed=4)
    assert not status.get("claims"), status
    world.submit("late", spec=takes(**{name: 1}))
    told = world.wait_reason("late", f"ConsumableResource {name}", "4 of them used up", "raise its totalQuantity")
    assert is_sentence(told), told
    world.api.patch(f"{RESOURCES}/{name}", {"spec": {"totalQuantity": 5}})
    world.succeeded("late")
    wait_counts(world, name, consumed=5, available=0)


@pytest.mark.parametrize("spec,words", [
    ({}, "totalQuantity"),
    ({"totalQuantity": -1}, "greater than or equal to 0"),
    ({"totalQuantity": 1, "resourceType": "ENDLESS"}, "Unsupported value"),
    ({"totalQuantity": 1, "kubernetesNamespaces": ["kube-system"]}, "other than default and kube-*"),
])
def test_consumable_refused(world, spec, words):
    with pytest.raises(ApiError) as refused:
        add_resource(world, f"{world.namespace}-no", **spec)
    assert words in str(refused.value)


def test_consumable_is_permanent(world):
    """The type of a resource and what a job takes cannot change once they are there."""
    name = add_resource(world, f"{world.namespace}-fix", totalQuantity=1)
    with pytest.raises(ApiError) as refused:
        world.api.patch(f"{RESOURCES}/{name}", {"spec": {"resourceType": "NON_REPLENISHABLE"}})
    assert "spec.resourceType: cannot change" in str(refused.value)
    world.submit("job", spec=takes(**{name: 1}))
    with pytest.raises(ApiError) as refused:
        world.api.patch(world.jobs_path("job"), {"spec": takes(**{name: 2})})
    assert "spec.consumableResourceProperties: cannot change" in str(refused.value)
