# SPDX-License-Identifier: Apache-2.0
"""Real nodes and real containers: a kubelet runs what KWOK only plays."""

import pytest

from waiting import wait_for

pytestmark = pytest.mark.containers

IMAGE = "bulkhead.dev/busybox:dev"


@pytest.fixture
def real(world):
    """An environment whose nodes are started by hack/node-programs/local-kubelet."""
    world.cluster.dev.up(nodes="both")
    world.add_environment(world.environment, max_vcpus=2, idle=1, spec={
        "nodeGroup": {"provider": "command", "kwok": None,
                      "command": {"program": "local-kubelet", "parameters": {"maxInstances": "2"}}},
        "computeResources": {"instanceTypes": ["local.small"]}})
    world.add_queue(world.queue, [world.environment])
    return world


def shell(script, **spec):
    return {"template": {"spec": {"terminationGracePeriodSeconds": 1, "containers": [
        {"name": "main", "image": IMAGE, "command": ["sh", "-c", script],
         "resources": {"requests": {"cpu": "250m", "memory": "32Mi"}}}], **spec}}}


def test_logs_of_a_finished_pod(real):
    """kubectl logs works for as long as the queue says; then the pod goes by itself, and its node before it can."""
    world = real
    queue = world.queue + "-keeps"
    world.add_queue(queue, [world.environment], finishedPods={"keepSeconds": 4, "maxPerNode": 2})
    world.submit("talks", queue=queue, spec=shell("echo words of the job"))
    world.succeeded("talks", deadline=90)
    pod, = world.pods("talks")
    wait_for("its finalizer to go", lambda: not (p := world.pods("talks")) or not p[0]["metadata"].get("finalizers"))
    _, words, _ = world.cluster.kubectl("logs", "-n", world.namespace, pod["metadata"]["name"], check=True)
    assert words == "words of the job\n"
    world.wait_no_pods("talks")
    assert world.status("talks")["status"] == "SUCCEEDED"


def test_real_containers(real):
    """Exit codes, the child's index, the last words of what failed; and no node is left afterwards."""
    world = real
    world.submit("array", array=3, spec=shell(
        "echo child $AWS_BATCH_JOB_ARRAY_INDEX of $AWS_BATCH_JOB_ARRAY_SIZE; exit $AWS_BATCH_JOB_ARRAY_INDEX"))
    status = world.failed("array", deadline=90)
    counts = {k: n for k, n in status["arrayProperties"]["statusSummary"].items() if n}
    assert counts == {"SUCCEEDED": 1, "FAILED": 2}
    assert status["arrayProperties"]["failedIndexes"] == "1-2"
    told = {t["index"]: (t["exitCode"], t["message"].strip()) for t in status["tries"]}
    assert told == {1: (1, "child 1 of 3"), 2: (2, "child 2 of 3")}

    assert [[(c["name"], c["exitCode"], c.get("message", "").strip()) for c in t["containers"]] for t in status["tries"]
            if t["index"] == 2] == [[("main", 2, "child 2 of 3")]]

    world.submit("retried", retry=2, spec=shell("echo attempt $AWS_BATCH_JOB_ATTEMPT; [ $AWS_BATCH_JOB_ATTEMPT = 2 ]"))
    assert world.succeeded("retried", deadline=90)["attempts"] == 2

    world.submit("logs", spec=shell("echo hello from $AWS_BATCH_CE_NAME; sleep 600"))
    [pod] = wait_for("logs to run", lambda: [p for p in world.pods("logs") if p["status"].get("phase") == "Running"], 90)
    code, out, err = world.cluster.kubectl("logs", "-n", world.namespace, pod["metadata"]["name"])
    assert code == 0, err
    assert out == f"hello from {world.environment}\n"
    world.allow_deletes()
    world.request("logs", "TERMINATE", "seen")
    world.failed("logs")
    wait_for("the nodes to be gone", lambda: not world.nodes(), 60)


