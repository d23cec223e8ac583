"""One recorded pass with one thing changed: what would have been decided then."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from penstock.domain.decisions import Decision
from penstock.domain.errors import InvalidField
from penstock.domain.observations import Inflow, Observation, PodMetrics
from penstock.domain.readings import Known, Reading
from penstock.domain.units import parse_attainment, parse_duration
from penstock.domain.variants import SloOverride, Variant
from penstock.records.record import Record
from penstock.records.story import because
from penstock.scaling.config import Config, Quota
from penstock.scaling.decide import decide

_T = TypeVar("_T", Variant, SloOverride)
_Fields = Mapping[str, tuple[str, Callable[[str, str], float]]]
"""By the name that users write: the field that is set, and how its text is read."""

_SHARE: Final = re.compile(r"([+-]?)(\d+(?:\.\d+)?)%")
HOW: Final = (
    "write demand=+20%, slo.ttft=1s, slo.tpot=50ms, slo.attainment=99%, cost.VARIANT=3.5, min.VARIANT=2, "
    "max.VARIANT=8, startup.VARIANT=2m or quota.ACCELERATOR=4"
)


@dataclass(frozen=True, slots=True)
class WhatIf:
    """A variant's number as decided, and as it would have been, and `why`."""

    before: Decision
    after: Decision
    why: str


def what_if(record: Record, changes: Mapping[str, str]) -> tuple[WhatIf, ...]:
    """Decide again with every change made, and return all variants, changed or not.

    Raises:
        InvalidField: a change that cannot be made; the field is its name.
    """
    observation, config = record.observation, record.config
    for name, text in changes.items():
        observation, config = _change(name, text, observation, config)
    after, _ = decide(observation, record.memory, config)
    before = {decision.key: decision for decision in record.decisions}
    return tuple(
        WhatIf(before[decision.key], decision, because(decision, observation.now_s))
        for decision in after
        if decision.key in before
    )


def _change(name: str, text: str, observation: Observation, config: Config) -> tuple[Observation, Config]:
    what, _, subject = name.partition(".")
    if name == "demand":
        return _scaled(observation, _factor(text, name)), config
    if what == "slo" and subject in _SLO:
        field, read = _SLO[subject]
        return _each(observation, lambda one: replace(one, slo=_with(one.slo, field, read(text, name)))), config
    if what == "quota" and subject:
        return observation, _with_quota(config, subject, _count(text, name))
    if what not in _ONE:
        raise InvalidField("--set", f"{name}={text}", HOW)
    field, read = _ONE[what]
    return _one(observation, subject, lambda one: _with(one, field, read(text, name))), config


def _with(value: _T, field: str, new: float) -> _T:
    changed: dict[str, Any] = {field: new}
    return replace(value, **changed)


def _each(observation: Observation, change: Callable[[Variant], Variant]) -> Observation:
    return replace(observation, variants=tuple(map(change, observation.variants)))


def _one(observation: Observation, subject: str, change: Callable[[Variant], Variant]) -> Observation:
    """Change the variants called `subject`, with or without their namespace."""
    if not any(_named(variant, subject) for variant in observation.variants):
        known = ", ".join(str(variant.key) for variant in observation.variants)
        raise InvalidField("--set", subject, f"name a variant of the record: {known}")
    return _each(observation, lambda variant: change(variant) if _named(variant, subject) else variant)


def _named(variant: Variant, subject: str) -> bool:
    return subject in {variant.key.name, str(variant.key)}


def _with_quota(config: Config, accelerator: str, count: int) -> Config:
    others = tuple(quota for quota in config.quotas if quota.accelerator != accelerator)
    return replace(config, quotas=(*others, Quota(accelerator=accelerator, max_accelerators=count, where="--set")))


def _scaled(observation: Observation, factor: float) -> Observation:
    """Multiply what arrives; what waits already stays."""
    rows = tuple(_busier(row, factor) for row in observation.scrape.rows)
    inflows = {scope: _fuller(inflow, factor) for scope, inflow in observation.inflows.items()}
    return replace(observation, scrape=replace(observation.scrape, rows=rows), inflows=inflows)


def _busier(row: PodMetrics, factor: float) -> PodMetrics:
    return replace(row, completed_per_s=_times(row.completed_per_s, factor))


def _fuller(inflow: Inflow, factor: float) -> Inflow:
    return replace(inflow, arrivals_per_s=_times(inflow.arrivals_per_s, factor))


def _times(number: Reading, factor: float) -> Reading:
    return replace(number, value=number.value * factor) if isinstance(number, Known) else number


def _factor(text: str, name: str) -> float:
    match = _SHARE.fullmatch(text)
    if match is None:
        raise InvalidField(name, text, "write a share such as +20%, -50% or 150%")
    share = float(match[2]) / 100
    return {"+": 1 + share, "-": max(1 - share, 0.0), "": share}[match[1]]


def _count(text: str, name: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 6:
        raise InvalidField(name, text, "write a whole number")
    return int(text)


def _duration(text: str, name: str) -> float:
    seconds = parse_duration(text, name)
    if seconds <= 0:
        raise InvalidField(name, text, "write more than 0s")
    return seconds


def _decimal(text: str, name: str) -> float:
    if not re.fullmatch(r"\d{1,9}(\.\d{1,6})?", text):
        raise InvalidField(name, text, "write a number such as 3.50")
    return float(text)


_SLO: Final[_Fields] = {
    "ttft": ("ttft_s", _duration),
    "tpot": ("tpot_s", _duration),
    "attainment": ("attainment_ratio", parse_attainment),
}
_ONE: Final[_Fields] = {
    "cost": ("cost_per_replica_per_h", _decimal),
    "min": ("min_replicas", _count),
    "max": ("max_replicas", _count),
    "startup": ("startup_time_s", _duration),
}
