"""What a simulated engine costs: calls per second of this process, by stretches and step by step, and their ratio."""

import platform
import time

import pytest
from tests.unit.engine.stepped import Arrival, Stepped, drawn

from penstock.engine.fastforward import FastEngine
from penstock.engine.steptime import GPUS

pytestmark = pytest.mark.bench
Engine = Stepped | FastEngine


def engine(law: type[Stepped] | type[FastEngine], gpu: str) -> Engine:
    return law(GPUS[gpu], max_num_seqs=256, token_budget=2048)


def calls_per_s(engines: list[Engine], arrivals: list[Arrival]) -> float:
    """Deal the calls out in turn and look at each engine whenever it has something to tell."""
    began_s = time.process_time()
    told = 0
    for call_id, (at_s, prompt, output) in enumerate(arrivals):
        one = engines[call_id % len(engines)]
        while (due_s := one.next_event_s()) is not None and due_s <= at_s:
            told += len(one.advance(due_s))
        one.advance(at_s)
        one.submit(call_id, prompt, output, at_s)
    for one in engines:
        while (due_s := one.next_event_s()) is not None:
            told += len(one.advance(due_s))
    assert told > len(arrivals)
    return len(arrivals) / (time.process_time() - began_s)


@pytest.mark.parametrize(
    ("gpu", "count", "per_s"),
    [
        pytest.param("H100", 1, 20.0, id="one H100, 20/s"),
        pytest.param("L40S", 16, 32.0, id="16 L40S, 2/s each"),
        pytest.param("L40S", 1, 8.0, id="one L40S, overrun"),
    ],
)
def test_stretches_against_steps(gpu: str, count: int, per_s: float) -> None:
    arrivals = drawn(20_000, per_s, 1)
    few = arrivals[: len(arrivals) // 10]

    fast = max(calls_per_s([engine(FastEngine, gpu) for _ in range(count)], arrivals) for _ in range(3))
    slow = max(calls_per_s([engine(Stepped, gpu) for _ in range(count)], few) for _ in range(2))

    print(
        f"\n{count} {gpu} at {per_s:g}/s, Python {platform.python_version()}: {fast:,.0f} calls/s of CPU by stretches, "
        f"{slow:,.0f} step by step, ratio {fast / slow:.1f}"
    )
    assert fast > slow
