# SPDX-License-Identifier: Apache-2.0
"""devcluster - a Kubernetes cluster of real parts on this machine, for the demo and the tests.

    with DevCluster("mine") as cluster:          # up(nodes="kwok") ... down()
        cluster.kubectl("get", "nodes")
        cluster.stop_part("kube-apiserver", kill=True)
        cluster.start_part("kube-apiserver")

etcd, kube-apiserver, kube-controller-manager, kube-scheduler and KWOK run as plain processes on
127.0.0.1. A cluster is a folder in the cache: certificates, kubeconfigs, etcd's data, logs, and the record
of each part's pid. Clusters share nothing, so many can be up at once. Real nodes are dev_nodes.py's.

Only the standard library is used.
"""

import contextlib
import fcntl
import json
import os
import random
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import dev_pki  # noqa: E402
import dev_processes as processes  # noqa: E402
from dev_processes import Failure, run  # noqa: E402

HACK = Path(__file__).resolve().parent
SERVICE_CIDR = "10.96.0.0/16"

# In starting order; they are ended in reverse.
PARTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok")
NODE_KINDS = ("kwok", "real", "both", "none")


def cache_dir():
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(os.environ.get("BULKHEAD_CACHE") or f"{home}/bulkhead").absolute()


def clusters_dir():
    return cache_dir() / "clusters"


def say(words):
    print(f"dev-cluster: {words}", file=sys.stderr, flush=True)


