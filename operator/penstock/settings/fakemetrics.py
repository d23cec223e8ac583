"""Metrics that an emulated engine reports instead of its own: constants, and functions of time.

The shape is llm-d-inference-sim's `--fake-metrics`. What is not given is not reported.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from penstock.domain.errors import InvalidField
from penstock.domain.goduration import parse_go_duration

FIELD: Final = "fake-metrics"
HISTOGRAMS: Final = (
    "ttft-buckets-values", "tpot-buckets-values", "e2erl-buckets-values", "queue-time-buckets-values",
    "inf-time-buckets-values", "prefill-time-buckets-values", "decode-time-buckets-values", "request-prompt-tokens",
    "request-generation-tokens", "request-max-generation-tokens", "request-params-max-tokens",
)  # fmt: skip
TOTALS: Final = ("total-prompt-tokens", "total-generation-tokens", "prefix-cache-hits", "prefix-cache-queries")
GAUGES: Final = ("running-requests", "waiting-requests", "kv-cache-usage")
FINISH_REASONS: Final = ("stop", "length", "tool_calls", "remote_decode")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """`shape:start:end:period`, a function of the seconds since it was set."""

    shape: str
    start: float
    end: float
    period_s: float

    def at(self, elapsed_s: float) -> float:
        """Return the value after so many seconds."""
        return self.start + SHAPES[self.shape](elapsed_s / self.period_s) * (self.end - self.start)


# periods since the start -> share of the way from start to end
SHAPES: Final[dict[str, Callable[[float], float]]] = {
    "oscillate": lambda periods: (1 + math.sin(2 * math.pi * periods)) / 2,
    "ramp": lambda periods: min(periods, 1.0),
    "rampreset": lambda periods: periods % 1.0,
    "squarewave": lambda periods: 0.0 if periods % 1.0 < 0.5 else 1.0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterSample:
    """One series of `vllm:lora_requests_info`: names separated by commas, and its value, a Unix time."""

    running: str
    waiting: str
    timestamp_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeMetrics:
    """What is reported, by the keys of the JSON object."""

    gauges: Mapping[str, float | Wave] = field(default_factory=dict)
    histograms: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    totals: Mapping[str, int] = field(default_factory=dict)
    finished: Mapping[str, int] = field(default_factory=dict)
    adapters: tuple[AdapterSample, ...] = ()


def parse_fake_metrics(value: object, base: FakeMetrics | None = None) -> FakeMetrics:
    """Return `base` with what the JSON object gives put over it; null leaves a field alone, [] and {} empty it.

    Raises:
        InvalidField: no object, an unknown key, or a value out of range.
    """
    metrics = base or FakeMetrics()
    for key, given in _object(value, FIELD).items():
        if given is not None:
            metrics = _with(metrics, key, given)
    hits, queries = (metrics.totals.get(key) for key in TOTALS[2:])
    if (hits is None) != (queries is None) or (hits or 0) > (queries or 0):
        raise InvalidField(f"{FIELD}.{TOTALS[2]}", hits, f"give it with {TOTALS[3]}, and not above that")
    return metrics


def _with(metrics: FakeMetrics, key: str, given: Any) -> FakeMetrics:  # noqa: ANN401 - decoded JSON
    name = f"{FIELD}.{key}"
    if key in GAUGES:
        return replace(
            metrics, gauges={**metrics.gauges, key: _gauge(given, name, 1 if key == GAUGES[2] else math.inf)}
        )
    if key in HISTOGRAMS:
        counts = tuple(_count(count, name) for count in _list(given, name))
        return replace(metrics, histograms=_put(metrics.histograms, key, counts))
    if key in TOTALS:
        return replace(metrics, totals={**metrics.totals, key: _count(given, name)})
    if key == "request-success-total":
        return replace(metrics, finished=_finished(given, name))
    if key == "loras":
        return replace(metrics, adapters=tuple(_adapter(sample, name) for sample in _list(given, name)))
    raise InvalidField(name, given, f"write one of {', '.join((*GAUGES, 'loras', *HISTOGRAMS, *TOTALS))}")


def _put(histograms: Mapping[str, tuple[int, ...]], key: str, counts: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    kept = {name: held for name, held in histograms.items() if name != key}
    return kept | {key: counts} if counts else kept


def _gauge(given: object, name: str, most: float) -> float | Wave:
    if isinstance(given, str):
        wave = _wave(given, name)
        _number(wave.start, name, most)
        _number(wave.end, name, most)
        return wave
    return _number(given, name, most)


def _wave(text: str, name: str) -> Wave:
    shape, *rest = text.split(":")
    try:
        start, end, period = rest
        wave = Wave(shape=shape, start=float(start), end=float(end), period_s=parse_go_duration(period, name))
    except ValueError:
        wave = None
    if wave is None or shape not in SHAPES or wave.period_s <= 0:
        raise InvalidField(name, text, f"write {'|'.join(SHAPES)}:start:end:period, such as ramp:0:10:5s")
    return wave


def _finished(given: object, name: str) -> dict[str, int]:
    counts = {reason: _count(count, f"{name}.{reason}") for reason, count in _object(given, name).items()}
    for reason in counts:
        if reason not in FINISH_REASONS:
            raise InvalidField(name, reason, f"write one of {', '.join(FINISH_REASONS)}")
    return {reason: counts.get(reason, 0) for reason in FINISH_REASONS} if counts else {}


def _adapter(given: object, name: str) -> AdapterSample:
    sample = _object(given, name)
    return AdapterSample(
        running=str(sample.get("running", "")),
        waiting=str(sample.get("waiting", "")),
        timestamp_s=_number(sample.get("timestamp", 0), name, math.inf),
    )


def _number(given: object, name: str, most: float) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given <= most:
        raise InvalidField(name, given, "write a number, 0 to 1" if most == 1 else "write a number, 0 or more")
    return float(given)


def _count(given: object, name: str) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or given < 0:
        raise InvalidField(name, given, "write a whole number, 0 or more")
    return given


def _object(given: object, name: str) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise InvalidField(name, given, "write a JSON object")
    return given


def _list(given: object, name: str) -> list[Any]:
    if not isinstance(given, list):
        raise InvalidField(name, given, "write a JSON list")
    return given
