"""How sure an answer is, by rules that are written down; the weakest of its grounds decides."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final


class Level(IntEnum):
    """How sure; NONE is no answer."""

    NONE = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3

    @property
    def word(self) -> str:
        """Return the level as people read it."""
        return self.name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """What an answer rests on. Errors are of the simulation of what ran against what was recorded; None: not recorded.

    `points` is how far the share of requests within the targets is off, in percentage points; `tpot_ratio` and
    `ttft_ratio` are simulated means over recorded ones. `supposed`: GPU and model size are known. `played_ratio` is the
    part of the time that was played.
    """

    days: float
    requests: float
    unscraped_ratio: float
    points: float | None = None
    tpot_ratio: float | None = None
    ttft_ratio: float | None = None
    supposed: bool = True
    played_ratio: float = 1.0


@dataclass(frozen=True, slots=True)
class Sureness:
    """The level, and in words what keeps it from being higher."""

    level: Level
    because: tuple[str, ...]


# at least so much for HIGH, MEDIUM, LOW
_DAYS: Final = (5.0, 2.0, 1.0)
_REQUESTS: Final = (100_000.0, 10_000.0, 1_000.0)
# at most so much
_UNSCRAPED: Final = (0.05, 0.2, 0.4)
_POINTS: Final = (1.0, 3.0, 15.0)
_RATIO: Final = (1.15, 1.4, 4.0)
_TTFT_RATIO: Final = (1.5, 3.0, 20.0)  # the time to the first token is mostly a queue's, which a little load doubles
_PLAYED: Final = (0.3, 0.05, 0.0)


def sureness(grounds: Grounds) -> Sureness:
    """Return how sure an answer on these grounds is; `because` is empty where nothing keeps it down."""
    judged = [(level, why) for level, why in _judged(grounds) if level < Level.HIGH]
    level = min((level for level, _ in judged), default=Level.HIGH)
    return Sureness(level, tuple(why for each, why in judged if each == level))


def _judged(on: Grounds) -> Iterator[tuple[Level, str]]:
    yield _told(
        _least(on.unscraped_ratio, _UNSCRAPED),
        f"{on.unscraped_ratio * 100:.0f} % of the time unscraped",
        "40 % at most",
    )
    yield _told(_most(on.days, _DAYS), f"{on.days:.1f} days seen", "1 at least")
    yield _told(_most(on.requests, _REQUESTS), f"{on.requests:,.0f} requests", "1,000 at least")
    yield _most(on.played_ratio, _PLAYED), f"{on.played_ratio * 100:.0f} % of the time played"
    yield from _error(on)
    if not on.supposed:
        yield Level.MEDIUM, "the model's size is unknown, so its engine is known by its latencies only"


def _told(level: Level, seen: str, bound: str) -> tuple[Level, str]:
    """Return the level and what it rests on; with what an answer takes where there is none."""
    return level, seen if level else f"{seen}, an answer takes {bound}"


def _error(on: Grounds) -> Iterator[tuple[Level, str]]:
    if on.points is None:
        yield Level.LOW, "no latency histograms to check the simulation against"
    else:
        yield _least(on.points, _POINTS), f"simulated as it ran, the share within the SLO is {on.points:.1f} points off"
    for name, ratio, bounds in (("tpot", on.tpot_ratio, _RATIO), ("ttft", on.ttft_ratio, _TTFT_RATIO)):
        if ratio is not None:
            off = max(ratio, 1 / ratio) if ratio > 0 else bounds[-1] + 1
            yield _least(off, bounds), f"simulated as it ran, the mean {name} is {ratio:.2f} of the recorded one"


def _most(value: float, bounds: tuple[float, ...]) -> Level:
    """Return the highest level whose bound is reached."""
    return next((Level(3 - place) for place, bound in enumerate(bounds) if value >= bound), Level.NONE)


def _least(value: float, bounds: tuple[float, ...]) -> Level:
    return next((Level(3 - place) for place, bound in enumerate(bounds) if value <= bound), Level.NONE)
