"""The traffic of each workload: from recordings where they are at hand, else drawn from a law that is told."""

import dataclasses
import functools
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from penstock.sim import laws, recordings, traces
from penstock.sim.laws import LogNormal
from penstock.sim.traces import Arrival

AZURE_CODE: Final = "azure-2023-code.csv.gz"
MOONCAKE: Final = "mooncake-conversation.jsonl.gz"
CLIENTS: Final = (0, 1, 2, 61, 104)
AZURE_CODE_CREDIT: Final = "Azure LLM inference trace 2023, code (Azure/AzurePublicDataset, CC-BY-4.0)"
MOONCAKE_CREDIT: Final = "Mooncake conversation trace (kvcache-ai/Mooncake, Apache-2.0)"
SERVEGEN_CREDIT: Final = "ServeGen m-large clients (alibaba/ServeGen, Apache-2.0)"
MADE_UP: Final = "made up: no recording at hand"
_COPIES: Final = 4
_OFFICE: Final = (1, 1350, 48)

# log-normal laws with medians and 95th percentiles of the recordings they stand for
_CONV: Final = laws.both(LogNormal(mu=6.93, sigma=0.62), LogNormal(mu=4.86, sigma=0.9, longest=1000))
_CODE: Final = laws.both(LogNormal(mu=7.29, sigma=0.85), LogNormal(mu=2.56, sigma=1.1, longest=1000))
_LONG: Final = laws.both(LogNormal(mu=8.84, sigma=1.05, longest=120_000), LogNormal(mu=5.6, sigma=0.7, longest=2000))
# mean 600; and mean 1,500 with a 95th percentile of 6,000, which no log-normal law has uncut
_REASONING: Final = laws.both(
    LogNormal(mu=6.0769, sigma=0.8, longest=16_384), LogNormal(mu=6.2322, sigma=1.5, longest=32_768)
)
_RAMP: Final = ((330.0, 2.0), (360.0, 4.0), (360.0, 6.0), (360.0, 8.0), (360.0, 10.0), (360.0, 4.0), (300.0, 1.0))
_RAMP_LENGTHS: Final = laws.both(
    laws.Clipped(mean=4000, deviation=300, least=3500, most=4500),
    laws.Clipped(mean=1000, deviation=80, least=900, most=1100),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """Arrivals over `length_s`, whom to name for them, and in a sentence how they came about."""

    arrivals: Sequence[Arrival]
    length_s: float
    credit: str
    law: str


def conversation(seed: int, folder: Path | None) -> Made:
    """Return four copies of Azure's conversation trace, each rotated; 22 requests a second for 58 minutes."""
    base = _recording(folder, traces.AZURE_CONV)
    if base:
        return _rotated(base, seed, traces.AZURE_CREDIT, "Azure conv")
    chance = Random(f"{seed}/conversation")
    made = laws.dressed(laws.gamma(laws.swing(22.1, 0.3, 3500.0), 1.1, 3500.0, chance), _CONV, chance)
    law = "Gamma arrivals, CV 1.1, 22.1/s ± 30 % over 58 min; log-normal lengths, medians 1,020 in and 129 out."
    return Made(arrivals=made, length_s=3500.0, credit=MADE_UP, law=law)


def code(seed: int, folder: Path | None) -> Made:
    """Return four copies of Azure's code trace, each rotated; 10 requests a second in bursts."""
    base = _recording(folder, AZURE_CODE)
    if base:
        return _rotated(base, seed, AZURE_CODE_CREDIT, "Azure code")
    chance = Random(f"{seed}/code")
    bursts = (laws.gamma(lambda _: 2.57, 13.0, 3436.0, chance) for _ in range(_COPIES))
    made = sorted(laws.dressed(itertools.chain(*bursts), _CODE, chance), key=lambda one: one.at_s)
    law = "Four streams of Gamma arrivals, CV 13, 2.57/s each; log-normal lengths, medians 1,469 in and 13 out."
    return Made(arrivals=made, length_s=3436.0, credit=MADE_UP, law=law)


def _rotated(base: Sequence[Arrival], seed: int, credit: str, name: str) -> Made:
    length_s = base[-1].at_s + 1.0
    chance = Random(f"{seed}/{name}")
    offsets = [length_s * (copy + chance.uniform(-0.3, 0.3)) / _COPIES for copy in range(_COPIES)]
    moved = [dataclasses.replace(one, at_s=(one.at_s + offset_s) % length_s) for offset_s in offsets for one in base]
    moved.sort(key=lambda one: one.at_s)
    law = f"{name}, {_COPIES} copies over each other, rotated by {', '.join(f'{one:.0f}' for one in offsets)} s."
    return Made(arrivals=moved, length_s=length_s, credit=credit, law=law)


def clients(first: int, rows: int, share: float) -> Callable[[int, Path | None], Made]:
    """Return the traffic of ServeGen's clients within some rows of 600 s, of which a share is kept."""
    return functools.partial(_clients, first, rows, share)


def _clients(first: int, rows: int, share: float, seed: int, folder: Path | None) -> Made:
    length_s = rows * recordings.ROW_S
    chance = Random(f"{seed}/servegen/{first}")
    lengths, credit = _chat_lengths(folder)
    streams = [_client(folder, number) for number in CLIENTS]
    kept = f"{share:.0%} kept" if share < 1 else "all kept"
    if all(streams):
        parts = (recordings.drawn_times(stream[first : first + rows], chance) for stream in streams)
        times = sorted(at_s for at_s in itertools.chain(*parts) if chance.random() < share)
        days = f"day {first // 144}, {first % 144 / 6:.1f} h to {(first + rows) % 144 / 6:.1f} h"
        law = f"Rates, gap families and shapes of clients {', '.join(map(str, CLIENTS))}, {days}; {kept}."
        credit = f"{SERVEGEN_CREDIT}; lengths: {credit}"
    else:
        height = {260: (0.7, 1.5), 345: (1.5, 0.6)}.get(first, (0.4, 0.4))
        spike = 4.5 if first == 1048 else height[1]
        steps = [(length_s / 3, 20 * height[0]), (length_s / 3, 20 * (height[0] + height[1]) / 2), (600.0, 20 * spike)]
        rate = laws.stages([*steps, (length_s, 20 * height[1])])
        times = sorted(laws.gamma(rate, 1.5, length_s, chance))
        law = "Gamma arrivals, CV 1.5, in stages of about 20/s."
        credit = MADE_UP
    return Made(arrivals=laws.dressed(iter(times), lengths, chance), length_s=length_s, credit=credit, law=law)


def reasoning(seed: int, folder: Path | None) -> Made:
    """Return long answers: Gamma arrivals of CV 1.5, 16 a second with a daily swing, a day played in 90 minutes."""
    del folder
    length_s = 5400.0
    chance = Random(f"{seed}/reasoning")
    made = laws.dressed(laws.gamma(laws.swing(16.0, 0.6, length_s), 1.5, length_s, chance), _REASONING, chance)
    law = (
        "Gamma arrivals, CV 1.5, 16/s ± 60 %, a day's swing in 90 min; log-normal lengths: input mean 600; output mean "
        "1,500 and 95th percentile 6,000 (sigma 1.5, cut at 32,768)."
    )
    return Made(arrivals=made, length_s=length_s, credit="none: a law", law=law)


def long_prompts(seed: int, folder: Path | None) -> Made:
    """Return Mooncake's conversations as recorded; a seed moves where the recording is entered."""
    path = folder / MOONCAKE if folder else None
    chance = Random(f"{seed}/mooncake")
    if path is not None and path.is_file():
        base = _mooncake(path)
        length_s = base[-1].at_s + 3.0
        offset_s = chance.uniform(0, length_s) if seed else 0.0
        moved = [dataclasses.replace(one, at_s=(one.at_s + offset_s) % length_s) for one in base]
        law = f"Mooncake conversation as recorded, rotated by {offset_s:.0f} s; no prefix is shared."
        return Made(
            arrivals=sorted(moved, key=lambda one: one.at_s), length_s=length_s, credit=MOONCAKE_CREDIT, law=law
        )
    made = laws.dressed(laws.gamma(lambda _: 3.4, 1.2, 3540.0, chance), _LONG, chance)
    law = "Gamma arrivals, CV 1.2, 3.4/s; log-normal lengths, medians 6,900 in and 270 out."
    return Made(arrivals=made, length_s=3540.0, credit=MADE_UP, law=law)


def ramp(seed: int, folder: Path | None) -> Made:
    """Return the staged ramp that llm-d scores its guide on SLO-aware scaling by: 2 to 10 to 1 requests a second.

    Source: llm-d/llm-d `guides/workload-autoscaling/slo-aware/benchmark-templates/scored-config.yml` at d38c9f0c, for
    the load generator inference-perf.
    """
    del folder
    chance = Random(f"{seed}/ramp")
    made = laws.dressed(laws.load_stages(_RAMP, chance), _RAMP_LENGTHS, chance)
    rates = ", ".join(f"{per_s:g} ({length_s:.0f} s)" for length_s, per_s in _RAMP)
    law = f"Exponential gaps scaled to stages of {rates} a second; normal lengths, 4,000 ± 300 in, 1,000 ± 80 out, cut."
    return Made(
        arrivals=made,
        length_s=sum(length_s for length_s, _ in _RAMP),
        credit="llm-d's benchmark of its guide on SLO-aware scaling",
        law=law,
    )


def step(seed: int, folder: Path | None) -> Made:
    """Return a step from 2 to 10 requests a second of 4,000 tokens in and 1,000 out."""
    del folder
    chance = Random(f"{seed}/step")
    rate = laws.stages([(600.0, 2.0), (1200.0, 10.0)])
    made = laws.dressed(laws.poisson(rate, 10.0, 1800.0, chance), laws.fixed(4000, 1000), chance)
    law = "Poisson arrivals, 10 min of 2/s, 20 min of 10/s; 4,000 in, 1,000 out."
    return Made(arrivals=made, length_s=1800.0, credit="llm-d/llm-d-autoscaling#1435 (rates and lengths)", law=law)


def office(seed: int, folder: Path | None) -> Made:
    """Return eight hours of one client that is silent for half of them."""
    number, first, rows = _OFFICE
    length_s = rows * recordings.ROW_S
    chance = Random(f"{seed}/office")
    lengths, credit = _chat_lengths(folder)
    stream = _client(folder, number)
    if stream:
        times = list(recordings.drawn_times(stream[first : first + rows], chance))
        law = f"Rates, gap families and shapes of client {number}, day {first // 144}, 9:00 to 17:00."
        credit = f"{SERVEGEN_CREDIT}; lengths: {credit}"
    else:
        work = [(1800.0, 1e-6), (7200.0, 5.0), (5400.0, 1e-6), (7200.0, 4.5), (length_s, 1e-6)]
        times = list(laws.poisson(laws.stages(work), 5.0, length_s, chance))
        law, credit = "Poisson arrivals, two hours of 5/s and two of 4.5/s within eight, else nothing.", MADE_UP
    return Made(arrivals=laws.dressed(iter(times), lengths, chance), length_s=length_s, credit=credit, law=law)


def drift(seed: int, folder: Path | None) -> Made:
    """Return the conversation's arrivals; from half time on they have the lengths of the code trace."""
    made = conversation(seed, folder)
    half_s = made.length_s / 2
    chance = Random(f"{seed}/drift")
    base = _recording(folder, AZURE_CODE)
    lengths = laws.drawn(base) if base else _CODE
    changed = [one if one.at_s < half_s else _dressed(one, lengths(chance)) for one in made.arrivals]
    credit = f"{made.credit}; {AZURE_CODE_CREDIT if base else MADE_UP}"
    law = f"{made.law} From {half_s:.0f} s on, lengths of the code trace, drawn."
    return Made(arrivals=changed, length_s=made.length_s, credit=credit, law=law)


def _dressed(one: Arrival, lengths: tuple[int, int]) -> Arrival:
    return Arrival(at_s=one.at_s, input_tokens=lengths[0], output_tokens=lengths[1])


def _chat_lengths(folder: Path | None) -> tuple[laws.Lengths, str]:
    base = _recording(folder, traces.AZURE_CONV)
    return (laws.drawn(base), traces.AZURE_CREDIT) if base else (_CONV, MADE_UP)


def _recording(folder: Path | None, name: str) -> tuple[Arrival, ...]:
    path = folder / name if folder else None
    return _azure(path) if path is not None and path.is_file() else ()


def _client(folder: Path | None, number: int) -> tuple[recordings.Row, ...]:
    path = folder / f"servegen-m-large-client-{number}.csv.gz" if folder else None
    return _rows(path) if path is not None and path.is_file() else ()


@functools.lru_cache(maxsize=4)
def _azure(path: Path) -> tuple[Arrival, ...]:
    return tuple(traces.read(path))


@functools.lru_cache(maxsize=8)
def _rows(path: Path) -> tuple[recordings.Row, ...]:
    return recordings.servegen(path)


@functools.lru_cache(maxsize=1)
def _mooncake(path: Path) -> tuple[Arrival, ...]:
    return tuple(recordings.mooncake(path))
