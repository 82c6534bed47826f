# SPDX-License-Identifier: Apache-2.0
"""demo_truth - what the demo's pipeline must find out, computed without it.

The same numbers that manifests/demo/pipeline.yaml draws in awk, from the same seed, are drawn here, so
every byte of every file is known before the first container runs. The report of the pipeline has to agree
line by line: name, verdict and SHA-256 of each file.
"""

import hashlib

FILES = 600
SHARDS = 12
SEED = 20260504
BROKEN_SHARD = 3
SIGNATURE = "BULKHEAD-DEMO-SIGNATURE"
LINES = 30


class Draws:
    """The minimal standard generator: small enough that awk's doubles hold every product exactly."""

    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = self.state * 16807 % 2147483647
        return self.state


def report():
    """The lines that the report must have, in its order."""
    draws = Draws(SEED)
    lines = []
    for number in range(FILES):
        infected, lookalike = draws.next() % 7 == 0, draws.next() % 5 == 0
        place = draws.next() % LINES
        text = ""
        for line in range(LINES):
            numbers = [draws.next() for _ in range(3)]
            if line == place and infected:
                text += f"{SIGNATURE}\n"
            elif line == place and lookalike:
                text += f"{SIGNATURE}-not\n"
            else:
                text += "{} {} {}\n".format(*numbers)
        digest = hashlib.sha256(text.encode()).hexdigest()
        lines.append(f"file-{number:04d}.txt {'infected' if infected else 'clean'} {digest}")
    return sorted(lines)


def compare(path):
    """(infected, files) of a report that is right; ValueError says how it is wrong."""
    wanted = report()
    got = path.read_text().splitlines()
    if got != wanted:
        wrong = sorted(set(got) ^ set(wanted))
        raise ValueError(f"{len(got)} lines, expected {len(wanted)}; the first that differs: "
                         f"{wrong[0] if wrong else 'none, but the order does'}")
    return sum(" infected " in line for line in got), len(got)


def fill_in(text, data):
    """The pipeline's manifests with the numbers above and the folder of the data."""
    for word, value in (("DATA_FOLDER", data), ("BROKEN_SHARD", BROKEN_SHARD), ("FILES", FILES),
                        ("SHARDS", SHARDS), ("SEED", SEED), ("SIGNATURE", SIGNATURE)):
        text = "".join(line if line.startswith("#") else line.replace(word, str(value))
                       for line in text.splitlines(keepends=True))
    return text
