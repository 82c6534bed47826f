# SPDX-License-Identifier: Apache-2.0
"""A large array, and an Indexed Job of the same size: how long, how many writes, whose CPU.

Children end at once (KWOK), so that what is measured is the control plane. bulkhead takes its pods away as they end;
a Job leaves them to whoever deletes the Job, so that its deletes are not in its writes and its CPU, except in the
row that says so.
"""

import sys
import time

from bench_world import wait_until
from dev_controller import process_rss_bytes


def measure(world, path, doc, cpu_parts):
    """(seconds, writes, {part: cpu seconds}) from the POST to Complete."""
    name = doc["metadata"]["name"]
    writes, cpu = world.writes(), {part: world.cpu(part) for part in cpu_parts}
    begin = time.monotonic()
    world.api.post(path, doc)
    wait_until(f"{name} to end", lambda: world.ended(path, name), 1800, every=0.05)
    took = time.monotonic() - begin
    return took, world.writes() - writes, {part: world.cpu(part) - cpu[part] for part in cpu_parts}


def run(world, table, children):
    controller = world.controller
    print(f"throughput: {children} children on {world.nodes} nodes, bulkhead", file=sys.stderr, flush=True)
    own_writes, own_cpu = controller.metric("bulkhead_writes_total"), controller.cpu_seconds()
    all_cpu = world.cpu("kube-apiserver")
    path, doc = world.batch_job("throughput", children)
    took, writes, cpu = measure(world, path, doc, ("kube-apiserver", "kwok"))
    own_cpu = controller.cpu_seconds() - own_cpu
    rss = controller.rss_bytes()
    peak = process_rss_bytes(controller.process.pid, "VmHWM")
    # The last pods are still being released when the array is complete: their writes count as well.
    late = world.writes()
    wait_until("the last pods to be gone", lambda: not world.api.get(
        "/api/v1/namespaces/bench/pods?limit=1")["items"], 120, every=0.1)
    own_writes = controller.metric("bulkhead_writes_total") - own_writes
    writes += world.writes() - late
    world.remove(path, "throughput")
    all_cpu = world.cpu("kube-apiserver") - all_cpu

    print(f"throughput: {children} completions, Indexed Job", file=sys.stderr, flush=True)
    # bulkhead watches all pods of the cluster; stopped, it costs the other side nothing.
    controller.stop()
    job_all_cpu = world.cpu("kube-apiserver")
    job_path, job_doc = world.kube_job("throughput", children)
    job_took, job_writes, job_cpu = measure(
        world, job_path, job_doc, ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok"))
    job_rss = world.rss("kube-controller-manager") + world.rss("kube-scheduler")
    world.remove(job_path, "throughput")
    job_all_cpu = world.cpu("kube-apiserver") - job_all_cpu

    def add(name, unit, bulkhead, job=None):
        table.add(f"array of {children:,}", name, unit, bulkhead, job)
    add("wall time", "s", took, job_took)
    add("pods a second", "1/s", children / took, children / job_took)
    add("writes per pod, everybody's (KWOK's two included)", "1", writes / children, job_writes / children)
    add("writes per pod, the controller's own", "1", own_writes / children)
    add("API-server CPU per pod", "ms", cpu["kube-apiserver"] / children * 1000,
        job_cpu["kube-apiserver"] / children * 1000)
    add("the same until every pod and the job are deleted", "ms", all_cpu / children * 1000,
        job_all_cpu / children * 1000)
    add("CPU of controller / controller-manager + scheduler", "s", own_cpu,
        job_cpu["kube-controller-manager"] + job_cpu["kube-scheduler"])
    add("memory of the same", "MiB", rss / 2**20, job_rss / 2**20)
    add("controller's peak memory", "MiB", peak / 2**20)
