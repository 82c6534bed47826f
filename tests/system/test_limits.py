# SPDX-License-Identifier: Apache-2.0
"""Times that end things: a start that takes too long, a wait that is too long, a job that ended long ago. And what
depends on how another one ended."""

from waiting import stays, wait_for
from world import is_sentence


def _after(name, condition, **more):
    return {"jobName": name, "condition": condition, **more}


def test_conditions(world):
    """A clean-up after a failure, a report after any end, and what only success would have started."""
    world.setup()
    world.submit("undo", spec={"dependsOn": [_after("work", "OnFailure")]})
    world.submit("report", spec={"dependsOn": [_after("work", "Always")]})
    world.submit("next", spec={"dependsOn": [_after("work", "OnSuccess")]})
    world.submit("work", exit_code=3)
    assert world.failed("work")["statusReason"]
    world.succeeded("undo")
    world.succeeded("report")
    assert "Dependent Job failed" in world.failed("next")["statusReason"]
    assert world.judge.pods_of(world.job("undo")["metadata"]["uid"]), "the clean-up really ran"


def test_skipped(world):
    """What waits for a failure that never comes is skipped, and what follows it goes on."""
    world.setup()
    world.submit("work")
    world.submit("undo", spec={"dependsOn": [_after("work", "OnFailure")]})
    world.submit("then", depends=["undo"])
    status = world.succeeded("undo")
    assert status["reason"] == "Skipped" and is_sentence(status["statusReason"]), world.told(status)
    world.succeeded("then")
    assert not world.judge.pods_of(world.job("undo")["metadata"]["uid"]), "a skipped job has no pod"


def test_start_deadline(world):
    """A container that does not start in time is an attempt, with what is known of the cause."""
    world.setup()
    world.allow_deletes()
    world.submit("slow", start_ms=600_000, retry=2, spec={"startDeadlineSeconds": 1})
    status = world.failed("slow")
    assert status["statusReason"] == "Task failed to start", world.told(status)
    assert [t["statusReason"] for t in status["tries"]] == ["Task failed to start"] * 2, status["tries"]
    assert all("not started in time" in t["reason"] for t in status["tries"]), status["tries"]


def test_time_limit_of_a_queue(world):
    """A job that waits for what will not come is cancelled, if the queue says so; another queue's job waits on."""
    reason = "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE"
    limit = {"reason": reason, "state": "RUNNABLE", "maxTimeSeconds": 1, "action": "CANCEL"}
    world.setup(max_vcpus=2, queue={"jobStateTimeLimitActions": [limit]})
    patient = world.queue + "-patient"
    world.add_queue(patient, [world.environment])
    world.submit("waits", queue=patient)
    world.submit("gives-up")
    status = world.failed("gives-up")
    assert status["statusReason"] == f"Canceled by JobStateTimeLimit action due to reason: {reason}", world.told(status)
    text = world.wait_reason("waits", "maxvCpus")
    assert is_sentence(text), text
    assert world.phase("waits") == "RUNNABLE"
    world.patch_environment({"computeResources": {"maxvCpus": 4}})
    world.succeeded("waits")


def test_ended_jobs_are_removed(world):
    """By the job's own time, else by its queue's; who depends on one that succeeded is content for ever."""
    world.setup(queue={"ttlSecondsAfterFinished": 1})
    world.submit("own", spec={"ttlSecondsAfterFinished": 0})
    world.submit("queues")
    world.submit("long", spec={"ttlSecondsAfterFinished": 86400}, depends=["own", "queues"])
    for name in ("own", "queues"):
        wait_for(f"job {name} to be removed", lambda n=name: world.api.find(world.jobs_path(n)) is None)
    world.succeeded("long")
    outcome = {d["jobName"]: d["outcome"] for d in world.status("long")["dependencies"]}
    assert outcome == {"own": "SATISFIED", "queues": "SATISFIED"}
    stays("a job whose own time is long is kept", lambda: world.phase("long") == "SUCCEEDED", 1.5)
    # The time may be changed on an ended job too.
    world.api.patch(world.jobs_path("long"), {"spec": {"ttlSecondsAfterFinished": 0}})
    wait_for("job long to be removed", lambda: world.api.find(world.jobs_path("long")) is None)
