# SPDX-License-Identifier: Apache-2.0
"""The controller is killed at any moment and started again: the same result, later.

The judge, which nobody kills, has seen every pod meanwhile: no child ran twice at once, no try had two pods.
"""

import random

import pytest

from waiting import stays, wait_for
from world import ENDED, job

CHILDREN = 8


def submit_pipeline(world):
    """split → map, eight children that each fail once → reduce"""
    world.submit("split", run_ms=200)
    world.submit("map", array=CHILDREN, cpu="1", run_ms=400, depends=["split"], retry=3, fail_attempts="1")
    world.submit("reduce", depends=["map"], run_ms=200)


def check_pipeline(world, deadline=60):
    for name in ("split", "map", "reduce"):
        world.succeeded(name, deadline)
    got = {}
    for name in ("split", "map", "reduce"):
        pods = world.judge.pods_of(world.job(name)["metadata"]["uid"])
        got[name] = sorted((int(p.labels["bulkhead.dev/index"]), int(p.labels["bulkhead.dev/try"]),
                            p.pod["metadata"]["annotations"]["bulkhead.dev/attempt"], p.phases[-1]) for p in pods)
    assert got == {
        "split": [(0, 1, "1", "Succeeded")],
        "map": [(i, t, str(t), "Failed" if t == 1 else "Succeeded") for i in range(CHILDREN) for t in (1, 2)],
        "reduce": [(0, 1, "1", "Succeeded")],
    }, "each child had exactly its two attempts, each in one pod"
    status = world.status("map")
    assert {k: n for k, n in status["arrayProperties"]["statusSummary"].items() if n} == {"SUCCEEDED": CHILDREN}
    assert status["arrayProperties"]["data"] == f"s2*{CHILDREN}"
    world.wait_no_pods()


def again(world):
    world.controller.kill()
    world.controller.start(ready=False)


MOMENTS = {
    "just-after-submit": lambda world: True,
    "first-pod": lambda world: world.pods("split"),
    "children-run": lambda world: world.phases("map").get("Running"),
    "some-children-have-ended": lambda world: any(
        p.gone_at for p in world.judge.pods_of(world.job("map")["metadata"]["uid"])),
    "all-but-written": lambda world: len(
        [p for p in world.judge.pods_of(world.job("map")["metadata"]["uid"]) if p.phases[-1:] == ["Succeeded"]]
    ) == CHILDREN,
}


def test_without_a_crash(world):
    """The same story undisturbed: what the others are compared with."""
    world.setup()
    submit_pipeline(world)
    check_pipeline(world)


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed(world, moment):
    world.setup()
    submit_pipeline(world)
    wait_for(moment, lambda: MOMENTS[moment](world))
    again(world)
    check_pipeline(world)


def test_work_goes_on_while_nobody_looks(world):
    """Down for as long as the pods take: their ends are found, not repeated."""
    world.setup()
    world.submit("work", array=3, run_ms=700)
    world.wait_running("work", 3)
    world.controller.kill()
    wait_for("the pods to end by themselves", lambda: world.phases("work") == {"Succeeded": 3})
    stays("their outcome is kept", lambda: len(world.pods("work")) == 3, 0.3)
    world.controller.start()
    world.succeeded("work")
    assert len(world.judge.pods_of(world.job("work")["metadata"]["uid"])) == 3


def test_deleted_while_nobody_looks(world):
    """The job is deleted while the controller is down: its pods and nodes go once it is back."""
    world.setup()
    world.submit("orphaned", array=3, hang=True)
    world.wait_running("orphaned", 3)
    world.controller.kill()
    world.allow_deletes()
    world.api.delete(world.jobs_path("orphaned"))
    wait_for("the job to be gone", lambda: world.api.find(world.jobs_path("orphaned")) is None)
    world.controller.start()
    world.wait_no_pods()
    wait_for("the nodes to be gone", lambda: not world.nodes())


