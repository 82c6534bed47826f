# SPDX-License-Identifier: Apache-2.0
"""The judge: follows every pod and node on its own, and knows what may never be.

It trusts neither the controller nor its status: it sums what the API server shows.

    room      the requests of all pods of a node that have not ended are within the node's allocatable
    twice     of a child of a job, at most one pod lives at a time, on machines that are there; a (child, try) has one pod, ever
    fence     a pod of ours is on a node of its environment, in a namespace that the environment serves
    running   a pod that runs is deleted only when somebody asked for that (allow_deletes)
    vcpus     an environment's nodes never have more vCPUs than its maxvCpus when one is added
"""

import re
import threading
from collections import defaultdict

from dev_api import BULKHEAD, Watch

JOB_UID, INDEX, TRY = "bulkhead.dev/job-uid", "bulkhead.dev/index", "bulkhead.dev/try"
ENVIRONMENT, COUNT = "bulkhead.dev/compute-environment", "bulkhead.dev/count"
OUTCOME = "bulkhead.dev/outcome"
UNITS = {"": 1, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12,
         "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


def quantity(text):
    """In thousandths, so that sums are exact."""
    number, unit = re.fullmatch(r"([0-9.]+)([a-zA-Z]*)", str(text)).groups()
    return round(float(number) * UNITS[unit] * 1000)


def pod_requests(pod):
    """Requests as the scheduler counts them, for the pods of these tests: no restartable init containers."""
    total, first = defaultdict(int), defaultdict(int)
    for container in pod["spec"]["containers"]:
        for name, amount in container.get("resources", {}).get("requests", {}).items():
            total[name] += quantity(amount)
    for container in pod["spec"].get("initContainers", []):
        for name, amount in container.get("resources", {}).get("requests", {}).items():
            first[name] = max(first[name], quantity(amount))
    result = {name: max(total[name], first[name]) for name in {*total, *first}}
    result["pods"] = 1000
    return result


def ended(pod):
    return pod.get("status", {}).get("phase") in ("Succeeded", "Failed")


class Seen:
    """The life of one pod."""

    def __init__(self, pod, at):
        self.pod = pod
        self.name, self.namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
        self.uid = pod["metadata"]["uid"]
        self.labels = pod["metadata"].get("labels", {})
        self.job_uid = self.labels.get(JOB_UID)
        self.ours = self.job_uid is not None
        self.created_at, self.gone_at = at, None
        self.phases = []

    def children(self):
        first = int(self.labels[INDEX])
        return range(first, first + int(self.pod["metadata"].get("annotations", {}).get(COUNT, "1")))

    def alive(self):
        return self.gone_at is None and not ended(self.pod)


class Judge:
    def __init__(self, api):
        self._api = api
        self.lock = threading.Condition()
        self.pods = {}       # uid: Seen, all that ever were
        self.on_node = defaultdict(dict)  # node: {uid: requests}
        self.allocatable = {}
        self.node_labels = {}
        self.wrong = []
        self.deletes_allowed = set()  # namespaces
        self.crowded = set()          # nodes whose own kubelet refuses what does not fit
        self.namespaces_of = {}
        self.max_vcpus = {}
        self.tries = {}      # (job uid, child, try): uid of the pod
        self.live = defaultdict(set)      # (job uid, child): uids
        self._watches = [Watch(api, f"{BULKHEAD}/computeenvironments", self._on_environment),
                         Watch(api, "/api/v1/nodes", self._on_node),
                         Watch(api, "/api/v1/pods", self._on_pod)]

    def end(self):
        for watch in self._watches:
            watch.end()

    # ---- what tests ask ----------------------------------------------------------------------------

    def begin(self):
        with self.lock:
            self.wrong.clear()

    def allow_deletes(self, namespace):
        """From here on the test deletes, cancels or breaks things, so that running pods may be deleted there."""
        with self.lock:
            self.deletes_allowed.add(namespace)

    def allow_crowds(self, node):
        """Pods come to this node that nobody can know of in time; whether too much runs there its kubelet tells."""
        with self.lock:
            self.crowded.add(node)

    def verdict(self):
        with self.lock:
            assert not self.wrong, "what may never be:\n  " + "\n  ".join(self.wrong)

    def pods_of(self, uid):
        """Every pod that a job ever had, oldest first."""
        with self.lock:
            return [seen for seen in self.pods.values() if seen.job_uid == uid]

    # ---- what it sees ------------------------------------------------------------------------------

    def _on_environment(self, kind, item, _):
        with self.lock:
            if kind != "DELETED":
                name, spec = item["metadata"]["name"], item["spec"]
                self.namespaces_of[name] = set(spec.get("kubernetesNamespaces", []))
                self.max_vcpus[name] = spec.get("computeResources", {}).get("maxvCpus")

    def _on_node(self, kind, item, _):
        name = item["metadata"]["name"]
        with self.lock:
            if kind == "DELETED":
                self.allocatable.pop(name, None)
                self.node_labels.pop(name, None)
            else:
                self.node_labels[name] = item["metadata"].get("labels", {})
                self.allocatable[name] = {key: quantity(value) for key, value
                                          in item.get("status", {}).get("allocatable", {}).items()}
                if kind == "ADDED":
                    self._check_vcpus(self.node_labels[name].get(ENVIRONMENT))
            self.lock.notify_all()

    def _on_pod(self, kind, pod, at):
        with self.lock:
            uid = pod["metadata"]["uid"]
            seen = self.pods.get(uid)
            if seen is None:
                seen = self.pods[uid] = Seen(pod, at)
                if seen.ours:
                    self._created(seen)
            before, seen.pod = seen.pod, pod
            phase = pod.get("status", {}).get("phase")
            if phase and (not seen.phases or seen.phases[-1] != phase):
                seen.phases.append(phase)
            if kind == "DELETED":
                seen.gone_at = at
            if seen.ours:
                if pod["spec"].get("nodeName") != before["spec"].get("nodeName"):
                    self._check_fence(seen)
                self._check_delete(seen, before)
                self._count_living(seen)
            self._account(seen)
            self.lock.notify_all()

    # ---- the rules -----------------------------------------------------------------------------------

    def _created(self, seen):
        environment = seen.labels.get(ENVIRONMENT)
        for child in seen.children():
            key = (seen.job_uid, child, seen.labels[TRY])
            if key in self.tries:
                self.wrong.append(f"twice: try {key[2]} of child {child} of job {key[0]} has pods "
                                  f"{self.tries[key]} and {seen.uid} ({seen.name})")
            self.tries[key] = seen.uid
        if OUTCOME not in seen.pod["metadata"].get("finalizers", []) and not ended(seen.pod):
            self.wrong.append(f"finalizer: pod {seen.name} was created without {OUTCOME}")
        self._check_fence(seen)
        if seen.namespace not in self.namespaces_of.get(environment, {seen.namespace}):
            self.wrong.append(f"fence: pod {seen.name} in {seen.namespace} is on {environment}, "
                              f"which serves {self.namespaces_of[environment]}")

    def _check_fence(self, seen):
        """When it is created on a node, or bound to one."""
        node, environment = seen.pod["spec"].get("nodeName"), seen.labels.get(ENVIRONMENT)
        if node in self.node_labels and self.node_labels[node].get(ENVIRONMENT) != environment:
            self.wrong.append(f"fence: pod {seen.name} of {environment} is on node {node}, which is not of it")

    def _check_vcpus(self, environment):
        most = self.max_vcpus.get(environment)
        vcpus = sum(self.allocatable[node].get("cpu", 0) for node, labels in self.node_labels.items()
                    if labels.get(ENVIRONMENT) == environment) // 1000
        if most is not None and vcpus > most:
            # The two watches know nothing of each other's order: maxvCpus may have been raised just before.
            now = self._api.find(f"{BULKHEAD}/computeenvironments/{environment}")
            most = max(most, now["spec"]["computeResources"]["maxvCpus"]) if now else most
        if most is not None and vcpus > most:
            self.wrong.append(f"vcpus: the nodes of {environment} have {vcpus} vCPUs, maxvCpus is {most}")

    def _check_delete(self, seen, before):
        deleted = seen.pod["metadata"].get("deletionTimestamp") and not before["metadata"].get("deletionTimestamp")
        if deleted and before.get("status", {}).get("phase") == "Running" \
                and seen.namespace not in self.deletes_allowed:
            self.wrong.append(f"running: pod {seen.namespace}/{seen.name} was deleted while it ran")

    def _count_living(self, seen):
        for child in seen.children():
            living = self.live[(seen.job_uid, child)]
            if seen.alive():
                living.add(seen.uid)
                if len(living) > 1:
                    living.intersection_update({uid for uid in living if self._machine_is_there(self.pods[uid])})
                if len(living) > 1:
                    names = sorted(self.pods[uid].name for uid in living)
                    self.wrong.append(f"twice: child {child} of job {seen.job_uid} is in pods {names} at once")
            else:
                living.discard(seen.uid)

    def _machine_is_there(self, seen):
        """A pod on a machine that is gone does not run, whatever its object still says: pod GC comes 40 s later.
        Nor does one that was deleted before it had a node."""
        node = seen.pod["spec"].get("nodeName")
        if node is None:
            return "deletionTimestamp" not in seen.pod["metadata"]
        return self._api.find(f"/api/v1/nodes/{node}") is not None

    def _account(self, seen):
        node = seen.pod["spec"].get("nodeName")
        if node is None:
            return
        if not seen.alive():
            self.on_node[node].pop(seen.uid, None)
            return
        new = seen.uid not in self.on_node[node]
        self.on_node[node][seen.uid] = pod_requests(seen.pod)
        if new and node in self.allocatable and node not in self.crowded:
            self._check_room(node, seen)

    def _check_room(self, node, seen):
        total = defaultdict(int)
        for requests in self.on_node[node].values():
            for name, amount in requests.items():
                total[name] += amount
        for name, amount in total.items():
            room = self.allocatable[node].get(name)
            if room is not None and amount > room:
                self.wrong.append(f"room: with pod {seen.name} node {node} has {amount / 1000:g} {name} "
                                  f"of {room / 1000:g}")
