"""What holds for every test of the project."""

import asyncio
import gc
import os
from collections import Counter, OrderedDict
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings
from tests.kubeapi import FRAIL
from tests.metering import Meter
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

# a busy machine is no failure: no example is timed
settings.register_profile("penstock", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("penstock")
SIMULATING = ("tests/unit/advise/", "tests/unit/sim/", "tests/unit/bench/", "tests/unit/scaling/")
METER = Meter(imports=os.environ.get("PYTEST_XDIST_WORKER", "gw0") == "gw0")  # all workers import the same
METER.take()
# tests make much that stays until they end: looking for circles in it took a tenth of the time
gc.set_threshold(10_000, 10, 10)


def pytest_configure() -> None:
    """Say that the main thread has no event loop.

    pytest-asyncio asks for the current one before it sets its own; Python before 3.14 would then make one that
    nobody closes, and an unclosed loop is a warning, which is an error here.
    """
    asyncio.set_event_loop(None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Hand out the long tests one by one, and the others by the file."""
    return LongFirst(config, log)


class LongFirst(LoadScopeScheduling):
    """The long ones first, so that no worker is left alone with one; together what shares a server that it stops.

    The files of unit tests stay whole: what a module's fixture reads or plays is then read or played once. Those
    that simulate come before the others, as they are the longest.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return FRAIL if nodeid.endswith(f"[{FRAIL}]") else file if _shortness(file) else nodeid

    def schedule(self) -> None:
        """Hand out the first tests, and put the others in order."""
        super().schedule()
        self.workqueue = OrderedDict(sorted(self.workqueue.items(), key=lambda one: _shortness(one[0])))

    def mark_test_complete(self, node: WorkerController, item_index: int, duration: float = 0) -> None:
        """Hand out the next one, and forget what is done: to see what is left, all that is kept is gone through."""
        super().mark_test_complete(node, item_index, duration)
        scope = self._split_scope(self.registered_collections[node][item_index])
        if all(self.assigned_work[node][scope].values()):
            del self.assigned_work[node][scope]


def _shortness(scope: str) -> int:
    return 0 if not scope.startswith("tests/unit/") else 1 if scope.startswith(SIMULATING) else 2


@pytest.hookimpl(trylast=True)
def pytest_sessionstart() -> None:
    """Take the tracer again: a worker has got one of its own by now."""
    METER.take()


def pytest_collection_finish() -> None:
    """Let the collector never look again at thousands of tests and all modules: it took a tenth of the time."""
    METER.imports = True  # from now on, what one worker imports may be imported by no other
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(request: pytest.FixtureRequest) -> Generator[None, object, object]:
    """Measure what a fixture runs, unless the test or module that it is made for says otherwise."""
    if request.node.get_closest_marker("unmeasured"):
        return (yield)
    with METER.running():
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Measure what a test runs: of one of hypothesis, each example and not its making."""
    examples = getattr(pyfuncitem.obj, "hypothesis", None)
    if examples is not None:
        each, examples.inner_test = examples.inner_test, METER.around(examples.inner_test)
        try:
            return (yield)
        finally:
            examples.inner_test = each
    if pyfuncitem.get_closest_marker("unmeasured"):
        return (yield)
    with METER.running():
        return (yield)


@pytest.fixture
def unmeasured_children(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let processes that the test starts run without the tracer: what they run long is measured elsewhere."""
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name once what is missing on this machine, with the number of tests that wait for it."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = Counter(str(report.longrepr[2]).removeprefix("Skipped: ") for report in skipped)
    for reason, count in reasons.most_common():
        terminalreporter.write_line(f"{count} tests did not run. {reason}", yellow=True)
