"""The `[WA-ROUTING]` lines of one fact each: level, message, and keys in their published order."""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from penstock.domain.requests import Request
from penstock.flow.actions import Action, Admitted, Counted, Dispatch, Reject
from penstock.ordering.score import Score

LOGGER: Final = "penstock.router"
PREFIX: Final = "[WA-ROUTING] "
Value: TypeAlias = str | int | float | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Extracted:
    """A request's workload context was read, or taken from the defaults."""

    request: Request
    generation: int


Fact: TypeAlias = Extracted | Action


@dataclass(frozen=True, slots=True)
class Line:
    """One line: `pairs` keep their order."""

    level: int
    message: str
    pairs: Mapping[str, Value]


def lines(fact: Fact) -> Iterator[Line]:
    """Return the lines that tell one fact."""
    return _TELLERS[type(fact)](fact)


def _extracted(fact: Extracted) -> Iterator[Line]:
    context = fact.request.context
    yield Line(
        logging.INFO,
        "Workload context extracted",
        {
            "request_id": fact.request.request_id,
            "workload_id": context.workload_id,
            "criticality": context.criticality,
            "policy_generation": fact.generation,
        },
    )


def _counted(fact: Counted) -> Iterator[Line]:
    pairs: dict[str, Value] = {"workload_id": fact.workload_id, "active_requests": fact.active}
    if fact.joined:
        pairs |= {"total_requests": fact.total, "request_rate": fact.rate_per_s}
    pairs |= {"policy_generation": fact.generation, "request_id": fact.request.request_id}
    yield Line(logging.DEBUG, f"Workload active {'incremented' if fact.joined else 'decremented'}", pairs)


def _admitted(fact: Admitted) -> Iterator[Line]:
    yield Line(
        logging.INFO,
        "Request admitted to flow control",
        {
            "request_id": fact.request.request_id,
            "workload_id": fact.context.workload_id,
            "criticality": fact.context.criticality,
            "policy_generation": fact.generation,
        },
    )
    if fact.score is not None:
        yield _scored(logging.DEBUG, fact, fact.score, {})


def _dispatched(fact: Dispatch) -> Iterator[Line]:
    where: dict[str, Value] = {"endpoint": fact.endpoint} | ({"lane": True} if fact.lane else {})
    if fact.score is not None:
        yield _scored(logging.INFO, fact, fact.score, where)
    pairs: dict[str, Value] = {
        "request_id": fact.request.request_id,
        "workload_id": fact.context.workload_id,
        "queue_size_before": fact.queue_size_before,
        "policy_generation": fact.generation,
        "own_wait_sec": fact.waited_s,
    }
    yield Line(logging.INFO, "Request dispatched", pairs | where)


def _rejected(fact: Reject) -> Iterator[Line]:
    yield Line(
        logging.INFO,
        "Request rejected",
        {
            "request_id": fact.request.request_id,
            "workload_id": fact.context.workload_id,
            "criticality": fact.context.criticality,
            "reason": fact.reason.value,
            "status": fact.status,
            "policy_generation": fact.generation,
            "own_wait_sec": fact.waited_s,
        },
    )


def _scored(level: int, fact: Admitted | Dispatch, score: Score, where: Mapping[str, Value]) -> Line:
    return Line(
        level,
        "Priority score computed",
        {
            "workload_id": fact.context.workload_id,
            "criticality": score.criticality,
            "avg_wait_time_sec": score.avg_wait_s,
            "request_rate": score.rate_per_s,
            "normalized_wait": score.normalized_wait,
            "normalized_crit": score.normalized_crit,
            "normalized_rate": score.normalized_rate,
            "final_score": score.final_score,
            "policy_generation": fact.generation,
            "request_id": fact.request.request_id,
            "own_wait_sec": score.own_wait_s,
            **where,
        },
    )


_TELLERS: Final[Mapping[type, Callable[..., Iterator[Line]]]] = {
    Extracted: _extracted,
    Counted: _counted,
    Admitted: _admitted,
    Dispatch: _dispatched,
    Reject: _rejected,
}
