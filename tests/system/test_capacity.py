# SPDX-License-Identifier: Apache-2.0
"""Environments in order, and machines that will be taken back."""

from waiting import wait_for
from world import SMALL

SPOT = {"computeResources": {"type": "SPOT"}}
SIGNAL = "kwok.bulkhead.dev/signal"


def test_a_machine_that_goes_is_followed_by_another(world):
    """Spot runs out after one machine. That one gets its notice while it works: its replacement is a machine of
    the second environment, bought before; new work goes there, what runs is left alone, and the machine goes when empty."""
    spot, demand = f"{world.environment}-spot", f"{world.environment}-demand"
    world.add_environment(spot, max_vcpus=8, idle=600, spec=SPOT,
                          catalog=[{**SMALL, "price": "0.1", "capacity": 1}])
    world.add_environment(demand, max_vcpus=8, idle=600, catalog=[{**SMALL, "price": "0.3"}])
    world.add_queue(world.queue, [spot, demand])
    world.submit("long", cpu="3", hang=True, retry=2)
    world.wait_running("long", 1)
    [node] = world.nodes(spot)
    assert world.nodes(demand) == []
    path = f"/api/v1/nodes/{node['metadata']['name']}"
    world.api.patch(path, {"metadata": {"annotations": {SIGNAL: "INTERRUPTION"}}})
    wait_for("a replacement in the second environment", lambda: len(world.nodes(demand)) == 1)
    world.submit("small", cpu="1", run_ms=200)
    world.succeeded("small")
    [pod] = world.judge.pods_of(world.job("small")["metadata"]["uid"])
    assert pod.labels["bulkhead.dev/compute-environment"] == demand, "nothing is placed on a machine that goes"
    assert world.phases("long") == {"Running": 1}
    world.allow_deletes()
    world.request("long", "TERMINATE", "enough")
    world.failed("long")
    wait_for("the empty machine to go before its time", lambda: world.nodes(spot) == [])


def test_a_taint_of_a_termination_handler(world):
    """Who drains by a taint is heard at once, also when the work tolerates everything."""
    world.setup(max_vcpus=8, idle=600)
    world.submit("first", cpu="1", run_ms=200)
    world.succeeded("first")
    [node] = world.nodes()
    world.api.patch(f"/api/v1/nodes/{node['metadata']['name']}", {"spec": {"taints": node["spec"]["taints"] + [
        {"key": "aws-node-termination-handler/spot-itn", "value": "event", "effect": "NoSchedule"}]}})
    name = node["metadata"]["name"]
    wait_for("the idle machine to go", lambda: all(n["metadata"]["name"] != name for n in world.nodes()))
    world.submit("second", cpu="1", run_ms=200)
    world.succeeded("second")
