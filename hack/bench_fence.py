# SPDX-License-Identifier: Apache-2.0
"""What the fence costs: the same array with manifests/default/fence.yaml and without it, in turns, on one cluster.

In the column of the other side stand the figures without the fence. The turns change places, so that neither has the
warmer caches; the best of each is told, because everything else on the machine only ever slows a run down.
"""

import sys

from bench_throughput import measure
from bench_world import wait_until
from dev_controller import ROOT

TURNS = (True, False, False, True, True, False)
FENCE = ROOT / "manifests" / "default" / "fence.yaml"


def _set(world, on):
    """The API server takes the policies up, or gives them up, a moment after they are there or gone."""
    world.dev.kubectl(*(("apply",) if on else ("delete", "--ignore-not-found")), "-f", FENCE)
    epoch = world.api.get("/apis/bulkhead.dev/v1alpha1/cells/default")["status"]["epoch"]
    path = f"/apis/bulkhead.dev/v1alpha1/cells/default/status?dryRun=All&fieldManager=bulkhead-default-{epoch - 1}"

    def refused():
        return world.api.raw("PATCH", path, {"status": {}}, "application/merge-patch+json")[0] == 422
    wait_until(f"the fence to be {'on' if on else 'off'}", lambda: refused() == on, 30)


def run(world, table, children):
    best = {}
    for turn, on in enumerate(TURNS):
        print(f"fence: {children} children {'with' if on else 'without'} it", file=sys.stderr, flush=True)
        _set(world, on)
        path, doc = world.batch_job(f"fence-{turn}", children)
        took, _, cpu = measure(world, path, doc, ("kube-apiserver",))
        world.remove(path, f"fence-{turn}")
        best.setdefault(on, []).append((took, cpu["kube-apiserver"]))
    _set(world, True)
    (fast, cheap), (fast_without, cheap_without) = ([min(column) for column in zip(*best[on])] for on in (True, False))

    def add(name, unit, with_it, without):
        table.add(f"fence on and off, array of {children:,}", name, unit, with_it, without)
    add("pods a second", "1/s", children / fast, children / fast_without)
    add("API-server CPU per pod", "ms", cheap / children * 1000, cheap_without / children * 1000)
