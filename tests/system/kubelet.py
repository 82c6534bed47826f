# SPDX-License-Identifier: Apache-2.0
"""A small kubelet that sums requests: it owns one Node, admits what fits there and refuses the rest.

It does what a kubelet does with a pod that names its node, in the order in which it hears of pods, without containers:

    admit    the requests of all that it has admitted and that has not ended, and this one's, are within allocatable;
             otherwise the pod is Failed, with the reason and the words of a real kubelet (pkg/kubelet/lifecycle)
    run      Running, and after run-ms (the annotations are those of KWOK's stages, hack/README.md) the end
    stop     a pod that is being deleted ends with 143, and is deleted when its status says so
    take     room that the API server has not heard of: a static pod before its mirror pod is there

What runs here is summed anew before each start, and may never be more than the machine has (wrong). die() is a machine
that loses power: nothing more is heard of it. Whoever has its name next takes in what is bound to that name, as a kubelet
does that finds no containers of a pod.
"""

import heapq
import itertools
import queue
import threading
import time
from collections import Counter
from datetime import datetime, timezone

from dev_api import ApiError, Watch
from judge import ended, pod_requests, quantity

ANNOTATION = "kwok.bulkhead.dev/"
BEAT_S = 8  # the node lifecycle controller gives a node up after 50 s without a sign of life
START_S = 0.02
REASONS = {"pods": "OutOfpods", "cpu": "OutOfcpu", "memory": "OutOfmemory"}  # in the order in which they are looked at


def now():
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def in_units(name, thousandths):
    """As kubelets write it: CPUs in thousandths, everything else whole."""
    return thousandths if name == "cpu" else thousandths // 1000


