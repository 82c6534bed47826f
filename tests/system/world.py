# SPDX-License-Identifier: Apache-2.0
"""One test's own namespace, queue and environment, and what its users do there."""

import copy
import json
import re

from dev_api import BULKHEAD, ApiError
from waiting import PATIENCE, wait_for

API_VERSION = "bulkhead.dev/v1alpha1"
ENDED = ("SUCCEEDED", "FAILED")
PHASES = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED")
SMALL = {"name": "small", "vcpus": 4, "memory": "16Gi", "price": "0.2", "bootSeconds": 0}

_serial = iter(range(1, 10**6))


def merged(base, extra):
    """base with the members of extra; objects are merged, None takes a member out."""
    result = copy.deepcopy(base)
    for key, value in extra.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        else:
            result[key] = value
    return result


def template(cpu="1", memory="64Mi", command=("true",), run_ms=None, start_ms=None, exit_code=None, fail_attempts=None,
             hang=False, refuse=None, reason=None, message=None, spec=None, labels=None):
    """A pod template of one container, with the annotations that tell KWOK how it goes."""
    told = {"run-ms": run_ms, "start-ms": start_ms, "exit-code": exit_code, "fail-attempts": fail_attempts,
            "hang": "true" if hang else None, "refuse": refuse, "reason": reason,
            "message": message}
    annotations = {f"kwok.bulkhead.dev/{key}": str(value) for key, value in told.items() if value is not None}
    container = {"name": "main", "image": "busybox:1.36", "command": list(command),
                 "resources": {"requests": {"cpu": str(cpu), "memory": memory}}}
    return {"metadata": merged({"annotations": annotations}, {"labels": labels} if labels else {}),
            "spec": merged({"containers": [container]}, spec or {})}


def job(name, queue, array=None, depends=(), retry=None, timeout=None, definition=None, parameters=None, spec=None,
        **how):
    """A BatchJob. depends: names, or (name, type), name None for one's own children; how: see template()."""
    body = {"jobQueue": queue}
    if definition is not None:
        body["jobDefinition"] = definition
    else:
        body["template"] = template(**how)
    if array is not None:
        body["arrayProperties"] = {"size": array}
    if depends:
        pairs = [(d, None) if isinstance(d, str) else d for d in depends]
        body["dependsOn"] = [{k: v for k, v in (("jobName", n), ("type", t)) if v is not None} for n, t in pairs]
    if retry is not None:
        body["retryStrategy"] = {"attempts": retry} if isinstance(retry, int) else retry
    if timeout is not None:
        body["timeout"] = {"attemptDurationSeconds": timeout}
    if parameters is not None:
        body["parameters"] = parameters
    return {"apiVersion": API_VERSION, "kind": "BatchJob", "metadata": {"name": name},
            "spec": merged(body, spec or {})}


def condition(doc, kind):
    for item in doc.get("status", {}).get("conditions", []):
        if item["type"] == kind:
            return item
    return None


def is_sentence(text):
    """Something a person can read and act on: words, no dump, no "failed to", one line."""
    return (isinstance(text, str) and 12 <= len(text) <= 600 and len(text.split()) >= 3 and "\n" not in text
            and not re.search(r"\(null\)|%[sdu]|0x[0-9a-f]{6}|\bnil\b|undefined|failed to", text))


