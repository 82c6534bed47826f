# SPDX-License-Identifier: Apache-2.0
"""What queues and environments cost, in their statuses, on a real control plane."""

from decimal import Decimal

from waiting import wait_for


def test_costs_go_on_over_a_restart(world):
    """A job is counted by its queue before it is removed, its machine by its environment; another process goes on."""
    world.setup()
    world.submit("paid", cpu="2", run_ms=2_000, spec={"ttlSecondsAfterFinished": 1})
    world.wait_running("paid", 1)
    (pod,) = world.pods("paid")
    price = Decimal(pod["metadata"]["annotations"]["bulkhead.dev/price-per-hour"])
    assert price == Decimal("0.1"), "half of a machine of 0.2"

    def cost():
        return world.get_queue()["status"].get("cost", {})

    first = wait_for("the queue to count it for good", lambda: cost() if cost().get("settled") else None)
    assert first["vcpuSeconds"] >= 4 and Decimal(first["amount"]) > 0, first
    assert first["settled"]["mark"] == 1, first
    wait_for("the job to be removed", lambda: not world.api.items(world.jobs_path()))
    machines = wait_for("the machine to be given back",
                        lambda: (lambda c: c if c.get("amount") and not c.get("vcpus") else None)(
                            world.get_environment()["status"].get("cost", {})))
    assert Decimal(machines["amount"]) >= Decimal(first["amount"]), (machines, first)

    world.controller.kill()
    world.controller.start()
    world.submit("again", cpu="2", run_ms=2_000, spec={"ttlSecondsAfterFinished": 1})
    # For a minute the dead one's last write may still arrive, and nothing is settled.
    second = wait_for("the queue to count both", lambda: cost() if cost()["settled"]["mark"] == 2 else None, 120)
    assert second["vcpuSeconds"] >= first["vcpuSeconds"] + 4 and second["since"] == first["since"], second
