# SPDX-License-Identifier: Apache-2.0
"""What a real API server accepts and refuses of our kinds, in the words that a user reads.

The controller's own checks of the same rules are in tests/api/spec_test.c; crd-lint compares bounds and patterns. What
is left for here: rules across fields, what may change after submission, and that every example can be applied.
"""

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SPACE = "admission"
CLUSTER_KINDS = ("JobQueue", "ComputeEnvironment", "SchedulingPolicy")

POD = {"spec": {"containers": [{"name": "c", "image": "i"}]}}
JOB = {"jobQueue": "q", "template": POD}
QUEUE = {"computeEnvironmentOrder": [{"order": 1, "computeEnvironment": "a"}]}
CATALOG = [{"name": "s", "vcpus": 4, "memory": "16Gi"}]
GROUP = {"provider": "kwok", "kwok": {"catalog": CATALOG}}
MANAGED = {"type": "MANAGED", "kubernetesNamespaces": ["a"], "computeResources": {"maxvCpus": 8}, "nodeGroup": GROUP}
UNMANAGED = {"type": "UNMANAGED", "kubernetesNamespaces": ["a"]}
FAIR = {**QUEUE, "schedulingPolicy": "teams"}


def shares(*distribution, **more):
    return {"fairsharePolicy": {"shareDistribution": list(distribution), **more}}


def pod(**fields):
    return {"spec": {**POD["spec"], **fields}}


