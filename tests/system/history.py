# SPDX-License-Identifier: Apache-2.0
"""The history of a cluster by revision, and what must hold at each one.

Every version of a pod, job, array state and Cell, and the coming and going of every Node, that the store ever had is heard through watches that begin before the
work does. A resourceVersion is the store's own revision, one row of numbers for all kinds, so the fold afterwards sees
the world as it was at each write, in the order of the writes, whoever was killed meanwhile.

    terminal   the status of a job that has ended never changes, nor does the record of a child that has
    attempts   a record never goes down, and never counts more attempts than pods of the child have begun; one that a
               kubelet refused has not
    twice      a child has at most one pod that has not ended on a Node that is there, and a (child, try) has one, ever
    release    a pod that has ended gets rid of its finalizer only when the record holds its attempt
    fence      nothing is stored that was signed with an epoch other than the Cell's (told in numbers: see stale)
    gap        nothing was missed: a watch that had to list again may have missed a version
"""

import functools
import importlib.machinery
import importlib.util
import re
import threading
import time
from collections import Counter, defaultdict
from pathlib import Path

from dev_api import BULKHEAD, Watch
from judge import COUNT, INDEX, JOB_UID, OUTCOME, TRY

KINDS = {"pod": "/api/v1/pods", "job": f"{BULKHEAD}/batchjobs", "state": f"{BULKHEAD}/arraystates",
         "cell": f"{BULKHEAD}/cells", "node": "/api/v1/nodes"}
ATTEMPT = "bulkhead.dev/attempt"
ENDED = ("SUCCEEDED", "FAILED")
FROZEN = ("status", "reason", "statusReason", "attempts", "arrayProperties", "stoppedAt")


