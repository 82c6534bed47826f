# SPDX-License-Identifier: Apache-2.0
"""dev_controller - one running bulkhead-controller, for the whole-system tests and the bench."""

import os
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SERVICE_ACCOUNT = "bulkhead-system/bulkhead-controller"
_SAMPLE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$')
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(?:,|$)')


def program():
    """What to run: BULKHEAD_CONTROLLER, such as a build with sanitizers, else the release build."""
    return Path(os.environ.get("BULKHEAD_CONTROLLER") or ROOT / "build" / "bulkhead-controller")


def install(dev, out, kwok=True):
    """Applies our CRDs and rights to a DevCluster, without the Deployment; writes the controller's kubeconfig."""
    import yaml
    text = dev.kubectl("kustomize", ROOT / "manifests" / ("kwok" if kwok else "default"))
    documents = [doc for doc in yaml.safe_load_all(text) if doc and doc["kind"] != "Deployment"]
    dev.kubectl("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump_all(documents))
    kinds = [doc["metadata"]["name"] for doc in documents if doc["kind"] == "CustomResourceDefinition"]
    dev.kubectl("wait", "--for=condition=Established", "--timeout=30s", "crd", *kinds)
    for kind in kinds:
        _wait_served(dev, "/apis/bulkhead.dev/v1alpha1/" + kind.partition(".")[0])
    return dev.service_account_kubeconfig(SERVICE_ACCOUNT, out)


def _wait_served(dev, path, deadline=30):
    """Established is said a moment before the storage of a kind answers."""
    begin = time.monotonic()
    while True:
        try:
            return dev.request("GET", path)
        except urllib.error.HTTPError as error:
            if time.monotonic() - begin > deadline:
                raise AssertionError(f"waited {deadline} s for {path}: {error}") from None
        time.sleep(0.05)


def parse_metrics(text):
    """{(name, (("label", "value"), ...)): number} of the text format; ValueError for what is none."""
    samples = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        match = _SAMPLE.match(line)
        if not match:
            raise ValueError(f"no sample of the text format: {line!r}")
        name, labels, value = match.groups()
        pairs = _LABEL.findall(labels or "")
        if ",".join(f'{k}="{v}"' for k, v in pairs) != (labels or ""):
            raise ValueError(f"labels are not well formed: {line!r}")
        key = (name, tuple(sorted(pairs)))
        if key in samples:
            raise ValueError(f"there twice: {line!r}")
        samples[key] = float(value)
    return samples


class Controller:
    """start(), then kill() (as a crash) or stop() (as told), as often as wanted. One log for all its lives."""

    def __init__(self, kubeconfig, log, flags=()):
        self.kubeconfig, self.log, self.flags = Path(kubeconfig), Path(log), list(flags)
        self.process = None
        self.exit_status = None
        self._offset = 0  # of this life in the log
        self.lives = 0

    def start(self, ready=True, deadline=30):
        assert not self.alive(), "it runs already"
        self.lives += 1
        self._offset = self.log.stat().st_size if self.log.exists() else 0
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen(
                [program(), "--kubeconfig", self.kubeconfig, "--listen", "127.0.0.1:0", *self.flags],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        if ready:
            self.wait_ready(deadline)
        return self

    def wait_ready(self, deadline=30):
        self._wait("the controller to be ready", lambda: self.ready()[0], deadline)

    def wait_leading(self, deadline=30):
        self._wait("the controller to lead", lambda: self.lines("msg=leading") and self.ready()[0], deadline)

    def _wait(self, what, done, deadline):
        begin = time.monotonic()
        while not done():
            if not self.alive():
                raise AssertionError(f"waited for {what}, but it ended with {self.exit_status}:\n{self.tail()}")
            if time.monotonic() - begin > deadline:
                raise AssertionError(f"waited {deadline} s for {what}:\n{self.tail()}")
            time.sleep(0.02)

    def alive(self):
        if self.process is not None and self.process.poll() is not None:
            self.exit_status = self.process.returncode
            self.process = None
        return self.process is not None

    def kill(self):
        if self.alive():
            self.process.send_signal(signal.SIGKILL)
            self._gone(10)

    def stop(self, deadline=15):
        """SIGTERM; returns the exit status."""
        if self.alive():
            self.process.send_signal(signal.SIGTERM)
            self._gone(deadline)
        return self.exit_status

    def _gone(self, deadline):
        try:
            self.exit_status = self.process.wait(deadline)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
            self.process = None
            raise AssertionError(f"the controller did not end within {deadline} s:\n{self.tail()}") from None
        self.process = None

    def wait_exit(self, deadline=15):
        """The status it ends with by itself."""
        if self.alive():
            self._gone(deadline)
        return self.exit_status

    def text(self):
        """The log of this life; "" before the first."""
        if not self.log.exists():
            return ""
        with open(self.log, "rb") as file:
            file.seek(self._offset)
            return file.read().decode(errors="replace")

    def tail(self, lines=60):
        return "\n".join(self.text().splitlines()[-lines:])

    def lines(self, *words):
        """Lines of this life that hold all the words."""
        return [line for line in self.text().splitlines() if all(word in line for word in words)]

    def port(self):
        match = re.search(r"msg=listening .*port=(\d+)", self.text())
        return int(match.group(1)) if match else None

    def http(self, path, timeout=5):
        """(status, text); status 0 while nobody listens."""
        port = self.port()
        if port is None:
            return 0, ""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=timeout) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def ready(self):
        status, text = self.http("/readyz")
        return status == 200, text

    def metrics(self):
        return parse_metrics(self.http("/metrics")[1])

    def metric(self, name, **labels):
        """The sum of the samples of that name that have these labels."""
        return sum(value for (sample, pairs), value in self.metrics().items()
                   if sample == name and labels.items() <= dict(pairs).items())

    def cpu_seconds(self):
        return process_cpu_seconds(self.process.pid)

    def rss_bytes(self):
        return process_rss_bytes(self.process.pid)


def process_cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def process_rss_bytes(pid, field="VmRSS"):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    return 0
