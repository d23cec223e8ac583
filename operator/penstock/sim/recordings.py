"""Readers of public recordings beside Azure's: ServeGen's rates per client, and Mooncake's requests."""

import csv
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from random import Random
from typing import Final

from penstock.domain.errors import InvalidField
from penstock.sim.tracefiles import opened
from penstock.sim.traces import Arrival

ROW_S: Final = 600.0


class Family(StrEnum):
    """What gaps between requests are drawn from; the rows that have none are silent, or too short to tell."""

    GAMMA = "Gamma"
    WEIBULL = "Weibull"
    NONE = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What one client sent within 600 s: requests per second, and the family and shape of the gaps between them."""

    per_s: float
    family: Family
    shape: float


def servegen(path: Path) -> tuple[Row, ...]:
    """Return the rows of a ServeGen client file (alibaba/ServeGen), one for each 600 s, in order.

    Columns: start of the row in seconds, rate, coefficient of variation, family, and two parameters of it.

    Raises:
        InvalidField: no such file, or not in this format; the field names file and line.
    """
    with opened(path) as file:
        return tuple(_row(path, number, row) for number, row in enumerate(csv.reader(file), start=1) if row)


def _row(path: Path, number: int, row: Sequence[str]) -> Row:
    try:
        _, rate, _, family, shape, _ = row
        return Row(per_s=float(rate), family=Family(family), shape=float(shape))
    except ValueError as error:
        remedy = "write time, rate, CV, Gamma or Weibull, and two parameters"
        raise InvalidField(f"{path.name}:{number}", ",".join(row), remedy) from error


def drawn_times(rows: Sequence[Row], chance: Random) -> Iterator[float]:
    """Yield the times of requests: as many as each row counted, with gaps drawn from its own family.

    The gaps of a row are stretched so that they fill its 600 s. Of the two parameters only the shape is needed then;
    the recorded scale is a fit that misses the counted rate by half and more where gaps are heavy-tailed.
    """
    for number, row in enumerate(rows):
        gaps = [_gap(row, chance) for _ in range(round(row.per_s * ROW_S) + 1)]
        stretch = ROW_S / (math.fsum(gaps) or 1.0)
        at_s = number * ROW_S
        for gap in gaps[:-1]:
            at_s += gap * stretch
            yield at_s


def _gap(row: Row, chance: Random) -> float:
    if row.family is Family.GAMMA:
        return chance.gammavariate(row.shape, 1.0)
    if row.family is Family.WEIBULL:
        return chance.weibullvariate(1.0, row.shape)
    return chance.expovariate(1.0)


def mooncake(path: Path) -> list[Arrival]:
    """Return the requests of a Mooncake trace (kvcache-ai/Mooncake): one JSON object a line, times in milliseconds.

    Raises:
        InvalidField: no such file, or not in this format; the field names file and line.
    """
    with opened(path) as file:
        found = [_request(path, number, line) for number, line in enumerate(file, start=1) if line.strip()]
    return sorted(found, key=lambda arrival: arrival.at_s)


def _request(path: Path, number: int, line: str) -> Arrival:
    try:
        body = json.loads(line)
        return Arrival(
            at_s=body["timestamp"] / 1000,
            input_tokens=max(1, int(body["input_length"])),
            output_tokens=max(1, int(body["output_length"])),
        )
    except (ValueError, TypeError, KeyError) as error:
        remedy = "write timestamp (ms), input_length and output_length"
        raise InvalidField(f"{path.name}:{number}", line.strip()[:80], remedy) from error
