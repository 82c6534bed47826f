# SPDX-License-Identifier: Apache-2.0
"""demo_world - what the demo has seen of the cluster, and its own check of the rules.

Nothing here asks the controller: nodes, pods and jobs are taken from the API server's watches. Pods come in
the order in which they changed, so that what is summed up here was true at one moment: no node may ever hold
more than its allocatable, no child may have two live pods, no stranger may be on a node of ours.
"""

import re
from collections import Counter

PHASES = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED")
ENDED = ("SUCCEEDED", "FAILED")
ENVIRONMENT = "bulkhead.dev/compute-environment"
UNITS = {"": 1, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30}


def quantity(text):
    number, unit = re.fullmatch(r"([0-9.]+)([A-Za-z]*)", str(text)).groups()
    return float(number) * UNITS[unit]


class Node:
    def __init__(self, doc, now):
        labels = doc["metadata"].get("labels") or {}
        self.name = doc["metadata"]["name"]
        self.environment = labels.get(ENVIRONMENT)
        self.type = labels.get("node.kubernetes.io/instance-type", "?")
        self.simulated = labels.get("type") == "kwok"
        self.seen, self.ready_after = now, None
        self.cpu = self.memory = self.pods = 0
        self.used = Counter()   # cpu, memory, pods of the live pods on it
        self.jobs_pods = 0      # those of jobs among them
        self.update(doc, now)

    def update(self, doc, now):
        """Whether it has just become ready."""
        room = doc.get("status", {}).get("allocatable") or {}
        self.cpu, self.memory = quantity(room.get("cpu", 0)), quantity(room.get("memory", 0))
        self.pods = quantity(room.get("pods", 0))
        conditions = {c["type"]: c["status"] for c in doc.get("status", {}).get("conditions") or []}
        if self.ready_after is None and conditions.get("Ready") == "True":
            self.ready_after = now - self.seen
            return True
        return False


class Pod:
    def __init__(self, doc, now):
        metadata, spec = doc["metadata"], doc["spec"]
        labels, notes = metadata.get("labels") or {}, metadata.get("annotations") or {}
        self.key = f"{metadata['namespace']}/{metadata['name']}"
        self.name, self.namespace, self.uid = metadata["name"], metadata["namespace"], metadata["uid"]
        self.job_uid, self.job = labels.get("bulkhead.dev/job-uid"), notes.get("bulkhead.dev/job")
        self.index = int(labels.get("bulkhead.dev/index", 0))
        self.attempt = int(notes.get("bulkhead.dev/attempt", 0))
        self.daemon = any(o["kind"] == "DaemonSet" for o in metadata.get("ownerReferences") or [])
        requests = [c.get("resources", {}).get("requests") or {} for c in spec["containers"]]
        self.cpu = sum(quantity(r.get("cpu", 0)) for r in requests)
        self.memory = sum(quantity(r.get("memory", 0)) for r in requests)
        self.tolerates = [t.get("value") for t in spec.get("tolerations") or []
                          if t.get("key") == ENVIRONMENT]
        self.node, self.phase = None, "Pending"
        self.created, self.ran, self.ended = now, None, None
        self.exit_code = None
        self.reason = self.message = self.waits = ""
        self.counted = False
        self.update(doc, now)

    def update(self, doc, now):
        status = doc.get("status", {})
        self.node = doc["spec"].get("nodeName")
        self.phase = status.get("phase", "Pending")
        for container in status.get("containerStatuses") or []:
            state = container.get("state") or {}
            if "running" in state or "terminated" in state:
                self.ran = self.ran or now
            if "terminated" in state:
                self.exit_code = state["terminated"].get("exitCode")
                self.reason = state["terminated"].get("reason", "")
                self.message = (state["terminated"].get("message") or "").strip()
        for condition in status.get("conditions") or []:
            if condition["type"] == "PodScheduled" and condition["status"] == "False":
                self.waits = condition.get("message", "")
        self.reason = self.reason or status.get("reason", "")
        if self.ended is None and self.phase in ("Succeeded", "Failed"):
            self.ended = now

    def is_live(self):
        return self.phase not in ("Succeeded", "Failed")


