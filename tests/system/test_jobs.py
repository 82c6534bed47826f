# SPDX-License-Identifier: Apache-2.0
"""The life of jobs: single ones, arrays, retries, timeouts, and what their users may do to them."""

import json

import pytest

from dev_api import BULKHEAD, ApiError
from judge import OUTCOME
from waiting import stays, wait_for
from world import condition, is_sentence


def tries(status):
    return [(t["try"], t["attempt"], t.get("exitCode")) for t in status.get("tries", [])]


def summary(status):
    """statusSummary without its zeros."""
    return {phase: n for phase, n in status["arrayProperties"]["statusSummary"].items() if n}


def test_single_job(world):
    world.setup()
    submitted = world.submit("hello", cpu="500m")
    code, out, err = world.cluster.kubectl("wait", "--for=condition=Complete", "--timeout=40s", "bj/hello",
                                           "-n", world.namespace)
    assert code == 0, err
    assert "condition met" in out

    status = world.status("hello")
    assert status["status"] == "SUCCEEDED"
    assert status["attempts"] == 1
    assert status["progress"] == "1/1"
    assert status["observedGeneration"] == 1
    assert status["startedAt"] <= status["stoppedAt"]
    assert condition({"status": status}, "Complete")["status"] == "True"
    assert condition({"status": status}, "Ready")["status"] == "True"
    assert condition({"status": status}, "Stalled")["status"] == "False"
    assert condition({"status": status}, "Failed") is None
    [attempt] = status["tries"]
    assert (attempt["try"], attempt["attempt"], attempt["exitCode"]) == (1, 1, 0)
    assert attempt["node"] and attempt["podUid"]

    world.wait_no_pods("hello")
    [pod] = world.judge.pods_of(submitted["metadata"]["uid"])
    assert pod.uid == attempt["podUid"]
    assert pod.pod["metadata"]["ownerReferences"][0]["uid"] == submitted["metadata"]["uid"]
    assert "finalizers" not in world.job("hello")["metadata"]


def test_states_of_a_single_job(world):
    """SUBMITTED or RUNNABLE, then STARTING, RUNNING while it runs, and the end: never a step back."""
    world.setup()
    seen = []

    def look():
        phase = world.phase("slow")
        if phase and (not seen or seen[-1] != phase):
            seen.append(phase)
        return phase in ("SUCCEEDED", "FAILED")
    world.submit("slow", run_ms=2500)
    wait_for("slow to end", look)
    order = ["SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED"]
    assert [order.index(phase) for phase in seen] == sorted(order.index(phase) for phase in seen)
    assert seen[-2:] == ["RUNNING", "SUCCEEDED"]


def test_pod_says_who_it_is(world):
    """AWS_BATCH_* of the pod; a template's own fields come through; what bulkhead sets is set."""
    world.setup()
    world.submit("who", array=2, hang=True, labels={"team": "blue"},
                 spec={"template": {"spec": {"serviceAccountName": "default", "terminationGracePeriodSeconds": 1}}})
    world.wait_running("who", 2)
    uid = world.job("who")["metadata"]["uid"]
    for pod in world.pods("who"):
        index = pod["metadata"]["labels"]["bulkhead.dev/index"]
        env = {e["name"]: e["value"] for e in pod["spec"]["containers"][0]["env"]}
        node = world.api.get(f"/api/v1/nodes/{pod['spec']['nodeName']}")
        assert env["AWS_BATCH_JOB_ID"] == f"{uid}:{index}"
        assert env["AWS_BATCH_JOB_ARRAY_INDEX"] == index
        assert env["AWS_BATCH_JOB_ARRAY_SIZE"] == "2"
        assert env["AWS_BATCH_JOB_ATTEMPT"] == "1"
        assert env["AWS_BATCH_JQ_NAME"] == world.queue
        assert env["AWS_BATCH_CE_NAME"] == world.environment
        assert env["AWS_BATCH_JOB_KUBERNETES_NODE_UID"] == node["metadata"]["uid"]
        assert pod["metadata"]["labels"]["team"] == "blue"
        assert pod["metadata"]["labels"]["bulkhead.dev/job-uid"] == uid
        assert OUTCOME in pod["metadata"]["finalizers"]
        assert pod["spec"]["restartPolicy"] == "Never"
        assert not pod["spec"].get("hostNetwork")
        assert pod["spec"]["terminationGracePeriodSeconds"] == 1
    world.allow_deletes()


