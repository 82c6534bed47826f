# SPDX-License-Identifier: Apache-2.0
"""dev_nodes - real nodes on this machine: one containerd and one kubelet each, in a folder of their own.

Used by node-programs/local-kubelet, which speaks bulkhead's command provider protocol, and by dev-cluster,
which ends the nodes of a cluster that goes down. A node is

    <cluster>/nodes/ID.json     its record: what was asked for, and its state
    /var/lib/bulkhead-dev/ID/   everything of it: containers, images, kubelet, logs (short, because paths
                                of sockets may have 107 characters)
    /bulkhead-ID                its cgroup; two kubelets that shared one would end each other's pods
    bhN, 10.213.N.0/24          its bridge; the bridge's address is the node's, so every kubelet can have
                                the same ports and nothing is reachable from outside the machine

Nothing is left behind: end_node() finds what to remove by those names, not by memory, so it can be
repeated, and works after a crash of anything.
"""

import contextlib
import fcntl
import hashlib
import io
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from datetime import datetime, timezone
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import dev_pki  # noqa: E402
import dev_processes as processes  # noqa: E402
from dev_processes import Failure, run  # noqa: E402

HOME = Path("/var/lib/bulkhead-dev")
CGROUPS = Path("/sys/fs/cgroup")
CNI_BIN = (Path("/usr/lib/cni"), Path("/opt/cni/bin"))
BUSYBOX_IMAGE = "bulkhead.dev/busybox:dev"
PAUSE_IMAGE = "bulkhead.dev/pause:dev"
PODS_PER_NODE = 20
GI = 1 << 30


# ---- whether this machine can ------------------------------------------------------------------------

def obstacle():
    """Why real nodes are not possible here, in one sentence; None when they are."""
    if sys.platform != "linux":
        return "containers need Linux"
    if os.geteuid() != 0:
        return "only root can run containers"
    missing = [name for name in ("containerd", "ctr", "runc", "containerd-shim-runc-v2", "ip", "mount")
               if shutil.which(name) is None]
    if missing:
        return f"{', '.join(missing)} missing ('hack/deps.sh cluster' installs what Debian has)"
    if cni_bin() is None:
        return "the CNI plugins bridge, host-local and loopback are missing ('hack/deps.sh cluster')"
    if busybox() is None:
        return "a static busybox is missing ('hack/deps.sh cluster' installs busybox-static)"
    if "overlay" not in Path("/proc/filesystems").read_text():
        if shutil.which("modprobe"):
            subprocess.run(["modprobe", "overlay"], capture_output=True, check=False)
        if "overlay" not in Path("/proc/filesystems").read_text():
            return "the kernel has no overlayfs"
    return _cgroup_obstacle() or _bridge_obstacle()


def _cgroup_obstacle():
    try:
        roots = cgroup_roots()
        needed = {"cpu", "memory", "pids"}
        lacking = needed - set(_controllers())
        if lacking:
            return f"cgroup controllers missing: {', '.join(sorted(lacking))}"
        probe = roots[0] / f"bulkhead-probe-{os.getpid()}"
        probe.mkdir()
        probe.rmdir()
    except OSError as error:
        return f"cgroups cannot be made: {error}"
    return None


def _bridge_obstacle():
    name = f"bhp{os.getpid() % 100000}"
    made = subprocess.run(["ip", "link", "add", name, "type", "bridge"], capture_output=True, text=True,
                          check=False)
    if made.returncode != 0:
        return f"network bridges cannot be made: {made.stderr.strip()}"
    subprocess.run(["ip", "link", "delete", name], capture_output=True, check=False)
    return None


def cni_bin():
    for folder in CNI_BIN:
        if all(os.access(folder / plugin, os.X_OK) for plugin in ("bridge", "host-local", "loopback")):
            return folder
    return None


def busybox():
    """A busybox that needs no library: it is all that the images hold."""
    for path in ("/bin/busybox", "/usr/bin/busybox"):
        with contextlib.suppress(OSError):
            data = Path(path).read_bytes()
            # A dynamic program names its loader in a PT_INTERP segment.
            if data[:4] == b"\x7fELF" and b"/ld-linux" not in data and b"/ld-musl" not in data[:4096]:
                return Path(path)
    return None


