# SPDX-License-Identifier: Apache-2.0
"""Arrays: how many children at once, and children that are stopped by index."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from waiting import wait_for
from world import condition


def summary(status):
    """statusSummary without its zeros."""
    return {phase: n for phase, n in status.get("arrayProperties", {}).get("statusSummary", {}).items() if n}


def test_max_concurrent(world):
    """Never more than three of twelve at a time, and the job behind is not held up."""
    world.setup()
    world.submit("database", array=12, run_ms=300,
                 spec={"arrayProperties": {"size": 12, "maxConcurrent": 3}})
    world.submit("behind")
    most = 0

    def ended():
        nonlocal most
        phases = world.phases("database")
        most = max(most, phases.get("Pending", 0) + phases.get("Running", 0))
        return world.phase("database") == "SUCCEEDED"

    wait_for("database to succeed", ended)
    assert 1 <= most <= 3
    assert summary(world.status("database")) == {"SUCCEEDED": 12}
    world.succeeded("behind")


def history(world, name):
    """What hack/array-history prints of a job."""
    program = Path(__file__).resolve().parents[2] / "hack" / "array-history"
    done = subprocess.run([program, "-"], input=json.dumps(world.job(name)), check=True, stdout=subprocess.PIPE,
                          text=True)
    return [line.split(maxsplit=3) for line in done.stdout.splitlines()[1:-1]]


def test_history(world):
    """How each child's attempts ended can be read, child by child."""
    world.setup()
    world.submit("flaky", array=5, fail_attempts="1,2", retry=3)
    world.submit("parts", array=3, hang=True)
    assert summary(world.succeeded("flaky")) == {"SUCCEEDED": 5}
    assert history(world, "flaky") == [[str(i), "SUCCEEDED", "3", "1 | 1"] for i in range(5)]
    world.wait_running("parts", 3)
    world.allow_deletes()
    world.request("parts", "TERMINATE", "bad input", indexes="1")
    wait_for("it to have failed", lambda: summary(world.status("parts")) == {"RUNNING": 2, "FAILED": 1})
    assert history(world, "parts") == [["1", "FAILED", "1", "143 bad input"]]
    world.request("parts", "TERMINATE", "no more")
    world.failed("parts")


SIZES = [500, pytest.param(int(os.environ.get("BULKHEAD_ARRAY", "20000")), marks=pytest.mark.long)]


@pytest.mark.parametrize("size", SIZES)
def test_large_array(world, size):
    """All children succeed, and the job stays small whatever its size."""
    world.setup(max_vcpus=200, catalog=[{"name": "huge", "vcpus": 100, "memory": "400Gi", "price": "1"}])
    world.submit("large", array=size)
    largest = 0

    def ended():
        nonlocal largest
        job = world.job("large")
        largest = max(largest, len(json.dumps(job)))
        assert job.get("status", {}).get("status") == "SUCCEEDED", world.told(job.get("status", {}))
        return job["status"]

    status = wait_for(f"{size} children to succeed", ended, 120 + size / 10, every=0.5)
    assert summary(status) == {"SUCCEEDED": size}
    assert history(world, "large") == []
    assert largest < 32 * 1024
    world.wait_no_pods("large", deadline=60 + size / 20)


def test_terminate_by_index(world):
    world.setup()
    world.submit("parts", array=6, hang=True, retry=3)
    world.wait_running("parts", 6)
    world.allow_deletes()
    world.request("parts", "TERMINATE", "beyond the end", indexes="4-6")
    told = wait_for("the refusal to be told", lambda: condition(world.job("parts"), "RequestRefused"))
    assert told["message"].startswith("spec.requests[0].indexes: ")
    world.request("parts", "TERMINATE", "bad input", indexes="0-1,4")
    wait_for("three to have failed",
             lambda: summary(world.status("parts")) == {"RUNNING": 3, "FAILED": 3})
    assert world.status("parts")["arrayProperties"]["failedIndexes"] == "0-1,4"
    world.request("parts", "TERMINATE", "the others too", indexes="0-5")
    status = world.failed("parts")
    assert summary(status) == {"FAILED": 6}
    assert status["statusReason"] == "Array Child Job failed"
    assert {t["statusReason"] for t in status["tries"]} == {"bad input", "the others too"}
    failures = status["arrayProperties"]["failures"]
    assert sorted((f["statusReason"], f["children"], f["indexes"]) for f in failures) == [
        ("bad input", 3, "0-1,4"), ("the others too", 3, "2-3,5")]
