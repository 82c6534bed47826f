# SPDX-License-Identifier: Apache-2.0
"""The event sink: a small HTTP server that writes down what it is told, and is away or unwilling at times."""

import http.server
import json
import threading

import pytest

from waiting import stays, wait_for

ORDER = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING")


class Sink(http.server.ThreadingHTTPServer):
    """events: what was taken, in the order of the answers. Answers with .status."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Taker)
        self.status, self.refused, self.events, self.lock = 200, 0, [], threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/in?from=test"

    def of(self, world, name):
        """Marks of one job, the first of each double: ["1.RUNNABLE", ...]."""
        uid = world.job(name)["metadata"]["uid"]
        with self.lock:
            marks = [e["id"].removeprefix(uid + ".") for e in self.events if e["id"].startswith(uid + ".")]
        return list(dict.fromkeys(marks))

    def last(self, world, name):
        uid = world.job(name)["metadata"]["uid"]
        with self.lock:
            return [e for e in self.events if e["id"].startswith(uid + ".")][-1]


class Taker(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.lock:
            status = self.server.status
            if status == 200:
                assert self.headers["Content-Type"].startswith("application/cloudevents+json"), self.headers
                assert self.path == "/in?from=test"
                self.server.events.append(json.loads(body))
            else:
                self.server.refused += 1
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def sink(world):
    """The controller tells this sink for the length of one test."""
    sink = Sink()
    flags = world.controller.flags
    world.controller.stop()
    world.controller.flags = [*flags, "--event-sink", sink.url]
    world.controller.start()
    world.controller.wait_leading()
    yield sink
    world.controller.stop()
    world.controller.flags = flags
    world.controller.start()
    world.controller.wait_leading()
    sink.shutdown()
    sink.server_close()


def in_order(marks):
    """By try, then by state, the end last."""
    keys = []
    for mark in marks:
        count, state = mark.split(".")
        keys.append((int(count), ORDER.index(state)) if state in ORDER else (10**6, 0))
    return keys == sorted(keys)


def delivered(world, *names):
    return all(world.status(name).get("delivered", "").endswith(("SUCCEEDED", "FAILED")) for name in names)


def test_states_are_told_in_order(world, sink):
    world.setup()
    world.submit("first", run_ms=300)
    world.submit("again", run_ms=100, fail_attempts="1", retry=2)
    world.submit("many", array=3, depends=["first"])
    for name in ("first", "again", "many"):
        world.succeeded(name)
    wait_for("all to be delivered", lambda: delivered(world, "first", "again", "many"))
    assert sink.of(world, "first") == ["1.RUNNABLE", "1.STARTING", "1.RUNNING", "1.SUCCEEDED"]
    assert sink.of(world, "again") == ["1.RUNNABLE", "1.STARTING", "1.RUNNING", "2.RUNNABLE", "2.STARTING",
                                       "2.RUNNING", "2.SUCCEEDED"]
    assert sink.of(world, "many") == ["0.PENDING", "0.SUCCEEDED"]
    event = sink.last(world, "again")
    detail = event["data"]["detail"]
    assert (event["specversion"], event["type"]) == ("1.0", "dev.bulkhead.job.statechange")
    assert event["data"]["detail-type"] == "Batch Job State Change"
    assert (detail["jobName"], detail["jobQueue"], detail["status"]) == ("again", world.queue, "SUCCEEDED")
    assert [a["container"]["exitCode"] for a in detail["attempts"]] == [1, 0]
    assert sink.last(world, "many")["data"]["detail"]["arrayProperties"]["statusSummary"]["SUCCEEDED"] == 3


def test_a_sink_that_is_away_holds_nothing_up(world, sink):
    """500 for a while: jobs run and end as ever, and then the sink hears all of it."""
    sink.status = 500
    world.setup()
    names = [f"job-{i}" for i in range(6)]
    for name in names:
        world.submit(name, run_ms=100)
    for name in names:
        world.succeeded(name)
    world.wait_no_pods()
    wait_for("the sink to have been asked", lambda: sink.refused >= 2)
    assert not sink.events
    assert not delivered(world, names[0])
    assert world.controller.metrics()[("bulkhead_sink_jobs_behind", ())] >= len(names)
    sink.status = 200
    wait_for("all to be delivered", lambda: delivered(world, *names))
    for name in names:
        assert sink.of(world, name) == ["1.RUNNABLE", "1.STARTING", "1.RUNNING", "1.SUCCEEDED"]
    assert world.controller.lines("takes events again")


def test_nothing_is_lost_in_a_crash(world, sink):
    """Killed again and again, with a sink that fails in between: everything is told, first things first."""
    world.setup()
    names = [f"job-{i}" for i in range(8)]
    for i, name in enumerate(names):
        world.submit(name, run_ms=150 + 100 * i, fail_attempts="1" if i % 2 else None, retry=2)
    for round_ in range(4):
        sink.status = 200 if round_ % 2 else 503
        wait_for("some news", lambda: sink.refused > 0 or len(sink.events) > 0)
        world.controller.kill()
        world.controller.start(ready=False)
        wait_for("it to lead", lambda: world.controller.lines("msg=leading"))
    sink.status = 200
    for name in names:
        world.succeeded(name)
    wait_for("all to be delivered", lambda: delivered(world, *names))
    for i, name in enumerate(names):
        last = 2 if i % 2 else 1
        marks = sink.of(world, name)
        assert in_order(marks), marks
        assert marks == [f"{n}.{s}" for n in range(1, last + 1) for s in ("RUNNABLE", "STARTING", "RUNNING")] + \
            [f"{last}.SUCCEEDED"], marks
    told = len(sink.events)
    stays("nothing is told twice without need", lambda: len(sink.events) == told, 1)


def test_removal_waits_for_the_sink(world, sink):
    sink.status = 500
    world.setup()
    world.submit("short", spec={"ttlSecondsAfterFinished": 0})
    uid = world.job("short")["metadata"]["uid"]
    world.wait_end("short")
    stays("it is still there", lambda: world.api.find(world.jobs_path("short")), 1)
    sink.status = 200
    wait_for("it to be removed", lambda: world.api.find(world.jobs_path("short")) is None)
    assert f"{uid}.1.SUCCEEDED" in [event["id"] for event in sink.events]