def _array_history():
    path = Path(__file__).resolve().parents[2] / "hack" / "array-history"
    loader = importlib.machinery.SourceFileLoader("array_history", str(path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("array_history", loader))
    loader.exec_module(module)
    return module


records = _array_history().records


def signers(meta):
    """{(epoch, subresource): time} of our controllers among those who have written the object."""
    found = {}
    for entry in meta.get("managedFields", []):
        match = re.fullmatch(r"bulkhead-default-(\d+)", entry["manager"])
        if match:
            found[int(match.group(1)), entry.get("subresource", "")] = entry.get("time", "")
    return found


class PodVersion:
    """What the fold needs of one version of a pod: twenty thousand of them fit."""

    __slots__ = ("name", "job", "first", "count", "number", "attempt", "phase", "held", "refused", "node")

    def __init__(self, pod):
        meta = pod["metadata"]
        annotations = meta.get("annotations", {})
        self.name, self.job = meta["name"], meta["labels"][JOB_UID]
        self.first, self.number = int(meta["labels"][INDEX]), int(meta["labels"][TRY])
        self.count, self.attempt = int(annotations.get(COUNT, "1")), int(annotations.get(ATTEMPT, "1"))
        status = pod.get("status", {})
        self.phase = status.get("phase")
        self.refused = self.phase == "Failed" and status.get("message", "").startswith("Pod was rejected: ")
        self.node = pod["spec"].get("nodeName")
        self.held = OUTCOME in meta.get("finalizers", [])

    def children(self):
        return range(self.first, self.first + self.count)

    def ended(self):
        return self.phase in ("Succeeded", "Failed")

    def began(self):
        return self.phase in ("Running", "Succeeded", "Failed") and not self.refused


class History:
    def __init__(self, api, follow=None):
        """follow(path, on_event): how to follow a kind; by default a watch of this API server."""
        self._api, follow = api, follow or functools.partial(Watch, api)
        self._lock = threading.Lock()
        self._seen = defaultdict(dict)  # kind: {uid: last resourceVersion}
        self._first = {}                # epoch: time.monotonic() of the first version that it signed
        self.versions = []              # (revision, kind, type, uid, what the fold needs, signers, seconds)
        self._watches = {kind: follow(path, lambda *event, k=kind: self._on_event(k, *event))
                         for kind, path in KINDS.items()}

    def _on_event(self, kind, change, item, at):
        meta = item["metadata"]
        needed = item
        if kind == "pod":
            if JOB_UID not in meta.get("labels", {}):
                return
            needed = PodVersion(item)
        with self._lock:
            if change == "DELETED":
                self._seen[kind].pop(meta["uid"], None)
            else:
                self._seen[kind][meta["uid"]] = meta["resourceVersion"]
            if kind == "node":
                if change != "MODIFIED":  # signs of life are many, and say nothing here
                    self.versions.append((int(meta["resourceVersion"]), kind, change, meta["uid"], meta["name"], {}, at))
                return
            signed = signers(meta)
            self.versions.append((int(meta["resourceVersion"]), kind, change, meta["uid"], needed, signed, at))
            taken = int(meta.get("annotations", {}).get("bulkhead.dev/takeover", 0)) if kind == "pod" else 0
            for epoch, _ in signed if kind != "cell" else ():
                if epoch == taken:
                    continue  # by that change the heir only sees how far its watch has come
                self._first.setdefault(epoch, at)

    def first_signed_after(self, epoch):
        """time.monotonic() at which the first version signed with a later epoch than this was heard; None: not yet."""
        with self._lock:
            return min((at for signer, at in self._first.items() if signer > epoch), default=None)

    def settle(self, deadline=60):
        """Waits until everything that is stored now has been heard."""
        begin = time.monotonic()
        for kind, path in KINDS.items():
            wanted = {item["metadata"]["uid"]: int(item["metadata"]["resourceVersion"]) for item in self._api.items(path)
                      if kind != "pod" or JOB_UID in item["metadata"].get("labels", {})}
            while True:
                with self._lock:
                    seen = dict(self._seen[kind])
                if all(int(seen.get(uid, 0)) >= version for uid, version in wanted.items()) \
                        and all(uid in wanted for uid in seen if int(seen[uid]) <= max(wanted.values(), default=0)):
                    break
                assert time.monotonic() - begin < deadline, f"the history of {kind}s does not arrive"
                time.sleep(0.05)

    def end(self):
        for watch in self._watches.values():
            watch.end()

    def fold(self):
        """The Fold of all that was heard so far."""
        self.settle()
        with self._lock:
            versions = sorted(self.versions, key=lambda version: version[0])
        fold = Fold()
        for version in versions:
            fold.take(*version)
        fold.revisions = len({version[0] for version in versions})
        gaps = {kind: watch.gaps for kind, watch in self._watches.items() if watch.gaps}
        if gaps:
            fold.wrong.append(f"gap: watches had to list again: {gaps}")
        return fold


class Fold:
    def __init__(self):
        self.revisions = 0
        self.wrong = []
        self.stale = []                  # (kind, name, epoch that signed, epoch of the Cell, seconds after the Cell's)
        self.signed = 0                  # versions that one of our controllers signed first
        self.nodes = set()               # names of those that are there
        self.pods = {}                   # uid: PodVersion
        self.tries = {}                  # (job, child, try): uid
        self.living = defaultdict(set)   # (job, child): uids
        self.begun = defaultdict(set)    # (job, child): uids of pods that began
        self.ends = defaultdict(Counter)  # (job, child): {phase: pods that ended so}; without those that were refused
        self.refused = Counter()         # (job, child): pods that a kubelet refused
        self.deleted = set()             # uids of jobs: nothing can be on record for their pods
        self.statuses = {}               # job uid: status
        self.recorded = {}               # job uid: [(outcome, attempts)] of its children
        self._written = {}               # job uid: the text that recorded was read from
        self._signers = {}
        self._epoch, self._epoch_at = 0, 0.0

    def take(self, revision, kind, change, uid, item, signed, at):
        self._check_fence(revision, kind, uid, item, signed, at)
        if kind == "node":
            (self.nodes.discard if change == "DELETED" else self.nodes.add)(item)
        elif kind == "cell":
            self._epoch, self._epoch_at = item.get("status", {}).get("epoch", 0), at
        elif kind == "pod":
            self._take_pod(revision, change, uid, item)
        elif kind == "job" and change != "DELETED":
            self._take_status(revision, uid, item.get("status", {}))
        elif kind == "job":
            self.deleted.add(uid)
        elif kind == "state" and change != "DELETED":
            owner = item["metadata"]["ownerReferences"][0]["uid"]
            self._take_record(revision, owner, item["encoding"], item["data"], item["size"])

    def _check_fence(self, revision, kind, uid, item, signed, at):
        before, self._signers[uid] = self._signers.get(uid, {}), signed
        for key, when in signed.items():
            if before.get(key) != when:
                self.signed += 1
                if key[0] != self._epoch and kind != "cell":
                    name = item.name if kind == "pod" else item["metadata"]["name"]
                    self.stale.append((kind, name, key[0], self._epoch, round(at - self._epoch_at, 4), revision))

    # ---- pods ---------------------------------------------------------------------------------------

    def _take_pod(self, revision, change, uid, pod):
        before, self.pods[uid] = self.pods.get(uid), pod
        if before is None:
            self._check_new(revision, uid, pod)
        if before is not None and before.held and not pod.held and pod.ended() and pod.job not in self.deleted:
            self._check_release(revision, pod)
        for child in pod.children():
            key = (pod.job, child)
            if pod.began():
                self.begun[key].add(uid)
            if pod.ended() and (before is None or not before.ended()):
                if pod.refused:
                    self.refused[key] += 1
                else:
                    self.ends[key][pod.phase] += 1
            if pod.ended() or change == "DELETED":
                self.living[key].discard(uid)
                continue
            self.living[key].add(uid)
            names = sorted(self.pods[u].name for u in self.living[key]
                           if self.pods[u].node is None or self.pods[u].node in self.nodes)
            if len(names) > 1:
                self.wrong.append(f"twice: at revision {revision} child {child} of {pod.job} is in pods {names}")

    def _check_new(self, revision, uid, pod):
        for child in pod.children():
            key = (pod.job, child, pod.number)
            if key in self.tries:
                self.wrong.append(f"twice: at revision {revision} try {pod.number} of child {child} of {pod.job} has "
                                  f"pods {self.tries[key]} and {uid}")
            self.tries[key] = uid

    def _check_release(self, revision, pod):
        if pod.job in self.recorded:
            held = {child: self.recorded[pod.job][child] for child in pod.children()}
        else:
            status = self.statuses.get(pod.job, {})
            held = {0: (status.get("status", "w")[0].lower(), status.get("attempts", 0))}
        for child, (outcome, attempts) in held.items():
            if attempts < pod.attempt - pod.refused or (pod.phase == "Succeeded" and outcome != "s"):
                self.wrong.append(f"release: at revision {revision} pod {pod.name} ({pod.phase}, attempt {pod.attempt}) "
                                  f"was released, and child {child} has {outcome}{attempts} on record")

    # ---- jobs ---------------------------------------------------------------------------------------

    def _take_status(self, revision, uid, status):
        before, self.statuses[uid] = self.statuses.get(uid, {}), status
        if before.get("status") in ENDED:
            for key in FROZEN:
                if before.get(key) != status.get(key):
                    self.wrong.append(f"terminal: at revision {revision} {key} of job {uid} went from "
                                      f"{str(before.get(key))[:200]} to {str(status.get(key))[:200]}")
        array = status.get("arrayProperties", {})
        if "data" in array:
            self._take_record(revision, uid, array["encoding"], array["data"], array["size"])
        elif "attempts" in status and "size" not in array:
            self._check_attempts(revision, uid, 0, before.get("attempts", 0), status["attempts"])

    def _take_record(self, revision, uid, encoding, data, size):
        if self._written.get(uid) == data:
            return
        self._written[uid] = data
        before, now = self.recorded.get(uid), records(encoding, data, size)
        self.recorded[uid] = now
        before = before or [("w", 0)] * size
        for child in range(size):
            was, is_ = before[child], now[child]
            if was == is_:
                continue
            if was[0] != "w":
                self.wrong.append(f"terminal: at revision {revision} child {child} of {uid} went from {was} to {is_}")
            self._check_attempts(revision, uid, child, was[1], is_[1])

    def _check_attempts(self, revision, uid, child, was, now):
        if now < was:
            self.wrong.append(f"attempts: at revision {revision} child {child} of {uid} went from {was} to {now}")
        if now > len(self.begun[uid, child]):
            self.wrong.append(f"attempts: at revision {revision} child {child} of {uid} has {now} on record and "
                              f"{len(self.begun[uid, child])} pods that began")

    # ---- the end ------------------------------------------------------------------------------------

    def lost(self, uid, children, ends):
        """Children whose pods did not end as they must have: ends is {phase: pods} for each of them."""
        return [child for child in range(children) if dict(self.ends[uid, child]) != ends]

    def verdict(self):
        assert not self.wrong, f"{len(self.wrong)} times what may never be:\n  " + "\n  ".join(self.wrong[:20])
