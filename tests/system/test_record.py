# SPDX-License-Identifier: Apache-2.0
"""What the controller was told is recorded; its plans can be made again, and the day with other settings."""

import json
import subprocess

import pytest

from dev_controller import ROOT
from waiting import wait_for

REPLAY = ROOT / "build" / "bulkhead-replay"


def replay(*arguments):
    """(exit status, text)"""
    result = subprocess.run([REPLAY, *arguments], capture_output=True, text=True, timeout=120)
    return result.returncode, result.stdout + result.stderr


WRONG = [
    ([], 2, "which log?"),
    (["--what-if"], 2, "--what-if needs a file"),
    (["--nope", "log"], 2, "--nope is not a flag"),
    (["one", "two"], 2, '"two" is left over'),
    (["/nonexistent"], 1, "/nonexistent: No such file"),
    ([__file__], 1, "not a log of decisions"),
]


@pytest.mark.parametrize("arguments, status, words", WRONG, ids=[words for _, _, words in WRONG])
def test_wrong_use_is_told_in_a_line(arguments, status, words):
    got, text = replay(*arguments)
    assert got == status and words in text and text.count("\n") == 1, text


def test_help():
    status, text = replay("--help")
    assert status == 0 and "--what-if" in text, text


def test_a_recorded_life_is_replayed(world, tmp_path):
    """A life that is told to end and one that is killed: both logs give the same plans, byte for byte."""
    controller = world.controller
    record = controller.log.with_suffix(".decisions")
    controller.stop()
    controller.start()
    world.setup(max_vcpus=8)
    world.submit("one", run_ms=300)
    world.submit("many", array=6, run_ms=300, retry=2, fail_attempts="1")
    world.submit("after", depends=["many"])
    for name in ("one", "many", "after"):
        world.succeeded(name, 60)
    assert controller.metric("bulkhead_recording") == 1
    wait_for("the log to be written", lambda: controller.metric("bulkhead_recorded_bytes_total") > 1000)
    controller.stop()
    status, text = replay("--report", record)
    assert status == 0 and "every plan is the recorded one, byte for byte" in text, text
    assert any(line.split()[:3] == [world.queue, "3", "8"] for line in text.splitlines()), text

    environment = world.api.get(f"/apis/bulkhead.dev/v1alpha1/computeenvironments/{world.environment}")
    environment["spec"]["computeResources"]["maxvCpus"] = 16
    more = tmp_path / "more.yaml"
    more.write_text(json.dumps({key: environment[key] for key in ("apiVersion", "kind", "spec")} |
                               {"metadata": {"name": world.environment}}))
    status, text = replay("--what-if", more, record)
    assert status == 0, text
    succeeded = [line.split()[2:] for line in text.splitlines() if line.startswith("children succeeded")]
    assert succeeded == [["8", "8", "8"]], text
    more.write_text("kind: Pod\n")
    status, text = replay("--what-if", more, record)
    assert status == 1 and f"{more}: kind: Pod, expected" in text, text

    controller.start()
    world.submit("last", run_ms=300)
    world.succeeded("last", 60)
    controller.kill()
    status, text = replay(record)
    assert status == 0 and "byte for byte" in text, text
    status, text = replay(record.with_name(record.name + ".1"))
    assert status == 0, "the life before is kept: " + text
    controller.start()