def test_parameters(world):
    """Ref::name: the job's own value wins over the definition's, and what has no value stays as it is."""
    world.setup()
    world.api.post(f"{BULKHEAD}/namespaces/{world.namespace}/jobdefinitions", {
        "apiVersion": "bulkhead.dev/v1alpha1", "kind": "JobDefinition", "metadata": {"name": "transcode"},
        "spec": {"parameters": {"codec": "mp4", "in": "none"}, "retryStrategy": {"attempts": 2},
                 "template": {"metadata": {"annotations": {"kwok.bulkhead.dev/fail-attempts": "1"}}, "spec": {
                     "containers": [{"name": "main", "image": "busybox:1.36",
                                     "command": ["echo", "--codec=Ref::codec", "Ref::input", "Ref::nothing"],
                                     "args": ["Ref::in/Ref::codec"],
                                     "resources": {"requests": {"cpu": "1", "memory": "64Mi"}}}]}}}})
    job = world.submit("film", definition="transcode", parameters={"input": "s3://films/1.mov", "codec": "av1"})
    status = world.succeeded("film")
    assert status["attempts"] == 2, "the definition's retries hold"
    container = world.judge.pods_of(job["metadata"]["uid"])[0].pod["spec"]["containers"][0]
    assert container["command"] == ["echo", "--codec=av1", "s3://films/1.mov", "Ref::nothing"]
    assert container["args"] == ["none/av1"]


