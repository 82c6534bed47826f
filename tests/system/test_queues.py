# SPDX-License-Identifier: Apache-2.0
"""Queues: limits of what runs at a time, what passes what, and draining."""

from datetime import datetime, timezone

from waiting import stays, wait_for
from world import is_sentence


def test_limits_of_a_queue(world):
    """No more run at a time than the queue's limit, and its status says what is used; a job beyond a limit is told."""
    world.setup(queue={"limits": {"maxRunningJobs": 2, "maxvCpus": 3}})
    world.submit("work", array=5, run_ms=1_000)
    world.submit("large", cpu="3500m")
    most = 0

    def used():
        nonlocal most
        phases = world.phases("work")
        most = max(most, phases.get("Pending", 0) + phases.get("Running", 0))
        return world.get_queue()["status"].get("used", {}).get("runningJobs") == 2

    def ended():
        used()
        return world.phase("work") == "SUCCEEDED"

    wait_for("two to be told of", used)
    assert is_sentence(world.wait_reason("large", "limits.maxvCpus", "raise it"))
    wait_for("work to succeed", ended)
    assert most == 2
    world.patch_queue({"limits": {"maxvCpus": 4}})
    world.succeeded("large")


def test_best_effort(world):
    """A job that waits for a larger machine than there can be now is passed by one that has room."""
    world.setup(max_vcpus=4, queue={"queueingStrategy": "BEST_EFFORT_FIFO"})
    world.submit("first", cpu="2", run_ms=4_000)
    world.wait_running("first")
    world.submit("large", cpu="3500m")
    world.wait_reason("large", "needs cpu 3500m")
    world.submit("small", cpu="1")
    world.succeeded("small")
    assert not world.pods("large"), "it had no room"
    world.succeeded("first")
    world.succeeded("large")


def test_backfill(world):
    """What ends in time passes the first that has no room yet; what may take longer does not; the promise is shown."""
    world.setup(max_vcpus=4, queue={"queueingStrategy": "BACKFILL"})
    world.submit("first", cpu="2", run_ms=12_000, timeout=60)
    world.wait_running("first")
    world.submit("large", cpu="3500m")
    world.wait_reason("large", "needs cpu 3500m")
    world.submit("long", cpu="1")
    world.submit("short", cpu="1", timeout=20)
    world.succeeded("short")

    def promised():
        kept = world.get_queue()["status"].get("reservation", {})
        return kept if kept.get("job", "").endswith("/large") and kept.get("environment") else None

    kept = wait_for("what is kept for large", promised)
    assert kept["node"] and kept["nodeCount"] >= 1 and is_sentence(kept["message"])
    assert not world.pods("large") and not world.pods("long")
    assert is_sentence(world.wait_reason("long", "kept for", "timeout"))
    world.succeeded("first")
    world.succeeded("large")
    world.succeeded("long")


def test_draining(world):
    """A DRAINING queue ends what it has and takes nothing more, until it is ENABLED again."""
    world.setup()
    world.submit("before", run_ms=3_000)
    world.wait_running("before")
    world.patch_queue({"state": "DRAINING"})
    since = wait_for("the time", lambda: world.get_queue()["status"].get("drainingSince"))
    closed = datetime.fromisoformat(since.replace("Z", "+00:00"))
    # A job's time of creation has a grain of a second.
    wait_for("the next second", lambda: (datetime.now(timezone.utc) - closed).total_seconds() > 1.1)
    world.submit("after")
    assert is_sentence(world.wait_reason("after", "DRAINING"))
    world.succeeded("before")
    stays("it waits", lambda: not world.pods("after"), 0.5)
    world.patch_queue({"state": "ENABLED"})
    world.succeeded("after")
