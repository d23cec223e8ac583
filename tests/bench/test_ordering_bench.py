"""What the order costs: score, add, peek, pop, registry, header, and one request through the whole scheduler.

Printed beside the targets of the workload-aware plan (score 1 µs, add 10 µs, peek 100 ns, registry 500 ns, 10 MB for
a thousand workloads) and as ratios to a push and pop of `heapq` in the same run, which travel between machines.
"""

import gc
import heapq
import os
import platform
import time
import timeit
import tracemalloc
from collections.abc import Callable
from itertools import count, cycle
from pathlib import Path

import pytest
from tests.unit.flow.world import document, gated
from tests.unit.ordering.lines import FakeItem

from penstock.domain.policies import Norms, Ordering, Policy, Weights
from penstock.domain.requests import Endpoint, Request, WorkloadContext
from penstock.flow.actions import Action, Dispatch
from penstock.flow.scheduler import Scheduler
from penstock.ordering.line import Line, LineKey
from penstock.ordering.queue import Queue
from penstock.ordering.score import Terms, score
from penstock.programs.context import parse_context
from penstock.programs.registry import Registry
from penstock.programs.workload import Workload

pytestmark = pytest.mark.bench
TERMS = Terms.of(Weights(), Norms())


def ns(step: Callable[[], object], number: int = 2000) -> float:
    """Nanoseconds of this process per call, the least of seven rounds."""
    return min(timeit.repeat(step, number=number, repeat=7, timer=time.process_time)) / number * 1e9


def heap_ns() -> float:
    """A push and a pop on a heap of ten thousand: the yardstick of this machine at this moment."""
    heap = [(n * 7919 % 10007, n) for n in range(10_000)]
    heapq.heapify(heap)
    numbers = cycle(range(10_007))
    return ns(lambda: (heapq.heappush(heap, (next(numbers), 0)), heapq.heappop(heap)))


def filled(lines: int, queued: int) -> tuple[Queue[FakeItem], dict[LineKey, Line[FakeItem]]]:
    """`queued` requests of `lines` workloads whose means and rates all differ."""
    queue: Queue[FakeItem] = Queue(Ordering.WORKLOAD_AWARE)
    keys = []
    for number in range(lines):
        workload = Workload("", f"w{number}", 0.0)
        for _ in range(number % 50):
            workload.arrive(90.0)
        workload.dispatched(number % 40)
        keys.append(LineKey(workload, 1 + number % 5, TERMS, None))
    items = [FakeItem(n, 90.0 + n / queued, keys[n % lines]) for n in range(queued)]
    return queue, {item.key: queue.add(item, item.key) for item in items}


def pop_ns(queue: Queue[FakeItem], where: dict[LineKey, Line[FakeItem]]) -> float:
    """Find the best, take it out, and put a successor in, at an instant of its own."""
    numbers = count(1_000_000)

    def step() -> None:
        number = next(numbers)
        now_s = 100.0 + number / 1e9
        best = queue.peek(now_s)
        queue.remove(best, where[best.key])
        item = FakeItem(number, now_s, best.key)
        where[best.key] = queue.add(item, item.key)

    return ns(step, 200)


def add_ns(queue: Queue[FakeItem], key: LineKey) -> float:
    """Add a request to a queue of ten thousand, and take it out again."""
    numbers = count(2_000_000)

    def step() -> None:
        item = FakeItem(next(numbers), 100.0, key)
        queue.remove(item, queue.add(item, key))

    return ns(step)


def registry_ns() -> float:
    """One request in and out, among a thousand workloads; per operation."""
    registry = Registry(1000)
    names = [f"w{n}" for n in range(1000)]
    held = [registry.arrive("", name, 0.0) for name in names]
    turn, clock = cycle(names), count()

    def step() -> None:
        now_s = next(clock) / 1000
        registry.leave(registry.arrive("", next(turn), now_s), now_s)

    assert len(held) == len(registry)
    return ns(step) / 2


