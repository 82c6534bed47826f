# SPDX-License-Identifier: Apache-2.0
"""The table of the bench, its rows, and what machine they were measured on."""

import os
import platform
import time
from pathlib import Path


def _field(path, key):
    try:
        for line in Path(path).read_text().splitlines():
            if line.startswith(key):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return "unknown"


def machine():
    memory = _field("/proc/meminfo", "MemTotal").split()[0]
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    return {
        "machine": f"{_field('/proc/cpuinfo', 'model name')}, {os.cpu_count()} cores, "
                   f"{int(memory) // 1024 // 1024 if memory.isdigit() else '?'} GiB, Linux {platform.release()}",
        "load before": f"{load} (1, 5, 15 min)",
        "cluster": "etcd without fsync, kube-apiserver 1.35.4, KWOK nodes; client QPS of Kubernetes' own parts 5,000",
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
    }


def percentile(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def _number(value):
    if value is None:
        return "-"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


class Table:
    def __init__(self):
        self.rows = []

    def add(self, bench, name, unit, bulkhead=None, job=None):
        """One figure: bulkhead's, and the same of a batch/v1 Job with kube-scheduler where there is one."""
        ratio = bulkhead / job if bulkhead is not None and job else None
        self.rows.append({"bench": bench, "name": name, "unit": unit, "bulkhead": bulkhead, "job": job, "ratio": ratio})

    def text(self):
        head = ("", "", "bulkhead", "Job + kube-scheduler", "ratio")
        lines = [head]
        for row in self.rows:
            lines.append((f"{row['bench']}: {row['name']}", row["unit"], _number(row["bulkhead"]), _number(row["job"]),
                          f"{row['ratio']:.2f}" if row["ratio"] is not None else "-"))
        widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
        out = []
        for line in lines:
            cells = [line[0].ljust(widths[0]), line[1].ljust(widths[1])]
            cells += [line[i].rjust(widths[i]) for i in (2, 3, 4)]
            out.append("  ".join(cells).rstrip())
        out.insert(1, "-" * len(out[0]))
        return "\n".join(out)
