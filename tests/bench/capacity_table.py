"""Measure by simulation what one replica serves within its targets, and store it for the tests of `engine.capacity`.

    PENSTOCK_TRACES=... python -m tests.bench.capacity_table [part of an id ...]

writes tests/unit/engine/capacity_measured.json (about 20 min on one core; with words, only rows whose id has one of
them). Each row is found by bisection over the rate, with the same Poisson arrivals and lengths at every rate, until
the bracket is 1 % wide; lengths are drawn with replacement from Azure's traces of 2023 (Azure/AzurePublicDataset,
CC-BY-4.0), or log-normal.
"""

import json
import math
import os
import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate
from pathlib import Path
from typing import Final

from penstock.domain.variants import Slo, SloSource
from penstock.engine.capacity import EngineShape, Lengths, capacity
from penstock.engine.fastforward import FastEngine, Kind
from penstock.engine.steptime import GPUS
from penstock.sim.traces import read

TABLE: Final = Path(__file__).parents[1] / "unit" / "engine" / "capacity_measured.json"
TRACES: Final = {"conv": "azure-2023-conv.csv.gz", "code": "azure-2023-code.csv.gz"}
WARM_UP: Final = 0.05
SEEDS: Final = (1, 2)
REQUESTS: Final = {0.95: 40_000, 0.99: 60_000, 0.995: 80_000}
SLOS: Final = {"tight": (0.5, 0.05), "loose": (2.0, 0.1)}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One question: `traffic` is a trace, or "ln" with means and coefficients of variation in `lengths`."""

    gpu: str
    traffic: str
    ttft_s: float
    tpot_s: float
    ratio: float
    lengths: tuple[float, float, float, float] | None = None
    replicas: int = 1
    max_num_seqs: int = 256
    token_budget: int = 2048

    @property
    def id(self) -> str:
        """A name that a person can read."""
        shape = "" if self.lengths is None else "-".join(f"{value:g}" for value in self.lengths)
        slo = f"{self.ttft_s:g}s/{self.tpot_s * 1000:g}ms {self.ratio:g}"
        return f"{self.gpu} {self.traffic}{shape} {slo} x{self.replicas}"


def rows() -> Iterator[Row]:
    """Yield the published grid, pools of four, and lengths of other shapes."""
    for ratio in (0.95, 0.995):
        for traffic in TRACES:
            for ttft_s, tpot_s in SLOS.values():
                for gpu in ("L4", "L40S", "A100", "H100", "H200"):
                    yield Row(gpu=gpu, traffic=traffic, ttft_s=ttft_s, tpot_s=tpot_s, ratio=ratio)
    for gpu, traffic, slo in (("L40S", "conv", "loose"), ("L4", "conv", "loose"), ("H100", "code", "loose")):
        ttft_s, tpot_s = SLOS[slo]
        yield Row(gpu=gpu, traffic=traffic, ttft_s=ttft_s, tpot_s=tpot_s, ratio=0.95, replicas=4)
    for gpu, lengths, slo, ratio in (
        ("H100", (600.0, 1.0, 1500.0, 1.2), "loose", 0.99),
        ("L40S", (600.0, 1.0, 1500.0, 1.2), "loose", 0.99),
        ("A100", (200.0, 0.8, 300.0, 0.8), "loose", 0.99),
        ("H100", (400.0, 0.7, 60.0, 0.8), "tight", 0.99),
    ):
        yield Row(gpu=gpu, traffic="ln", lengths=lengths, ttft_s=SLOS[slo][0], tpot_s=SLOS[slo][1], ratio=ratio)


def drawn(row: Row, seed: int) -> tuple[list[float], list[tuple[int, int]]]:
    """Return gaps of mean 1 between arrivals, and lengths."""
    chance = random.Random(seed)
    count = REQUESTS[row.ratio] * (2 if row.replicas > 1 else 1)
    gaps = [chance.expovariate(1.0) for _ in range(count)]
    if row.lengths is None:
        known = read(Path(os.environ["PENSTOCK_TRACES"]) / TRACES[row.traffic])
        pairs = [(arrival.input_tokens, arrival.output_tokens) for arrival in known]
        return gaps, chance.choices(pairs, k=count)
    prompt, answer = (log_normal(chance, *row.lengths[at : at + 2]) for at in (0, 2))
    most = GPUS[row.gpu].kv_tokens // 4
    return gaps, [(min(prompt(), most), min(answer(), most)) for _ in range(count)]


def log_normal(chance: random.Random, mean: float, cv: float) -> Callable[[], int]:
    """Return a source of lengths."""
    sigma = math.sqrt(math.log(1 + cv * cv))
    return lambda: max(1, round(chance.lognormvariate(math.log(mean) - sigma * sigma / 2, sigma)))


def attained(row: Row, rate: float, gaps: Sequence[float], lengths: Sequence[tuple[int, int]]) -> float:
    """Simulate and return the share that met both targets, the first twentieth apart; 0 where it falls behind."""
    engines = [
        FastEngine(GPUS[row.gpu], max_num_seqs=row.max_num_seqs, token_budget=row.token_budget)
        for _ in range(row.replicas)
    ]
    at = {Kind.FIRST: [0.0] * len(gaps), Kind.DONE: [0.0] * len(gaps)}
    arrivals = [moment / (rate * row.replicas) for moment in accumulate(gaps)]
    for number, (now, (prompt, answer)) in enumerate(zip(arrivals, lengths, strict=True)):
        for engine in engines:
            note(engine, now, at)
        start = number % row.replicas
        least = min(engines[start:] + engines[:start], key=lambda engine: engine.running + engine.waiting)
        if least.waiting > 5000:
            return 0.0
        least.submit(number, prompt, answer, now)
    for engine in engines:
        while (due_s := engine.next_event_s()) is not None:
            note(engine, due_s, at)
    counted = range(int(len(gaps) * WARM_UP), len(gaps))
    return sum(
        at[Kind.FIRST][number] - arrivals[number] <= row.ttft_s
        and at[Kind.DONE][number] - at[Kind.FIRST][number] <= row.tpot_s * (lengths[number][1] - 1) + 1e-9
        for number in counted
    ) / len(counted)


def note(engine: FastEngine, now_s: float, at: Mapping[Kind, list[float]]) -> None:
    """Write down when tokens came."""
    for event in engine.advance(now_s):
        at[event.kind][event.call_id] = event.at_s


def measured(row: Row, guess: float) -> float | None:
    """Return the highest rate at which the share is met, None if an all but idle replica misses."""
    inputs = [drawn(row, seed) for seed in SEEDS]

    def met(rate: float) -> bool:
        return sum(attained(row, rate, *each) for each in inputs) / len(inputs) >= row.ratio

    low = high = guess
    if met(guess):
        while met(high := low * 1.15):
            low = high
    else:
        while not met(low := high / 1.15):
            high = low
            if low < 0.01:
                return None
    while high - low > 0.01 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if met(middle) else (low, middle)
    return (low + high) / 2


def main(words: Sequence[str]) -> None:
    """Measure and store, row by row, so that an interrupted run keeps what it has."""
    means = {
        "conv": Lengths(input_tokens=1154.7, output_tokens=211.1),
        "code": Lengths(input_tokens=2047.8, output_tokens=27.9),
    }
    table = {entry["id"]: entry for entry in json.loads(TABLE.read_text())} if TABLE.exists() else {}
    for row in rows():
        if words and not any(word in row.id for word in words):
            continue
        lengths = means.get(row.traffic)
        if row.lengths is not None:
            prompt, prompt_cv, answer, answer_cv = row.lengths
            lengths = Lengths(input_tokens=prompt, output_tokens=answer, input_cv=prompt_cv, output_cv=answer_cv)
        slo = Slo(ttft_s=row.ttft_s, tpot_s=row.tpot_s, attainment_ratio=row.ratio, source=SloSource.DEFAULT)
        shape = EngineShape(cost=GPUS[row.gpu], max_num_seqs=row.max_num_seqs, token_budget=row.token_budget)
        told = capacity(shape, lengths, slo, row.replicas)
        found = measured(row, told.per_s if not told.missed else 0.05)
        table[row.id] = {"id": row.id, **asdict(row), "per_s": found and round(found, 4)}
        print(row.id, found, "analytic", round(told.per_s, 3), told.missed, flush=True)
        TABLE.write_text("[\n" + ",\n".join(json.dumps(entry) for entry in table.values()) + "\n]\n")


if __name__ == "__main__":
    main(sys.argv[1:])