# ---- images ------------------------------------------------------------------------------------------

def image_archive(cache):
    """A docker archive with the busybox and the pause image, made once per busybox."""
    program = busybox()
    binary = program.read_bytes()
    digest = hashlib.sha256(binary + Path(__file__).read_bytes()).hexdigest()[:12]
    archive = cache / "images" / f"bulkhead-dev-{digest}.tar"
    if archive.exists():
        return archive
    archive.parent.mkdir(parents=True, exist_ok=True)
    applets = [a for a in run(program, "--list").split() if a != "busybox"]
    layer = _tar(folders=("bin", "etc", "root", "tmp", "var/tmp", "usr/bin", "proc", "sys", "dev"), files={
        "bin/busybox": (0o755, binary),
        "etc/passwd": (0o644, b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n"),
        "etc/group": (0o644, b"root:x:0:\nnogroup:x:65534:\n"),
    }, links={f"bin/{applet}": "busybox" for applet in applets})
    layer_digest = hashlib.sha256(layer).hexdigest()
    files, manifest = {"layer.tar": (0o644, layer)}, []
    for image, entrypoint, command in (
            (BUSYBOX_IMAGE, None, ["sh"]),
            # The pause container only has to exist; containerd ends it with SIGKILL.
            (PAUSE_IMAGE, ["/bin/busybox", "sleep", "2147483647"], None)):
        config = json.dumps({
            "architecture": {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), "amd64"),
            "os": "linux", "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer_digest}"]},
            "config": {"Env": ["PATH=/bin:/usr/bin"], "Entrypoint": entrypoint, "Cmd": command},
        }).encode()
        name = hashlib.sha256(config).hexdigest() + ".json"
        files[name] = (0o644, config)
        manifest.append({"Config": name, "RepoTags": [image], "Layers": ["layer.tar"]})
    files["manifest.json"] = (0o644, json.dumps(manifest).encode())
    scratch = archive.with_name(f".{archive.name}.{os.getpid()}")
    scratch.write_bytes(_tar(files=files))
    scratch.rename(archive)
    return archive


def _tar(folders=(), files=None, links=None):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for folder in folders:
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder.endswith("tmp") else 0o755
            tar.addfile(entry)
        for name, (mode, data) in (files or {}).items():
            entry = tarfile.TarInfo(name)
            entry.mode, entry.size = mode, len(data)
            tar.addfile(entry, io.BytesIO(data))
        for name, target in (links or {}).items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            tar.addfile(entry)
    return out.getvalue()


# ---- what can be bought ------------------------------------------------------------------------------

def machine_memory():
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    raise Failure("/proc/meminfo has no MemTotal")


def instance_types():
    """{name: type}. A kubelet can report less than its machine has, never more: larger ones are left out."""
    arch = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    cores, memory = os.cpu_count(), machine_memory()
    offered = (("local.small", 1, 1, 0.05), ("local.large", 2, 4, 0.1), ("local.xlarge", 4, 8, 0.2))
    return {name: {"name": name, "vcpus": vcpus, "memory": f"{gib}Gi", "pods": PODS_PER_NODE, "gpus": 0,
                   "price": price, "arch": arch}
            for name, vcpus, gib, price in offered if vcpus <= cores and gib * GI <= memory}


# ---- records -----------------------------------------------------------------------------------------

def now():
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


