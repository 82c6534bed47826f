#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""differential.py - bulkhead's arithmetic beside Kubernetes' own

    hack/differential.py [--pods N] [--quantities N] [--seed S]

Makes pods and quantities from the seed, asks bulkhead (tests/differential) and Kubernetes
(hack/go/kubernetes/requests, linked with the API server's defaults and the scheduler's PodRequests)
and compares line by line. Prints what was compared and what differed, with the first few that do;
ends with 1 if any did. Run it as `make differential`, which builds bulkhead's side first.
"""
import argparse
import json
import os
import pathlib
import random
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "differential"
SHOWN_MAX = 5

SUFFIXES = ["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]
BAD_SUFFIXES = ["K", "mi", "ki", "KI", "B", "Gib", "e", "E+", "e-", "ee3", " ", "x", "i", "e1.5"]

# --- Quantities --------------------------------------------------------------------------------


def digits(dice, most):
    """A run of digits; zeros and nines are favoured, because that is where rounding breaks."""
    return "".join(dice.choice("0000999123456780") for _ in range(dice.randint(0, most)))


def exponent(dice):
    """Of exponents beyond int64 an error is made, of those beyond int32 the low half is taken. Nothing
    in between: ParseQuantity works out 10 to that power, digit by digit."""
    size = dice.choice([1, 1, 1, 2, 2, 3])
    value = dice.choice([0] * 8 + [2 ** 32, 2 ** 40, 2 ** 63, 2 ** 64]) + dice.randrange(10 ** size)
    return dice.choice("eE") + dice.choice(["", "", "-", "-", "+"]) + str(value)


def quantity(dice):
    if dice.random() < 0.02:  # anything at all
        return "".join(dice.choice("0123456789.+-eEinumkMGTPKx ") for _ in range(dice.randint(0, 12)))
    if dice.random() < 0.05:  # around the ends of int64, in units and in thousandths
        near = dice.choice([2 ** 63, 2 ** 63 // 1000, 10 ** 18, 2 ** 53, 2 ** 60, 2 ** 31])
        return str(near + dice.randint(-2, 2)) + dice.choice(["", "", "m", "k", "Ki", "u", "n"])
    most = dice.choice([1, 2, 3, 6, 17, 18, 19, 25, 40])
    text = dice.choice(["", "", "", "", "+", "-"]) + digits(dice, most)
    if dice.random() < 0.4:
        text += "." + digits(dice, dice.choice([1, 3, 9, 10, 18, 25]))
    kind = dice.random()
    if kind < 0.75:
        return text + dice.choice(SUFFIXES)
    if kind < 0.92:
        return text + exponent(dice)
    return text + dice.choice(BAD_SUFFIXES)


# --- Pods --------------------------------------------------------------------------------------

CPU = ["0", "0.1", "100m", "250m", "1", 2, "1500m", "0.5m", "0.0001", "1n", "333u", 0.25, "4"]
BYTES = ["0", "64Mi", "1Gi", "0.5", "1500m", "100k", "1e9", 4096, "1.5Gi", "128974848", "3Ei", "7Ei",
         "9E", "9223372036854775807", "9223372036854775.5", "1n", "10P", "1e20"]
COUNTS = ["0", "1", 2, "8", "4"]
NAMES = {
    "cpu": CPU, "memory": BYTES, "ephemeral-storage": BYTES, "nvidia.com/gpu": COUNTS,
    "hugepages-2Mi": ["0", "2Mi", "4Mi", "1Gi"], "hugepages-1Gi": ["0", "1Gi", "2Gi"],
    "example.com/fpga": COUNTS,
}
POD_LEVEL = ["cpu", "memory", "hugepages-2Mi", "hugepages-1Gi", "nvidia.com/gpu"]


def amounts(dice, names, chance):
    return {name: dice.choice(NAMES[name]) for name in names if dice.random() < chance}


def demand(dice, names=tuple(NAMES), chance=0.4):
    """resources: requests, limits, both or neither; an empty map is not the same as none."""
    made = {}
    if dice.random() < 0.7:
        made["requests"] = amounts(dice, names, chance)
    if dice.random() < 0.5:
        made["limits"] = amounts(dice, names, chance)
    return made


def container(dice, name, sidecar=False):
    made = {"name": name}
    if dice.random() < 0.9:
        made["resources"] = demand(dice)
    if sidecar:
        made["restartPolicy"] = "Always"
    return made


def container_status(dice, name):
    made = {"name": name}
    if dice.random() < 0.6:
        made["resources"] = demand(dice, ("cpu", "memory"), 0.7)
    if dice.random() < 0.6:
        made["allocatedResources"] = amounts(dice, ("cpu", "memory"), 0.7)
    return made


def pod_status(dice, spec):
    """A pod in the midst of a resize: the status knows some of its containers."""
    made = {}
    for key, status in (("containers", "containerStatuses"), ("initContainers", "initContainerStatuses")):
        made[status] = [container_status(dice, c["name"]) for c in spec.get(key, [])
                        if dice.random() < 0.8]
    if dice.random() < 0.4:
        made["conditions"] = [{"type": "PodResizePending", "status": "True",
                               "reason": dice.choice(["Infeasible", "Deferred"])}]
    if dice.random() < 0.2:
        made["resources"] = demand(dice, ("cpu", "memory"), 0.7)
    return made


def pod(dice):
    spec = {"containers": [container(dice, f"c{i}") for i in range(dice.choice([1, 1, 1, 2, 3, 5]))]}
    if dice.random() < 0.6:
        spec["initContainers"] = [container(dice, f"i{i}", dice.random() < 0.5)
                                  for i in range(dice.choice([0, 1, 1, 2, 3, 5]))]
    if dice.random() < 0.4:
        spec["resources"] = demand(dice, POD_LEVEL, 0.4)
    if dice.random() < 0.3:
        spec["overhead"] = amounts(dice, ("cpu", "memory", "ephemeral-storage"), 0.6)
    made = {"metadata": {"name": "p"}, "spec": spec}
    if dice.random() < 0.4:
        made["status"] = pod_status(dice, spec)
    return json.dumps(made, separators=(",", ":"))


# --- Both sides --------------------------------------------------------------------------------

def build_kubernetes_side():
    """Go's own cache makes the second time quick."""
    go = subprocess.run(["bash", "-c", f"source {ROOT}/hack/lib.sh; find_go"], check=False,
                        capture_output=True, text=True).stdout.strip()
    if not go:
        sys.exit("differential: no Go that is new enough; 'make deps' installs one")
    BUILD.mkdir(parents=True, exist_ok=True)
    program = BUILD / "requests"
    subprocess.run([go, "build", "-mod=readonly", "-trimpath", "-o", program, "./requests"], check=True,
                   cwd=ROOT / "hack" / "go" / "kubernetes",
                   env={**os.environ, "GOTOOLCHAIN": "local", "GOWORK": "off", "CGO_ENABLED": "0"})
    return program


