"""How long what is asked for elsewhere takes to serve the need again, once replicas find no place: read off records."""

from collections.abc import Iterable

from penstock.records.record import Record

_ROUNDING = 1e-6


def spill_s(records: Iterable[Record]) -> float | None:
    """Return the longest such time in seconds, None where there always was enough with a place.

    It begins with the first pass that sees replicas without a place and more needed than all the others serve, and
    ends with the pass whose numbers, those without a place apart, serve the need again, or with the last one.
    """
    began_s, longest, now_s = None, None, 0.0
    for record in records:
        now_s = record.observation.now_s
        if began_s is None and _stuck(record) and not _serves(record, asked=False):
            began_s = now_s
        if began_s is not None and (_serves(record, asked=True) or not _stuck(record)):
            longest, began_s = max(longest or 0.0, now_s - began_s), None
    return longest if began_s is None else max(longest or 0.0, now_s - began_s)


def _stuck(record: Record) -> int:
    return sum(target.stuck for target in record.observation.targets.values())


def _serves(record: Record, *, asked: bool) -> bool:
    """Tell whether replicas with a place, as asked for before or now, serve what is needed."""
    need, there = 0.0, 0.0
    for decision in record.decisions:
        stuck = record.observation.targets[decision.key].stuck
        number = decision.desired if asked else decision.previous
        need = max(need, decision.need_per_s or 0.0)
        there += max((number or 0) - stuck, 0) * (decision.capacity_per_s or 0.0)
    return there >= need - _ROUNDING