def registry_bytes() -> int:
    """Memory of a thousand workloads."""
    gc.collect()
    tracemalloc.start()
    registry = Registry(1000)
    for number in range(1000):
        registry.arrive("", f"workload-{number}", 1.0)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return size


def sent(actions: list[Action]) -> list[int]:
    """Return the tickets that were dispatched."""
    return [action.ticket for action in actions if isinstance(action, Dispatch)]


def request_ns(policy: Policy, backlog: int, workloads: int) -> float:
    """One request from arrival to its end through the scheduler, on four endpoints, behind a backlog."""
    scheduler = Scheduler(document(gated(10, policy, max_requests=100_000)), 0.0)
    scheduler.endpoints([Endpoint(address=f"10.0.0.{n}:8000") for n in range(1, 5)], 0.0)
    numbers = count(1)
    flying: list[int] = []

    def submit() -> None:
        number = next(numbers)
        context = WorkloadContext(f"w{number % workloads}", 1 + number % 5, declared=True)
        request = Request(ticket=number, request_id="r", context=context)
        flying.extend(sent(scheduler.submit(request, number / 1e6)))

    def step() -> None:
        submit()
        ticket = flying.pop(0)
        scheduler.first_byte(ticket, next(numbers) / 1e6)
        flying.extend(sent(scheduler.done(ticket, next(numbers) / 1e6)))
        assert scheduler.next_wake_s is not None

    for _ in range((backlog + 40) if backlog else 0):
        submit()
    return ns(step, 300)


def machine() -> str:
    """Tell what this ran on."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown CPU")
    return f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} x {model}"


def test_ordering(capsys: pytest.CaptureFixture[str]) -> None:
    wide, where = filled(1000, 10_000)
    yardstick = heap_ns()
    header = b'{"workload_id":"x-agent-17","criticality":5}'
    peek = ns(lambda: wide.peek(100.0))
    pops = {(lines, queued): pop_ns(*filled(lines, queued)) for lines in (10, 100, 1000) for queued in (1000, 10_000)}
    rows: list[tuple[str, float, float | None]] = [
        ("heapq push + pop, 10k (yardstick)", yardstick, None),
        (
            "score with all components",
            ns(lambda: score(TERMS, criticality=3, own_wait_s=9.0, avg_wait_s=3.0, rate_per_s=2.0)),
            1000,
        ),
        ("add (and remove), 10k queued", add_ns(wide, next(iter(where))), 10_000),
        ("peek, 1000 lines, same instant", peek, 100),
        *((f"next of {lines} lines, {queued} queued", cost, None) for (lines, queued), cost in pops.items()),
        ("registry operation, 1000 workloads", registry_ns(), 500),
        ("X-Workload-Context, seen before", ns(lambda: parse_context(header)), None),
        ("whole request, nothing waits", request_ns(Policy(), 0, 7), None),
        ("whole request, 1000 wait, 50 workloads", request_ns(Policy(), 1000, 50), None),
        ("whole request, FCFS, 1000 wait", request_ns(Policy(ordering=Ordering.FCFS), 1000, 50), None),
    ]
    size = registry_bytes()

    with capsys.disabled():
        print(f"\n{machine()}\n{'':40} {'ns':>10} {'x yardstick':>12} {'of target':>10}")
        for name, cost, target in rows:
            share = f"{cost / target:10.0%}" if target else ""
            print(f"{name:40} {cost:10.0f} {cost / yardstick:12.2f} {share}")
        print(f"{'memory of 1000 workloads':40} {size / 1e6:7.2f} MB {'':12} {size / 1e7:10.0%}")

    assert peek < yardstick, "a peek is free where nothing changed"
    for lines in (10, 100, 1000):
        assert pops[lines, 10_000] < 3 * pops[lines, 1000], "cost goes with the lines, not with what is queued"
    assert size < 10e6
