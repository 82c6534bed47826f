# SPDX-License-Identifier: Apache-2.0
"""What the process is given at its start, and what can be missing around it: one clear line each, and it recovers."""

import os
import subprocess

import pytest
import yaml

from dev_controller import install, program
from devcluster import DevCluster
from waiting import wait_for


def run(*flags, kubeconfig=None):
    """(exit status, lines) of a controller that is expected to end at once."""
    arguments = ["--listen", "127.0.0.1:0", *flags]
    if kubeconfig is not None:
        arguments += ["--kubeconfig", str(kubeconfig)]
    result = subprocess.run([program(), *arguments], capture_output=True, text=True, timeout=20,
                            env={**os.environ, "KUBECONFIG": "", "HOME": "/nonexistent"})
    return result.returncode, (result.stdout + result.stderr).splitlines()


FLAGS = [
    (["--lease-duration", "never"], "--lease-duration"),
    (["--no-such-flag"], "no-such-flag"),
    (["--listen", "nowhere"], "--listen"),
    (["--log-level", "loud"], "--log-level"),
    (["--lease-duration", "5", "--renew-deadline", "10"], "renew-deadline"),
    (["leftover"], "leftover"),
    (["-qh"], "-q is not a flag"),
]


@pytest.mark.parametrize("flags, word", FLAGS, ids=[word.strip("-") for _, word in FLAGS])
def test_bad_flag(flags, word):
    status, lines = run(*flags)
    assert status == 2
    assert len(lines) == 1, lines
    assert word in lines[0]


def test_no_kubeconfig(tmp_path):
    status, lines = run(kubeconfig=tmp_path / "missing")
    assert status == 1
    assert len(lines) == 1, lines
    assert "missing" in lines[0] and "No such file" in lines[0]


def test_broken_kubeconfig(tmp_path):
    (tmp_path / "broken").write_text("apiVersion: v1\nkind: Config\nclusters: [{name: x, cluster: {\n")
    status, lines = run(kubeconfig=tmp_path / "broken")
    assert status == 1
    assert len(lines) == 1, lines
    assert "broken" in lines[0]


def test_port_in_use(cluster, controller):
    status, lines = run("--listen", f"127.0.0.1:{controller.port()}", kubeconfig=cluster.dev.dir / "controller.kubeconfig")
    assert status == 1
    assert "in use" in lines[-1], lines


def edited(source, target, edit):
    doc = yaml.safe_load(source.read_text())
    edit(doc)
    target.write_text(yaml.safe_dump(doc))
    return target


def troubles(controller):
    return controller.lines("cannot start yet")


def test_server_that_is_not_there(cluster, tmp_path):
    """Nobody listens: one line that says so, and it goes on trying."""
    config = edited(cluster.dev.dir / "controller.kubeconfig", tmp_path / "config",
                    lambda doc: doc["clusters"][0]["cluster"].update(server="https://127.0.0.1:9"))
    controller = cluster.new_controller("nobody", kubeconfig=config).start(ready=False)
    try:
        wait_for("a line about it", lambda: troubles(controller))
        wait_for("/readyz to say why", lambda: "connect" in controller.ready()[1].lower())
        assert len(troubles(controller)) == 1
        assert "refused" in troubles(controller)[0].lower() or "connect" in troubles(controller)[0].lower()
        assert controller.alive()
    finally:
        assert controller.stop() == 0


def test_wrong_token(cluster, tmp_path):
    config = edited(cluster.dev.dir / "controller.kubeconfig", tmp_path / "config",
                    lambda doc: doc["users"][0]["user"].update(token="not-a-token"))
    controller = cluster.new_controller("stranger", kubeconfig=config).start(ready=False)
    try:
        wait_for("a line about it", lambda: troubles(controller))
        assert "401" in troubles(controller)[0] or "nauthorized" in troubles(controller)[0]
        assert controller.alive()
    finally:
        controller.stop()


