# SPDX-License-Identifier: Apache-2.0
"""A broken pipeline goes on: dependants that hold, and jobs that replace one that failed."""


def hold(name):
    return {"dependsOn": [{"jobName": name, "onDependencyFailure": "Hold"}]}


def test_hold_and_mend(world):
    """One of three children fails; its replacement runs that one only, and what held goes on."""
    world.setup()
    world.submit("map", array=3, spec={
        "requests": [{"action": "TERMINATE", "reason": "bad input", "indexes": "1"}]})
    world.submit("reduce", spec=hold("map"))
    assert world.failed("map")["arrayProperties"]["statusSummary"]["SUCCEEDED"] == 2
    text = world.wait_reason("reduce", "spec.replaces.jobName: map")
    assert "dependency map failed" in text
    fixed = world.submit("map-fixed", array=3, spec={"replaces": {"jobName": "map"}})
    status = world.succeeded("map-fixed")
    assert status["replaces"] == {"jobName": "map", "uid": world.job("map")["metadata"]["uid"],
                                  "outcome": "SATISFIED", "childrenTaken": 2}
    assert [p.labels["bulkhead.dev/index"] for p in world.judge.pods_of(fixed["metadata"]["uid"])] == ["1"]
    world.succeeded("reduce")
    record = world.status("reduce")["dependencies"][0]
    assert record == {"jobName": "map", "uid": fixed["metadata"]["uid"], "outcome": "SATISFIED",
                      "replacement": "map-fixed"}


def test_replaces_refused(world):
    world.setup()
    world.submit("good")
    world.submit("bad", exit_code=3)
    world.succeeded("good")
    world.failed("bad")
    world.submit("again", spec={"replaces": {"jobName": "good"}})
    assert "ended SUCCEEDED" in world.failed("again")["statusReason"]
    world.submit("larger", array=2, spec={"replaces": {"jobName": "bad"}})
    assert "same size" in world.failed("larger")["statusReason"]
