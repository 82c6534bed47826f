# SPDX-License-Identifier: Apache-2.0
"""demo_view - what the demo shows: a picture redrawn in place on a terminal, else a line for each change."""

import os
import re
import shutil
import sys
import time
from collections import Counter, deque

from demo_world import ENDED, PHASES, World

FRAME_S = 0.25
EVENTS_SHOWN = 8
LINES_MAX = 400  # of one run when stdout is no terminal
COLOURS = {"SUCCEEDED": 32, "RUNNING": 36, "STARTING": 36, "FAILED": 31, "failed": 31, "VIOLATION": 31,
           "RUNNABLE": 33, "PENDING": 33}


class Screen:
    def __init__(self, plain=False):
        self.begin = time.monotonic()
        self.live = False
        self.is_terminal = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb" and not plain
        self.colour = self.is_terminal and "NO_COLOR" not in os.environ
        self.full, self.empty = ("█", "░") if "utf" in (sys.stdout.encoding or "").lower() else ("#", ".")
        self.title = ""
        self._events = deque(maxlen=EVENTS_SHOWN)
        self._drawn = 0        # lines of the picture that stands on the screen
        self._frame_at = 0.0
        self._printed = 0

    def say(self, words):
        """A line that stays."""
        if self.live:
            self._events.append(f"{self._clock()} {words}")
            return
        self._printed += 1
        if self.is_terminal or self._printed < LINES_MAX:
            print(self._paint(f"{self._clock()} {words}"), flush=True)
        elif self._printed == LINES_MAX:
            print("(more changes are not shown)", flush=True)

    def headline(self, words):
        self.title = words
        if not self.live:
            print(f"\n== {words}", flush=True)

    def print(self, text):
        """Results: as they are, once the picture stands still."""
        self.stop()
        print(self._paint(text), flush=True)

    def start(self):
        if self.is_terminal and not self.live:
            self.live = True
            self._drawn = 0
            # No cursor, and no wrapping: a line too long for a terminal that was just made narrower is cut.
            sys.stdout.write("\x1b[?25l\x1b[?7l")

    def stop(self, world=None):
        if not self.live:
            return
        if world is not None:
            self.draw(world, last=True)
        self.live = False
        sys.stdout.write("\x1b[?7h\x1b[?25h")
        sys.stdout.flush()

    def draw(self, world, last=False):
        now = time.monotonic()
        if not self.live or (now - self._frame_at < FRAME_S and not last):
            return
        self._frame_at = now
        width, height = shutil.get_terminal_size((80, 24))
        lines = self._picture(world, min(width, 120), height)[:height - 1]
        up = f"\x1b[{self._drawn}A" if self._drawn else ""
        text = "".join(f"\r{self._paint(line[:width])}\x1b[K\n" for line in lines)
        sys.stdout.write(f"{up}{text}\x1b[J")
        sys.stdout.flush()
        self._drawn = len(lines)

    # ---- the picture -----------------------------------------------------------------------------

    def _picture(self, world, width, height):
        lines = [f"bulkhead: {self.title}", ""]
        lines += self._queues(world) + [""]
        lines += self._jobs(world, width) + [""]
        lines += self._nodes(world, width, max(4, height - len(lines) - EVENTS_SHOWN - 4)) + [""]
        lines += [event[:width] for event in self._events]
        return lines

    @staticmethod
    def _queues(world):
        queues = {}
        for doc in world.jobs.values():
            queues.setdefault(doc["spec"]["jobQueue"], Counter()).update(world.counts(doc))
        lines = ["queue  " + "".join(f"{phase:>10}" for phase in PHASES)]
        lines += [f"{name:<7}" + "".join(f"{counts[phase]:>10}" for phase in PHASES)
                  for name, counts in sorted(queues.items())]
        return lines

    def _jobs(self, world, width):
        lines = []
        order = sorted(world.jobs.values(), key=lambda d: (d["metadata"]["creationTimestamp"],
                                                           int(d["metadata"].get("generation", 0)),
                                                           ("split", "scan", "merge", "sweep").index(
                                                               d["metadata"]["name"])))
        for doc in order:
            counts, status = world.counts(doc), doc.get("status") or {}
            size = World.size_of(doc) or 1
            done = sum(counts[phase] for phase in ENDED)
            state = status.get("status", "-")
            why = "" if state in ENDED else status.get("statusReason") or ""
            lines.append(f"{doc['metadata']['name']:<6} {state:<10} {self._bar(done / size, 30)} "
                         f"{done:>5}/{size:<5} {why}"[:width])
        return lines

    def _nodes(self, world, width, room):
        mine = sorted((n for n in world.nodes.values() if n.environment), key=lambda n: (n.environment, n.name))
        lines = []
        for name in sorted({n.environment for n in mine} | set(world.environments)):
            nodes = [n for n in mine if n.environment == name]
            status = (world.environments.get(name) or {}).get("status") or {}
            limit = ((world.environments.get(name) or {}).get("spec") or {}).get("computeResources", {})
            kind = " (simulated)" if nodes and nodes[0].simulated else " (real)" if nodes else ""
            lines.append(f"environment {name}: {len(nodes)} nodes{kind}, {sum(n.cpu for n in nodes):g} of at "
                         f"most {limit.get('maxvCpus', '?')} vCPUs, plan wants {status.get('desiredvCpus', 0)}")
            if len(nodes) <= 4:
                lines += [f"  {n.name[-28:]:<28} {n.type:<12} {self._bar(n.used['cpu'] / (n.cpu or 1), 20)} "
                          f"{n.used['cpu']:.2f}/{n.cpu:g} vCPU  {n.jobs_pods:>3} job pods" for n in nodes]
            else:
                cell = max(len(n.type) for n in nodes) + 20
                per_line = max(1, (width - 2) // cell)
                cells = [f"{n.type} {self._bar(n.used['cpu'] / (n.cpu or 1), 10)} {n.jobs_pods:>4}".ljust(cell)
                         for n in sorted(nodes, key=lambda n: (n.type, n.name))]
                lines += ["  " + "".join(cells[i:i + per_line]).rstrip()
                          for i in range(0, len(cells), per_line)]
        if len(lines) > room:
            lines = lines[:room - 1] + [f"  (and {len(lines) - room + 1} more lines of nodes)"]
        return lines

    def _bar(self, share, cells):
        filled = round(min(max(share, 0.0), 1.0) * cells)
        return self.full * filled + self.empty * (cells - filled)

    def _paint(self, text):
        if not self.colour:
            return text
        return re.sub(r"\b(" + "|".join(COLOURS) + r")\b",
                      lambda m: f"\x1b[{COLOURS[m.group()]}m{m.group()}\x1b[0m", text)

    def _clock(self):
        return f"[{time.monotonic() - self.begin:5.1f} s]"


def table(rows, head):
    """Columns as wide as their widest cell; numbers to the right."""
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [list(head), *rows]) for i in range(len(head))]
    right = [all(re.fullmatch(r"[-\d.]*", row[i]) for row in rows) for i in range(len(head))]
    lines = []
    for row in [list(head), *rows]:
        cells = [cell.rjust(w) if r else cell.ljust(w) for cell, w, r in zip(row, widths, right)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