@contextlib.contextmanager
def lock(cluster):
    """Held while records are read and changed together; never while a node boots or ends."""
    folder = cluster / "nodes"
    folder.mkdir(exist_ok=True)
    with open(folder / ".lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def records(cluster):
    found = []
    for path in sorted((cluster / "nodes").glob("i-*.json")):
        with contextlib.suppress(FileNotFoundError):
            found.append(json.loads(path.read_text()))
    return sorted(found, key=lambda node: (node["launchedAt"], node["id"]))


def save(cluster, node):
    path = cluster / "nodes" / f"{node['id']}.json"
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    scratch.write_text(json.dumps(node, indent=1))
    scratch.rename(path)


def folder_of(node):
    return HOME / node["id"]


def state_of(node):
    """The state to report: as recorded, unless the processes that make it true are gone."""
    pids = folder_of(node) / "pids"
    if node["state"] == "pending" and node.get("booter") is None:
        return "pending"  # launch() has not got round to the booter yet
    if node["state"] == "pending" and processes.pid_of(pids / "booter") is None:
        return "terminated"
    if node["state"] == "running" and not all(
            processes.pid_of(pids / name) for name in ("containerd", "kubelet")):
        return "terminated"
    return node["state"]


def take_subnet(node_id):
    """The lowest free number of a bridge and subnet; the file that says whose it is is made atomically."""
    folder = HOME / "subnets"
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(1, 255):
        path = folder / str(number)
        with contextlib.suppress(OSError):
            owner = path.read_text()
            if owner and not (HOME / owner).exists():
                path.unlink()  # its node was removed by hand
        try:
            with open(path, "x") as file:
                file.write(node_id)
            return number
        except FileExistsError:
            continue
    raise Failure("254 nodes on this machine already")


# ---- boot --------------------------------------------------------------------------------------------

def boot(cluster, node, tool):
    """Starts a node's containerd and kubelet; returns when the kubelet runs (Ready comes on the Node)."""
    folder, number = folder_of(node), node["subnet"]
    address, bridge = f"10.213.{number}.1", f"bh{number}"
    _make_cgroups(node["id"])
    subprocess.run(["ip", "link", "delete", bridge], capture_output=True, check=False)
    run("ip", "link", "add", bridge, "type", "bridge")
    run("ip", "address", "add", f"{address}/24", "dev", bridge)
    run("ip", "link", "set", bridge, "up")

    socket = folder / "containerd.sock"
    _write_containerd(folder, node, bridge)
    processes.spawn(["containerd", "--config", folder / "containerd.toml"], folder / "logs/containerd.log",
                    folder / "pids/containerd")
    authority = dev_pki.Authority(cluster / "pki")
    cert, key = authority.sign("kubelet", f"system:node:{node['nodeName']}", "system:nodes", folder=folder)
    server = json.loads((cluster / "cluster.json").read_text())["ports"]["kube-apiserver"]
    dev_pki.kubeconfig(folder / "kubeconfig", f"https://127.0.0.1:{server}", authority.cert, cert, key)
    _write_kubelet(folder, node, address, authority.cert)
    _import_images(folder, socket, image_archive(cluster.parent.parent))

    labels = {"node.kubernetes.io/instance-type": node["instanceType"], **node["labels"]}
    processes.spawn(
        [tool, f"--config={folder}/kubelet.json", f"--kubeconfig={folder}/kubeconfig",
         f"--root-dir={folder}/kubelet", f"--cert-dir={folder}/kubelet-pki", f"--node-ip={address}",
         f"--hostname-override={node['nodeName']}",
         f"--node-labels={','.join(f'{k}={v}' for k, v in sorted(labels.items()))}"],
        folder / "logs/kubelet.log", folder / "pids/kubelet",
        env={k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")})


def _import_images(folder, socket, archive):
    deadline = time.monotonic() + 30
    while True:
        try:
            run("ctr", "--address", socket, "--namespace", "k8s.io", "images", "import", archive)
            return
        except Failure as failure:
            if time.monotonic() > deadline or processes.pid_of(folder / "pids/containerd") is None:
                raise Failure(f"{failure}\n{processes.tail(folder / 'logs/containerd.log')}") from None
            time.sleep(0.1)


def _write_containerd(folder, node, bridge):
    (folder / "cni").mkdir(parents=True, exist_ok=True)
    (folder / "cni/10-bulkhead.conflist").write_text(json.dumps({
        "cniVersion": "0.4.0", "name": f"bulkhead-{node['id']}", "plugins": [{
            "type": "bridge", "bridge": bridge, "isGateway": True, "ipMasq": False,
            "ipam": {"type": "host-local", "dataDir": str(folder / "cni/ipam"),
                     "ranges": [[{"subnet": f"10.213.{node['subnet']}.0/24"}]],
                     "routes": [{"dst": "0.0.0.0/0"}]}}]}))
    # restrict_oom_score_adj: without CAP_SYS_RESOURCE runc dies when it lowers the score.
    # runc's Root: its default is shared by every containerd of the machine.
    (folder / "containerd.toml").write_text(f"""version = 2
root = "{folder}/containerd"
state = "{folder}/run"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs",
                    "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.aufs",
                    "io.containerd.internal.v1.opt"]
[grpc]
  address = "{folder}/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{cni_bin()}"
    conf_dir = "{folder}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
        Root = "{folder}/runc"
""")


def _write_kubelet(folder, node, address, ca):
    kind = instance_types()[node["instanceType"]]
    # The kubelet counts what the machine has; what is not the node's is declared as the system's, so that
    # allocatable is exactly what was bought.
    reserved = {"cpu": f"{(os.cpu_count() - kind['vcpus']) * 1000}m",
                "memory": str(machine_memory() - int(kind["memory"][:-2]) * GI)}
    (folder / "resolv.conf").write_text("options timeout:1 attempts:1\n")
    (folder / "kubelet.json").write_text(json.dumps({
        "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
        "address": address, "port": 10250, "healthzBindAddress": address, "readOnlyPort": 0,
        "authentication": {"anonymous": {"enabled": False}, "x509": {"clientCAFile": str(ca)}},
        "containerRuntimeEndpoint": f"unix://{folder}/containerd.sock",
        "cgroupDriver": "cgroupfs", "cgroupRoot": f"/{cgroup_name(node['id'])}", "failCgroupV1": False,
        "failSwapOn": False, "enforceNodeAllocatable": [], "localStorageCapacityIsolation": False,
        "systemReserved": reserved, "maxPods": kind["pods"], "podLogsDir": str(folder / "pod-logs"),
        "evictionHard": {"memory.available": "0%", "nodefs.available": "0%", "nodefs.inodesFree": "0%",
                         "imagefs.available": "0%"},
        "imageGCHighThresholdPercent": 100, "oomScoreAdj": 0, "makeIPTablesUtilChains": False,
        "registerWithTaints": node["taints"],
        "providerID": f"bulkhead-command://local-kubelet/{node['id']}",
        "clusterDNS": ["10.96.0.10"], "clusterDomain": "cluster.local",
        "resolvConf": str(folder / "resolv.conf"),
    }, indent=1))


# ---- end ---------------------------------------------------------------------------------------------

def end_node(cluster, node, delete_object=True):
    """Ends a node and removes every trace. Safe to repeat."""
    folder = folder_of(node)
    pids = folder / "pids"
    for name in ("booter", "kubelet", "containerd"):
        if processes.pid_of(pids / name) != os.getpid():
            processes.end(pids / name, kill=True)
    _kill_by_name(folder)
    _empty_cgroups(node["id"])
    for address in folder.glob("run/io.containerd.runtime.v2.task/k8s.io/*/address"):
        with contextlib.suppress(OSError):
            Path(address.read_text().strip().removeprefix("unix://")).unlink(missing_ok=True)
    _unmount_below(folder)
    if node.get("subnet"):
        subprocess.run(["ip", "link", "delete", f"bh{node['subnet']}"], capture_output=True, check=False)
    _remove_outside_files(node["id"], folder)
    if delete_object:
        _delete_node_object(cluster, node)
    if node["state"] == "dead" and folder.exists():  # for whoever asks what it died of
        shutil.copytree(folder / "logs", cluster / "logs" / node["id"], dirs_exist_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        raise Failure(f"{folder} cannot be removed")
    if node.get("subnet"):
        (HOME / "subnets" / str(node["subnet"])).unlink(missing_ok=True)


def end_all(cluster):
    """Ends every node of a cluster that goes down; its Node objects go with its etcd."""
    with lock(cluster):
        for node in records(cluster):
            processes.end(cluster / "nodes" / f"{node['id']}.reaper", kill=True)
            end_node(cluster, node, delete_object=False)
            (cluster / "nodes" / f"{node['id']}.json").unlink(missing_ok=True)


def _delete_node_object(cluster, node):
    from devcluster import DevCluster
    import urllib.error
    api = DevCluster(cluster.name, folder=cluster)
    path = f"/api/v1/nodes/{node['nodeName']}"
    for _ in range(30):
        try:
            found = api.request("GET", path)
            if not found["spec"].get("providerID", "").endswith(f"/{node['id']}"):
                return
            api.request("DELETE", path, {"preconditions": {"uid": found["metadata"]["uid"]}})
            return
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return
        except OSError:
            pass
        time.sleep(1)
    raise Failure(f"the Node object {node['nodeName']} could not be deleted: the API server does not answer")


def _remove_outside_files(node_id, folder):
    """What CNI and the kubelet write to places that cannot be configured."""
    results = Path("/var/lib/cni/results")
    prefix = f"bulkhead-{node_id}-"
    for result in results.glob(f"{prefix}*-eth0"):
        sandbox = result.name.removeprefix(prefix).removesuffix("-eth0")
        (results / f"cni-loopback-{sandbox}-lo").unlink(missing_ok=True)
        result.unlink(missing_ok=True)
    for link in Path("/var/log/containers").glob("*.log"):
        with contextlib.suppress(OSError):
            if os.readlink(link).startswith(f"{folder}/"):
                link.unlink()


def _kill_by_name(folder):
    """Shims, which outlive containerd by design, and what a killed booter had no time to record.

    They are ours if they are such a program and an argument names a file of the node's folder.
    """
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
            program = os.path.basename(words[0])
            if (program in ("containerd", "kubelet") or program.startswith("containerd-shim")) and any(
                    f"{folder}/" in word for word in words[1:]):
                os.kill(int(entry.name), signal.SIGKILL)


def _unmount_below(folder):
    mounts = [line.split()[1].encode().decode("unicode_escape")
              for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in reversed([m for m in mounts if m.startswith(f"{folder}/")]):
        subprocess.run(["umount", "--lazy", mount], capture_output=True, check=False)


# ---- cgroups -----------------------------------------------------------------------------------------

def cgroup_name(node_id):
    return f"bulkhead-{node_id}"


def is_unified():
    return (CGROUPS / "cgroup.controllers").exists()


def cgroup_roots():
    """The hierarchies in which a node needs a group: one with cgroup v2, each mounted one with v1."""
    roots = [CGROUPS] if is_unified() else _cgroup_mounts(("cgroup",))
    if not roots:
        raise FileNotFoundError("no cgroup hierarchy is mounted")
    return roots


def _cgroup_mounts(kinds):
    lines = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    return [Path(mount) for _, mount, kind, options, *_ in lines
            if kind in kinds and options.split(",")[0] == "rw"]


def _controllers():
    if is_unified():
        return (CGROUPS / "cgroup.controllers").read_text().split()
    lines = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    return [option for _, _, kind, options, *_ in lines if kind == "cgroup"
            for option in options.split(",")]


def _make_cgroups(node_id):
    for root in cgroup_roots():
        group = root / cgroup_name(node_id)
        if is_unified():
            _enable_controllers(root)
        group.mkdir(exist_ok=True)
        if is_unified():
            _enable_controllers(group)
        for name in ("cpuset.cpus", "cpuset.mems"):  # v1: empty until someone fills them in
            if not is_unified() and (root / name).exists():
                (group / name).write_text((root / name).read_text())


def _enable_controllers(group):
    for controller in (group / "cgroup.controllers").read_text().split():
        with contextlib.suppress(OSError):
            (group / "cgroup.subtree_control").write_text(f"+{controller}")


def _empty_cgroups(node_id):
    """Kills everything in the node's groups and removes them."""
    deadline = time.monotonic() + 10
    for root in _cgroup_mounts(("cgroup", "cgroup2")):
        top = root / cgroup_name(node_id)
        while top.exists():
            # Every group below, the deepest first; only an empty one can be removed.
            groups = sorted((Path(p) for p, _, _ in os.walk(top)), key=lambda g: -len(g.parts))
            for group in groups:
                with contextlib.suppress(OSError):
                    for pid in (group / "cgroup.procs").read_text().split():
                        os.kill(int(pid), signal.SIGKILL)
                with contextlib.suppress(OSError):
                    group.rmdir()
            if time.monotonic() > deadline:
                raise Failure(f"cgroup {top} cannot be removed")
            if top.exists():
                time.sleep(0.05)
