"""Whatever happens to waits, means, rates and weights: the queue answers as a scan of everything queued would."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.unit.ordering.lines import FakeItem, FakeStanding, final_score, full_scan, terms

from penstock.domain.policies import Ordering
from penstock.ordering.line import Line, LineKey
from penstock.ordering.queue import Queue
from penstock.ordering.workload_aware import FEW

STANDINGS = 6
TERMS = (terms(), terms(wait=1.0, max_wait_s=5.0), terms(criticality=0.0, rate=2.0), terms(wait=0.0))
GATES = ("open", "shut")


class QueueMachine(RuleBasedStateMachine):
    """Arrivals, departures, drifting standings and passing time in any order, checked at every instant."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        self.standings = [FakeStanding() for _ in range(STANDINGS)]
        self.queue: Queue[FakeItem] = Queue(Ordering.WORKLOAD_AWARE)
        self.fcfs: Queue[FakeItem] = Queue(Ordering.FCFS)
        self.items: list[FakeItem] = []
        self.lines: dict[int, tuple[Line[FakeItem], Line[FakeItem]]] = {}
        self.arrivals = 0

    @initialize(lines=st.sampled_from([0, 2 * FEW]))
    def fill(self, lines) -> None:  # noqa: ANN001 - hypothesis draws them
        for number in range(lines):
            self.arrive(number % STANDINGS, 1 + number % 5, TERMS[number % len(TERMS)], GATES[number % 2])

    @rule(who=st.integers(0, STANDINGS - 1), criticality=st.integers(1, 5), which=st.sampled_from(TERMS),
          gate=st.sampled_from(GATES))  # fmt: skip
    def arrive(self, who, criticality, which, gate) -> None:  # noqa: ANN001 - hypothesis draws them
        self.standings[who].rate_per_s += 1 / 60
        self.arrivals += 1
        item = FakeItem(self.arrivals, self.now_s, LineKey(self.standings[who], criticality, which, gate))
        self.items.append(item)
        self.lines[item.seq] = self.queue.add(item, item.key), self.fcfs.add(item, item.key)

    @rule(passed_s=st.sampled_from([0.0, 0.001, 0.3, 1.0, 7.0, 70.0]))
    def wait(self, passed_s) -> None:  # noqa: ANN001
        self.now_s += passed_s

    @rule(who=st.integers(0, STANDINGS - 1), avg_wait_s=st.sampled_from([0.0, 1.0, 20.0, 90.0]))
    def sample(self, who, avg_wait_s) -> None:  # noqa: ANN001
        self.standings[who].avg_wait_s = avg_wait_s
        self.queue.standing_changed(self.standings[who])

    @precondition(lambda self: self.items)
    @rule(data=st.data())
    def leave(self, data) -> None:  # noqa: ANN001
        self._take(data.draw(st.sampled_from(self.items)))

    @precondition(lambda self: self.items)
    @rule()
    def go(self) -> None:
        self._take(full_scan(self.items, self.now_s)[0])

    def _take(self, item: FakeItem) -> None:
        self.items.remove(item)
        by_score, by_arrival = self.lines.pop(item.seq)
        self.queue.remove(item, by_score)
        self.fcfs.remove(item, by_arrival)

    @invariant()
    def exact(self) -> None:
        ranked = full_scan(self.items, self.now_s)
        through = [item for item in ranked if item.key.gate == "open"]

        assert self.queue.peek(self.now_s) == (ranked[0] if ranked else None)
        assert self.queue.peek(self.now_s) == (ranked[0] if ranked else None), "the cached answer"
        assert self.queue.first(self.now_s, lambda gate: gate == "open") == (through[0] if through else None)
        assert self.queue.oldest(lambda gate: gate == "open") == (
            min(through, key=lambda i: i.seq) if through else None
        )
        assert self.fcfs.peek(self.now_s) == (self.items[0] if self.items else None)
        if ranked:
            assert self.queue.worst(self.now_s) == ranked[-1]
            assert self.fcfs.worst(self.now_s) == self.items[-1]

    @invariant()
    def scores_are_the_formula(self) -> None:
        for item in self.items[:3]:
            by_score, by_arrival = self.lines[item.seq]
            found = self.queue.score(item, by_score, self.now_s)

            assert found is not None
            assert found.final_score == final_score(item, self.now_s)
            assert self.fcfs.score(item, by_arrival, self.now_s) is None


QueueMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestQueue = QueueMachine.TestCase


def test_the_order_turns_with_time_alone() -> None:
    queue: Queue[FakeItem] = Queue(Ordering.WORKLOAD_AWARE)
    old = FakeItem(1, 0.0, LineKey(FakeStanding(), 2, terms(), None))
    fresh = FakeItem(2, 20.0, LineKey(FakeStanding(), 4, terms(max_wait_s=1e9), None))
    queue.add(old, old.key)
    queue.add(fresh, fresh.key)

    before, after = queue.peek(23.0), queue.peek(25.0)

    assert (before, after) == (fresh, old)


def test_removing_what_is_not_there_is_a_fault() -> None:
    queue: Queue[FakeItem] = Queue(Ordering.FCFS)
    item = FakeItem(1, 0.0, LineKey(FakeStanding(), 3, terms(), None))
    line = queue.add(item, item.key)
    queue.remove(item, line)

    with pytest.raises(KeyError):
        queue.remove(item, line)


def test_coming_and_going_leaves_no_trace() -> None:
    queue: Queue[FakeItem] = Queue(Ordering.WORKLOAD_AWARE)
    key = LineKey(FakeStanding(), 3, terms(), None)
    for number in range(2 * FEW):
        queue.add(FakeItem(number, 5.0, key._replace(gate=number)), key._replace(gate=number))
    queue.peek(5.0)

    for number in range(1000, 2000):
        item = FakeItem(number, 5.0, key)
        queue.remove(item, queue.add(item, key))

    assert len(queue._order._bounds) < 200
    assert len(queue._order._by_standing[key.standing]) < 200
