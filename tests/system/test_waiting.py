# SPDX-License-Identifier: Apache-2.0
"""Why does my job wait? And what was wrong with what I gave it? Each answer is one clear sentence."""

import pytest
import yaml

from dev_api import ApiError
from waiting import stays, wait_for
from world import SMALL, condition, is_sentence, job, merged


def test_room_for_two_of_six(world):
    """Two run, four wait, the status says why and what would help; doing that helps."""
    world.setup(max_vcpus=4)
    world.submit("six", array=6, cpu="2", hang=True)
    world.wait_running("six", 2)
    text = world.wait_reason("six", "4 of 6 children", "maxvCpus 4")
    assert is_sentence(text), text
    assert "raise maxvCpus" in text, "it says what would unblock it"
    stays("two run, and there are no other pods", lambda: world.phases("six") == {"Running": 2}, 1)
    status = world.status("six")
    counts = status["arrayProperties"]["statusSummary"]
    assert (counts["RUNNING"], counts["RUNNABLE"]) == (2, 4), counts
    assert status["reason"] == "MaxvCpusReached"

    world.patch_environment({"computeResources": {"maxvCpus": 12}})
    world.wait_running("six", 6)
    world.allow_deletes()


def test_smaller_jobs_pass_the_one_that_does_not_fit_now(world):
    """What the jobs behind the head of the queue are told while it waits names the queue or the room."""
    world.setup(max_vcpus=4)
    world.submit("big", cpu="4", hang=True)
    world.wait_running("big", 1)
    world.submit("next", cpu="4")
    world.submit("after", cpu="4")
    for name in ("next", "after"):
        text = wait_for(f"a reason for {name}", lambda n=name: world.status(n).get("statusReason"))
        assert is_sentence(text), text
    world.allow_deletes()
    world.request("big", "TERMINATE", "make room")
    world.succeeded("next")
    world.succeeded("after")


# What is wrong: (name, the job, where it is said, words of the sentence)
def _quantity(world):
    return job("quantity", world.queue, cpu="1x")


def _misspelt_in_template(world):
    return merged(job("misspelt-template", world.queue), {"spec": {"template": {"spec": {"hostNetwrk": True}}}})


REFUSED = [
    ("array-minus-one", lambda w: job("x", w.queue, array=-1), ("arrayProperties.size", "1")),
    ("array-ten-million", lambda w: job("x", w.queue, array=10_000_000), ("arrayProperties.size", "1000000")),
    ("node-name", lambda w: job("x", w.queue, spec={"template": {"spec": {"nodeName": "n1"}}}),
     ("nodeName", "bulkhead chooses the node")),
    ("priority-class",
     lambda w: job("x", w.queue, spec={"template": {"spec": {"priorityClassName": "system-node-critical"}}}),
     ("system-*", "not for jobs")),
    ("scheduler-name", lambda w: job("x", w.queue, spec={"template": {"spec": {"schedulerName": "mine"}}}),
     ("schedulerName", "without a scheduler")),
    ("restart-policy", lambda w: job("x", w.queue, spec={"template": {"spec": {"restartPolicy": "OnFailure"}}}),
     ("restartPolicy", "Never")),
    ("depends-on-itself", lambda w: job("x", w.queue, depends=["x"]), ("cannot depend on itself",)),
    ("neither", lambda w: merged(job("x", w.queue), {"spec": {"template": None}}),
     ("one of jobDefinition, template and nodeProperties",)),
    ("no-attempts", lambda w: job("x", w.queue, retry=0), ("attempts", "1")),
    ("rules-without-attempts",
     lambda w: job("x", w.queue, retry={"evaluateOnExit": [{"onReason": "*", "action": "EXIT"}]}),
     ("attempts: required with evaluateOnExit",)),
]


@pytest.mark.parametrize("case", [case[0] for case in REFUSED])
def test_refused_at_admission(world, case):
    _, make, words = next(c for c in REFUSED if c[0] == case)
    with pytest.raises(ApiError) as refused:
        world.submit_doc(make(world))
    assert refused.value.status in (400, 422)
    for word in words:
        assert word in str(refused.value), str(refused.value)


def test_misspelt_field_is_refused(world):
    """kubectl apply names the field; nothing is silently dropped."""
    doc = merged(job("typo", world.queue), {"spec": {"arayProperties": {"size": 3}}})
    code, _, err = world.cluster.kubectl("apply", "-n", world.namespace, "-f", "-", input=yaml.safe_dump(doc))
    assert code != 0
    assert 'unknown field "spec.arayProperties"' in err


