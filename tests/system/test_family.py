# SPDX-License-Identifier: Apache-2.0
"""Jobs that submit jobs: what the example's rights allow, and who ends with whom."""

import pathlib

import yaml

from dev_api import ApiError
from waiting import stays, wait_for
from world import API_VERSION, job

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "manifests" / "examples" / "09-control-job.yaml"


def below(world, name, parent, **how):
    """A job as a container of parent would write it."""
    doc = job(name, world.queue, **how)
    owner = world.job(parent)["metadata"]
    doc["metadata"]["ownerReferences"] = [
        {"apiVersion": API_VERSION, "kind": "BatchJob", "name": parent, "uid": owner["uid"]}]
    return doc


def test_a_job_submits_jobs(world):
    """With the example's ServiceAccount and Role, and with what its pod is told about itself."""
    world.setup()
    kubectl = world.cluster.kubectl
    rights = [doc for doc in yaml.safe_load_all(EXAMPLE.read_text()) if doc["kind"] != "BatchJob"]
    text = yaml.safe_dump_all(rights).replace("research", world.namespace)
    kubectl("apply", "-f", "-", input=text, check=True)
    world.submit("control", hang=True, spec={"template": {"spec": {"serviceAccountName": "job-submitter"}}})
    world.wait_running("control")
    pod = world.pods("control")[0]
    env = {e["name"]: e["value"] for e in pod["spec"]["containers"][0]["env"]}
    assert env["BULKHEAD_JOB_NAME"] == "control"
    assert env["BULKHEAD_JOB_UID"] == world.job("control")["metadata"]["uid"]
    doc = below(world, "part", "control", array=2, hang=True)
    doc["metadata"]["namespace"] = world.namespace
    who = f"--as=system:serviceaccount:{world.namespace}:{pod['spec']['serviceAccountName']}"
    for _ in range(2):
        kubectl("apply", "--server-side", "-f", "-", who, input=yaml.safe_dump(doc), check=True)
    code, _, _ = kubectl("delete", "batchjob", "part", "-n", world.namespace, who)
    assert code != 0, "that is not in its role"
    world.wait_running("part", 2)
    world.allow_deletes()
    world.request("control", "TERMINATE", "wrong data")
    assert world.failed("control")["statusReason"] == "wrong data"
    assert world.failed("part")["statusReason"] == "wrong data (asked of its parent job control)"


def test_who_ends_with_whom(world):
    """The end of a parent is nothing to its jobs; a request reaches those below it, and so does deletion."""
    world.setup()
    world.submit("top")
    world.succeeded("top")
    world.submit_doc(below(world, "middle", "top"))
    world.succeeded("middle")
    world.submit_doc(below(world, "leaf", "middle", hang=True))
    world.wait_running("leaf")
    stays("it runs on", lambda: world.phases("leaf") == {"Running": 1}, 0.5)
    world.allow_deletes()
    world.request("top", "TERMINATE", "enough")
    assert world.failed("leaf")["statusReason"] == "enough (asked of job top, through its parent job middle)"
    assert world.phase("middle") == "SUCCEEDED"
    world.api.delete(world.jobs_path("top"))

    def gone(name):
        try:
            world.job(name)
        except ApiError as error:
            return error.status == 404
        return False
    wait_for("the jobs below it to be collected", lambda: gone("middle") and gone("leaf"))
