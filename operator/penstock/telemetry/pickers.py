"""What endpoint pickers other than ours count of requests before any engine does, added up per namespace and model."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from penstock.domain.catalogue import ModelScope
from penstock.domain.observations import Inflow
from penstock.domain.readings import ABSENT, Reading, reading
from penstock.telemetry.answers import Sample
from penstock.telemetry.labels import namespace_of
from penstock.telemetry.queries import PART, PICKER, Part

_Counts = dict[str, float]  # by part
_PickerKey = tuple[str, ...]


def inflows(samples: Iterable[Sample], *, now_s: float, stale_after_s: float) -> dict[ModelScope, Inflow]:
    """Return the inflow of every model that a picker named, each as old as the picker that spoke longest ago.

    A picker counts under the name that goes to the engine, or else under the one that the client wrote. Our own
    routers do not read it and count under none: they tell by themselves.
    """
    times: dict[_PickerKey, float] = {}
    counts: defaultdict[ModelScope, defaultdict[_PickerKey, _Counts]] = defaultdict(lambda: defaultdict(dict))
    for sample in samples:
        labels, part = sample.labels, sample.labels[PART]
        picker = tuple(labels.get(name, "") for name in PICKER)
        if part == Part.TIME:
            times[picker] = sample.value
            continue
        model = labels.get("target_model_name") or labels.get("model_name") or ""
        if model:
            mine = counts[ModelScope(namespace_of(labels), model)][picker]
            mine[part] = mine.get(part, 0.0) + sample.value
    return {scope: _sum(pickers, times, now_s=now_s, stale_after_s=stale_after_s) for scope, pickers in counts.items()}


def _sum(
    pickers: Mapping[_PickerKey, _Counts], times: Mapping[_PickerKey, float], *, now_s: float, stale_after_s: float
) -> Inflow:
    """Add up what the pickers of one model say; a part that one of them leaves out is unknown of all."""
    at_s = min(times.get(picker, 0.0) for picker in pickers)
    tables: Final = tuple(pickers.values())

    def total(part: Part) -> Reading:
        found = [counts[part] for counts in tables if part in counts]
        if len(found) < len(tables):
            return ABSENT
        return reading(sum(found), at_s, now_s=now_s, stale_after_s=stale_after_s)

    return Inflow(waiting=total(Part.WAITING), growth_per_s=total(Part.GROWTH), arrivals_per_s=total(Part.ARRIVALS))
