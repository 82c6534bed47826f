# SPDX-License-Identifier: Apache-2.0
"""The fixtures of the whole-system tests: a real control plane, the real controller, and a judge.

    cluster     a dev cluster with KWOK nodes, our CRDs and rights; one for all tests
    controller  the controller on it, running at the start of each test
    world       a namespace, a queue and an environment for one test, and what users do there
    judge       follows every pod and node during all tests; what may never happen fails the test it happened in

Nothing here sleeps to let time pass: wait_for() looks again until a thing is so, and says what it waited for.
"""

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "hack"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import dev_nodes  # noqa: E402
from dev_api import Api  # noqa: E402
from dev_controller import Controller, install, program  # noqa: E402
from devcluster import DevCluster  # noqa: E402
from judge import Judge  # noqa: E402
from world import World  # noqa: E402

# A job that waits is told why after a second and not five, one that cannot start fails after 40 s and not 300. The
# lease is short, but not so short that a busy machine loses it.
FLAGS = ["--lease-duration", "12", "--renew-deadline", "9", "--retry-period", "1", "--verdict-delay", "1",
         "--start-deadline", "40", *os.environ.get("BULKHEAD_CONTROLLER_FLAGS", "").split()]


def pytest_configure(config):
    config.addinivalue_line("markers", "long: takes more than some seconds; left out of `make test`")
    config.addinivalue_line("markers", "containers: needs real nodes with real containers")


def pytest_collection_modifyitems(items):
    if not any(item.get_closest_marker("containers") for item in items):
        return
    obstacle = dev_nodes.obstacle()
    for item in items:
        if obstacle and item.get_closest_marker("containers"):
            item.add_marker(pytest.mark.skip(reason=f"no real containers on this machine: {obstacle}"))


_skipped = []


def pytest_runtest_logreport(report):
    if report.skipped and "containers" in report.keywords:
        _skipped.append((report.nodeid, report.longrepr[2] if isinstance(report.longrepr, tuple) else ""))


def pytest_terminal_summary(terminalreporter):
    for name, why in _skipped:
        terminalreporter.write_line(f"SKIPPED {name}: {why}", yellow=True, bold=True)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A test that fails shows what the controllers said meanwhile."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for controller in Cluster.controllers:
            report.sections.append((f"log of {controller.log.name}", controller.tail(80)))
        for world in getattr(item, "worlds", []):
            report.sections.append((f"objects of {world.namespace}", world.picture()))


class Cluster:
    """A DevCluster with what tests want of it on top. Everything else of the DevCluster is there as well."""

    controllers = []  # every Controller that was made, of all clusters

    def __init__(self, dev, scratch):
        self.dev, self.scratch = dev, scratch
        self.api = Api.of(dev)

    def __getattr__(self, name):
        return getattr(self.dev, name)

    def kubectl(self, *args, input=None, check=False, timeout=60):
        """(exit status, output, error output) of kubectl as cluster admin."""
        result = self.dev.kubectl(*args, stdin=input, check=False, timeout=timeout)
        if check and result.returncode != 0:
            raise AssertionError(f"kubectl {' '.join(map(str, args))}: {result.stderr.strip()}")
        return result.returncode, result.stdout, result.stderr

    def new_controller(self, name, *flags, kubeconfig=None):
        """A controller that is not started; the caller ends it."""
        controller = Controller(kubeconfig or self.dev.dir / "controller.kubeconfig",
                                self.scratch / f"{name}.log", [*FLAGS, "--identity", name, *flags])
        self.controllers.append(controller)
        return controller


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    dev = DevCluster(f"system-{os.getpid()}")
    with dev.up(nodes="kwok"):
        install(dev, dev.dir / "controller.kubeconfig")
        yield Cluster(dev, tmp_path_factory.mktemp("logs"))


@pytest.fixture(scope="session")
def judge(cluster):
    judge = Judge(cluster.api)
    yield judge
    judge.end()


@pytest.fixture(scope="session")
def the_controller(cluster, judge):
    if not program().exists():
        pytest.fail(f"there is no {program()}: build it with make", pytrace=False)
    controller = cluster.new_controller("controller", "--node-programs-dir", ROOT / "hack" / "node-programs",
                                        "--record", cluster.scratch / "controller.decisions")
    os.environ.update({"BULKHEAD_DEV_CLUSTER": str(cluster.dev.dir)})  # for the node programs
    yield controller
    status = controller.stop()
    assert status in (0, None), f"the controller ended with {status}:\n{controller.tail()}"


@pytest.fixture
def controller(the_controller):
    """Leads when the test begins. A test may kill() and start() it; what is wrong with it at the end fails the test."""
    if not the_controller.alive():
        the_controller.start()
    the_controller.wait_leading()
    yield the_controller
    assert the_controller.alive(), \
        f"the controller ended with {the_controller.exit_status}:\n{the_controller.tail()}"
    assert the_controller.metric("bulkhead_state_bugs_total") == 0, "an event that the state table does not know"


class Leaving:
    """Worlds that are over. Each must go away by itself; the next tests run meanwhile."""

    KEPT = 3

    def __init__(self):
        self.worlds = []

    def add(self, world):
        world.clean()
        self.worlds.append(world)

    def wait(self, keep):
        while len(self.worlds) > keep:
            self.worlds.pop(0).gone()


@pytest.fixture(scope="session")
def leaving(cluster, the_controller):
    leaving = Leaving()
    yield leaving
    if the_controller.lives and not the_controller.alive():
        the_controller.start()
    leaving.wait(0)


@pytest.fixture
def world(cluster, controller, judge, leaving, request):
    """A place of its own for one test. At its end all of it is deleted, and nothing may be left behind."""
    world = World(cluster, controller, judge, request.node.name)
    request.node.worlds = [world]
    judge.begin()
    yield world
    leaving.add(world)
    if not controller.alive():
        controller.start()
    judge.verdict()
    leaving.wait(Leaving.KEPT)