@pytest.fixture(scope="module")
def bare():
    """A cluster where nothing of ours is installed: an API server and little else."""
    dev = DevCluster(f"bare-{os.getpid()}")
    with dev.up(nodes="none", without=("kube-scheduler",)):
        yield dev


def test_missing_kinds_then_missing_rights(cluster, bare, tmp_path):
    """Without CRDs it says which kind is missing; without a right, which right; and begins when all is there."""
    controller = cluster.new_controller("early", kubeconfig=bare.kubeconfig).start(ready=False)
    try:
        wait_for("a line about the kinds", lambda: troubles(controller))
        assert "bulkhead.dev" in troubles(controller)[0], troubles(controller)
        assert len(troubles(controller)) == 1
        install(bare, tmp_path / "kubeconfig", kwok=False)
        controller.wait_leading(45)
    finally:
        controller.stop()

    role = "/apis/rbac.authorization.k8s.io/v1/clusterroles/bulkhead-controller"
    rules = bare.request("GET", role)["rules"]
    less = [{**rule, "verbs": [v for v in rule["verbs"] if v != "create"]} if rule["resources"] == ["pods"] else rule
            for rule in rules]
    bare.request("PATCH", role, {"rules": less}, "application/merge-patch+json")
    controller = cluster.new_controller("powerless", kubeconfig=tmp_path / "kubeconfig").start(ready=False)
    try:
        wait_for("a line about the right", lambda: troubles(controller))
        [line] = troubles(controller)
        assert "create" in line and "pods" in line, line
        wait_for("/readyz to say it", lambda: "pods" in controller.ready()[1])
        bare.request("PATCH", role, {"rules": rules}, "application/merge-patch+json")
        controller.wait_leading(45)
    finally:
        controller.stop()


def test_right_taken_away_while_it_runs(world):
    """Pods can not be created any more: the job says so and waits, and goes on when the right is back."""
    world.setup()
    role = "/apis/rbac.authorization.k8s.io/v1/clusterroles/bulkhead-controller"
    rules = world.api.get(role)["rules"]
    less = [{**rule, "verbs": [v for v in rule["verbs"] if v != "create"]} if rule["resources"] == ["pods"] else rule
            for rule in rules]
    world.api.patch(role, {"rules": less})
    try:
        world.submit("barred")
        text = world.wait_reason("barred", "may not create pods")
        assert "bulkhead-controller" in text
    finally:
        world.api.patch(role, {"rules": rules})
    world.succeeded("barred", 90)


def test_api_server_restarted(world):
    """The API server dies under a running array and comes back: one line each way, and everything ends well."""
    world.setup()
    uid = world.submit("work", array=12, cpu="2", run_ms=500, retry=2, fail_attempts="1")["metadata"]["uid"]
    wait_for("some of it", lambda: len(world.judge.pods_of(uid)) >= 8)
    world.cluster.dev.stop_part("kube-apiserver", kill=True)
    wait_for("a line about it", lambda: world.controller.lines("API server does not answer")
             or not world.controller.alive() or world.controller.lines("cannot reach"), 20)
    world.cluster.dev.start_part("kube-apiserver")
    if not world.controller.alive():  # a leader that could not renew its lease must not go on
        world.controller.start()
    world.succeeded("work", 90)
    assert len(world.judge.pods_of(uid)) == 24


def test_api_server_away_for_long(world):
    """Away for longer than the lease: the leader ends rather than act on what it knew; started again, it finishes."""
    world.setup()
    uid = world.submit("work", array=4, run_ms=300)["metadata"]["uid"]
    wait_for("some of it", lambda: world.judge.pods_of(uid))
    world.cluster.dev.stop_part("kube-apiserver", kill=True)
    assert world.controller.wait_exit(30) == 1
    assert len(world.controller.lines("level=error", "lease")) == 1
    world.cluster.dev.start_part("kube-apiserver")
    world.controller.start()
    world.succeeded("work", 90)


def test_help_and_version():
    for flag, word in (("--help", "--kubeconfig"), ("--version", "bulkhead-controller")):
        status, lines = run(flag)
        assert status == 0
        assert any(word in line for line in lines)