class World:
    def __init__(self, tell):
        self.tell = tell  # called with a line for a person
        self.jobs, self.environments, self.nodes, self.pods = {}, {}, {}, {}
        self.history, self.agents = {}, {}   # every pod of a job and of a DaemonSet, by UID, also those gone
        self.violations, self.evidence = [], []
        self.lists = Counter()      # how often each kind was listed; more than once: its watch was cut
        self.peak_nodes, self.peak_vcpus = Counter(), Counter()   # by environment
        self.node_types = Counter()                               # (environment, type) of all nodes seen
        self.ends = {}                                            # job: when it was seen to have ended
        self.stranger_said = ""
        self._live = {}                                           # (job UID, index): pod
        self._told = {}                                           # key: (when, what)

    # ---- changes ---------------------------------------------------------------------------------

    def apply(self, kind, change, thing, now):
        if change == "LISTED":
            self._apply_list(kind, thing, now)
            return
        handler = getattr(self, f"_{kind}")
        handler(thing, change == "DELETED", now)

    def _apply_list(self, kind, docs, now):
        known = {"node": self.nodes, "pod": self.pods, "job": self.jobs,
                 "environment": self.environments}[kind]
        listed = {key_of(doc) for doc in docs}
        self.lists[kind] += 1
        # What ended or vanished meanwhile first: else the new would seem to have come on top of the old.
        docs = sorted(docs, key=lambda d: d.get("status", {}).get("phase") not in ("Succeeded", "Failed"))
        for key in [k for k in known if k not in listed]:
            if kind == "node":
                self._node_gone(key)
            elif kind == "pod":
                self._pod_gone(key, now)
            else:
                del known[key]
        for doc in docs:
            getattr(self, f"_{kind}")(doc, False, now)

    def _environment(self, doc, gone, _):
        if gone:
            self.environments.pop(key_of(doc), None)
            return
        self.environments[key_of(doc)] = doc
        status = doc.get("status") or {}
        if status.get("status") == "INVALID":
            text = f"environment {key_of(doc)} is INVALID: {status.get('statusReason', status.get('reason'))}"
            if self._told.get(f"environment {key_of(doc)}") != text:
                self._told[f"environment {key_of(doc)}"] = text
                self.tell(text)

    def _node(self, doc, gone, now):
        name = doc["metadata"]["name"]
        if gone:
            self._node_gone(name)
            return
        node = self.nodes.get(name)
        just_ready = False
        if node is None:
            node = self.nodes[name] = Node(doc, now)
            if node.environment:
                self.node_types[node.environment, node.type] += 1
                self._count_nodes(node.environment)
            for pod in self.pods.values():
                if pod.counted and pod.node == name:
                    self._add(node, pod, 1)
            just_ready = node.ready_after is not None
        elif node.update(doc, now):
            just_ready = True
        if just_ready and node.environment and self._few_nodes(node.environment):
            self.tell(f"node {name} ({node.type}) is Ready, {node.ready_after:.1f} s after it appeared")

    def _node_gone(self, name):
        node = self.nodes.pop(name, None)
        if node is not None and node.environment:
            if self._few_nodes(node.environment):
                self.tell(f"node {name} is gone; {self.node_count(node.environment)} left in "
                          f"{node.environment}")
            elif self.node_count(node.environment) == 0:
                self.tell(f"all nodes of {node.environment} are gone")

    def _few_nodes(self, environment):
        return sum(n for (e, _), n in self.node_types.items() if e == environment) <= 4

    def _count_nodes(self, environment):
        mine = [n for n in self.nodes.values() if n.environment == environment]
        self.peak_nodes[environment] = max(self.peak_nodes[environment], len(mine))
        vcpus = sum(n.cpu for n in mine)
        self.peak_vcpus[environment] = max(self.peak_vcpus[environment], vcpus)
        limit = self.environments.get(environment, {}).get("spec", {}).get("computeResources", {})
        if limit and vcpus > limit["maxvCpus"]:
            self._violation(f"environment {environment} has {vcpus:g} vCPUs, its maximum is {limit['maxvCpus']}")

    def _job(self, doc, gone, now):
        key = key_of(doc)
        if gone:
            self.jobs.pop(key, None)
            return
        before = self.job_state(key)
        self.jobs[key] = doc
        state, name = self.job_state(key), doc["metadata"]["name"]
        if state in ENDED and key not in self.ends:
            self.ends[key] = now
        if state != before and state:
            status = doc["status"]
            why = status.get("statusReason") or status.get("reason") or ""
            self.tell(f"job {name}: {state}" + (f" ({why})" if why and state != "SUCCEEDED" else ""))
        elif state in ("PENDING", "RUNNABLE"):
            why = doc["status"].get("statusReason")
            if why and self._told.get(f"job {key}") != re.sub(r"\d+", "#", why):
                self._told[f"job {key}"] = re.sub(r"\d+", "#", why)  # that only numbers changed is no news
                self.tell(f"job {name} waits: {why}")

    def _pod(self, doc, gone, now):
        key = key_of(doc)
        pod = self.pods.get(key)
        if pod is not None and pod.uid != doc["metadata"]["uid"]:
            self._pod_gone(key, now)
            pod = None
        if pod is None and gone:
            return
        if pod is None:
            pod = self.pods[key] = Pod(doc, now)
            if pod.job_uid or pod.daemon:
                (self.history if pod.job_uid else self.agents)[pod.uid] = pod
        was_ended = pod.ended is not None and pod.counted is False and pod.node is not None
        pod.update(doc, now)
        self._count(pod, pod.is_live() and not gone)
        if pod.job_uid and pod.ended == now and not was_ended:
            self._pod_ended(pod)
        if not pod.job_uid and not pod.daemon:
            self._stranger(pod)
        if gone:
            self.pods.pop(key)

    def _pod_gone(self, key, now):
        pod = self.pods.pop(key, None)
        if pod is not None:
            pod.ended = pod.ended or now  # unseen: the watch was cut
            self._count(pod, False)

    def _pod_ended(self, pod):
        if pod.phase == "Failed":
            said = f": \"{pod.message.splitlines()[-1]}\"" if pod.message else ""
            if pod.exit_code is not None:
                what = f"exit code {pod.exit_code}{said}"
            else:
                what = f"{pod.reason}{said}"
            self.tell(f"job {pod.job} child {pod.index}, attempt {pod.attempt} failed on {pod.node}: {what}")
        elif pod.attempt > 1 and self._few_nodes(self.nodes[pod.node].environment
                                                 if pod.node in self.nodes else None):
            self.tell(f"job {pod.job} child {pod.index}, attempt {pod.attempt} succeeded on {pod.node}")

    # ---- the rules -------------------------------------------------------------------------------

    def _count(self, pod, live):
        live = live and pod.node is not None
        if pod.counted == live:
            return
        pod.counted = live
        node = self.nodes.get(pod.node)
        if node is not None:
            self._add(node, pod, 1 if live else -1)
        if not pod.job_uid:
            return
        child = (pod.job_uid, pod.index)
        if live:
            other = self._live.setdefault(child, pod)
            if other is not pod:
                self._violation(f"job {pod.job} child {pod.index} has two live pods: {other.name}, {pod.name}",
                                [other, pod])
        elif self._live.get(child) is pod:
            del self._live[child]

    def _add(self, node, pod, sign):
        node.used["cpu"] += sign * pod.cpu
        node.used["memory"] += sign * pod.memory
        node.used["pods"] += sign
        node.jobs_pods += sign if pod.job_uid else 0
        if sign < 0 or not node.environment:
            return
        for what, room in (("cpu", node.cpu), ("memory", node.memory), ("pods", node.pods)):
            if node.used[what] > room + 1e-6:
                self._violation(f"node {node.name} holds {node.used[what]:g} {what} of {room:g}",
                                [p for p in self.pods.values() if p.counted and p.node == node.name])

    def _stranger(self, pod):
        node = self.nodes.get(pod.node)
        if node is not None and node.environment:
            self._violation(f"pod {pod.key} runs on {node.name}, a node of {node.environment}")
        elif "taint" in pod.waits:  # before the first node kube-scheduler has other words
            first = not self.stranger_said
            self.stranger_said = pod.waits.split(". ")[0]
            if first:
                self.tell(f"pod {pod.name} of somebody else is kept off: {self.stranger_said}")

    def _violation(self, text, pods=()):
        if text not in self.violations:
            self.violations.append(text)
            self.evidence += [f"{text}; lists: {dict(self.lists)}"] + [
                f"  {p.key} {p.uid} on {p.node} {p.phase} cpu={p.cpu:g} attempt={p.attempt} "
                f"created={p.created:.3f} ran={p.ran} ended={p.ended}" for p in pods]
            self.tell(f"VIOLATION: {text}")

    # ---- telling, with measure ---------------------------------------------------------------------

    def tick(self, now):
        """Tells the progress of arrays: when it changed, once a second each."""
        for key, doc in self.jobs.items():
            if not self.size_of(doc):
                continue
            counts = self.counts(doc)
            when, before = self._told.get(f"progress {key}", (0, None))
            if counts != before and any(counts.values()) and now - when >= 1.0:
                self._told[f"progress {key}"] = (now, counts)
                shown = ", ".join(f"{n} {phase}" for phase, n in counts.items() if n)
                self.tell(f"array {doc['metadata']['name']}: {shown}; "
                          f"{sum(self.node_count(e) for e in self.environments)} nodes")

    # ---- reading ---------------------------------------------------------------------------------

    @staticmethod
    def size_of(doc):
        return (doc["spec"].get("arrayProperties") or {}).get("size", 0)

    def counts(self, doc):
        """{phase: children} of a job, 1 for a single one."""
        status = doc.get("status") or {}
        if self.size_of(doc):
            summary = (status.get("arrayProperties") or {}).get("statusSummary") or {}
            return {phase: summary.get(phase, 0) for phase in PHASES}
        return {phase: int(status.get("status") == phase) for phase in PHASES}

    def job_state(self, key):
        return ((self.jobs.get(key) or {}).get("status") or {}).get("status")

    def node_count(self, environment):
        return sum(n.environment == environment for n in self.nodes.values())

    def pods_of(self, job):
        return sorted((p for p in self.history.values() if p.job == job),
                      key=lambda p: (p.index, p.attempt, p.created))


def key_of(doc):
    metadata = doc["metadata"]
    return f"{metadata['namespace']}/{metadata['name']}" if "namespace" in metadata else metadata["name"]