@pytest.mark.parametrize("pause_ms", [300, pytest.param(100, marks=pytest.mark.long),
                                      pytest.param(700, marks=pytest.mark.long)])
def test_killed_again_and_again(world, pause_ms):
    """Killed every so often, ten times; then left alone."""
    world.setup()
    submit_pipeline(world)
    dice = random.Random(pause_ms)
    for _ in range(10):
        life = world.controller.process
        pause = pause_ms * dice.uniform(0.5, 1.5) / 1000
        try:
            life.wait(pause)  # it must not end by itself
            raise AssertionError(f"the controller ended with {life.returncode}:\n{world.controller.tail()}")
        except TimeoutError:
            pass
        except Exception as error:
            if type(error).__name__ != "TimeoutExpired":
                raise
        again(world)
    world.controller.wait_leading()
    check_pipeline(world)


@pytest.mark.long
def test_large_array_killed_again_and_again(world):
    world.setup(max_vcpus=64, catalog=[{"name": "wide", "vcpus": 16, "memory": "64Gi", "bootSeconds": 0}])
    uid = world.submit("sweep", array=600, cpu="250m", memory="16Mi", run_ms=300, retry=2,
                       fail_attempts="1")["metadata"]["uid"]
    dice = random.Random(7)
    while world.phase("sweep") not in ENDED and world.controller.lives < 60:
        before = len(world.judge.pods_of(uid))
        step = dice.randrange(20, 120)
        wait_for("more pods", lambda b=before, s=step: len(world.judge.pods_of(uid)) >= b + s
                 or world.phase("sweep") in ENDED or world.controller.ready()[0])
        again(world)
        world.controller.wait_leading()
    status = world.succeeded("sweep", deadline=180)
    assert status["arrayProperties"]["statusSummary"]["SUCCEEDED"] == 600
    assert len(world.judge.pods_of(uid)) == 1200


def test_two_replicas(world):
    """One leads, the other stands by and writes nothing; the leader dies, and the other finishes the work."""
    world.setup()
    world.controller.stop()
    short = ["--lease-duration", "5", "--renew-deadline", "4"]
    one = world.cluster.new_controller("replica-one", *short).start()
    two = world.cluster.new_controller("replica-two", *short)
    usual, world.controller = world.controller, two
    try:
        one.wait_leading()
        two.start()
        wait_for("the second to stand by", lambda: two.ready() == (True, two.ready()[1])
                 and two.lines("standing by", "replica-one"))
        uid = world.submit("work", array=6, cpu="2", run_ms=1200, retry=2, fail_attempts="1")["metadata"]["uid"]
        wait_for("half of it", lambda: len(world.judge.pods_of(uid)) >= 6)
        assert two.metric("bulkhead_writes_total") == 0, "a standby writes nothing"
        assert two.metric("bulkhead_lease_held") == 0
        one.kill()
        two.wait_leading()
        world.succeeded("work")
        assert len(world.judge.pods_of(uid)) == 12
        one.start()
        wait_for("the first to stand by now", lambda: one.lines("standing by", "replica-two"))
        assert two.stop() == 0
        one.wait_leading()  # a lease that is given up is taken at once
    finally:
        one.stop()
        two.kill()
        world.controller = usual


def test_stops_in_order(world):
    """SIGTERM: what was sent is answered, the lease is given up, exit status 0, and nothing is lost."""
    world.setup()
    world.submit("work", array=4, run_ms=800)
    world.wait_running("work", 4)
    assert world.controller.stop() == 0
    lease = world.api.get("/apis/coordination.k8s.io/v1/namespaces/bulkhead-system/leases/bulkhead-controller")
    assert not lease["spec"].get("holderIdentity")
    world.controller.start()
    world.succeeded("work")


def test_submitted_while_down(world):
    world.setup()
    world.controller.kill()
    world.submit_doc(job("later", world.queue))
    world.controller.start()
    world.succeeded("later")
