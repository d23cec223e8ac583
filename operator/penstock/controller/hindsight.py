"""What became of forecasts, and what runs by what would have done: a model's decisions judged by what came after."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from penstock.domain.catalogue import ModelScope
from penstock.domain.decisions import Decision
from penstock.scaling.forecast import forecast
from penstock.scaling.history import ModelPast
from penstock.scaling.judging import mean_ratio, off_ratio

EVERY_S: Final = 60.0  # between two forecasts that are judged
_LATE_S: Final = 60.0  # a forecast that nobody could look at in time is not judged


@dataclass(frozen=True, slots=True)
class Judgement:
    """Of one model; None is unknown.

    `forecast_error_ratio` is the mean distance of forecast and arrivals by the larger of them. `cost_ratio` is what
    runs by the least that serves what arrives now, parts of replicas allowed, both in money per hour.
    """

    forecast_error_ratio: float | None = None
    cost_ratio: float | None = None


@dataclass(slots=True)
class Hindsight:
    """Keeps forecasts until their time has come; `judged` is what is known by now."""

    judged: dict[ModelScope, Judgement] = field(default_factory=dict)
    _due: dict[ModelScope, deque[tuple[float, float]]] = field(default_factory=dict)
    _errors: dict[ModelScope, float | None] = field(default_factory=dict)

    def saw(self, models: Mapping[ModelScope, ModelPast], decisions: Iterable[Decision], now_s: float) -> None:
        """Judge by one pass; models whose demand it did not know are left out."""
        of_model: dict[ModelScope, list[Decision]] = {}
        for decision in decisions:
            of_model.setdefault(ModelScope(decision.key.namespace, decision.model), []).append(decision)
        self._due = {scope: due for scope, due in self._due.items() if scope in of_model}
        self._errors = {scope: error for scope, error in self._errors.items() if scope in of_model}
        self.judged = {}
        for scope, members in of_model.items():
            past = models.get(scope)
            if past is None or not past.moments or past.moments[-1].at_s != now_s:
                continue
            came = past.moments[-1].arrivals_per_s
            self._look_back(scope, came, now_s)
            self._look_ahead(scope, past, now_s)
            self.judged[scope] = Judgement(self._errors.get(scope), _cost_ratio(members, came))

    def _look_back(self, scope: ModelScope, came: float, now_s: float) -> None:
        due = self._due.setdefault(scope, deque())
        while due and due[0][0] <= now_s:
            at_s, expected = due.popleft()
            if now_s - at_s <= _LATE_S:
                self._errors[scope] = mean_ratio(self._errors.get(scope), off_ratio(expected, came))

    def _look_ahead(self, scope: ModelScope, past: ModelPast, now_s: float) -> None:
        """Keep what is expected when that comes which this pass decided for."""
        due, lead_s = self._due.setdefault(scope, deque()), past.lead_s or 0.0
        if not due or due[-1][0] + EVERY_S <= now_s + lead_s:
            found = forecast(past.moments, lead_s=lead_s, attainment_ratio=0.5, since_s=past.others_since_s)
            due.append((now_s + lead_s, found.level_per_s + found.trend_per_s))


def _cost_ratio(members: Iterable[Decision], came: float) -> float | None:
    members = tuple(members)
    costs = [one.alloc.cost_per_h for one in members]
    each = [
        one.alloc.cost_per_replica_per_h / one.capacity_per_s
        for one in members
        if one.capacity_per_s and one.alloc.cost_per_replica_per_h is not None
    ]
    least = came * min(each, default=0.0)
    return None if None in costs or not least else sum(cost or 0.0 for cost in costs) / least
