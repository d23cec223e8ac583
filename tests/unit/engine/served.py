"""Samples as an engine's own series would give them, from a simulated replica with hidden coefficients."""

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from penstock.engine.fastforward import FIRST, FastEngine
from penstock.engine.samples import Sample
from penstock.engine.steptime import StepCost


def changed(cost: StepCost, decode: float, prompt: float) -> StepCost:
    """Return a cost whose coefficients are other than supposed."""
    return cost.scaled((decode,) * 3, (prompt,) * 3, floor=decode)


def log_normal(chance: random.Random, mean: float, sigma: float = 0.8) -> Callable[[], int]:
    """Return a source of lengths."""
    return lambda: max(2, round(chance.lognormvariate(math.log(mean) - sigma * sigma / 2, sigma)))


def samples(
    cost: StepCost,
    rates: Sequence[float],
    tokens: tuple[float, float],
    seed: int = 1,
    window_s: float = 60.0,
    sigma: float = 0.8,
) -> Iterator[Sample]:
    """Yield one sample per rate: what finished within its window, at that rate of arrivals."""
    chance = random.Random(seed)
    engine = FastEngine(cost, max_num_seqs=256, token_budget=2048)
    prompt, answer = log_normal(chance, tokens[0]), log_normal(chance, tokens[1], sigma)
    known: dict[int, tuple[float, int, int]] = {}
    first: dict[int, tuple[float, float]] = {}
    now = 0.0
    for number, rate in enumerate(rates):
        ended: list[tuple[float, float, int, int]] = []
        until = (number + 1) * window_s
        while True:
            now += chance.expovariate(rate)
            now = min(now, until)
            for event in engine.advance(now):
                if event.kind is FIRST:
                    first[event.call_id] = (event.at_s, event.at_s - event.started_s)
                else:
                    began, prefill_s = first.pop(event.call_id)
                    _, fed, made = known.pop(event.call_id)
                    ended.append((event.at_s - began, prefill_s, fed, made))
            if now == until:
                break
            call = len(known) + engine.preemptions + int(now * 1e6)
            known[call] = (now, prompt(), answer())
            engine.submit(call, known[call][1], known[call][2], now)
        if ended:
            yield replace(_sample(ended, window_s), cached_tokens=engine.kv_tokens, running=engine.running)


def _sample(ended: Sequence[tuple[float, float, int, int]], window_s: float) -> Sample:
    count = len(ended)
    return Sample(
        rate_per_s=count / window_s,
        input_tokens=sum(fed for _, _, fed, _ in ended) / count,
        output_tokens=sum(made for *_, made in ended) / count,
        tpot_s=sum(took for took, *_ in ended) / sum(made - 1 for *_, made in ended),
        prefill_s=sum(prefill_s for _, prefill_s, _, _ in ended) / count,
        requests=count,
    )
