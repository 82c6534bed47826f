# SPDX-License-Identifier: Apache-2.0
"""How soon a pod exists, on a node, after its job was created; with free room, one job at a time.

Time begins when the POST's answer has arrived and ends when a watch shows the pod; both by this process's clock. The
two sides take turns, so that what else the machine does meets both.
"""

import threading
import time

from bench_table import percentile
from bench_world import wait_until


class Arrivals:
    """When each owner's pod was first seen, and first seen with a node."""

    def __init__(self):
        self.changed = threading.Condition()
        self.exists, self.bound = {}, {}

    def on_event(self, kind, pod, at):
        owner = pod["metadata"]["ownerReferences"][0]["uid"]
        with self.changed:
            self.exists.setdefault(owner, at)
            if pod["spec"].get("nodeName"):
                self.bound.setdefault(owner, at)
            self.changed.notify_all()

    def wait(self, owner):
        with self.changed:
            if not self.changed.wait_for(lambda: owner in self.bound, 30):
                raise AssertionError("bench: waited 30 s for a pod to have a node")


def run(world, table, samples):
    arrivals = Arrivals()
    watch = world.watch_pods(arrivals.on_event)
    sides = {"bulkhead": world.batch_job, "job": world.kube_job}
    taken = {(side, what): [] for side in sides for what in ("exists", "bound", "post")}
    warm = 5  # connections, caches, first use of a template
    for i in range(samples + warm):
        for side, make in sides.items():
            path, doc = make(f"reaction-{i}")
            sent = time.monotonic()
            uid = world.api.post(path, doc)["metadata"]["uid"]
            answered = time.monotonic()
            arrivals.wait(uid)
            wait_until("the job to end", lambda p=path, n=i: world.ended(p, f"reaction-{n}"), 30)
            if i >= warm:
                taken[side, "post"].append(answered - sent)
                taken[side, "exists"].append(arrivals.exists[uid] - answered)
                taken[side, "bound"].append(arrivals.bound[uid] - answered)
    watch.end()
    for i in range(samples + warm):
        for make in sides.values():
            path, _ = make("")
            world.api.delete(f"{path}/reaction-{i}", propagationPolicy="Background")
    wait_until("the pods to be gone", lambda: not world.api.items("/api/v1/namespaces/bench/pods"), 120, every=0.2)
    for what, words in (("exists", "job created to pod exists"), ("bound", "job created to pod on a node")):
        for part, name in ((0.5, "p50"), (0.99, "p99")):
            table.add("reaction", f"{words}, {name}", "ms", *[percentile(taken[side, what], part) * 1000
                                                            for side in sides])
    table.add("reaction", "the creating POST itself, p50", "ms",
              *[percentile(taken[side, "post"], 0.5) * 1000 for side in sides])