def test_overrides(world):
    """A job changes parts of its definition's template; what does not go with the template is said."""
    world.setup()
    world.api.post(f"{BULKHEAD}/namespaces/{world.namespace}/jobdefinitions", {
        "apiVersion": "bulkhead.dev/v1alpha1", "kind": "JobDefinition", "metadata": {"name": "transcode"},
        "spec": {"schedulingPriority": 5, "template": {"metadata": {"labels": {"a": "1", "b": "2"}}, "spec": {
            "containers": [{"name": "main", "image": "busybox:1.36", "command": ["echo"],
                            "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                            "resources": {"requests": {"cpu": "1", "memory": "64Mi"}}}]}}}})
    def submit(name, **overrides):
        return world.submit_doc({
            "apiVersion": "bulkhead.dev/v1alpha1", "kind": "BatchJob", "metadata": {"name": name},
            "spec": {"jobQueue": world.queue, "jobDefinition": "transcode", "overrides": overrides}})
    job = submit("film", metadata={"labels": {"b": "3"}}, containers=[
        {"env": [{"name": "B", "value": "3"}], "resources": {"requests": {"cpu": "500m", "memory": "32Mi"}}}])
    submit("bad", containers=[{"name": "mian"}])
    world.succeeded("film")
    pod = world.judge.pods_of(job["metadata"]["uid"])[0].pod
    container = pod["spec"]["containers"][0]
    env = {item["name"]: item.get("value") for item in container["env"]}
    assert (env["A"], env["B"]) == ("1", "3")
    assert container["command"] == ["echo"]
    assert container["resources"]["requests"] == {"cpu": "500m", "memory": "32Mi"}
    assert (pod["metadata"]["labels"]["a"], pod["metadata"]["labels"]["b"]) == ("1", "3")
    status = world.wait_phase("bad", "FAILED")
    assert status["reason"] == "InvalidOverrides"
    assert "expected a container of the template (main)" in status["statusReason"]


def test_array(world):
    world.setup()
    job = world.submit("sweep", array=20, cpu="1")
    status = world.succeeded("sweep")
    assert summary(status) == {"SUCCEEDED": 20}
    assert status["arrayProperties"]["size"] == 20
    assert status["progress"] == "20/20"
    assert (status["running"], status["failed"]) == (0, 0)
    assert "failedIndexes" not in status["arrayProperties"]
    pods = world.judge.pods_of(job["metadata"]["uid"])
    assert sorted(int(p.labels["bulkhead.dev/index"]) for p in pods) == list(range(20)), "one pod a child"
    world.wait_no_pods("sweep")


def test_array_with_retries(world):
    """Every child fails once and succeeds then; the array has tried each twice and no more."""
    world.setup()
    job = world.submit("flaky", array=20, retry=3, fail_attempts="1")
    status = world.succeeded("flaky")
    assert summary(status) == {"SUCCEEDED": 20}
    pods = world.judge.pods_of(job["metadata"]["uid"])
    assert len(pods) == 40
    assert sorted((int(p.labels["bulkhead.dev/index"]), p.pod["metadata"]["annotations"]["bulkhead.dev/attempt"])
                  for p in pods) == [(i, a) for i in range(20) for a in ("1", "2")]


def test_array_that_fails(world):
    world.setup()
    world.submit("bad", array=6, exit_code=3, retry=2)
    status = world.failed("bad")
    assert summary(status) == {"FAILED": 6}
    assert status["arrayProperties"]["failedIndexes"] == "0-5"
    assert status["reason"] == "ArrayChildFailed"
    assert status["statusReason"] == "Array Child Job failed"
    assert condition({"status": status}, "Failed")["status"] == "True"
    assert all(t[2] == 3 for t in tries(status))
    code, _, err = world.cluster.kubectl("wait", "--for=condition=Failed", "--timeout=5s", "bj/bad",
                                         "-n", world.namespace)
    assert code == 0, err


RULES = [
    # name, how it goes, retryStrategy, wanted status, attempts
    ("exit-on-code", {"exit_code": 42},
     {"attempts": 5, "evaluateOnExit": [{"onExitCode": "42", "action": "EXIT"}]}, "FAILED", 1),
    ("retry-on-code", {"exit_code": 7},
     {"attempts": 3, "evaluateOnExit": [{"onExitCode": "7", "action": "retry"},
                                        {"onReason": "*", "action": "EXIT"}]}, "FAILED", 3),
    ("retry-until-good", {"fail_attempts": "1,2"}, {"attempts": 3}, "SUCCEEDED", 3),
    ("exhausted", {"exit_code": 1}, {"attempts": 2}, "FAILED", 2),
    ("no-strategy", {"exit_code": 1}, None, "FAILED", 1),
    ("no-rule-matches", {"exit_code": 5},
     {"attempts": 2, "evaluateOnExit": [{"onExitCode": "9*", "action": "EXIT"}]}, "FAILED", 2),
    ("catch-all", {"exit_code": 5},
     {"attempts": 4, "evaluateOnExit": [{"onStatusReason": "Host EC2*", "action": "RETRY"},
                                        {"onReason": "*", "action": "EXIT"}]}, "FAILED", 1),
    ("out-of-memory", {"exit_code": 137, "reason": "OOMKilled"},
     {"attempts": 4, "evaluateOnExit": [{"onReason": "OutOfMemoryError:*", "action": "EXIT"}]}, "FAILED", 1),
]


def test_retry_rules(world):
    world.setup()
    for name, how, retry, _, _ in RULES:
        world.submit(name, retry=retry, **how)
    got = {}
    for name, *_ in RULES:
        status = world.wait_end(name)
        got[name] = (status["status"], status["attempts"])
    assert got == {name: (phase, attempts) for name, _, _, phase, attempts in RULES}

    status = world.status("exhausted")
    assert tries(status) == [(1, 1, 1), (2, 2, 1)]
    assert status["statusReason"] == "Essential container in task exited"
    assert ("Retrying" in {reason for reason, _ in world.events_of("exhausted")}), "a retry is an event"
    assert "OutOfMemoryError" in world.status("out-of-memory")["tries"][0]["reason"]


def test_kubelet_refusal_is_no_attempt(world):
    """A kubelet that does not admit the pod says nothing about the job: the next try comes, the attempts stay."""
    world.setup()
    job = world.submit("refused", refuse="OutOfcpu", retry=1)
    wait_for("three tries of refused", lambda: len(world.judge.pods_of(job["metadata"]["uid"])) >= 3)
    status = wait_for("the refusals in status",
                      lambda: (s := world.status("refused")).get("refusals", 0) >= 2 and s)
    assert status["attempts"] == 0
    assert all(attempt == 0 for _, attempt, _ in tries(status))
    world.allow_deletes()
    world.request("refused", "TERMINATE", "seen enough")
    assert world.failed("refused")["attempts"] == 0


def test_timeout(world):
    """An attempt that runs too long is stopped, fails, and is not retried."""
    world.setup()
    world.allow_deletes()
    world.submit("forever", hang=True, timeout=2, retry=3)
    status = world.failed("forever")
    assert status["attempts"] == 1
    assert status["statusReason"] == "Job attempt duration exceeded timeout"
    world.wait_no_pods("forever")


def test_cancel_before_it_runs(world):
    world.setup(queue={"state": "DISABLED"})
    job = world.submit("later")
    world.wait_reason("later", "DISABLED")
    world.request("later", "CANCEL", "not needed any more")
    status = world.failed("later")
    assert status["isCancelled"] is True
    assert status["statusReason"] == "not needed any more"
    assert status["attempts"] == 0
    world.patch_queue({"state": "ENABLED"})
    world.submit("after")
    world.succeeded("after")
    assert world.judge.pods_of(job["metadata"]["uid"]) == [], "a cancelled job never got a pod"


def test_cancel_spares_what_runs(world):
    world.setup(max_vcpus=4)
    world.submit("half", array=4, cpu="2", run_ms=1500)
    world.wait_running("half", 2)
    world.request("half", "CANCEL", "enough")
    status = world.failed("half")
    assert summary(status) == {"SUCCEEDED": 2, "FAILED": 2}
    assert status["isCancelled"] is True


def test_terminate_while_running(world):
    world.setup()
    job = world.submit("stop-me", array=3, hang=True, retry=4)
    world.wait_running("stop-me", 3)
    world.allow_deletes()
    world.request("stop-me", "TERMINATE", "wrong input")
    status = world.failed("stop-me")
    assert status["statusReason"] == "wrong input"
    assert status["isTerminated"] is True
    assert summary(status) == {"FAILED": 3}
    world.wait_no_pods("stop-me")
    assert len(world.judge.pods_of(job["metadata"]["uid"])) == 3, "a terminated job is not retried"


def test_delete_while_running(world):
    """Deleting a job ends it: its pods go, and nothing hangs on a finalizer."""
    world.setup()
    world.submit("away", array=3, hang=True, retry=2)
    world.wait_running("away", 3)
    world.allow_deletes()
    world.api.delete(world.jobs_path("away"))
    wait_for("the job to be gone", lambda: world.api.find(world.jobs_path("away")) is None)
    world.wait_no_pods()


def test_delete_pod_while_running(world):
    """Somebody deletes a running pod: an attempt, and the next one follows."""
    world.setup()
    job = world.submit("robbed", run_ms=2500, retry=2)
    [pod] = wait_for("robbed to run", lambda: [p for p in world.pods("robbed") if p["status"]["phase"] == "Running"])
    world.allow_deletes()
    world.api.delete(f"/api/v1/namespaces/{world.namespace}/pods/{pod['metadata']['name']}")
    status = world.succeeded("robbed")
    assert status["attempts"] == 2
    assert len(world.judge.pods_of(job["metadata"]["uid"])) == 2


def test_get_and_describe(world):
    """What `kubectl get bj` and `kubectl describe bj` show to a person."""
    world.setup(max_vcpus=4)
    world.submit("table", array=5, cpu="1", hang=True)
    world.submit("sad", exit_code=9, cpu="1m")
    world.wait_running("table", 4)
    wait_for("the status to say so", lambda: world.status("table").get("running") == 4)
    code, out, err = world.cluster.kubectl("get", "bj", "table", "-n", world.namespace)
    assert code == 0, err
    header, row = out.splitlines()
    assert header.split() == ["NAME", "QUEUE", "STATUS", "PROGRESS", "RUNNING", "FAILED", "AGE", "REASON"]
    cells = row.split()
    assert cells[:6] == ["table", world.queue, "PENDING", "0/5", "4", "0"], row

    world.allow_deletes()
    world.request("table", "TERMINATE", "shown")
    world.failed("table")
    world.failed("sad")
    wait_for("the event of its end", lambda: "Failed" in {r for r, _ in world.events_of("sad")})
    code, out, err = world.cluster.kubectl("describe", "bj", "sad", "-n", world.namespace)
    assert code == 0, err
    for words in ("Exit Code:", "9", "Events:", "Essential container in task exited", "Status Reason:"):
        assert words in out, f"describe lacks {words!r}:\n{out}"
    for plural, name in (("jq", world.queue), ("ce", world.environment)):
        code, out, err = world.cluster.kubectl("get", plural, name)
        assert code == 0, err
        assert "VALID" in out


def test_end_is_permanent(world):
    """A terminal status and a submitted spec do not change, whoever asks."""
    world.setup()
    world.submit("done")
    world.succeeded("done")
    with pytest.raises(ApiError, match="permanent"):
        world.api.patch(world.jobs_path("done") + "/status", {"status": {"status": "RUNNING"}})
    with pytest.raises(ApiError, match="cannot change once the job is submitted"):
        world.api.patch(world.jobs_path("done"), {"spec": {"arrayProperties": {"size": 3}}})
    before = json.dumps(world.job("done")["status"])
    stays("the status stays", lambda: json.dumps(world.job("done")["status"]) == before, 0.5)


def test_requests_are_append_only(world):
    world.setup(queue={"state": "DISABLED"})
    world.submit("asked")
    world.request("asked", "CANCEL", "first")
    with pytest.raises(ApiError, match="added at the end"):
        world.api.patch(world.jobs_path("asked"), {"spec": {"requests": []}})
    assert is_sentence(world.failed("asked")["statusReason"]) or world.status("asked")["statusReason"] == "first"
