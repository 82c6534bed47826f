# SPDX-License-Identifier: Apache-2.0
"""Who led before does no harm: the API server refuses what it signed, and it ends by itself."""

import os
import signal

from waiting import stays, wait_for
from world import job

CELL = "/apis/bulkhead.dev/v1alpha1/cells/default"


def epoch_of(world):
    return world.api.get(CELL)["status"]["epoch"]


def signed(path, epoch):
    return f"{path}{'&' if '?' in path else '?'}fieldManager=bulkhead-default-{epoch}"


def pod(name):
    return {"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "labels": {"bulkhead.dev/job-uid": "nobody"}},
            "spec": {"nodeName": "nowhere", "containers": [{"name": "c", "image": "i"}]}}


def refused(answer):
    status, text = answer
    return status == 422 and "bulkhead-fence" in text and "does not lead any more" in text


def test_writes_of_an_earlier_epoch_are_refused(world):
    """Creates of pods, statuses and array states under an earlier epoch: 422. Under this one, or by others: accepted."""
    world.setup()
    world.submit("work", hang=True)
    world.wait_running("work")
    now = epoch_of(world)
    assert world.controller.metric("bulkhead_cell_epoch") == now
    assert world.controller.metric("bulkhead_fence_enforced") == 1
    pods = f"/api/v1/namespaces/{world.namespace}/pods?dryRun=All"
    assert refused(world.api.raw("POST", signed(pods, now - 1), pod("late")))
    assert world.api.raw("POST", signed(pods, now), pod("in-time"))[0] == 201
    assert world.api.raw("POST", pods, pod("somebody-elses"))[0] == 201
    status = world.jobs_path("work") + "/status"
    for path, body in ((status, {"status": {"delivered": "1.RUNNING"}}),
                       (f"/apis/bulkhead.dev/v1alpha1/jobqueues/{world.queue}", {"metadata": {"finalizers": []}})):
        path += "?dryRun=All"
        assert refused(world.api.raw("PATCH", signed(path, now - 1), body, "application/merge-patch+json"))
        assert world.api.raw("PATCH", signed(path, now), body, "application/merge-patch+json")[0] == 200
    [running] = world.pods("work")
    managers = {entry["manager"] for entry in running["metadata"]["managedFields"]}
    assert f"bulkhead-default-{now}" in managers, managers


def test_a_deposed_leader_ends(world):
    """The epoch is raised behind its back: its next write is refused, it says who leads and exits; the job is not harmed."""
    world.setup()
    world.submit("before")
    world.succeeded("before")
    doc = world.api.get(CELL)
    doc["status"].update(epoch=doc["status"]["epoch"] + 1, holder="somebody-else")
    world.api.request("PUT", CELL + "/status", doc)
    world.submit_doc(job("after", world.queue))
    assert world.controller.wait_exit() == 1
    [line] = world.controller.lines("another controller leads")
    assert "somebody-else" in line and f"epoch {doc['status']['epoch']}" in line, line
    assert not world.judge.pods_of(world.job("after")["metadata"]["uid"])
    world.controller.start()
    world.succeeded("after")
    assert epoch_of(world) == doc["status"]["epoch"] + 1


def test_a_leader_that_was_stopped_wakes_up(world):
    """SIGSTOP under load for longer than the lease, another takes over, SIGCONT: it ends, and no child ran twice."""
    world.setup()
    world.controller.stop()
    short = ["--lease-duration", "5", "--renew-deadline", "4"]
    one = world.cluster.new_controller("sleeper", *short).start()
    two = world.cluster.new_controller("heir", *short)
    usual, world.controller = world.controller, two
    try:
        one.wait_leading()
        two.start()
        uid = world.submit("work", array=12, cpu="1", run_ms=900, retry=2, fail_attempts="1")["metadata"]["uid"]
        wait_for("some of it", lambda: len(world.judge.pods_of(uid)) >= 4)
        os.kill(one.process.pid, signal.SIGSTOP)
        before = epoch_of(world)
        two.wait_leading(60)
        assert epoch_of(world) == before + 1
        os.kill(one.process.pid, signal.SIGCONT)
        assert one.wait_exit() == 1
        world.succeeded("work", 90)
        stays("nothing more comes", lambda: len(world.judge.pods_of(uid)) == 24, 0.5)
    finally:
        if one.alive():
            os.kill(one.process.pid, signal.SIGCONT)
            one.kill()
        two.stop()
        world.controller = usual
