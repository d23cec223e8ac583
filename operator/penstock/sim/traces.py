"""Recorded and made-up traffic: arrivals with their lengths, cut out, thinned and played faster."""

import csv
import itertools
import math
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from penstock.domain.errors import InvalidField
from penstock.engine.lengths import Lengths
from penstock.sim.tracefiles import opened

AZURE_CONV: Final = "azure-2023-conv.csv.gz"
AZURE_CREDIT: Final = "Azure LLM inference trace 2023, conversation (Azure/AzurePublicDataset, CC-BY-4.0)"
SYNTHETIC_CREDIT: Final = "synthetic traffic shipped with Penstock"
_COLUMNS: Final = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")
# log-normal laws with the medians that Splitwise (Patel et al., ISCA 2024) gives for conversations
_INPUT: Final = (math.log(1020), 0.5)
_OUTPUT: Final = (math.log(129), 1.0)
_LONGEST_TOKENS: Final = 8000


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One request: seconds since the start, and its lengths in tokens."""

    at_s: float
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Arrivals in order, who is to be named for them, and how many times faster they go than they were recorded."""

    arrivals: tuple[Arrival, ...]
    credit: str
    speed: float = 1.0


def read(path: Path) -> list[Arrival]:
    """Return the requests of an Azure trace (CSV, or that packed with gzip), beginning at 0 s.

    Raises:
        InvalidField: no such file, or not in this format; the field names file and line.
    """
    with opened(path) as file:
        rows = csv.reader(file)
        if tuple(next(rows, ())) != _COLUMNS:
            raise InvalidField(path.name, "first line", f"take a file with the columns {', '.join(_COLUMNS)}")
        found = [_arrival(path, number, row) for number, row in enumerate(rows, start=2) if row]
    found.sort(key=lambda arrival: arrival.at_s)
    return [replace(arrival, at_s=arrival.at_s - found[0].at_s) for arrival in found]


def _arrival(path: Path, number: int, row: Sequence[str]) -> Arrival:
    try:
        stamp, fed, made = row
        whole, _, fraction = stamp.partition(".")
        # datetime knows six digits, these files have seven
        at_s = datetime.fromisoformat(f"{whole}+00:00").timestamp() + float(f"0.{fraction or 0}")
        return Arrival(at_s=at_s, input_tokens=max(1, int(fed)), output_tokens=max(1, int(made)))
    except ValueError as error:
        raise InvalidField(f"{path.name}:{number}", ",".join(row), "write a UTC time and two token counts") from error


def mean_lengths(arrivals: Sequence[Arrival]) -> Lengths:
    """Return the mean lengths of arrivals, of one token each where there are none."""
    count = max(len(arrivals), 1)
    return Lengths(
        input_tokens=max(sum(one.input_tokens for one in arrivals) / count, 1.0),
        output_tokens=max(sum(one.output_tokens for one in arrivals) / count, 1.0),
    )


def window(arrivals: Iterable[Arrival], start_s: float, length_s: float) -> list[Arrival]:
    """Return the arrivals from `start_s` on for `length_s` seconds, beginning at 0 s again."""
    return [
        replace(arrival, at_s=arrival.at_s - start_s)
        for arrival in arrivals
        if start_s <= arrival.at_s < start_s + length_s
    ]


def faster(arrivals: Iterable[Arrival], speed: float) -> list[Arrival]:
    """Return the same arrivals `speed` times as fast; what took ten minutes takes one at 10."""
    return [replace(arrival, at_s=arrival.at_s / speed) for arrival in arrivals]


def thinned(arrivals: Iterable[Arrival], share: float, chance: random.Random) -> list[Arrival]:
    """Return a share of the arrivals, each kept or not by itself, so that bursts stay bursts."""
    return [arrival for arrival in arrivals if chance.random() < share]


def synthetic(length_s: float, mean_per_s: float, chance: random.Random) -> list[Arrival]:
    """Return made-up conversation traffic: a calm, a rise to twice the mean, a fall, and short bursts on the way.

    Arrivals are a Poisson process whose rate follows that shape, drawn by thinning (Lewis and Shedler, 1979); lengths
    are log-normal.
    """
    peak_per_s = 3 * mean_per_s
    found = []
    for at_s in itertools.takewhile(lambda at_s: at_s < length_s, _poisson(peak_per_s, chance)):
        if chance.random() * peak_per_s < mean_per_s * _shape(at_s / length_s):
            lengths = _length(_INPUT, chance), _length(_OUTPUT, chance)
            found.append(Arrival(at_s=at_s, input_tokens=lengths[0], output_tokens=lengths[1]))
    return found


def _poisson(per_s: float, chance: random.Random) -> Iterator[float]:
    at_s = 0.0
    while True:
        at_s += chance.expovariate(per_s)
        yield at_s


def _shape(part: float) -> float:
    """Return the rate over its mean at a part (0 to 1) of the whole; 3 at most, about 1 on average."""
    hill = 0.4 + 1.3 * math.sin(math.pi * part) ** 2
    burst = 1.0 if (part * 6) % 1 < 0.08 else 0.0
    return min(hill + burst, 3.0)


def _length(law: tuple[float, float], chance: random.Random) -> int:
    return max(1, min(_LONGEST_TOKENS, round(chance.lognormvariate(*law))))


def traffic(
    traces: Path | None, *, start_s: float, length_s: float, speed: float, mean_per_s: float, seed: int = 1
) -> Traffic:
    """Return `length_s` seconds of traffic of about `mean_per_s` requests per second, as played.

    It is the slice of the Azure trace that begins `start_s` seconds into the recording, where `traces` is a folder
    that has it; else synthetic. The same arguments give the same traffic.
    """
    chance = random.Random(seed)
    file = traces / AZURE_CONV if traces else None
    if file is None or not file.is_file():
        return Traffic(arrivals=tuple(synthetic(length_s, mean_per_s, chance)), credit=SYNTHETIC_CREDIT)
    played = faster(window(read(file), start_s, length_s * speed), speed)
    share = mean_per_s * length_s / len(played) if played else 1.0
    return Traffic(arrivals=tuple(thinned(played, share, chance)), credit=AZURE_CREDIT, speed=speed)