def compare(what, lines, kubernetes):
    """How many lines the two sides answer differently."""
    source = "".join(line + "\n" for line in lines)
    answers, notes = [], ""
    for program in (BUILD / "bulkhead", kubernetes):
        done = subprocess.run([program, what], input=source, check=False, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"differential: {program.name} {what} ended with {done.returncode}: {done.stderr[-2000:]}")
        answers.append(done.stdout.splitlines())
        notes = done.stderr.strip()
    if not len(answers[0]) == len(answers[1]) == len(lines):
        sys.exit(f"differential: {what}: {len(lines)} questions, answers {[len(a) for a in answers]}")
    wrong = [i for i in range(len(lines)) if answers[0][i] != answers[1][i]]
    for i in wrong[:SHOWN_MAX]:
        print(f"  {lines[i]}\n    bulkhead    {answers[0][i]}\n    kubernetes  {answers[1][i]}")
    errors = answers[1].count("error")
    print(f"{what}: {len(lines)} compared, {len(wrong)} differing ({errors} refused by both sides, {notes})")
    return len(wrong)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pods", type=int, default=100_000)
    parser.add_argument("--quantities", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    kubernetes = build_kubernetes_side()
    dice = random.Random(options.seed)
    differing = compare("pods", [pod(dice) for _ in range(options.pods)], kubernetes)
    differing += compare("quantities", [quantity(dice) for _ in range(options.quantities)], kubernetes)
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
