# SPDX-License-Identifier: Apache-2.0
"""Days on virtual time: what a recording costs, that it replays, and what strategies and more machines are worth."""

import re
import subprocess
import tempfile
import time
from pathlib import Path

import yaml

from dev_controller import ROOT

DAY, REPLAY = ROOT / "build" / "day", ROOT / "build" / "bulkhead-replay"
SCENARIO = ROOT / "tests" / "day" / "office.yaml"
STRATEGY = "ComputeEnvironment/spot.spec.computeResources.allocationStrategy"
STRATEGIES = ("BEST_FIT", "BEST_FIT_PROGRESSIVE", "SPOT_CAPACITY_OPTIMIZED", "SPOT_PRICE_CAPACITY_OPTIMIZED",
              "LOWEST_PRICE_PACKING")


def call(*arguments):
    result = subprocess.run(arguments, capture_output=True, text=True, timeout=900)
    if result.returncode != 0:
        raise RuntimeError(f"{arguments[0]} ended with {result.returncode}: {result.stderr.strip()[-300:]}"
                           f"{result.stdout[-300:]}")
    return result.stdout


def number(pattern, text):
    return float(re.search(pattern, text).group(1).replace(",", ""))


def doubled(path):
    """The scenario's environments with twice the maxvCpus, as manifests."""
    docs = [doc for doc in yaml.safe_load_all(SCENARIO.read_text()) if doc and doc["kind"] == "ComputeEnvironment"]
    for doc in docs:
        doc["spec"]["computeResources"]["maxvCpus"] *= 2
    path.write_text(yaml.safe_dump_all(docs))


def run(table):
    if not (DAY.exists() and REPLAY.exists()):
        print("days: skipped, there is no build/day or build/bulkhead-replay", flush=True)
        return
    with tempfile.TemporaryDirectory() as scratch:
        log, double = Path(scratch) / "day.log", Path(scratch) / "double.yaml"
        plain = call(DAY, SCENARIO)
        recorded = call(DAY, "--record", log, SCENARIO)
        print(f"\n{SCENARIO.name}:\n{recorded}", flush=True)
        children = number(r"(?m)^all +\d+ +(\d+)", recorded)
        seconds = number(r"CPU ([\d.]+) s", plain)
        more = number(r"CPU ([\d.]+) s", recorded) - seconds
        table.add("days", f"a day of {children:.0f} children", "s of CPU", seconds)
        table.add("days", "its recording", "bytes a child", number(r"in (\d+) bytes", recorded) / children)
        table.add("days", "its recording", "µs of CPU a child", more * 1e6 / children)
        begin = time.monotonic()
        text = call(REPLAY, log)
        print(text, flush=True)
        table.add("days", "its replay, every plan the same", "events a second",
                  number(r": (\d+) events", text) / (time.monotonic() - begin))
        doubled(double)
        print(call(REPLAY, "--what-if", double, log), flush=True)
        print(call(DAY, "--vary", f"{STRATEGY}={','.join(STRATEGIES)}", SCENARIO), flush=True)