REPORTED = [
    # name, the job, "waits" or "fails", words of its statusReason
    ("missing-queue", lambda w: job("x", "no-such-queue"), "waits", ("no-such-queue", "does not exist")),
    ("disabled-queue", lambda w: job("x", f"{w.queue}-off"), "waits", ("DISABLED", "ENABLED")),
    ("closed-queue", lambda w: job("x", f"{w.queue}-closed"), "waits", ("takes no jobs from namespace", "add it")),
    ("missing-definition", lambda w: job("x", w.queue, definition="nothing"), "waits",
     ("JobDefinition nothing does not exist",)),
    ("fits-no-type", lambda w: job("x", w.queue, cpu="64"), "waits",
     ("MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT", "no instance type is large enough")),
    ("no-gpu", lambda w: job("x", w.queue, spec={"template": {"spec": {"containers": [
        {"name": "main", "image": "i", "resources": {"limits": {"nvidia.com/gpu": "1"}}}]}}}), "waits",
     ("no instance type is large enough or matches",)),
    ("no-such-node", lambda w: job("x", w.queue, spec={"template": {"spec": {"nodeSelector": {"disk": "fast"}}}}),
     "waits", ("no instance type",)),
    ("invalid-quantity", lambda w: _quantity(w), "fails", ("1x",)),
    ("misspelt-template", lambda w: _misspelt_in_template(w), "fails", ("hostNetwrk",)),
    ("bad-image-field", lambda w: job("x", w.queue, spec={"template": {"spec": {"containers": [
        {"name": "Main_1", "image": "i"}]}}}), "fails", ("Main_1",)),
    ("no-such-account", lambda w: job("x", w.queue, spec={"template": {"spec": {"serviceAccountName": "ghost"}}}),
     "fails", ("ghost",)),
    ("missing-volume", lambda w: job("x", w.queue, spec={"template": {"spec": {"containers": [
        {"name": "main", "image": "i", "volumeMounts": [{"name": "ghost", "mountPath": "/x"}]}]}}}), "fails",
     ("ghost",)),
]


def test_reported_in_status(world):
    """Each of them says what is wrong in its own status, and one good job beside them is not held up."""
    world.setup(max_vcpus=16)
    world.add_queue(f"{world.queue}-off", [world.environment], state="DISABLED")
    world.add_queue(f"{world.queue}-closed", [world.environment], kubernetesNamespaces=["someone-else"])
    for name, make, _, _ in REPORTED:
        world.submit_doc(merged(make(world), {"metadata": {"name": name}}))
    world.submit("good")
    world.succeeded("good")
    wrong = []
    for name, _, what, words in REPORTED:
        try:
            text = world.wait_reason(name, *words, deadline=15)
            status = world.status(name)
            assert is_sentence(text), f"no sentence: {text}"
            assert (status["status"] == "FAILED") == (what == "fails"), world.told(status)
            ready = condition({"status": status}, "Ready")
            assert ready["status"] == "False" and ready["message"] == text and ready["reason"] == status["reason"]
            assert not world.judge.pods_of(world.job(name)["metadata"]["uid"]), "it had a pod"
        except AssertionError as error:
            wrong.append(f"{name}: {error}")
    assert not wrong, "\n".join(wrong)


def test_what_would_unblock_it_unblocks_it(world):
    """Queue made, definition made: what waited goes on by itself."""
    world.setup()
    world.submit("early", queue=f"{world.queue}-later")
    world.wait_reason("early", "does not exist")
    world.add_queue(f"{world.queue}-later", [world.environment])
    world.succeeded("early")


def test_queue_without_environment_says_so(world):
    world.add_queue(world.queue, ["no-such-environment"])
    text = wait_for("the queue to be INVALID",
                    lambda: (s := world.get_queue().get("status", {})).get("status") == "INVALID" and s["statusReason"])
    assert "no-such-environment does not exist" in text
    world.submit("lost")
    text = world.wait_reason("lost", "no-such-environment")
    assert is_sentence(text), text


def test_quota_waits(world):
    """A ResourceQuota that is used up is waited for, and the sentence names it."""
    world.setup()
    path = f"/api/v1/namespaces/{world.namespace}/resourcequotas"
    world.api.post(path, {"metadata": {"name": "two-pods"}, "spec": {"hard": {"pods": "2"}}})
    wait_for("the quota to be counted", lambda: world.api.get(f"{path}/two-pods").get("status", {}).get("hard"))
    world.submit("many", array=4, hang=True)
    world.wait_running("many", 2)
    text = world.wait_reason("many", "two-pods")
    assert is_sentence(text), text
    world.api.patch(f"{path}/two-pods", {"spec": {"hard": {"pods": "10"}}})
    world.wait_running("many", 4)
    world.allow_deletes()


def test_disabled_environment(world):
    world.add_environment(world.environment, catalog=[SMALL], spec={"state": "DISABLED"})
    world.add_queue(world.queue, [world.environment])
    world.submit("patient")
    text = world.wait_reason("patient", world.environment, "DISABLED")
    assert is_sentence(text), text
    world.patch_environment({"state": "ENABLED"})
    world.succeeded("patient")
