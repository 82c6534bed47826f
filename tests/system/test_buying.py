# SPDX-License-Identifier: Apache-2.0
"""Strategies, spot prices and zones, on a real control plane with pretended nodes."""

from waiting import wait_for
from world import SMALL


def labels_of(world, label):
    return sorted(node["metadata"]["labels"].get(label) for node in world.nodes())


def test_machine_in_the_zone_asked_for(world):
    """The provider is told the zone, and the node that joins is where the job asked for it."""
    world.setup(catalog=[{**SMALL, "zones": ["west", "east"]}])
    world.submit("east", cpu="1", hang=True,
                 spec={"template": {"spec": {"nodeSelector": {"topology.kubernetes.io/zone": "east"}}}})
    world.wait_running("east", 1)
    assert labels_of(world, "topology.kubernetes.io/zone") == ["east"]
    world.allow_deletes()


def test_spot_strategy_and_bid(world):
    """The type that is interrupted least; one above bidPercentage waits and says so."""
    catalog = [{**SMALL, "name": "m.cheap", "price": "0.2", "spotPrice": "0.05", "interruptionPercent": 20},
               {**SMALL, "name": "m.steady", "price": "0.2", "spotPrice": "0.09", "interruptionPercent": 1},
               {**SMALL, "name": "m.dear", "vcpus": 8, "price": "0.4", "spotPrice": "0.39"}]
    world.setup(catalog=catalog, environment={"computeResources": {
        "type": "SPOT", "allocationStrategy": "SPOT_CAPACITY_OPTIMIZED", "bidPercentage": 50, "instanceTypes": ["m"]}})
    world.submit("steady", cpu="3", hang=True)
    world.wait_running("steady", 1)
    assert labels_of(world, "node.kubernetes.io/instance-type") == ["m.steady"]
    world.submit("dear", cpu="7")
    text = world.wait_reason("dear", "m.dear", "bidPercentage 50")
    assert world.status("dear")["reason"] == "SpotPriceTooHigh", text
    world.allow_deletes()


def test_work_is_mixed_on_machines(world):
    """One machine for two kinds of work, where each alone would get one of its own."""
    catalog = [{**SMALL, "name": "even", "vcpus": 8, "memory": "17Gi", "price": "0.50"},
               {**SMALL, "name": "lean", "vcpus": 8, "memory": "8Gi", "price": "0.45"}]
    world.setup(max_vcpus=64, catalog=catalog,
                environment={"computeResources": {"allocationStrategy": "LOWEST_PRICE_PACKING"}},
                queue={"state": "DISABLED"})
    for name, cpu, memory in (("a1", "1", "6Gi"), ("a2", "1", "6Gi"), ("b1", "3", "2Gi"), ("b2", "3", "2Gi")):
        world.submit(name, cpu=cpu, memory=memory, hang=True)
    for name in ("a1", "a2", "b1", "b2"):
        wait_for(f"{name} to be told that the queue is DISABLED",
                 lambda n=name: world.status(n).get("reason") == "JobQueueDisabled")
    world.api.patch(f"/apis/bulkhead.dev/v1alpha1/jobqueues/{world.queue}", {"spec": {"state": "ENABLED"}})
    for name in ("a1", "a2", "b1", "b2"):
        world.wait_running(name, 1)
    assert labels_of(world, "node.kubernetes.io/instance-type") == ["even"]
    world.allow_deletes()
