# SPDX-License-Identifier: Apache-2.0
"""What a GitOps tool does: everything applied at once in any order, and applied again and again."""

import json
import os
import random
import time

from dev_api import BULKHEAD
from waiting import stays, wait_for, wait_quiet
from world import API_VERSION, SMALL, job, template

JOBS = 36
ARRAY = 3


def _cluster_objects(world):
    """Two environments and three queues; the last queue keeps finished pods for a moment."""
    spaces = [world.namespace]
    environments = [f"{world.environment}-{i}" for i in range(2)]
    docs = [{"kind": "ComputeEnvironment", "metadata": {"name": name},
             "spec": {"type": "MANAGED", "kubernetesNamespaces": spaces,
                      "computeResources": {"maxvCpus": 16, "scalingPolicy": {"scaleDownDelaySeconds": 1}},
                      "nodeGroup": {"provider": "kwok", "kwok": {"catalog": [SMALL]}}}} for name in environments]
    for i in range(3):
        order = [{"order": n, "computeEnvironment": e} for n, e in enumerate(environments if i else environments[:1])]
        docs.append({"kind": "JobQueue", "metadata": {"name": f"{world.queue}-{i}"},
                     "spec": {"computeEnvironmentOrder": order, "priority": i,
                              **({"finishedPods": {"keepSeconds": 1, "maxPerNode": 2}} if i == 2 else {})}})
    for doc in docs:
        plural = "computeenvironments" if doc["kind"] == "ComputeEnvironment" else "jobqueues"
        world.cluster_objects.append((f"{BULKHEAD}/{plural}", doc["metadata"]["name"]))
    return docs


def _definitions():
    return [{"kind": "JobDefinition", "metadata": {"name": f"d{i}"},
             "spec": {"template": template(cpu="250m"), "retryStrategy": {"attempts": 1 + i % 2}}} for i in range(9)]


def _dependency(pick, ends, array):
    """One that a job may have on an earlier one, and what follows from its end: None: the job runs."""
    name = pick.choice(sorted(ends))
    on_array, end = ends[name]
    condition = pick.choice(["OnSuccess", "OnSuccess", "OnFailure", "Always"])
    told = {"jobName": name, "condition": condition}
    if array and on_array and condition == "OnSuccess" and pick.random() < 0.5:
        told["type"] = "N_TO_N"
    if condition == "OnSuccess" and end == "FAILED":
        return told, ("FAILED", "DependencyFailed")
    if condition == "OnFailure" and end == "SUCCEEDED":
        return told, ("SUCCEEDED", "Skipped")
    return told, None


def _jobs(world, pick):
    """Jobs that depend on earlier ones in every way, some of which fail; and how each has to end."""
    docs, ends, wanted = [], {}, {}
    for i in range(JOBS):
        name, fails = f"job-{i}", pick.random() < 0.2
        array = ARRAY if pick.random() < 0.3 else None
        how = {"definition": f"d{pick.randrange(9)}"} if not fails and pick.random() < 0.5 else \
            {"cpu": "250m", "exit_code": 3 if fails else 0}
        depends, follows = [], None
        if ends and pick.random() < 0.7:
            told, follows = _dependency(pick, ends, array)
            depends.append(told)
        elif array:
            depends.append({"type": "SEQUENTIAL"})
        wanted[name] = follows or (("FAILED", "ArrayChildFailed" if array else "ContainerFailed") if fails
                                   else ("SUCCEEDED", "Succeeded"))
        if array and wanted[name][1] == "DependencyFailed":
            wanted[name] = ("FAILED", None)  # as a whole, or child by child
        ends[name] = (bool(array), wanted[name][0])
        docs.append(job(name, f"{world.queue}-{pick.randrange(3)}", array=array,
                        spec={"dependsOn": depends} if depends else None, **how))
    return docs, wanted


def _apply(world, docs):
    text = json.dumps({"apiVersion": "v1", "kind": "List",
                       "items": [{"apiVersion": API_VERSION, **doc} for doc in docs]})
    return world.cluster.kubectl("apply", "-n", world.namespace, "-f", "-", input=text, check=True)[1], text


def _versions(world):
    """resourceVersion of each object: any write changes it."""
    items = [*world.api.items(world.jobs_path()),
             *world.api.items(f"{BULKHEAD}/namespaces/{world.namespace}/jobdefinitions")]
    items += [world.api.get(f"{path}/{name}") for path, name in world.cluster_objects]
    return {(doc.get("kind"), doc["metadata"]["name"]): doc["metadata"]["resourceVersion"] for doc in items}


def _writes(world):
    return world.controller.metric("bulkhead_writes_total")


def test_a_gitops_round(world):
    """50 objects in a random order all come to their ends; applied again, nothing changes and nothing is written."""
    seed = int(os.environ.get("BULKHEAD_GITOPS_SEED", time.time_ns() % 10**6))
    print(f"BULKHEAD_GITOPS_SEED={seed}")
    pick = random.Random(seed)
    jobs, wanted = _jobs(world, pick)
    docs = [*_cluster_objects(world), *_definitions(), *jobs]
    assert len(docs) == 50

    _apply(world, [jobs[0]])  # alone: it waits, and says for what
    wait_for("the Event of a job that waits", lambda: "JobQueueMissing" in {r for r, _ in world.events_of("job-0")})
    pick.shuffle(docs)
    _apply(world, docs)
    ended = wait_for("all jobs to end", lambda: (s := {j["metadata"]["name"]: j.get("status", {}) for j in
                                                       world.api.items(world.jobs_path())}) and
                     all(s[n].get("status") in ("SUCCEEDED", "FAILED") for n in wanted) and s, 120)
    got = {name: (ended[name]["status"], ended[name]["reason"] if reason else None)
           for name, (_, reason) in wanted.items()}
    assert got == wanted

    world.wait_no_pods()
    wait_for("the nodes to go", lambda: not [n for e in range(2) for n in world.nodes(f"{world.environment}-{e}")])
    world.wait_no_deletions()
    writes = wait_quiet("the count of writes", lambda: _writes(world), deadline=60)
    versions = _versions(world)
    pick.shuffle(docs)
    said, text = _apply(world, docs)
    assert [line for line in said.splitlines() if not line.endswith(" unchanged")] == []
    status, difference, _ = world.cluster.kubectl("diff", "-n", world.namespace, "-f", "-", input=text)
    assert (status, difference) == (0, "")
    stays("nothing is written", lambda: _writes(world) == writes, 2)
    assert _versions(world) == versions