class DevCluster:
    """One cluster. Making the object touches nothing; up() starts what does not run yet."""

    def __init__(self, name="dev", folder=None):
        if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?", name):
            raise Failure(f"'{name}' is no cluster name: lower-case letters, digits and dashes, 40 at most")
        self.name = name
        self.dir = Path(folder) if folder else clusters_dir() / name
        self.kubeconfig = self.dir / "admin.kubeconfig"
        self.authority = dev_pki.Authority(self.dir / "pki")
        self._tools = None

    def __enter__(self):
        self.up()
        return self

    def __exit__(self, *_):
        self.down()

    # ---- the verbs -------------------------------------------------------------------------------

    def up(self, nodes="kwok", without=(), extra_args=None, install=True):
        """Starts every part that does not run, and returns when the cluster can be used.

        nodes       kwok, real, both (real ones too if this machine can), none
        without     parts to leave out, such as "kube-scheduler"
        extra_args  {part: [flag, ...]}, remembered for later starts of the part
        """
        begin = time.monotonic()
        if nodes not in NODE_KINDS:
            raise Failure(f"nodes must be one of {', '.join(NODE_KINDS)}")
        for part in extra_args or {}:
            self._check_part(part)
        parts = self._parts_for(nodes, without)
        # The clocks of tools and certificates are not the cluster's: two may prepare side by side.
        self._prepare_tools(parts, nodes, install)
        with self._lock():
            if all(self.is_running(part) for part in parts):
                say(f"cluster {self.name} is already up")
                return self
            self._settle(parts, extra_args or {})
            self._start_all(parts)
        say(f"cluster {self.name} is up after {time.monotonic() - begin:.1f} s")
        return self

    def down(self):
        """Ends the cluster's real nodes and all its parts, and removes its folder."""
        if not self.dir.exists():
            return
        begin = time.monotonic()
        with self._lock():
            if (self.dir / "nodes").exists():
                import dev_nodes
                dev_nodes.end_all(self.dir)
            for part in reversed(PARTS):
                # Nothing of this cluster is kept, so no part is given long to tidy up.
                processes.end(self._record(part), grace_s=2.0)
            shutil.rmtree(self.dir)
        say(f"cluster {self.name} is down after {time.monotonic() - begin:.1f} s")

    def stop_part(self, part, kill=False, grace_s=5.0):
        """Ends one part, gently or (kill) as a crash would. Its ports and data stay for start_part."""
        self._settings()  # says so if there is no such cluster
        self._check_part(part)
        processes.end(self._record(part), grace_s=grace_s, kill=kill)

    def start_part(self, part, wait=True):
        """Starts one part again, on the same ports and data; does nothing if it runs."""
        self._check_part(part)
        settings = self._settings()
        if not self.is_running(part):
            self._start(part, settings)
        if wait:
            self._wait_ready(part, settings)

    def is_running(self, part):
        return processes.pid_of(self._record(part)) is not None

    def exists(self):
        return (self.dir / "cluster.json").exists()

    def status(self):
        """{part: pid or None} of the parts that this cluster has."""
        return {part: processes.pid_of(self._record(part)) for part in self._settings()["parts"]}

    def server(self):
        return f"https://127.0.0.1:{self._settings()['ports']['kube-apiserver']}"

    def log(self, part):
        return self.dir / "logs" / f"{part}.log"

    def env(self):
        """What a program needs in its environment to use this cluster."""
        tools = [os.path.dirname(self.tool("kubectl"))]
        return {"KUBECONFIG": str(self.kubeconfig), "BULKHEAD_DEV_CLUSTER": str(self.dir),
                "PATH": os.pathsep.join(tools + [os.environ.get("PATH", os.defpath)])}

    def kubectl(self, *args, stdin=None, check=True, timeout=60):
        """Runs kubectl as cluster admin. Returns its output, or the whole result with check=False."""
        result = subprocess.run([self.tool("kubectl"), *[str(a) for a in args]], input=stdin, text=True,
                                capture_output=True, timeout=timeout, env={**os.environ, **self.env()})
        if not check:
            return result
        if result.returncode != 0:
            raise Failure(f"kubectl {' '.join(map(str, args))}: {result.stderr.strip()}")
        return result.stdout

    def request(self, method, path, body=None, content_type="application/json", timeout=10):
        """One request to the API server as cluster admin; returns the decoded JSON (or text)."""
        data = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
        message = urllib.request.Request(self.server() + path, data=data, method=method,
                                         headers={"Content-Type": content_type})
        with urllib.request.urlopen(message, timeout=timeout, context=self._tls()) as reply:
            text = reply.read().decode()
        return json.loads(text) if text[:1] in ("{", "[") else text

    def service_account_kubeconfig(self, account, out, duration="720h"):
        """A kubeconfig with exactly the rights of the ServiceAccount 'namespace/name'."""
        namespace, _, name = account.partition("/")
        if not name:
            raise Failure("a service account is written namespace/name")
        self._settings()  # says so if there is no such cluster
        token = self.kubectl("create", "token", name, "-n", namespace, "--duration", duration).strip()
        return dev_pki.kubeconfig(Path(out).absolute(), self.server(), self.authority.cert, token=token,
                                  user=f"{namespace}-{name}")

    def create_kwok_node(self, name, cpu="4", memory="16Gi", pods="110", labels=None, taints=(),
                         provider_id=None, annotations=None):
        """Makes a Node that KWOK will play; it is Ready a moment later."""
        capacity = {"cpu": str(cpu), "memory": str(memory), "pods": str(pods)}
        node = {"apiVersion": "v1", "kind": "Node",
                "metadata": {"name": name,
                             "annotations": {"kwok.x-k8s.io/node": "fake", **(annotations or {})},
                             "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux",
                                        "kubernetes.io/arch": "amd64", **(labels or {})}},
                "spec": {"taints": list(taints),
                         **({"providerID": provider_id} if provider_id else {})},
                "status": {"capacity": capacity, "allocatable": capacity}}
        return self.request("POST", "/api/v1/nodes", node)

    # ---- what is needed before anything starts -------------------------------------------------------

    def tool(self, name):
        """The path of a program: from KUBEBUILDER_ASSETS when that has it, else from the cache."""
        assets = os.environ.get("KUBEBUILDER_ASSETS")
        if assets and os.access(f"{assets}/{name}", os.X_OK):
            return f"{assets}/{name}"
        if self._tools is None:
            self._tools = run("bash", HACK / "build-tools.sh", "--print-dir").strip()
        return f"{self._tools}/{name}"

    def _prepare_tools(self, parts, nodes, install):
        if install:
            groups = ["cluster"] if nodes in ("real", "both") else ["control-plane"]
            # Its own words say what is missing; what is truly needed is found out below.
            subprocess.run(["bash", str(HACK / "deps.sh"), *groups], stdout=sys.stderr, check=False)
        for program in ("openssl",):
            if shutil.which(program) is None:
                raise Failure(f"{program} is needed; 'hack/deps.sh cluster' installs it")
        wanted = list(parts) + ["kubectl"]
        if nodes in ("real", "both"):
            import dev_nodes
            obstacle = dev_nodes.obstacle()
            if obstacle and nodes == "real":
                raise Failure(f"real nodes are not possible here: {obstacle}")
            if obstacle:
                say(f"no real nodes, only KWOK's: {obstacle}")
            else:
                wanted.append("kubelet")
                dev_nodes.image_archive(cache_dir())
                say("real nodes are possible; they are started by hack/node-programs/local-kubelet")
        missing = [tool for tool in wanted if not os.access(self.tool(tool), os.X_OK)]
        if missing:
            say(f"building {', '.join(missing)} (once; some minutes on a small machine)")
            subprocess.run(["bash", str(HACK / "build-tools.sh"), *missing],
                           stdout=subprocess.DEVNULL, check=False)
        for tool in wanted:
            if not os.access(self.tool(tool), os.X_OK):
                raise Failure(f"{tool} could not be built; the lines above say why")

    def _parts_for(self, nodes, without):
        for part in without:
            self._check_part(part)
        left_out = set(without) | ({"kwok"} if nodes in ("real", "none") else set())
        return [part for part in PARTS if part not in left_out]

    def _check_part(self, part):
        if part not in PARTS:
            raise Failure(f"there is no part '{part}'; the parts are: {', '.join(PARTS)}")

    @contextlib.contextmanager
    def _lock(self):
        self.dir.parent.mkdir(parents=True, exist_ok=True)
        path = self.dir.parent / f".{self.name}.lock"
        while True:
            with open(path, "w") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    say(f"waiting for another command on cluster {self.name} to finish")
                    fcntl.flock(file, fcntl.LOCK_EX)
                if not path.exists() or not os.path.samestat(os.fstat(file.fileno()), path.stat()):
                    continue  # whoever had it removed it with the cluster: a lock that others do not see
                yield
                if not self.dir.exists():
                    path.unlink()
                return

    # ---- settings: what stays the same when a part is started again ----------------------------------

    def _settings(self):
        try:
            return json.loads((self.dir / "cluster.json").read_text())
        except FileNotFoundError:
            raise Failure(f"there is no cluster '{self.name}'; 'hack/dev-cluster up --name {self.name}' "
                          "makes one") from None

    def _settle(self, parts, extra_args):
        """Makes the folder, ports, certificates and kubeconfigs, or widens what is there."""
        if self.exists():
            settings = self._settings()
            settings["parts"] = [p for p in PARTS if p in parts or p in settings["parts"]]
        else:
            shutil.rmtree(self.dir, ignore_errors=True)  # the rest of an `up` that died early
            self.dir.mkdir(parents=True, mode=0o700)
            names = ("etcd", "etcd-peer", *PARTS[1:])
            settings = {"name": self.name, "parts": list(parts), "args": {},
                        "ports": dict(zip(names, free_ports(len(names))))}
            self._make_credentials(settings["ports"])
        settings["args"].update(extra_args)
        scratch = self.dir / ".cluster.json"
        scratch.write_text(json.dumps(settings, indent=1))
        scratch.rename(self.dir / "cluster.json")

    def _make_credentials(self, ports):
        authority = self.authority
        authority.create()
        authority.sign("apiserver", "kube-apiserver", alt_names=(
            "IP:127.0.0.1,IP:10.96.0.1,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,"
            "DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local"))
        authority.sign("kubelet-client", "kube-apiserver-kubelet-client", "system:masters")
        server = f"https://127.0.0.1:{ports['kube-apiserver']}"
        for file, user, organization in (
                ("admin", "admin", "system:masters"),
                ("kube-controller-manager", "system:kube-controller-manager", None),
                ("kube-scheduler", "system:kube-scheduler", None),
                ("kwok", "kwok", "system:masters")):
            cert, key = authority.sign(file, user, organization)
            dev_pki.kubeconfig(self.dir / f"{file}.kubeconfig", server, authority.cert, cert, key,
                               user=file)

    # ---- the parts -----------------------------------------------------------------------------------

    def _arguments(self, part, settings):
        ports, pki = settings["ports"], self.authority.folder
        port = ports[part]
        if part == "etcd":
            return [f"--name={self.name}", f"--data-dir={self.dir / 'etcd'}", "--unsafe-no-fsync",
                    f"--listen-client-urls=http://127.0.0.1:{port}",
                    f"--advertise-client-urls=http://127.0.0.1:{port}",
                    f"--listen-peer-urls=http://127.0.0.1:{ports['etcd-peer']}",
                    f"--initial-advertise-peer-urls=http://127.0.0.1:{ports['etcd-peer']}",
                    f"--initial-cluster={self.name}=http://127.0.0.1:{ports['etcd-peer']}",
                    "--heartbeat-interval=10", "--election-timeout=100",  # nobody to hold elections with
                    "--log-level=warn", "--quota-backend-bytes=8589934592"]
        if part == "kube-apiserver":
            return [f"--etcd-servers=http://127.0.0.1:{ports['etcd']}",
                    "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", f"--secure-port={port}",
                    "--endpoint-reconciler-type=none",  # a loopback address is no endpoint
                    f"--cert-dir={pki}", f"--tls-cert-file={pki}/apiserver.crt",
                    f"--tls-private-key-file={pki}/apiserver.key", f"--client-ca-file={pki}/ca.crt",
                    "--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction",
                    "--allow-privileged=true", f"--service-cluster-ip-range={SERVICE_CIDR}",
                    "--service-account-issuer=https://kubernetes.default.svc",
                    f"--service-account-key-file={pki}/sa.pub",
                    f"--service-account-signing-key-file={pki}/sa.key",
                    "--kubelet-preferred-address-types=InternalIP",
                    f"--kubelet-client-certificate={pki}/kubelet-client.crt",
                    f"--kubelet-client-key={pki}/kubelet-client.key",
                    "--shutdown-delay-duration=0s", "--profiling=false"]
        if part == "kube-controller-manager":
            return [f"--kubeconfig={self.dir}/{part}.kubeconfig", "--bind-address=127.0.0.1",
                    f"--secure-port={port}", "--leader-elect=false", f"--root-ca-file={pki}/ca.crt",
                    f"--cert-dir={pki}/{part}", "--use-service-account-credentials=true",
                    f"--service-account-private-key-file={pki}/sa.key",
                    f"--cluster-signing-cert-file={pki}/ca.crt",
                    f"--cluster-signing-key-file={pki}/ca.key", "--profiling=false",
                    # With the default of 20 it takes 4 s to make the controllers' own accounts.
                    "--kube-api-qps=100", "--kube-api-burst=200"]
        if part == "kube-scheduler":
            return [f"--kubeconfig={self.dir}/{part}.kubeconfig", "--bind-address=127.0.0.1",
                    f"--secure-port={port}", "--leader-elect=false", f"--cert-dir={pki}/{part}",
                    "--profiling=false"]
        return [f"--kubeconfig={self.dir}/kwok.kubeconfig", f"--config={HACK / 'kwok' / 'stages.yaml'}",
                "--manage-all-nodes=false",
                "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
                "--node-lease-duration-seconds=0",  # heartbeats, half as many writes as leases
                "--node-ip=127.0.0.1", f"--server-address=127.0.0.1:{port}", "--v=WARN"]

    def _start(self, part, settings):
        arguments = self._arguments(part, settings) + settings["args"].get(part, [])
        # No proxy and no configuration of the user's own may reach the parts.
        clean = {k: v for k, v in os.environ.items()
                 if not k.lower().endswith("_proxy") and not k.startswith(("KUBE", "ETCD_", "KWOK_"))}
        clean["KWOK_WORKDIR"] = str(self.dir / "kwok")
        return processes.spawn([self.tool(part), *arguments], self.log(part), self._record(part),
                               env=clean, cwd=self.dir)

    def _start_all(self, parts):
        settings = self._settings()
        begin = time.monotonic()
        for wave in (("etcd",), ("kube-apiserver",), PARTS[2:]):
            wave = [part for part in wave if part in parts]
            for part in wave:
                if not self.is_running(part):
                    self._start(part, settings)
            for part in wave:
                self._wait_ready(part, settings)
                say(f"{part} is ready ({time.monotonic() - begin:.1f} s)")
        if "kube-controller-manager" in parts:
            self._wait_for(30, "the default service account", "kube-controller-manager",
                           lambda: self.request(
                               "GET", "/api/v1/namespaces/default/serviceaccounts/default"))

    def _wait_ready(self, part, settings):
        port = settings["ports"][part]
        url = {"etcd": f"http://127.0.0.1:{port}/health",
               "kube-apiserver": f"https://127.0.0.1:{port}/readyz",
               "kwok": f"http://127.0.0.1:{port}/healthz"}.get(part, f"https://127.0.0.1:{port}/healthz")

        def answers():
            # The controllers' certificates are their own; only the API server's is worth checking.
            tls = self._tls() if part == "kube-apiserver" else ssl._create_unverified_context()
            tls = tls if url.startswith("https") else None
            with urllib.request.urlopen(url, timeout=5, context=tls) as reply:
                return reply.status == 200
        self._wait_for(90 if part == "kube-apiserver" else 60, f"{part} to be ready", part, answers)

    def _wait_for(self, seconds, what, part, ready):
        begin = said = time.monotonic()
        why = ""
        while True:
            with contextlib.suppress(ConnectionResetError):
                try:
                    if ready():
                        return
                except (urllib.error.URLError, OSError, ValueError) as error:
                    why = str(error)
            now = time.monotonic()
            if not self.is_running(part):
                why = f"{part} has ended"
            if now - begin > seconds or why.endswith("has ended"):
                raise Failure(f"waited {now - begin:.0f} s for {what}: {why}\n"
                              f"the last lines of {self.log(part)}:\n{processes.tail(self.log(part))}")
            if now - said > 5:
                say(f"waiting for {what} ({now - begin:.0f} s): {why}")
                said = now
            time.sleep(0.1)

    def _record(self, part):
        return self.dir / "pids" / part

    def _tls(self):
        context = ssl.create_default_context(cafile=str(self.authority.cert))
        context.load_cert_chain(self.authority.folder / "admin.crt", self.authority.folder / "admin.key")
        return context


def all_clusters():
    folder = clusters_dir()
    if not folder.is_dir():
        return []
    return [DevCluster(entry.name) for entry in sorted(folder.iterdir())
            if entry.is_dir() and not entry.name.startswith(".")]


def free_ports(count):
    """Ports on 127.0.0.1 that nobody uses and no other cluster has been given.

    They lie below the range from which the kernel picks ports for outgoing connections, so that a part
    which is stopped finds its port still free when it is started again.
    """
    taken = set()
    for cluster in all_clusters():
        with contextlib.suppress(Failure, OSError, ValueError):
            taken.update(cluster._settings()["ports"].values())
    ports = []
    for _ in range(2000):
        port = random.randrange(20000, 32000)
        if port in taken or port in ports:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        ports.append(port)
        if len(ports) == count:
            return ports
    raise Failure("no free ports on 127.0.0.1 between 20000 and 32000")
