"""What a decision costs for a large fleet, and its record: 100 models on 5 kinds of GPUs each, 10,000 pods.

Ratios of one run travel between machines; milliseconds do not, and are printed beside the machine's facts.
"""

import gc
import os
import platform
import statistics
import time

import pytest
from tests.bench.fleets import Fleet

from penstock.records.record import Record, pack, unpack
from penstock.records.replay import replay
from penstock.scaling.config import Config
from penstock.scaling.decide import decide
from penstock.scaling.memory import Memory

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]

FEW, MANY, PODS, PASSES, WARM = 10, 100, 20, 10, 6
SLACK = 2.5  # linear, give or take what two busy processors and caches make of it
RECORD_SHARE = 8.0  # decisions that one record may cost


def milliseconds(fleet: Fleet) -> tuple[list[float], Record]:
    """Run passes; return what each took of the processor, and the last one's record."""
    memory, spent, records = Memory(), list[float](), list[Record]()
    for number in range(PASSES):
        seen, before = fleet.observation(number), memory
        gc.collect()
        begin_s = time.process_time()
        decisions, memory = decide(seen, before, Config())
        spent.append(1000 * (time.process_time() - begin_s))
        assert all(decision.computed for decision in decisions)
        records = [Record(version="bench", observation=seen, memory=before, config=Config(), decisions=decisions)]
    return spent, records[0]


def yardstick_ms() -> float:
    """Return what a fixed piece of plain Python takes here and now, to compare machines by."""
    times = []
    for _ in range(5):
        begin_s = time.process_time()
        sum(float(number) * 0.5 for number in range(200_000))
        times.append(1000 * (time.process_time() - begin_s))
    return min(times)


def test_a_decision_grows_no_faster_than_the_fleet(capsys: pytest.CaptureFixture[str]) -> None:
    lines, costs, records = list[str](), dict[tuple[bool, int], float](), list[Record]()
    for varying in (False, True):
        for models in (FEW, MANY):
            spent, record = milliseconds(Fleet(models, PODS, varying=varying))
            records = [record]
            costs[varying, models] = statistics.median(spent[WARM:])
            lines.append(
                f"{'every load another' if varying else 'steady':>20} {models:>7} {models * 5 * PODS:>7}"
                f" {spent[0]:>9.0f} ms {costs[varying, models]:>9.1f} ms {min(spent[WARM:]):>9.1f} ms"
            )
    begin_s = time.process_time()
    packed = pack(records[0])
    packing_ms = 1000 * (time.process_time() - begin_s)

    with capsys.disabled():
        print(
            f"\n\none decision; {platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} CPUs,"
        )
        print(
            f"200,000 multiplications take {yardstick_ms():.1f} ms here; times are of the processor, not of the clock"
        )
        print(f"{'':>20} {'models':>7} {'pods':>7} {'first':>12} {'median':>12} {'least':>12}")
        print(*lines, sep="\n")
        print(f"record of the last pass: {packing_ms:.0f} ms in a thread of its own, {len(packed) / 1e6:.2f} MB packed")
    for varying in (False, True):
        assert costs[varying, MANY] < SLACK * MANY / FEW * costs[varying, FEW]
    assert packing_ms < RECORD_SHARE * costs[True, MANY]
    assert replay(unpack(packed)) == ()
