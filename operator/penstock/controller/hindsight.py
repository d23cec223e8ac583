"""What became of forecasts, and what runs by what would have done: a model's decisions judged by what came after."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from penstock.domain.catalogue import ModelScope
from penstock.domain.decisions import Decision
from penstock.scaling.history import ModelPast


@dataclass(frozen=True, slots=True)
class Judgement:
    """Of one model; None is unknown.

    `forecast_error_ratio` is the mean distance of forecast and arrivals by the larger of them. `cost_ratio` is what
    runs by the least that serves what arrives now, parts of replicas allowed, both in money per hour.
    """

    forecast_error_ratio: float | None = None
    cost_ratio: float | None = None


def judged(
    models: Mapping[ModelScope, ModelPast], decisions: Iterable[Decision], now_s: float
) -> dict[ModelScope, Judgement]:
    """Judge by one pass and what it remembers; models whose demand it did not know are left out."""
    members: defaultdict[ModelScope, list[Decision]] = defaultdict(list)
    for decision in decisions:
        members[ModelScope(decision.key.namespace, decision.model)].append(decision)
    pasts = [(scope, models[scope]) for scope in members if scope in models]
    return {
        scope: Judgement(past.accuracy.error_ratio, _cost_ratio(members[scope], past.moments[-1].arrivals_per_s))
        for scope, past in pasts
        if past.moments and past.moments[-1].at_s == now_s
    }


def _cost_ratio(members: Sequence[Decision], came: float) -> float | None:
    costs = [one.alloc.cost_per_h for one in members]
    each = [
        one.alloc.cost_per_replica_per_h / one.capacity_per_s
        for one in members
        if one.capacity_per_s and one.alloc.cost_per_replica_per_h is not None
    ]
    least = came * min(each, default=0.0)
    return None if None in costs or not least else sum(cost or 0.0 for cost in costs) / least
