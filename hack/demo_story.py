# SPDX-License-Identifier: Apache-2.0
"""demo_story - the demo's steps, and what must have come out of each."""

import json
import os
import queue
import re
import time
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path

import demo_truth
import dev_nodes
import dev_processes as processes
from demo_view import table
from demo_watch import Watches
from demo_world import ENDED, World, key_of
from dev_processes import Failure

ROOT = Path(__file__).resolve().parent.parent
MANIFESTS = ROOT / "manifests" / "demo"
ACCOUNT = "bulkhead-system/bulkhead-controller"

# How long each wait may last, in seconds: many times what is usual, for slow machines.
READY_S, PIPELINE_S, SWEEP_S, EMPTY_S, UNINSTALL_S = 60, 180, 240, 120, 90


class Story:
    def __init__(self, options, cluster, screen, log):
        self.options, self.cluster, self.screen, self.log = options, cluster, screen, log
        self.record = cluster.dir / "pids" / "bulkhead-controller"
        self.data = cluster.dir / "demo-data"
        self.obstacle = "--no-containers was given" if options.no_containers else dev_nodes.obstacle()
        self.world = self.watches = self.port = None
        self.lines = []  # of the summary

    def run(self):
        self.start()
        try:
            self.screen.start()
            self.pipeline()
            self.sweep()
            self.empty()
            self.screen.stop(self.world)
            self.report()
            if not self.options.keep:
                self.uninstall()
        finally:
            self.screen.stop(self.world)
            self.watches.stop()

    # ---- 1: from nothing to a controller that leads ----------------------------------------------

    def start(self):
        screen, cluster = self.screen, self.cluster
        screen.headline("1/4 a cluster, and bulkhead in it")
        if self.obstacle:
            screen.say(f"no containers here: {self.obstacle}.\nSIMULATED: nodes, containers and their exit "
                       "codes (KWOK). Real: API server, etcd, Kubernetes' controllers, bulkhead.")
        cluster.up(nodes="kwok" if self.obstacle else "both")
        cluster.kubectl("apply", "-k", MANIFESTS)
        cluster.kubectl("wait", "--for=condition=Established", "--timeout=30s", "crd",
                        *[f"{kind}.bulkhead.dev" for kind in (
                            "batchjobs", "jobqueues", "jobdefinitions", "computeenvironments", "arraystates",
                            "consumableresources")])
        self.start_controller()
        self.world = World(screen.say)
        self.watches = Watches(cluster)
        self.watches.start()
        self.data.mkdir()
        self.apply("guests.yaml")
        self.apply("files-kwok.yaml" if self.obstacle else "files-real.yaml")
        self.apply("queues.yaml")
        self.wait(READY_S, "both compute environments to be VALID", lambda: all(
            ((self.world.environments.get(name) or {}).get("status") or {}).get("status") == "VALID"
            for name in ("files", "sweep")))
        self.wait(READY_S, "the namespace's service account",
                  lambda: self.answers("/api/v1/namespaces/demo/serviceaccounts/default"))
        self.lines.append(f"from nothing to a controller that leads and valid environments: {self.clock():.1f} s")

    def start_controller(self):
        program = ROOT / "build" / "bulkhead-controller"
        config = self.cluster.service_account_kubeconfig(ACCOUNT, self.cluster.dir / "controller.kubeconfig")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.write_text("")
        # The node program finds the cluster by BULKHEAD_DEV_CLUSTER; the controller itself gets only its account.
        clean = {k: v for k, v in {**os.environ, **self.cluster.env()}.items()
                 if not k.lower().endswith("_proxy") and k != "KUBECONFIG"}
        processes.spawn([program, "--kubeconfig", config, "--namespace", "bulkhead-system",
                         "--node-programs-dir", ROOT / "hack" / "node-programs",
                         "--listen", "127.0.0.1:0"], self.log, self.record, env=clean)
        begin = time.monotonic()
        while not self.is_ready():
            if time.monotonic() - begin > READY_S:
                raise Failure(f"waited {READY_S} s for the controller to be ready")
            self.check_controller()
            time.sleep(0.05)
        self.screen.say(f"the controller leads; it has the rights of the ServiceAccount {ACCOUNT}, no more")

    def is_ready(self):
        if self.port is None:
            match = re.search(r"msg=listening.*\bport=(\d+)", self.log.read_text(errors="replace"))
            self.port = match and int(match.group(1))
        try:
            return self.port is not None and self.ask("/readyz") is not None
        except (urllib.error.URLError, OSError):
            return False

    def ask(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as reply:
            return reply.read().decode()

    def check_controller(self):
        if processes.pid_of(self.record) is None:
            raise Failure("the controller has ended by itself")

    # ---- 2: files in containers ------------------------------------------------------------------

    def pipeline(self):
        kind = "pretended" if self.obstacle else "real"
        self.screen.headline(f"2/4 split, scan ({demo_truth.SHARDS} children) and merge, on {kind} nodes")
        begin = time.monotonic()
        text = (MANIFESTS / "pipeline.yaml").read_text()
        self.cluster.kubectl("apply", "-f", "-", stdin=demo_truth.fill_in(text, self.data))
        self.wait(PIPELINE_S, "split, scan and merge to end", lambda: all(
            self.world.job_state(f"demo/{name}") in ENDED for name in ("split", "scan", "merge")))
        self.settle("split", "scan", "merge")
        pods = [pod for name in ("split", "scan", "merge") for pod in self.world.pods_of(name)]
        first = min(pod.ran or pod.ended for pod in pods)
        self.lines.append(f"submitted → first container runs: {first - begin:.1f} s, the node's start "
                          f"included; → merged report: {self.world.ends['demo/merge'] - begin:.1f} s"
                          + (" (simulated)" if self.obstacle else ""))
        self.check_pipeline(pods)

    def check_pipeline(self, pods):
        world = self.world
        for name in ("split", "scan", "merge"):
            self.expect(world.job_state(f"demo/{name}") == "SUCCEEDED",
                        f"job {name} ended as {world.job_state(f'demo/{name}')}: {self.status_reason(name)}")
        outcomes = Counter((p.job, p.index, p.attempt, p.exit_code) for p in pods)
        broken = range(demo_truth.SHARDS) if self.obstacle else [demo_truth.BROKEN_SHARD]
        failing = 1 if self.obstacle else 3
        wanted = Counter([("split", 0, 1, 0), ("merge", 0, 1, 0)])
        for child in range(demo_truth.SHARDS):
            tries = [(1, failing), (2, 0)] if child in broken else [(1, 0)]
            wanted.update(("scan", child, attempt, code) for attempt, code in tries)
        wrong = sorted(map(str, (outcomes - wanted) + (wanted - outcomes)))
        self.expect(not wrong, f"(job, child, attempt, exit code) of the pods: {', '.join(wrong[:4])} "
                    "seen or missing")
        ends = {name: max(p.ended for p in world.pods_of(name)) for name in ("split", "scan")}
        for name, after in (("scan", "split"), ("merge", "scan")):
            self.expect(min(p.created for p in world.pods_of(name)) >= ends[after],
                        f"{name} began before {after} had ended")
        self.compare_tries(pods)

    def compare_tries(self, pods):
        """What the jobs' own status tells of its last tries is what was seen."""
        seen = {p.uid: p for p in pods}
        for name in ("split", "scan", "merge"):
            tries = self.world.jobs[f"demo/{name}"]["status"].get("tries") or []
            self.expect(tries, f"status.tries of {name} is empty")
            for told in tries:
                pod = seen.get(told.get("podUid"))
                self.expect(pod is not None and (told.get("node"), told.get("exitCode"), told.get("attempt"))
                            == (pod.node, pod.exit_code, pod.attempt),
                            f"status.tries of {name} tells what was not seen: {json.dumps(told)}")

    # ---- 3: many children ------------------------------------------------------------------------

    def sweep(self):
        size = self.options.children
        self.screen.headline(f"3/4 an array of {size} children on pretended nodes, from none to many and back")
        writes_before = self.writes()
        begin = time.monotonic()
        text = (MANIFESTS / "sweep.yaml").read_text().replace("CHILDREN", str(size))
        self.cluster.kubectl("apply", "-f", "-", stdin=text)
        self.wait(SWEEP_S + size // 20, f"the {size} children of sweep to end",
                  lambda: self.world.job_state("demo/sweep") in ENDED)
        self.settle("sweep")
        pods = self.world.pods_of("sweep")
        self.expect(self.world.job_state("demo/sweep") == "SUCCEEDED",
                    f"job sweep ended as {self.world.job_state('demo/sweep')}: {self.status_reason('sweep')}")
        counts = self.world.counts(self.world.jobs["demo/sweep"])
        self.expect(counts["SUCCEEDED"] == size, f"sweep tells of {counts['SUCCEEDED']} succeeded children")
        ran = Counter(p.index for p in pods)
        self.expect(sorted(ran) == list(range(size)) and max(ran.values()) == 1,
                    f"{len(ran)} children of sweep had a pod, {len(pods)} pods in all")
        first, last = min(p.created for p in pods), max(p.ended for p in pods)
        kinds = Counter({t: n for (e, t), n in self.world.node_types.items() if e == "sweep"})
        self.lines += [
            f"sweep: {size} children in {last - begin:.1f} s from submission, {len(pods)} pods, none twice; "
            f"{size / (last - first):.0f} children/s from the first pod to the last end",
            f"sweep's nodes, from none: {', '.join(f'{n} × {t}' for t, n in sorted(kinds.items()))}; at most "
            f"{self.world.peak_nodes['sweep']} at once, {self.world.peak_vcpus['sweep']:g} vCPUs of {self.maximum('sweep')} allowed"]
        if writes_before:
            self.lines.append("the controller's writes to the API server while sweep ran: "
                              f"{(self.writes() - writes_before) / size:.2f} a child")

    def maximum(self, environment):
        return self.world.environments[environment]["spec"]["computeResources"]["maxvCpus"]

    def metric(self, name):
        """The sum over all labels."""
        lines = [line for line in self.ask("/metrics").splitlines() if re.match(rf"{name}[{{ ]", line)]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines)

    def writes(self):
        return self.metric("bulkhead_writes_total")

    # ---- 4: to nothing ---------------------------------------------------------------------------

    def empty(self):
        self.screen.headline("4/4 nothing is left to run: the nodes go")
        begin = time.monotonic()
        world = self.world
        self.wait(EMPTY_S, "every node of both environments to be gone",
                  lambda: not any(n.environment for n in world.nodes.values()),
                  lambda: f"{world.node_count('files')} of files and {world.node_count('sweep')} of sweep are there")
        if not self.obstacle:
            self.wait(EMPTY_S, "the machines behind the nodes to be gone", lambda: all(
                dev_nodes.state_of(n) == "terminated" for n in dev_nodes.records(self.cluster.dir)))
        self.lines.append(f"all nodes gone {time.monotonic() - begin:.1f} s after the last child ended "
                          "(a node is kept for 5 s after its last pod)")

    def uninstall(self):
        self.screen.headline("uninstalling")
        begin = time.monotonic()
        # In this order: while jobs use them, queues and environments would wait, by design.
        for kinds in ("batchjobs,jobdefinitions", "jobqueues", "computeenvironments"):
            for kind in kinds.split(","):
                scope = ["-n", "demo"] if kind in ("batchjobs", "jobdefinitions") else []
                self.delete(f"every {kind[:-1]} to be gone", kind, "--all", *scope)
        # Pods keep a finalizer until the controller has let them go: it must not be stopped before.
        self.wait(UNINSTALL_S, "the jobs' pods to be let go",
                  lambda: not any(p.job_uid for p in self.world.pods.values()))
        self.check_controller()
        self.expect(self.metric("bulkhead_state_bugs_total") == 0, "the controller met events its table lacks")
        processes.end(self.record, grace_s=10.0)
        last = processes.tail(self.log, 1)
        self.expect("level=error" not in last, f"the controller's last words: {last}")
        self.cluster.kubectl("delete", "-k", MANIFESTS, "--wait=false", "--ignore-not-found")
        deadline = time.monotonic() + UNINSTALL_S
        while left := self.left_behind():
            if time.monotonic() > deadline:
                raise Failure(f"waited {UNINSTALL_S} s for bulkhead to be uninstalled; left are {len(left)} objects, "
                              f"such as {', '.join(left[:3])}")
            time.sleep(0.2)
        self.screen.say(f"nothing is left of it, {time.monotonic() - begin:.1f} s later: no pod, node, queue, "
                        "namespace, role or CRD")

    def left_behind(self):
        """What is still there of everything that was installed or made."""
        kinds = (("namespace", "/api/v1/namespaces"), ("node", "/api/v1/nodes"), ("pod", "/api/v1/pods"),
                 ("crd", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"),
                 ("clusterrole", "/apis/rbac.authorization.k8s.io/v1/clusterroles"),
                 ("clusterrolebinding", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"))
        return [f"{kind} {key_of(item)}" for kind, path in kinds
                for item in self.cluster.request("GET", path)["items"] if is_ours(kind, item)]

    def delete(self, what, *arguments):
        result = self.cluster.kubectl("delete", *arguments, "--wait", f"--timeout={UNINSTALL_S}s",
                                      "--ignore-not-found", check=False, timeout=UNINSTALL_S + 30)
        if result.returncode != 0:
            raise Failure(f"waited {UNINSTALL_S} s for {what}: {' '.join(result.stderr.split())}")

    # ---- what came out ---------------------------------------------------------------------------

    def report(self):
        world = self.world
        rows = [(p.job, p.index if World.size_of(world.jobs[f"demo/{p.job}"]) else "-", p.attempt, p.node,
                 f"{p.ended - p.created:.1f}", "-" if p.exit_code is None else p.exit_code,
                 p.message.splitlines()[-1] if p.message else p.reason)
                for name in ("split", "scan", "merge") for p in world.pods_of(name)]
        self.screen.print("\nWhat ran where (seconds from the pod's creation to its end):\n" +
                          table(rows, ("job", "child", "attempt", "node", "seconds", "exit", "reason")) + "\n")
        self.check_report()
        self.check_rules()
        self.screen.print("\n".join(self.lines))

    def check_report(self):
        if self.obstacle:
            self.lines.insert(0, "report: not computed, since no container ran; states, attempts, exit codes "
                              "and order were checked instead")
            return
        try:
            infected, files = demo_truth.compare(self.data / "report")
        except (ValueError, OSError) as error:
            raise Failure(f"the merged report is wrong: {error}") from None
        self.lines.insert(0, f"report: {infected} of {files} files infected; verdict and SHA-256 of every file "
                          "are what the generator says they must be")

    def check_rules(self):
        world = self.world
        if world.violations:
            evidence = self.log.with_name("evidence.txt")
            evidence.write_text("\n".join(world.evidence) + "\n")
            raise Failure(f"{'; '.join(world.violations[:3])} (all that was seen: {os.path.relpath(evidence)})")
        agents = sum(p.ran is not None for p in world.agents.values())
        self.lines.append(f"rules, checked on every change of every pod: no node over its room (agents of the "
                          f"DaemonSet included: {agents} of them ran), no child with two live pods")
        self.expect(world.stranger_said, "kube-scheduler said nothing about the stranger")
        self.lines.append(f"somebody else's pod stayed off the nodes: \"{world.stranger_said}\"")

    # ---- helpers ---------------------------------------------------------------------------------

    def apply(self, name):
        self.cluster.kubectl("apply", "-f", MANIFESTS / name)

    def answers(self, path):
        try:
            return self.cluster.request("GET", path) is not None
        except urllib.error.HTTPError:
            return False

    def status_reason(self, name):
        status = (self.world.jobs.get(f"demo/{name}") or {}).get("status") or {}
        return status.get("statusReason") or status.get("reason") or "no reason given"

    def expect(self, holds, otherwise):
        if not holds:
            raise Failure(otherwise)

    def settle(self, *jobs):
        """The jobs' end is known; their pods' end comes over another watch, a moment before or after."""
        self.wait(10, f"the pods of {', '.join(jobs)} to be seen to end", lambda: all(
            p.ended is not None for name in jobs for p in self.world.pods_of(name)))

    def clock(self):
        return time.monotonic() - self.screen.begin

    def wait(self, seconds, what, is_so, details=lambda: ""):
        """Follows the cluster and shows it until it is so."""
        begin = checked = time.monotonic()
        while not is_so():
            now = time.monotonic()
            if now - begin > seconds:
                raise Failure(f"waited {seconds} s for {what}; {details() or self.situation()}")
            if now - checked > 0.5:
                checked = now
                self.check_controller()
            self.pump(0.05)
        self.pump(0)

    def situation(self):
        jobs = [f"{key.split('/')[1]} is {self.world.job_state(key) or 'without status'}"
                + (f" ({self.status_reason(key.split('/')[1])})" if self.world.job_state(key) not in ENDED else "")
                for key in self.world.jobs]
        environments = [f"environment {name} is {(doc.get('status') or {}).get('status') or 'without status'}"
                        for name, doc in self.world.environments.items()]
        return ", ".join(environments + jobs)

    def pump(self, seconds):
        deadline = time.monotonic() + seconds
        try:
            while True:
                left = deadline - time.monotonic()
                self.world.apply(*self.watches.changes.get(left > 0, max(left, 0.001)))
                if left < -0.2:  # there is always more to come in a storm: show some of it
                    break
        except queue.Empty:
            pass
        self.world.tick(time.monotonic())
        self.screen.draw(self.world)


def is_ours(kind, item):
    name, metadata = item["metadata"]["name"], item["metadata"]
    if kind == "namespace":
        return name in ("demo", "guests", "bulkhead-system")
    if kind == "node":
        return True
    if kind == "pod":
        return metadata["namespace"] in ("demo", "guests", "bulkhead-system")
    return "bulkhead" in name
