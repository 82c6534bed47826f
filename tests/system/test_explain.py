# SPDX-License-Identifier: Apache-2.0
"""Why does my job wait, in full? /explain of the controller that leads, as text and as JSON."""

import json

from dev_api import BULKHEAD
from waiting import wait_for
from world import SMALL


def test_explain_a_waiting_job(world):
    """Two run, four wait: the clause table names the nodes and what one change would unblock."""
    world.setup(max_vcpus=4)
    world.submit("six", array=6, cpu="2", hang=True)
    world.wait_running("six", 2)
    world.submit("then", cpu="1")
    wait_for("a reason for then", lambda: world.status("then").get("statusReason"))
    where = f"/explain?namespace={world.namespace}&job="

    status, text = world.controller.http(where + "six")
    assert status == 200, text
    assert "place in line: 1 of 2" in text and "MaxvCpusReached" in text, text
    assert "fit" in text and "cpu rules out" in text, text

    status, text = world.controller.http(where + "then&format=json")
    assert status == 200, text
    told = json.loads(text)
    assert (told["reason"], told["position"], told["inLine"]) == ("BehindInQueue", 2, 2), told
    front = wait_for("the front of the queue", lambda: world.api.get(
        f"{BULKHEAD}/jobqueues/{world.queue}").get("status", {}).get("front"))
    assert front[0]["job"].endswith("/six") and front[0]["position"] == 1 and front[0]["estimate"], front
    assert told["podsAhead"] == 4 and told["first"].endswith("/six"), told

    status, text = world.controller.http(where + "nobody")
    assert status == 404 and "there is no BatchJob nobody" in text, text
    world.allow_deletes()


def test_launching(world):
    """A machine that takes long: the environment says on which step it stands and since when, the job says so too."""
    world.setup(max_vcpus=4, catalog=[{**SMALL, "bootSeconds": 20}])
    world.submit("one", cpu="1", hang=True)

    def step():
        status = world.api.get(f"{BULKHEAD}/computeenvironments/{world.environment}").get("status", {})
        return next(iter(status.get("launching", [])), None)
    told = wait_for("a machine on its way", lambda: (step() or {}).get("step") not in (None, "REQUESTED") and step())
    assert told["step"] in ("ACQUIRED", "BOOTED", "JOINED") and told["count"] == 1 and told["since"], told
    assert "given back if it is not Ready by" in told["hint"], told
    world.wait_reason("one", "1 node is booting", "since 20")
    world.wait_running("one", 1)
    wait_for("nothing on its way", lambda: step() is None)
    world.allow_deletes()
