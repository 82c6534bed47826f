# SPDX-License-Identifier: Apache-2.0
"""Fair share: the shares of a queue take turns, by a policy that may come late and be edited."""

from dev_api import BULKHEAD
from waiting import wait_for
from world import API_VERSION, is_sentence

POLICIES = f"{BULKHEAD}/schedulingpolicies"


def policy(world, **spec):
    name = world.queue
    world.api.post(POLICIES, {"apiVersion": API_VERSION, "kind": "SchedulingPolicy", "metadata": {"name": name},
                              "spec": {"fairsharePolicy": spec}})
    world.cluster_objects.append((POLICIES, name))


def weights(**of):
    return [{"shareIdentifier": share, "weightFactor": weight} for share, weight in of.items()]


def pods_of(world, *names):
    return tuple(sum(world.phases(name).get(phase, 0) for phase in ("Pending", "Running")) for name in names)


def wait_pods(world, *wanted):
    def there():
        found = pods_of(world, "a", "b")
        assert found == wanted, f"a and b have {found}"
        return True
    wait_for(f"a and b to have {wanted} pods", there)


def test_shares_take_turns(world):
    """Four places for two shares: three and one by their weights, and one and three once those have changed."""
    world.add_environment(world.environment, max_vcpus=4)
    world.add_queue(world.queue, [world.environment], schedulingPolicy=world.queue)
    world.submit("a", array=40, run_ms=3_000, spec={"shareIdentifier": "a"})
    world.submit("b", array=40, run_ms=3_000, spec={"shareIdentifier": "b"})
    world.submit("stray")
    for name in ("a", "b"):
        assert is_sentence(world.wait_reason(name, f"SchedulingPolicy {world.queue} does not exist", "create it"))
    assert is_sentence(world.failed("stray")["statusReason"])
    assert not world.pods()
    policy(world, shareDistribution=weights(a=0.25, b=1))
    wait_pods(world, 3, 1)
    assert {pod["metadata"]["labels"]["bulkhead.dev/share-identifier"] for pod in world.pods("a")} == {"a"}
    told = wait_for("the queue's status to tell its shares", lambda: world.get_queue().get("status", {}).get("shares"))
    assert told["active"] == 2
    assert {share["shareIdentifier"] for share in told["top"]} == {"a", "b"}
    world.api.patch(f"{POLICIES}/{world.queue}", {"spec": {"fairsharePolicy": {
        "shareDistribution": weights(a=1, b=0.25)}}})
    wait_pods(world, 1, 3)
    world.allow_deletes()
    for name in ("a", "b"):
        world.request(name, "TERMINATE", "seen enough")


def test_a_policy_that_is_not_valid(world):
    """What the API server cannot see is told by the queue and its jobs, and mended by an edit."""
    world.setup(max_vcpus=4)
    fair = f"{world.queue}-fair"
    policy(world, shareDistribution=weights(**{"user*": 1, "user7": 2}))
    world.add_queue(fair, [world.environment], schedulingPolicy=world.queue)
    world.submit("a", queue=fair, spec={"shareIdentifier": "user7"})
    words = (f"SchedulingPolicy {world.queue} is invalid", "user7 overlaps with user*")
    assert is_sentence(world.wait_reason("a", *words))
    wait_for("the queue to tell it", lambda: all(word in str(world.get_queue(fair)) for word in words))
    world.api.patch(f"{POLICIES}/{world.queue}", {"spec": {"fairsharePolicy": {"shareDistribution": weights(user7=2)}}})
    world.succeeded("a")


def test_a_share_gets_its_due_back(world):
    """Two of four pods of a preemptible job make way for another share, and go on later as the attempt that they were."""
    policy(world, reclaim="Preemptible")
    world.setup(max_vcpus=4, queue={"schedulingPolicy": world.queue})
    world.submit("a", array=4, run_ms=60_000, spec={"shareIdentifier": "a", "preemptible": True})
    world.wait_running("a", 4)
    world.allow_deletes()
    world.submit("b", array=2, hang=True, spec={"shareIdentifier": "b"})
    world.wait_running("b", 2)
    world.wait_running("a", 2)
    told = wait_for("both tries to be told", lambda: [try_ for try_ in world.status("a").get("tries", [])
                                                      if "Preempted" in try_.get("statusReason", "")])
    assert len(told) <= 2
    assert is_sentence(told[0]["statusReason"])
    assert told[0]["attempt"] == 0
    assert world.status("a").get("failed", 0) == 0
    world.request("b", "TERMINATE", "seen enough")
    world.wait_running("a", 4)
    assert {pod["metadata"]["annotations"]["bulkhead.dev/attempt"] for pod in world.pods("a")} == {"1"}
    world.request("a", "TERMINATE", "seen enough")