class World:
    def __init__(self, cluster, controller, judge, name):
        self.cluster, self.api, self.controller, self.judge = cluster, cluster.api, controller, judge
        words = re.sub(r"[^a-z0-9]+", "-", name.removeprefix("test_").lower()).strip("-")[:28].strip("-")
        self.namespace = self.queue = self.environment = f"{words}-{next(_serial)}"
        self.cluster_objects = []  # (path, name), deleted at the end, the last one first
        self.namespaces = []
        self.add_namespace(self.namespace)

    # ---- what admins do ------------------------------------------------------------------------------

    def add_namespace(self, name):
        self.api.post("/api/v1/namespaces", {"metadata": {"name": name}})
        self.namespaces.append(name)
        wait_for(f"the default service account of {name}",
                 lambda: self.api.find(f"/api/v1/namespaces/{name}/serviceaccounts/default"))
        return name

    def setup(self, max_vcpus=16, catalog=(SMALL,), idle=1, environment=None, queue=None):
        """The usual place: a queue with one environment of pretended nodes, from none to max_vcpus."""
        self.add_environment(self.environment, max_vcpus, catalog, idle, environment or {})
        self.add_queue(self.queue, [self.environment], **(queue or {}))
        self.wait_valid()
        return self

    def add_environment(self, name, max_vcpus=16, catalog=(SMALL,), idle=1, spec=None):
        body = {"type": "MANAGED", "kubernetesNamespaces": [self.namespace],
                "computeResources": {"maxvCpus": max_vcpus, "scalingPolicy": {"scaleDownDelaySeconds": idle}},
                "nodeGroup": {"provider": "kwok", "kwok": {"catalog": list(catalog)}}}
        return self._add("computeenvironments", "ComputeEnvironment", name, merged(body, spec or {}))

    def add_static_environment(self, name, spec=None):
        body = {"type": "UNMANAGED", "kubernetesNamespaces": [self.namespace], "nodeGroup": {"provider": "static"}}
        return self._add("computeenvironments", "ComputeEnvironment", name, merged(body, spec or {}))

    def add_queue(self, name, environments, **spec):
        order = [{"order": i, "computeEnvironment": e} for i, e in enumerate(environments, 1)]
        return self._add("jobqueues", "JobQueue", name, {"computeEnvironmentOrder": order, **spec})

    def _add(self, plural, kind, name, spec):
        doc = self.api.post(f"{BULKHEAD}/{plural}", {"apiVersion": API_VERSION, "kind": kind,
                                                     "metadata": {"name": name}, "spec": spec})
        self.cluster_objects.append((f"{BULKHEAD}/{plural}", name))
        return doc

    def add_node(self, name, cpu=4, memory="16Gi", pods=110, environment=None, labels=None):
        """A node that is there anyway, of an UNMANAGED environment."""
        mine = {"bulkhead.dev/compute-environment": environment or self.environment}
        taint = {"key": "bulkhead.dev/compute-environment", "value": environment or self.environment,
                 "effect": "NoSchedule"}
        node = self.cluster.dev.create_kwok_node(name, cpu=cpu, memory=memory, pods=pods, taints=[taint],
                                                 labels={**mine, **(labels or {})})
        self.cluster_objects.append(("/api/v1/nodes", name))
        return node

    def wait_valid(self):
        """Both are found good, so that a test begins with what an admin would call ready."""
        for plural, name in (("computeenvironments", self.environment), ("jobqueues", self.queue)):
            wait_for(f"{plural} {name} to be VALID", lambda p=plural, n=name: self._status(p, n) == "VALID")

    def _status(self, plural, name):
        return self.api.get(f"{BULKHEAD}/{plural}/{name}").get("status", {}).get("status")

    def get_queue(self, name=None):
        return self.api.get(f"{BULKHEAD}/jobqueues/{name or self.queue}")

    def get_environment(self, name=None):
        return self.api.get(f"{BULKHEAD}/computeenvironments/{name or self.environment}")

    def patch_queue(self, spec, name=None):
        return self.api.patch(f"{BULKHEAD}/jobqueues/{name or self.queue}", {"spec": spec})

    def patch_environment(self, spec, name=None):
        return self.api.patch(f"{BULKHEAD}/computeenvironments/{name or self.environment}", {"spec": spec})

    def nodes(self, environment=None):
        label = environment or self.environment
        return self.api.items(f"/api/v1/nodes?labelSelector=bulkhead.dev/compute-environment={label}")

    def node_vcpus(self, environment=None):
        return sum(int(node["status"]["allocatable"]["cpu"]) for node in self.nodes(environment))

    # ---- what users do -----------------------------------------------------------------------------

    def jobs_path(self, name=""):
        return f"{BULKHEAD}/namespaces/{self.namespace}/batchjobs" + (f"/{name}" if name else "")

    def submit(self, name, **how):
        """Submits job(name, ...) to the test's queue, unless it says another."""
        how.setdefault("queue", self.queue)
        return self.api.post(self.jobs_path(), job(name, **how))

    def submit_doc(self, doc):
        return self.api.post(self.jobs_path(), doc)

    def request(self, name, action, reason, **more):
        """Cancel or terminate, as the plugin does it: one more entry at the end."""
        doc = self.job(name)
        requests = [*doc["spec"].get("requests", []), {"action": action, "reason": reason, **more}]
        return self.api.patch(self.jobs_path(name), {"spec": {"requests": requests}})

    def job(self, name):
        return self.api.get(self.jobs_path(name))

    def status(self, name):
        return self.job(name).get("status", {})

    def phase(self, name):
        return self.status(name).get("status")

    def pods(self, name=None):
        pods = self.api.items(f"/api/v1/namespaces/{self.namespace}/pods")
        return [pod for pod in pods
                if name is None or pod["metadata"].get("annotations", {}).get("bulkhead.dev/job") == name]

    def phases(self, name):
        """{phase: count} of the pods of a job that are there."""
        count = {}
        for pod in self.pods(name):
            phase = pod["status"].get("phase")
            count[phase] = count.get(phase, 0) + 1
        return count

    def wait_phase(self, name, *phases, deadline=PATIENCE):
        def reached():
            status = self.status(name)
            if not self.controller.alive():
                raise RuntimeError(f"the controller ended with {self.controller.exit_status}: "
                                   f"{self.controller.tail(3)}")
            assert status.get("status") in phases, f"it is {self.told(status)}"
            return status
        return wait_for(f"job {name} to be {' or '.join(phases)}", reached, deadline)

    def wait_end(self, name, deadline=PATIENCE):
        return self.wait_phase(name, *ENDED, deadline=deadline)

    def succeeded(self, name, deadline=PATIENCE):
        status = self.wait_end(name, deadline)
        assert status["status"] == "SUCCEEDED", self.told(status)
        return status

    def failed(self, name, deadline=PATIENCE):
        status = self.wait_end(name, deadline)
        assert status["status"] == "FAILED", self.told(status)
        return status

    def wait_reason(self, name, *words, deadline=PATIENCE):
        """The statusReason of a job, once it holds all the words."""
        def told():
            status = self.status(name)
            text = status.get("statusReason", "")
            assert all(word in text for word in words), f"it is {self.told(status)}"
            return text
        return wait_for(f"job {name} to say {' ... '.join(words)}", told, deadline)

    @staticmethod
    def told(status):
        return f"{status.get('status')} {status.get('reason')}: {status.get('statusReason')}"

    def wait_no_pods(self, name=None, deadline=PATIENCE):
        wait_for(f"the pods of {name or 'all jobs'} to be gone",
                 lambda: not [p["metadata"]["name"] for p in self.pods(name)], deadline)

    def wait_no_deletions(self, deadline=60):
        """Other tests' environments may be on their way out, and the controller looks at each node group once more for
        some 15 s after it has started."""
        wait_for("environments that are deleted to be gone",
                 lambda: not [e["metadata"]["name"] for e in self.api.items(f"{BULKHEAD}/computeenvironments")
                              if "deletionTimestamp" in e["metadata"]], deadline)

    def wait_running(self, name, count=1, deadline=PATIENCE):
        return wait_for(f"{count} pods of {name} to run",
                        lambda: self.phases(name).get("Running", 0) == count or self._not(self.phases(name)), deadline)

    @staticmethod
    def _not(what):
        raise AssertionError(repr(what))

    def events_of(self, name):
        """(reason, message) of the Events about an object, as kubectl describe shows them."""
        events = self.api.items(f"/apis/events.k8s.io/v1/namespaces/{self.namespace}/events")
        return [(e["reason"], e.get("note", "")) for e in events if e["regarding"]["name"] == name]

    def allow_deletes(self):
        """From here on this test has running pods deleted."""
        for namespace in self.namespaces:
            self.judge.allow_deletes(namespace)

    # ---- the end -------------------------------------------------------------------------------------

    def clean(self):
        """Deletes everything of the test, and does not wait for it: see gone()."""
        self.allow_deletes()
        for namespace in self.namespaces:
            self.api.delete(f"{BULKHEAD}/namespaces/{namespace}/batchjobs")
        for path, name in reversed(self.cluster_objects):
            if path != "/api/v1/nodes":
                self.api.delete(f"{path}/{name}")

    def gone(self, deadline=PATIENCE):
        """All of it must have gone by itself."""
        try:
            wait_for(f"everything of {self.namespace} to be gone", self._left, deadline, every=0.2)
        except AssertionError:
            self.force()
            raise
        for path, name in self.cluster_objects:
            if path == "/api/v1/nodes":
                self.api.delete(f"{path}/{name}")
        for namespace in self.namespaces:
            self.api.delete(f"/api/v1/namespaces/{namespace}")

    def _left(self):
        left = []
        for namespace in self.namespaces:
            # A page of them: with tens of thousands the whole list takes longer than a request may.
            for pod in self.api.items(f"/api/v1/namespaces/{namespace}/pods?labelSelector=bulkhead.dev%2Fjob-uid&limit=100"):
                left.append(f"pod {namespace}/{pod['metadata']['name']}")
            for doc in self.api.items(f"{BULKHEAD}/namespaces/{namespace}/batchjobs"):
                left.append(f"job {namespace}/{doc['metadata']['name']}")
        for path, name in self.cluster_objects:
            if path != "/api/v1/nodes" and self.api.find(f"{path}/{name}"):
                left.append(f"{path}/{name}")
            if path.endswith("/computeenvironments"):
                mine = {n for p, n in self.cluster_objects if p == "/api/v1/nodes"}
                left += [f"node {n['metadata']['name']}" for n in self.nodes(name) if n["metadata"]["name"] not in mine]
        assert not left, f"{len(left)} objects are left: {', '.join(left[:12])}"
        return True

    def force(self):
        """So that what one test left behind does not fail the next ones."""
        bare = {"metadata": {"finalizers": None}}
        for namespace in self.namespaces:
            for pod in self.api.items(f"/api/v1/namespaces/{namespace}/pods"):
                self._bare(f"/api/v1/namespaces/{namespace}/pods/{pod['metadata']['name']}", bare)
        for path, name in self.cluster_objects:
            if path != "/api/v1/nodes":
                self._bare(f"{path}/{name}", bare)
            if path.endswith("/computeenvironments"):
                for node in self.nodes(name):
                    self.api.delete(f"/api/v1/nodes/{node['metadata']['name']}")

    def _bare(self, path, patch):
        try:
            self.api.patch(path, patch)
            self.api.delete(path, gracePeriodSeconds=0)
        except ApiError as error:
            if error.status != 404:
                raise

    def picture(self):
        """What is there, for a failed test."""
        lines = []
        try:
            for doc in self.api.items(self.jobs_path()):
                status = doc.get("status", {})
                lines.append(f"job {doc['metadata']['name']}: {self.told(status)} {status.get('progress', '')} "
                             f"{json.dumps(status.get('tries', []))[:600]}")
            for pod in self.pods():
                lines.append(f"pod {pod['metadata']['name']}: {pod['status'].get('phase')} on "
                             f"{pod['spec'].get('nodeName')} deleted={pod['metadata'].get('deletionTimestamp')}")
            for path, name in self.cluster_objects:
                doc = self.api.find(f"{path}/{name}")
                if doc and path != "/api/v1/nodes":
                    lines.append(f"{path.rsplit('/', 1)[-1]} {name}: {json.dumps(doc.get('status', {}))[:700]}")
                if path.endswith("/computeenvironments"):
                    lines += [f"node {n['metadata']['name']} of {name}" for n in self.nodes(name)]
        except Exception as error:  # the cluster may be what is broken
            lines.append(f"(no more: {error})")
        return "\n".join(lines)
