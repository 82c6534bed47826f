# SPDX-License-Identifier: Apache-2.0
"""The cluster of the bench: the same number of pretended nodes for bulkhead and for kube-scheduler.

bulkhead's nodes are there already (an UNMANAGED environment), so that placing is compared with placing. The taint of
its nodes keeps kube-scheduler's pods on the others.
"""

import os
import time

from dev_api import BULKHEAD, Api, Watch
from dev_controller import Controller, install, process_cpu_seconds, process_rss_bytes
from devcluster import DevCluster

NAMESPACE = "bench"
POOL = "bulkhead.dev/compute-environment"
CLIENT_QPS = ["--kube-api-qps=5000", "--kube-api-burst=10000"]
NODE_CPU, CHILD_CPU = 16, "500m"


def wait_until(what, ready, deadline, every=0.02):
    begin = time.monotonic()
    while not (value := ready()):
        if time.monotonic() - begin > deadline:
            raise AssertionError(f"bench: waited {deadline} s for {what}")
        time.sleep(every)
    return value


class BenchWorld:
    def __init__(self, scratch, nodes):
        self.scratch, self.nodes = scratch, nodes
        self.dev = DevCluster(f"bench-{os.getpid()}")

    def __enter__(self):
        self.dev.up(nodes="kwok", extra_args={"kube-controller-manager": CLIENT_QPS, "kube-scheduler": CLIENT_QPS})
        try:
            self._prepare()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if getattr(self, "controller", None) is not None:
            self.controller.stop()
        self.dev.down()

    def _prepare(self):
        self.api = Api.of(self.dev)
        kubeconfig = install(self.dev, self.dev.dir / "controller.kubeconfig")
        self.api.post("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
        wait_until("the service account",
                   lambda: self.api.find(f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/default"), 30)
        taint = {"key": POOL, "value": "bench", "effect": "NoSchedule"}
        for i in range(self.nodes):
            self.dev.create_kwok_node(f"ours-{i}", cpu=NODE_CPU, memory="64Gi", labels={POOL: "bench"}, taints=[taint])
            self.dev.create_kwok_node(f"theirs-{i}", cpu=NODE_CPU, memory="64Gi", labels={"pool": "theirs"})
        wait_until("the nodes to be usable", lambda: all(
            any(c["type"] == "Ready" and c["status"] == "True" for c in n["status"].get("conditions", []))
            and not any(t["key"].startswith("node.kubernetes.io/") for t in n["spec"].get("taints", []))
            for n in self.api.items("/api/v1/nodes")), 120, every=0.5)
        self.api.post(f"{BULKHEAD}/computeenvironments", {
            "apiVersion": "bulkhead.dev/v1alpha1", "kind": "ComputeEnvironment", "metadata": {"name": "bench"},
            "spec": {"type": "UNMANAGED", "kubernetesNamespaces": [NAMESPACE], "nodeGroup": {"provider": "static"}}})
        self.api.post(f"{BULKHEAD}/jobqueues", {
            "apiVersion": "bulkhead.dev/v1alpha1", "kind": "JobQueue", "metadata": {"name": "bench"},
            "spec": {"computeEnvironmentOrder": [{"order": 1, "computeEnvironment": "bench"}]}})
        self.controller = Controller(kubeconfig, self.scratch / "controller.log", ["--identity", "bench"]).start()
        self.controller.wait_leading()
        wait_until("the environment to be valid", lambda: (
            s := self.api.get(f"{BULKHEAD}/computeenvironments/bench").get("status", {})
        ).get("status") == "VALID" and s.get("nodes") == self.nodes, 60)

    # ---- work, the same for both sides -----------------------------------------------------------------

    def template(self, run_ms=0):
        return {"metadata": {"annotations": {"kwok.bulkhead.dev/run-ms": str(run_ms)}},
                "spec": {"restartPolicy": "Never", "containers": [
                    {"name": "main", "image": "busybox:1.36",
                     "resources": {"requests": {"cpu": CHILD_CPU, "memory": "64Mi"}}}]}}

    def batch_job(self, name, size=None):
        spec = {"jobQueue": "bench", "template": self.template()}
        if size is not None:
            spec["arrayProperties"] = {"size": size}
        return (f"{BULKHEAD}/namespaces/{NAMESPACE}/batchjobs",
                {"apiVersion": "bulkhead.dev/v1alpha1", "kind": "BatchJob", "metadata": {"name": name}, "spec": spec})

    def kube_job(self, name, size=None):
        spec = {"template": self.template(), "backoffLimit": 0}
        if size is not None:
            spec.update(completionMode="Indexed", completions=size, parallelism=size)
        return (f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs",
                {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec})

    def ended(self, path, name):
        """Whether it succeeded; raises when it failed."""
        status = self.api.get(f"{path}/{name}").get("status", {})
        done = {c["type"] for c in status.get("conditions", []) if c["status"] == "True"}
        if "Failed" in done:
            raise AssertionError(f"bench: {name} failed: {status}")
        return "Complete" in done

    def remove(self, path, name):
        self.api.delete(f"{path}/{name}", propagationPolicy="Background")
        wait_until(f"the pods of {name} to be gone", lambda: not self.api.get(
            f"/api/v1/namespaces/{NAMESPACE}/pods?limit=1")["items"], 600, every=0.2)

    def watch_pods(self, on_event):
        return Watch(self.api, f"/api/v1/namespaces/{NAMESPACE}/pods", on_event)

    # ---- what it costs -----------------------------------------------------------------------------------

    def writes(self):
        """Writes that the API server has answered so far, of everybody, leases left out."""
        total = 0
        for line in self.api.raw("GET", "/metrics")[1].splitlines():
            if line.startswith("apiserver_request_total{") and 'resource="leases"' not in line \
                    and any(f'verb="{verb}"' in line for verb in ("POST", "PUT", "PATCH", "DELETE", "APPLY")):
                total += float(line.rsplit(" ", 1)[1])
        return total

    def cpu(self, part):
        return process_cpu_seconds(self.dev.status()[part])

    def rss(self, part):
        return process_rss_bytes(self.dev.status()[part])

