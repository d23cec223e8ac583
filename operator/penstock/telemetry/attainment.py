"""Which share of requests met its targets, by the engines' own histograms: one query for all models and targets."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from typing import Final

from penstock.domain.buckets import share_between
from penstock.domain.catalogue import ModelScope
from penstock.domain.series import SERIES, Signal
from penstock.telemetry.answers import Queries, Sample
from penstock.telemetry.labels import MODEL, scope_of
from penstock.telemetry.promql import checked, first_of, labelled, one_of, selector
from penstock.telemetry.queries import PART

NAME: Final = "attainment"
WINDOW_S: Final = 300.0
Targets = tuple[float, float]  # time to first token, time per output token, in seconds
# the bounds of vLLM's histograms: two of them enclose a target
_BOUNDS: Final = {
    Signal.TTFT: (
        *(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75),
        *(1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0, 160.0, 640.0, 2560.0),
    ),
    Signal.TPOT: (
        *(0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75),
        *(1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0),
    ),
}
_NAMES: Final = {
    Signal.TTFT: SERIES[Signal.TTFT].names,
    # of requests rather than of tokens, where there is the choice
    Signal.TPOT: sorted(SERIES[Signal.TPOT].names, key=lambda name: "request_time" not in name),
}
_ALL: Final = "+Inf"


async def attained(
    prometheus: Queries, wanted: Mapping[ModelScope, frozenset[Targets]], now_s: float
) -> dict[tuple[ModelScope, Targets], float]:
    """Return the least share that met both targets over five minutes; what is not known is left out.

    Histograms tell each latency by itself: who missed one may not be who missed the other, so both misses count. Of a
    target between two bounds `share_between` tells.

    Raises:
        Unreachable, Refused: no answer.
    """
    if not wanted:
        return {}
    answer = await prometheus.query(NAME, _promql(wanted), now_s)
    counts = _counts(answer.samples)
    found = {}
    for scope, targets in wanted.items():
        for pair in targets:
            shares = [_share(counts, scope, signal, at) for signal, at in zip(_BOUNDS, pair, strict=True)]
            if None not in shares:
                found[scope, pair] = max(0.0, 1.0 - sum(1.0 - (share or 0.0) for share in shares))
    return found


def _promql(wanted: Mapping[ModelScope, frozenset[Targets]]) -> str:
    pairs = {pair for targets in wanted.values() for pair in targets}
    where = one_of("model_name", {scope.model for scope in wanted})
    parts = []
    for place, signal in enumerate(_BOUNDS):
        bounds = {bound for pair in pairs for bound in _around(signal, pair[place])}
        texts = one_of("le", {_ALL, *(text for bound in bounds for text in (f"{bound:g}", str(bound)))})
        series = first_of(
            f"sum by ({MODEL}, le) (rate({selector(f'{name}_bucket', (where, texts), WINDOW_S)}))"
            for name in _NAMES[signal]
        )
        parts.append(labelled(series, PART, signal.value))
    return checked(first_of(parts))


def _around(signal: Signal, target_s: float) -> tuple[float, ...]:
    bounds = _BOUNDS[signal]
    place = bisect_left(bounds, target_s)
    if place < len(bounds) and bounds[place] == target_s:
        return (target_s,)
    return bounds[max(place - 1, 0) : place + 1]


_Counts = dict[tuple[ModelScope, str], dict[float, float]]


def _counts(samples: Iterable[Sample]) -> _Counts:
    found: _Counts = {}
    for sample in samples:
        mine = found.setdefault((scope_of(sample.labels), sample.labels[PART]), {})
        bound = float(sample.labels["le"])
        mine[bound] = mine.get(bound, 0.0) + sample.value
    return found


def _share(counts: _Counts, scope: ModelScope, signal: Signal, target_s: float) -> float | None:
    """Return the share of one histogram up to the target, None where it does not tell."""
    mine, around = counts.get((scope, signal.value), {}), _around(signal, target_s)
    total = mine.get(float("inf"), 0.0)
    if not total > 0 or any(bound not in mine for bound in around):
        return None
    low, high = around[0], around[-1]
    if low == high:
        return mine[low] / total
    before, count, every = [rate * WINDOW_S for rate in (mine[low], max(mine[high], mine[low]), total)]
    return share_between(before, count, every, (target_s - low) / (high - low))
