# SPDX-License-Identifier: Apache-2.0
"""dependsOn: who waits for whom, in whatever order they arrive."""

import itertools

from waiting import stays, wait_for
from world import condition, is_sentence, job


def created(world, name):
    """(first creation, last end) of the pods of a job, by the judge's clock."""
    pods = world.judge.pods_of(world.job(name)["metadata"]["uid"])
    assert pods, f"{name} never had a pod"
    return pods


def times(world, name, index=None):
    pods = [p for p in created(world, name) if index is None or p.labels["bulkhead.dev/index"] == str(index)]
    return min(p.created_at for p in pods), max(p.gone_at for p in pods)


def test_plain_in_any_order(world):
    """a → b → c, submitted in each of the six orders: they run in the order of their dependencies."""
    world.setup(max_vcpus=32)
    chains = list(itertools.permutations("abc"))
    for number, order in enumerate(chains):
        docs = {"a": job(f"a{number}", world.queue), "b": job(f"b{number}", world.queue, depends=[f"a{number}"]),
                "c": job(f"c{number}", world.queue, depends=[f"b{number}"])}
        for letter in order:
            world.submit_doc(docs[letter])
    for number in range(len(chains)):
        for letter in "abc":
            world.succeeded(f"{letter}{number}")
        world.wait_no_pods(f"c{number}")
        ends = [times(world, f"{letter}{number}") for letter in "abc"]
        assert ends[0][0] < ends[1][0] < ends[2][0], f"order {chains[number]}"
    outcome = world.status("b0")["dependencies"]
    assert [(d["jobName"], d["outcome"]) for d in outcome] == [("a0", "SATISFIED")]


def test_waits_for_every_child(world):
    """A plain dependency on an array waits for all of its children."""
    world.setup(max_vcpus=4)
    world.submit("reduce", depends=["map"])
    world.submit("map", array=6, cpu="1", run_ms=300)
    world.succeeded("reduce")
    world.wait_no_pods()
    ends = [times(world, "map", i)[0] for i in range(6)]
    assert max(ends) < times(world, "reduce")[0]
    assert len(created(world, "map")) == 6


def test_sequential_children(world):
    world.setup()
    world.submit("steps", array=4, depends=[(None, "SEQUENTIAL")], run_ms=100)
    world.succeeded("steps")
    pods = sorted(created(world, "steps"), key=lambda p: p.created_at)
    assert [p.labels["bulkhead.dev/index"] for p in pods] == ["0", "1", "2", "3"]


def test_n_to_n(world):
    """Each child waits for the child of the same index, not for the whole array."""
    world.setup()
    world.submit("tidy", array=4, depends=[("make", "N_TO_N")])
    world.submit("make", array=4, depends=[(None, "SEQUENTIAL")], run_ms=200)
    world.succeeded("tidy")
    world.succeeded("make")
    for index in range(4):
        assert times(world, "make", index)[0] < times(world, "tidy", index)[0]
    assert times(world, "tidy", 0)[0] < times(world, "make", 3)[0], \
        "a child whose own dependency is done need not wait for the others"


def test_n_to_n_of_another_size_fails(world):
    world.setup()
    world.submit("three", array=3)
    world.submit("four", array=4, depends=[("three", "N_TO_N")])
    status = world.failed("four")
    assert "three" in status["statusReason"] and "N_TO_N" in status["statusReason"]


def test_missing_dependency_waits_and_says_so(world):
    world.setup()
    job_ = world.submit("eager", depends=["not-there-yet"])
    text = world.wait_reason("eager", "not-there-yet")
    assert is_sentence(text), text
    status = world.status("eager")
    assert status["status"] in ("SUBMITTED", "PENDING")
    assert condition({"status": status}, "Stalled")["status"] == "False"
    stays("it waits", lambda: not world.judge.pods_of(job_["metadata"]["uid"]), 0.5)
    world.submit("not-there-yet")
    world.succeeded("eager")


def test_failed_dependency_fails_what_waits(world):
    world.setup()
    world.submit("reduce", depends=["map"])
    world.submit("report", depends=["reduce"])
    world.submit("map", array=3, exit_code=4, depends=["split"])
    world.submit("split", exit_code=4)
    for name in ("split", "map", "reduce", "report"):
        world.failed(name)
    status = world.status("map")
    assert status["arrayProperties"]["statusSummary"]["FAILED"] == 3
    assert "Dependent Job failed" in status["statusReason"]
    assert "split" in status["statusReason"]
    assert world.status("report")["dependencies"][0]["outcome"] == "FAILED"
    for name in ("map", "reduce", "report"):
        assert world.judge.pods_of(world.job(name)["metadata"]["uid"]) == [], f"{name} never ran"


def test_n_to_n_passes_failures_on(world):
    """Of N_TO_N arrays, the child of a failed child fails; here all do, and the dependants never run."""
    world.setup()
    world.submit("one", array=3, exit_code=2)
    world.submit("two", array=3, depends=[("one", "N_TO_N")])
    status = world.failed("two")
    assert status["arrayProperties"]["statusSummary"]["FAILED"] == 3
    assert world.judge.pods_of(world.job("two")["metadata"]["uid"]) == []


def test_cycle_is_named(world):
    world.setup()
    world.submit("hen", depends=["feather"])
    world.submit("feather", depends=["egg"])
    world.submit("egg", depends=["hen"])
    seen = [world.failed(name) for name in ("hen", "feather", "egg")]
    named = [s["statusReason"] for s in seen if "cycle" in s["statusReason"]]
    assert named, [s["statusReason"] for s in seen]
    assert all(name in named[0] for name in ("hen", "feather", "egg")), named
    assert is_sentence(named[0]), named[0]


def test_dependency_deleted_before_it_ended(world):
    world.setup(queue={"state": "DISABLED"})
    world.submit("first")
    world.submit("second", depends=["first"])
    wait_for("the dependency to be recorded",
             lambda: world.status("second").get("dependencies", [{}])[0].get("uid"))
    world.api.delete(world.jobs_path("first"))
    status = world.failed("second")
    assert "first" in status["statusReason"] and is_sentence(status["statusReason"]), status["statusReason"]


def test_dependency_deleted_after_it_succeeded(world):
    """What has succeeded has succeeded, also when somebody tidies up before the dependant runs."""
    world.setup()
    world.submit("first")
    world.submit("blocker", exit_code=0, run_ms=1500)
    world.submit("second", depends=["first", "blocker"])
    world.succeeded("first")
    wait_for("the outcome to be recorded", lambda: any(
        d.get("outcome") == "SATISFIED" for d in world.status("second").get("dependencies", [])))
    world.api.delete(world.jobs_path("first"))
    world.succeeded("second")
