#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""coverage.py - which lines and branches of the core have been reached

    hack/coverage.py [--missing] [--only NAME] FOLDER

FOLDER has what programs built with gcc --coverage left behind (.gcda beside .gcno); `make coverage` runs
them first. Prints a row for each source file: its lines and branches, and those that were reached. A
branch is a way that a condition can go; those of assert() are left out, since the other way is a bug.
--missing also prints the lines that were never reached, as they stand in the file. The last line is the
sum.
"""
import argparse
import json
import pathlib
import subprocess
import sys


def gcov(files, folder):
    """What gcov says of the object files, one document each."""
    done = subprocess.run(["gcov", "--json-format", "--branch-probabilities", "--stdout", *files],
                          cwd=folder, check=True, capture_output=True, text=True)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def add_lines(lines, found):
    """Sums the counts of a line: a file may be in several objects."""
    for line in found:
        number = line["line_number"]
        count, branches = lines.get(number, (0, {}))
        for at, branch in enumerate(line["branches"]):
            if not branch["throw"]:
                branches[at] = branches.get(at, 0) + branch["count"]
        lines[number] = (count + line["count"], branches)


def read(folder, root):
    """{source: {line: (count, {branch: count})}} of all sources below root."""
    sources = {}
    objects = sorted(str(path.resolve()) for path in folder.rglob("*.gcno"))
    for document in gcov(objects, root):
        for file in document["files"]:
            path = (pathlib.Path(document["current_working_directory"]) / file["file"]).resolve()
            if path.suffix == ".c" and path.is_relative_to(root):
                add_lines(sources.setdefault(path, {}), file["lines"])
    return sources


class Sum:
    """Lines and branches, and those of them that were reached."""

    def __init__(self):
        self.lines = self.lines_hit = self.branches = self.branches_hit = 0

    def add(self, other):
        self.lines += other.lines
        self.lines_hit += other.lines_hit
        self.branches += other.branches
        self.branches_hit += other.branches_hit

    def row(self, name):
        def percent(hit, of):
            return 100.0 * hit / of if of else 100.0
        return (f"{name:<34} {self.lines_hit:>6} of {self.lines:>6} {percent(self.lines_hit, self.lines):6.1f} %"
                f"   {self.branches_hit:>6} of {self.branches:>6} "
                f"{percent(self.branches_hit, self.branches):6.1f} %")


def count(lines, text):
    """The sum of a file, and the numbers of the lines that were never reached."""
    total, missing = Sum(), []
    for number in sorted(lines):
        hits, branches = lines[number]
        total.lines += 1
        total.lines_hit += hits > 0
        if hits == 0:
            missing.append(number)
        if "assert(" in text[number - 1]:
            continue
        total.branches += len(branches)
        total.branches_hit += sum(taken > 0 for taken in branches.values())
    return total, missing


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--missing", action="store_true", help="print the lines never reached")
    parser.add_argument("--only", default="", help="files with this in their names")
    given = parser.parse_args()
    root = pathlib.Path(__file__).resolve().parent.parent
    sources = read(given.folder, root)
    if not sources:
        sys.exit(f"{given.folder}: nothing built with --coverage has run there")
    total = Sum()
    print(f"{'':<34} {'lines reached':>25} {'branches reached':>28}")
    for path, lines in sorted(sources.items()):
        name = str(path.relative_to(root))
        if given.only not in name:
            continue
        text = path.read_text().splitlines()
        here, missing = count(lines, text)
        total.add(here)
        print(here.row(name))
        for number in missing if given.missing else ():
            print(f"  {number:>5}  {text[number - 1]}")
    print(total.row("in all"))


main()