def test_results(real):
    """A real kubelet hands a result from one program to the next, word for word."""
    world = real
    words = '{"n": 2, "words": "$(HOME) is $5, \\"quoted\\""}'
    world.submit("leaves", spec=shell(f"cat > /dev/termination-log <<'END'\n{words}\nEND"))
    spec = shell('[ "$0" = \'$(HOME) is $5, "quoted"\' ] && echo "$AWS_BATCH_JOB_ARRAY_SIZE" > /dev/termination-log')
    spec["template"]["spec"]["containers"][0]["args"] = ["Ref::jobs.leaves.words"]
    world.submit("takes", depends=["leaves"], spec={**spec, "arrayProperties": {"sizeFrom": "Ref::jobs.leaves.n"}})
    status = world.succeeded("takes", deadline=90)
    assert world.status("leaves")["result"] == words
    assert status["arrayProperties"]["results"] == "0 2\n1 2\n"


def test_results_of_children(real):
    """Child i of an array works on what child i of the one before has made."""
    world = real
    world.submit("makes", array=3, spec=shell("echo piece-$((AWS_BATCH_JOB_ARRAY_INDEX + 10)) > /dev/termination-log"))
    spec = shell('[ "$0" = piece-$((AWS_BATCH_JOB_ARRAY_INDEX + 10)) ] && echo took $0 > /dev/termination-log')
    spec["template"]["spec"]["containers"][0]["args"] = ["Ref::jobs.makes"]
    world.submit("takes", array=3, spec={**spec, "dependsOn": [{"jobName": "makes", "type": "N_TO_N"}]})
    status = world.succeeded("takes", deadline=90)
    assert status["arrayProperties"]["results"] == "0 took piece-10\n1 took piece-11\n2 took piece-12\n"


@pytest.mark.long
def test_image_that_is_not_there(real):
    """A missing image is the job's failure, in AWS's words, and does not hang."""
    world = real
    world.submit("no-image", spec={"template": {"spec": {"containers": [
        {"name": "main", "image": "bulkhead.dev/missing:1", "imagePullPolicy": "Never",
         "resources": {"requests": {"cpu": "250m", "memory": "32Mi"}}}]}}})
    status = world.failed("no-image", deadline=120)
    assert status["tries"][-1]["reason"].startswith("CannotPullContainerError:"), status["tries"]


@pytest.mark.long
def test_timeout_of_a_real_container(real):
    world = real
    world.allow_deletes()
    world.submit("sleeper", timeout=2, spec=shell("trap '' TERM; sleep 600"))
    status = world.failed("sleeper", deadline=120)
    assert status["statusReason"] == "Job attempt duration exceeded timeout"


def test_a_job_of_two_nodes(real):
    """Two kubelets, one job: the other node reaches the main one by the address it is given, and is stopped with it."""
    world = real
    world.allow_deletes()  # the other node is stopped when the main one has ended
    hears = shell("nc -l -p 8000 -w 60 > /tmp/heard; cat /tmp/heard; grep -q 'node 1 of 2' /tmp/heard")["template"]
    tells = shell("until echo node $AWS_BATCH_JOB_NODE_INDEX of $AWS_BATCH_JOB_NUM_NODES | "
                  "nc -w 5 $AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS 8000; do usleep 200000; done; sleep 300")["template"]
    world.submit("pair", spec={"template": None, "nodeProperties": {"numNodes": 2, "mainNode": 0, "nodeRangeProperties": [
        {"targetNodes": "0", "template": hears}, {"targetNodes": "1:", "template": tells}]}})
    world.succeeded("pair", deadline=120)
    lives = {int(p.labels["bulkhead.dev/index"]): p for p in world.judge.pods_of(world.job("pair")["metadata"]["uid"])}
    assert sorted(lives) == [0, 1] and lives[0].created_at < lives[1].created_at
    world.wait_no_pods("pair")