class Kubelet:
    """One machine. Its own thread alone decides and writes; the watch only puts what it hears into a queue."""

    def __init__(self, api, name, cpu="4", memory="16Gi", pods="110", labels=None, taints=()):
        self._api, self.node = api, name
        self.capacity = {"cpu": str(cpu), "memory": str(memory), "pods": str(pods)}
        self._allocatable = {key: quantity(value) for key, value in self.capacity.items()}
        self._lock = threading.Lock()
        self._used = {}           # uid of a pod, or key of what was taken: requests
        self._running = set()     # uids
        self._known = set()       # uids that were looked at
        self._heard = queue.Queue()
        self._later = []          # (when, serial, function, pod): a heap
        self._serial = itertools.count()
        self._dead = False
        self.refused = Counter()  # by reason
        self.ran = 0
        self.wrong = []
        self._register(labels or {}, taints)
        self._watch = Watch(api, f"/api/v1/pods?fieldSelector=spec.nodeName%3D{name}", self._hear)
        self._after(0, self._beat, None)
        self._thread = threading.Thread(target=self._work, daemon=True, name=f"kubelet {name}")
        self._thread.start()

    # ---- what tests ask -----------------------------------------------------------------------------

    def take(self, key, **requests):
        """Room for something that is in no pod yet (cpu="3", memory="1Gi"); whether there was so much."""
        wanted = {name: quantity(amount) for name, amount in requests.items()}
        with self._lock:
            if self._short_of(wanted) is not None:
                return False
            self._used[key] = wanted
            return True

    def give(self, key):
        with self._lock:
            self._used.pop(key, None)

    def die(self):
        """Power off: what runs here is gone, and nobody is told."""
        self._dead = True
        self._heard.put(None)
        self._thread.join(10)
        self._watch.end()

    # ---- the machine ----------------------------------------------------------------------------------

    def _register(self, labels, taints):
        self._api.post("/api/v1/nodes", {
            "apiVersion": "v1", "kind": "Node",
            "metadata": {"name": self.node, "labels": {
                "kubernetes.io/hostname": self.node, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64", **labels}},
            "spec": {"taints": list(taints)},
            "status": {"capacity": self.capacity, "allocatable": self.capacity, "conditions": self._conditions()}})

    @staticmethod
    def _conditions():
        return [{"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "it sums requests",
                 "lastHeartbeatTime": now()}]

    def _beat(self, _):
        self._write("PATCH", f"/api/v1/nodes/{self.node}/status", {"status": {"conditions": self._conditions()}})
        self._after(BEAT_S, self._beat, None)

    def _after(self, seconds, what, pod):
        heapq.heappush(self._later, (time.monotonic() + seconds, next(self._serial), what, pod))

    def _hear(self, kind, pod, _):
        self._heard.put((kind, pod))

    def _work(self):
        while not self._dead:
            wait = self._later[0][0] - time.monotonic()
            try:
                heard = self._heard.get(timeout=max(wait, 0)) if wait > 0 else self._heard.get_nowait()
            except queue.Empty:
                _, _, what, pod = heapq.heappop(self._later)
                what(pod)
                continue
            if heard is not None:
                self._take_in(*heard)

    def _write(self, method, path, body):
        """Whether it was stored. A pod or Node that is gone or another by now is none of ours."""
        while not self._dead:
            try:
                self._api.request(method, path, body, "application/merge-patch+json" if method == "PATCH"
                                  else "application/json")
                return True
            except ApiError as error:
                if error.status in (404, 409, 422):
                    return False
                time.sleep(0.1)
            except OSError:
                time.sleep(0.1)  # the API server is away
        return False

    # ---- pods -------------------------------------------------------------------------------------------

    @staticmethod
    def _path(pod):
        return f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}"

    def _say(self, pod, status):
        return self._write("PATCH", self._path(pod) + "/status", {
            "metadata": {"uid": pod["metadata"]["uid"]}, "status": status})

    def _take_in(self, kind, pod):
        uid = pod["metadata"]["uid"]
        if kind == "DELETED":
            self._let_go(uid)
            return
        if pod["metadata"].get("deletionTimestamp"):
            self._stop(pod)
        elif uid not in self._known and not ended(pod):
            self._known.add(uid)
            self._admit(pod)

    def _short_of(self, wanted):
        """(name, used) of the first thing that there is not enough of; None when it fits."""
        for name in REASONS:
            used = sum(requests.get(name, 0) for requests in self._used.values())
            if wanted.get(name, 0) > 0 and used + wanted[name] > self._allocatable[name]:
                return name, used
        return None

    def _admit(self, pod):
        wanted = pod_requests(pod)
        with self._lock:
            short = self._short_of(wanted)
            if short is None:
                self._used[pod["metadata"]["uid"]] = wanted
        if short is None:
            self._after(START_S, self._run, pod)
            return
        name, used = short
        numbers = [in_units(name, n) for n in (wanted[name], used, self._allocatable[name])]
        self.refused[REASONS[name]] += 1
        self._say(pod, {"phase": "Failed", "reason": REASONS[name], "startTime": now(),
                        "message": f"Pod was rejected: Node didn't have enough resource: {name}, requested: {numbers[0]}, "
                                   f"used: {numbers[1]}, capacity: {numbers[2]}"})

    def _containers(self, pod, state, first_state=None):
        """containerStatuses; the first container's end may be another than the rest's."""
        return [{"name": c["name"], "image": c["image"], "imageID": f"fake://{c['image']}", "ready": "running" in state,
                 "started": "running" in state, "restartCount": 0,
                 "containerID": f"fake://{pod['metadata']['uid']}/{c['name']}",
                 "state": first_state if i == 0 and first_state else state}
                for i, c in enumerate(pod["spec"]["containers"])]

    def _run(self, pod):
        uid = pod["metadata"]["uid"]
        with self._lock:
            if uid not in self._used:  # it was stopped first
                return
            self._running.add(uid)
            for name, room in self._allocatable.items():
                sum_ = sum(self._used[other].get(name, 0) for other in self._running)
                if sum_ > room:
                    self.wrong.append(f"{self.node} runs {sum_ / 1000:g} {name} of {room / 1000:g}")
        self.ran += 1
        pod["started"] = now()
        self._say(pod, {"phase": "Running", "startTime": pod["started"], "hostIP": "127.0.0.1", "podIP": "10.1.2.3",
                        "conditions": [{"type": kind, "status": "True", "lastTransitionTime": now()}
                                       for kind in ("Initialized", "ContainersReady", "Ready")],
                        "containerStatuses": self._containers(pod, {"running": {"startedAt": pod["started"]}})})
        told = pod["metadata"].get("annotations", {})
        if told.get(ANNOTATION + "hang") != "true":
            self._after(int(told.get(ANNOTATION + "run-ms", "0")) / 1000, self._finish, pod)

    def _finish(self, pod):
        uid = pod["metadata"]["uid"]
        if uid not in self._running:  # it was stopped first
            return
        told = pod["metadata"].get("annotations", {})
        code = int(told.get(ANNOTATION + "exit-code", "0"))
        if told.get("bulkhead.dev/attempt", "1") in told.get(ANNOTATION + "fail-attempts", "").split(","):
            code = 1
        self._end(pod, code)

    def _end(self, pod, code):
        uid = pod["metadata"]["uid"]
        times = {"startedAt": pod.get("started", now()), "finishedAt": now()}
        good = {"terminated": {"exitCode": 0, "reason": "Completed", **times}}
        bad = {"terminated": {"exitCode": code, "reason": "Error", **times}}
        self._let_go(uid)  # containers end before their status is told
        return self._say(pod, {"phase": "Failed" if code else "Succeeded",
                               "containerStatuses": self._containers(pod, good, bad if code else None)})

    def _let_go(self, uid):
        with self._lock:
            self._used.pop(uid, None)
            self._running.discard(uid)

    def _stop(self, pod):
        """Its last word, once, and then the delete with which a kubelet confirms that nothing of it runs any more."""
        uid, meta = pod["metadata"]["uid"], pod["metadata"]
        if not ended(pod):
            if uid in self._running:
                pod["started"] = pod["status"].get("startTime", now())
                self._end(pod, 143)
            else:
                self._let_go(uid)
                self._say(pod, {"phase": "Failed", "containerStatuses": [
                    {**status, "state": {"terminated": {"exitCode": 137, "reason": "ContainerStatusUnknown"}}}
                    for status in self._containers(pod, {})]})
            return  # the write is heard as an event, and leads below
        if meta.get("deletionGracePeriodSeconds") != 0:
            self._write("DELETE", self._path(pod), {"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0,
                                                    "preconditions": {"uid": uid}})