def document(kind, spec, name="probe"):
    metadata = {"name": name} if kind in CLUSTER_KINDS else {"name": name, "namespace": SPACE}
    return json.dumps({"apiVersion": "bulkhead.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec})


@pytest.fixture(scope="module")
def space(cluster):
    cluster.kubectl("create", "namespace", SPACE)
    yield cluster
    cluster.kubectl("delete", "namespace", SPACE, "--wait=false")


ACCEPTED = [
    ("BatchJob", JOB),
    ("BatchJob", {"jobQueue": "q", "jobDefinition": "d", "parameters": {"a": "b"}}),
    ("BatchJob", {**JOB, "arrayProperties": {"size": 1000000}, "dependsOn": [{"type": "SEQUENTIAL"}]}),
    ("BatchJob", {**JOB, "dependsOn": [{"jobName": "other"}]}),
    ("BatchJob", {**JOB, "dependsOn": [{"jobName": "other", "onDependencyFailure": "Hold"}],
                  "replaces": {"jobName": "failed"}}),
    ("BatchJob", {**JOB, "template": pod(restartPolicy="Never", hostNetwork=True, nodeSelector={"a": "b"})}),
    ("BatchJob", {**JOB, "retryStrategy": {"attempts": 2, "evaluateOnExit": [{"onReason": "*", "action": "Exit"}]}}),
    ("BatchJob", {"jobQueue": "q", "jobDefinition": "d", "schedulingPriorityOverride": 9999, "overrides": {
        "containers": [{"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
                        "resources": {"limits": {"cpu": 1}}}], "metadata": {"labels": {"a": "b"}}}}),
    ("JobDefinition", {"template": POD}),
    ("JobDefinition", {"template": POD, "schedulingPriority": 0}),
    ("JobQueue", QUEUE),
    ("ComputeEnvironment", MANAGED),
    ("ComputeEnvironment", UNMANAGED),
    ("ComputeEnvironment", {**MANAGED, "nodeGroup": {"provider": "command", "command": {"program": "my-nodes"}}}),
    ("ComputeEnvironment", {**MANAGED, "nodeGroup": {"provider": "kwok", "kwok": {
        "catalog": [{**CATALOG[0], "price": 0.2}, {**CATALOG[0], "name": "t", "price": "0.2", "memory": 1024}]}}}),
    ("JobQueue", FAIR),
    ("JobQueue", {**FAIR, "queueingStrategy": "FIFO"}),
    ("BatchJob", {**JOB, "shareIdentifier": "Team_A.vision-1", "preemptible": True}),
    ("JobDefinition", {"template": POD, "preemptible": True}),
    ("SchedulingPolicy", {}),
    ("SchedulingPolicy", shares(shareDecaySeconds=604800, computeReservation=99, resource="DOMINANT", reclaim="Preemptible")),
    ("SchedulingPolicy", shares({"shareIdentifier": "a", "weightFactor": 0.125}, {"shareIdentifier": "student-*"},
                                {"shareIdentifier": "b" * 63, "weightFactor": 999.9999})),
    ("SchedulingPolicy", shares(*({"shareIdentifier": f"s{i}"} for i in range(500)))),
]


@pytest.mark.parametrize("kind,spec", ACCEPTED)
def test_accepted(space, kind, spec):
    code, _, err = space.kubectl("create", "--dry-run=server", "-f", "-", input=document(kind, spec))
    assert code == 0, err


RULE = {"onExitCode": "1", "action": "RETRY"}
REFUSED = [
    ("BatchJob", {"jobDefinition": "d"}, "spec.jobQueue: Required"),
    ("BatchJob", {"jobQueue": "q"}, "expected one of jobDefinition, template and nodeProperties"),
    ("BatchJob", {**JOB, "jobDefinition": "d"}, "expected one of jobDefinition, template and nodeProperties"),
    ("BatchJob", {**JOB, "atempts": 3}, 'unknown field "spec.atempts"'),
    ("BatchJob", {**JOB, "jobQueue": "Q"}, "spec.jobQueue"),
    ("BatchJob", {**JOB, "arrayProperties": {"size": 1000001}}, "less than or equal to 1000000"),
    ("BatchJob", {**JOB, "arrayProperties": {"maxConcurrent": 1}}, "expected one of size and sizeFrom"),
    ("BatchJob", {**JOB, "arrayProperties": {"size": 2, "sizeFrom": "Ref::jobs.a.n"}, "dependsOn": [{"jobName": "a"}]},
     "expected one of size and sizeFrom"),
    ("BatchJob", {**JOB, "dependsOn": [{}]}, "jobName is required, except with type SEQUENTIAL"),
    ("BatchJob", {**JOB, "dependsOn": [{"type": "SEQUENTIAL"}]}, "need arrayProperties"),
    ("BatchJob", {**JOB, "dependsOn": [{"jobName": "a", "type": "N_TO_N"}]}, "need arrayProperties"),
    ("BatchJob", {**JOB, "dependsOn": [{"jobName": "probe"}]}, "cannot depend on itself"),
    ("BatchJob", {**JOB, "dependsOn": [{"jobName": "a", "condition": "Always", "onDependencyFailure": "Hold"}]},
     "Hold needs a jobName and condition OnSuccess"),
    ("BatchJob", {**JOB, "replaces": {"jobName": "probe"}}, "a job cannot replace itself"),
    ("BatchJob", {**JOB, "replaces": {"jobName": "a"}, "dependsOn": [{"jobName": "a"}]},
     "a job cannot depend on the job that it replaces"),
    ("BatchJob", {**JOB, "dependsOn": [{"jobName": "a"}] * 101}, "must have at most 100 items"),
    ("BatchJob", {**JOB, "retryStrategy": {"attempts": 11}}, "less than or equal to 10"),
    ("BatchJob", {**JOB, "retryStrategy": {"evaluateOnExit": [RULE]}}, "attempts: required with evaluateOnExit"),
    ("BatchJob", {**JOB, "retryStrategy": {"attempts": 1, "evaluateOnExit": [RULE] * 6}}, "at most 5 items"),
    ("BatchJob", {**JOB, "retryStrategy": {"attempts": 1, "evaluateOnExit": [{"action": "EXIT"}]}},
     "each rule needs onReason, onStatusReason or onExitCode"),
    ("BatchJob", {**JOB, "timeout": {"attemptDurationSeconds": 0}}, "greater than or equal to 1"),
    ("BatchJob", {**JOB, "requests": [{"action": "STOP", "reason": "x"}]}, '"CANCEL", "TERMINATE"'),
    ("BatchJob", {**JOB, "template": pod(nodeName="n")}, "bulkhead chooses the node"),
    ("BatchJob", {**JOB, "template": pod(schedulerName="s")}, "without a scheduler"),
    ("BatchJob", {**JOB, "template": pod(restartPolicy="Always")}, 'supported values: "Never"'),
    ("BatchJob", {**JOB, "template": pod(priorityClassName="system-node-critical")}, "not for jobs"),
    ("BatchJob", {**JOB, "template": pod(containers=[])}, "at least 1 items"),
    ("BatchJob", {**JOB, "template": pod(containers=[{"name": "c"}])}, "containers[0].image: Required"),
    ("BatchJob", {**JOB, "template": {}}, "spec.template.spec: Required"),
    ("JobDefinition", {"template": pod(nodeName="n")}, "bulkhead chooses the node"),
    ("JobDefinition", {"type": "multinode", "template": POD}, "expected template with type container"),
    ("JobQueue", {"computeEnvironmentOrder": []}, "at least 1 items"),
    ("JobQueue", {**QUEUE, "priority": 1001}, "less than or equal to 1000"),
    ("JobQueue", {**QUEUE, "kubernetesNamespaces": ["default"]}, "other than default and kube-*"),
    ("JobQueue", {"computeEnvironmentOrder": [{"order": 1, "computeEnvironment": n} for n in "ab"]},
     "each order can be there once"),
    ("JobQueue", {"computeEnvironmentOrder": [{"order": n, "computeEnvironment": "a"} for n in (1, 2)]}, "Duplicate"),
    ("JobQueue", {**FAIR, "queueingStrategy": "BEST_EFFORT_FIFO"}, "expected FIFO with a schedulingPolicy"),
    ("JobQueue", {**FAIR, "schedulingPolicy": "No name"}, "spec.schedulingPolicy"),
    ("BatchJob", {**JOB, "shareIdentifier": "team a"}, "spec.shareIdentifier"),
    ("BatchJob", {**JOB, "shareIdentifier": "a" * 64}, "may not be more than 63"),
    ("SchedulingPolicy", shares(reclaim="Always"), '"Never", "Preemptible"'),
    ("SchedulingPolicy", shares(shareDecaySeconds=604801), "less than or equal to 604800"),
    ("SchedulingPolicy", shares(computeReservation=100), "less than or equal to 99"),
    ("SchedulingPolicy", shares(resource="GPU"), '"VCPU", "DOMINANT"'),
    ("SchedulingPolicy", shares({"shareIdentifier": "a"}, {"shareIdentifier": "a"}), "Duplicate"),
    ("SchedulingPolicy", shares({"shareIdentifier": "a*b"}), "shareDistribution[0].shareIdentifier"),
    ("SchedulingPolicy", shares({"shareIdentifier": "a", "weightFactor": 0}), "expected a number 0.0001..999.9999"),
    ("SchedulingPolicy", shares({"shareIdentifier": "a", "weightFactor": 1000}), "less than or equal to 999"),
    ("SchedulingPolicy", shares(*({"shareIdentifier": f"s{i}"} for i in range(501))), "at most 500 items"),
    ("SchedulingPolicy", {"fairSharePolicy": {}}, 'unknown field "spec.fairSharePolicy"'),
    ("ComputeEnvironment", {**UNMANAGED, "kubernetesNamespaces": ["kube-system"]}, "other than default and kube-*"),
    ("ComputeEnvironment", {**UNMANAGED, "kubernetesNamespaces": []}, "at least 1 items"),
    ("ComputeEnvironment", {**UNMANAGED, "nodeGroup": GROUP}, "expected kwok or command with type MANAGED"),
    ("ComputeEnvironment", {**UNMANAGED, "computeResources": {"maxvCpus": 1}}, "required with type MANAGED, and only"),
    ("ComputeEnvironment", {**MANAGED, "nodeGroup": {"provider": "static"}}, "expected kwok or command"),
    ("ComputeEnvironment", {**MANAGED, "nodeGroup": {"provider": "kwok"}}, "required with provider kwok"),
    ("ComputeEnvironment", {**MANAGED, "nodeGroup": {"provider": "command"}}, "required with provider command"),
    ("ComputeEnvironment", {**MANAGED, "nodeGroup": {"provider": "command", "command": {"program": "../x"}}},
     "spec.nodeGroup.command.program"),
    ("ComputeEnvironment", {**MANAGED, "computeResources": {"minvCpus": 9, "maxvCpus": 8}}, "at most maxvCpus"),
    ("ComputeEnvironment", {**MANAGED, "computeResources": {"maxvCpus": 8, "instanceTypes": ["x"]}},
     "expected names from nodeGroup.kwok.catalog"),
    ("ComputeEnvironment", {**MANAGED, "computeResources": {"maxvCpus": 8, "scalingPolicy": {
        "minScaleDownDelayMinutes": 1, "scaleDownDelaySeconds": 1}}}, "expected one of minScaleDownDelayMinutes"),
    ("ComputeEnvironment", {**MANAGED, "nodeGroup": {"provider": "kwok", "kwok": {"catalog": CATALOG * 2}}},
     "Duplicate"),
]


@pytest.mark.parametrize("kind,spec,words", REFUSED)
def test_refused(space, kind, spec, words):
    code, _, err = space.kubectl("create", "--dry-run=server", "-f", "-", input=document(kind, spec))
    assert code != 0, "accepted"
    assert words in err


@pytest.mark.parametrize("kind,spec", [("JobQueue", QUEUE), ("ComputeEnvironment", UNMANAGED),
                                       ("SchedulingPolicy", {})])
def test_a_name_that_is_no_label(space, kind, spec):
    code, _, err = space.kubectl("create", "--dry-run=server", "-f", "-", input=document(kind, spec, "a" * 64))
    assert code != 0
    assert "expected at most 63 characters" in err


@pytest.fixture
def job(space, request):
    """The name of a job with everything set, which no controller can start: its queue is missing."""
    name = f"job-{abs(hash(request.node.name)) % 10**8}"
    spec = {"jobQueue": "none", "template": POD, "parameters": {"a": "b"}, "dependsOn": [{"jobName": "x"}],
            "arrayProperties": {"size": 3}, "retryStrategy": {"attempts": 2}, "timeout": {"attemptDurationSeconds": 9},
            "overrides": {"metadata": {"labels": {"a": "b"}}}, "schedulingPriorityOverride": 3, "requests": [],
            "shareIdentifier": "a"}
    space.kubectl("create", "-f", "-", input=document("BatchJob", spec, name), check=True)
    yield name
    space.kubectl("delete", "batchjob", "-n", SPACE, name, "--wait=false")


def patch(space, name, change, *more):
    return space.kubectl("patch", "batchjob", name, "-n", SPACE, "--type=merge", "-p", json.dumps(change), *more)


@pytest.mark.parametrize("change", [
    {"jobQueue": "other"}, {"jobDefinition": "d", "template": None}, {"template": pod(hostNetwork=True)},
    {"parameters": {"a": "c"}}, {"parameters": None}, {"arrayProperties": {"size": 4}}, {"arrayProperties": None},
    {"overrides": None}, {"overrides": {"metadata": {"labels": {"a": "c"}}}}, {"schedulingPriorityOverride": 4},
    {"shareIdentifier": "other"}, {"shareIdentifier": None}, {"dependsOn": None}, {"replaces": {"jobName": "a"}}, {"retryStrategy": {"attempts": 3}}, {"timeout": None},
])
def test_a_submitted_spec_cannot_change(space, job, change):
    code, _, err = patch(space, job, {"spec": change})
    assert code != 0
    assert "cannot change once the job is submitted" in err


def test_a_spec_cannot_be_taken_away(space, job):
    code, _, err = patch(space, job, {"spec": None})
    assert code != 0
    assert "spec: Required" in err


def test_requests_only_grow(space, job):
    first, second = ({"action": action, "reason": "r"} for action in ("CANCEL", "TERMINATE"))
    assert patch(space, job, {"spec": {"requests": [first]}})[0] == 0
    assert patch(space, job, {"spec": {"requests": [first, second]}})[0] == 0
    for change in ([second], [second, first], [first], [], None, [first, {**second, "reason": "other"}]):
        code, _, err = patch(space, job, {"spec": {"requests": change}})
        assert code != 0, change
        assert "not changed or taken back" in err


def test_how_a_job_ended_is_permanent(space, job):
    ended = {"status": "FAILED", "reason": "Exited", "statusReason": "exit code 1", "attempts": 2,
             "stoppedAt": "2026-11-21T09:30:00.000001Z", "arrayProperties": {"size": 3, "data": "f2*3"}}
    status = ("--subresource=status",)
    assert patch(space, job, {"status": ended}, *status)[0] == 0
    for change in ({"status": None}, {"status": {"status": "SUCCEEDED"}}, {"status": {"status": None}},
                   {"status": {"reason": "Other"}}, {"status": {"statusReason": None}}, {"status": {"attempts": 3}},
                   {"status": {"isCancelled": True}}, {"status": {"stoppedAt": "2026-11-21T09:31:00Z"}},
                   {"status": {"arrayProperties": {"data": "s2*3"}}}, {"status": {"arrayProperties": None}}):
        code, _, err = patch(space, job, change, *status)
        assert code != 0, change
        assert "how it ended is permanent" in err
    code, _, err = patch(space, job, {"status": {"observedGeneration": 9}}, *status)
    assert code == 0, err


def test_attempts_never_go_down(space, job):
    status = ("--subresource=status",)
    assert patch(space, job, {"status": {"status": "RUNNABLE", "attempts": 2}}, *status)[0] == 0
    for change in ({"status": {"attempts": 1}}, {"status": {"attempts": None}}, {"status": None}):
        code, _, err = patch(space, job, change, *status)
        assert code != 0, change
        assert "status.attempts: never goes down" in err


def test_a_definition_can_change(space):
    space.kubectl("create", "-f", "-", input=document("JobDefinition", {"template": POD}, "edited"), check=True)
    spec = {"template": pod(hostPID=True), "deregisteredRevisions": [1], "revisionHistoryLimit": 0}
    space.kubectl("apply", "-f", "-", input=document("JobDefinition", spec, "edited"), check=True)
    spec["deregisteredRevisions"] = [0]
    code, _, err = space.kubectl("apply", "-f", "-", input=document("JobDefinition", spec, "edited"))
    assert code != 0
    assert "spec.deregisteredRevisions[0]" in err


def test_a_policy_can_be_replaced_only(space):
    """What queues have used by shares would mean nothing without them."""
    space.kubectl("create", "-f", "-", input=document("JobQueue", FAIR, "fair"), check=True)
    space.kubectl("create", "-f", "-", input=document("JobQueue", QUEUE, "plain"), check=True)
    try:
        for name, spec in (("fair", QUEUE), ("plain", FAIR)):
            code, _, err = space.kubectl("replace", "-f", "-", input=document("JobQueue", spec, name))
            assert code != 0
            assert "can be replaced, not added or taken away; create another queue" in err
        spec = {**FAIR, "schedulingPolicy": "other"}
        code, _, err = space.kubectl("replace", "-f", "-", input=document("JobQueue", spec, "fair"))
        assert code == 0, err
    finally:
        for name in ("fair", "plain"):
            space.kubectl("patch", "jobqueue", name, "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
            space.kubectl("delete", "jobqueue", name, "--wait=false")


def test_a_misspelt_field_is_told_by_apply(space):
    code, _, err = space.kubectl("apply", "-f", "-", input=document("JobQueue", {**QUEUE, "priorty": 3}, "misspelt"))
    assert code != 0
    assert 'unknown field "spec.priorty"' in err


def test_printer_columns(space, job):
    patch(space, job, {"status": {"status": "PENDING", "progress": "1/3", "running": 1, "failed": 0, "attempts": 0,
                                  "reason": "Why"}}, "--subresource=status")
    _, out, _ = space.kubectl("get", "bj", "-n", SPACE, job, check=True)
    assert out.split("\n")[0].split() == ["NAME", "QUEUE", "STATUS", "PROGRESS", "RUNNING", "FAILED", "AGE", "REASON"]
    _, out, _ = space.kubectl("get", "bj", "-n", SPACE, job, "-o", "wide", check=True)
    assert out.split("\n")[0].split()[-2:] == ["MESSAGE", "DEFINITION"]


@pytest.mark.parametrize("overlay", ["default", "kwok"])
def test_manifests(space, overlay):
    code, out, err = space.kubectl("kustomize", str(ROOT / "manifests" / overlay))
    assert code == 0, err
    rights = [part for part in out.split("\n---\n") if "apiVersion: rbac.authorization.k8s.io" in part]
    assert rights
    for part in rights:
        assert "- '*'" not in part and '"*"' not in part, "a right for everything"
    space.kubectl("create", "namespace", "bulkhead-system")
    code, _, err = space.kubectl("apply", "--dry-run=server", "-f", "-", input=out)
    assert code == 0, err


@pytest.mark.parametrize("example", sorted(path.name for path in (ROOT / "manifests" / "examples").glob("*.yaml")))
def test_examples(space, example):
    space.kubectl("create", "namespace", "research")
    text = (ROOT / "manifests" / "examples" / example).read_text()
    assert text.split("\n")[1].startswith("# "), "an example says what it shows"
    code, _, err = space.kubectl("apply", "--dry-run=server", "-f", "-", input=text)
    assert code == 0, err
