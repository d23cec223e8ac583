"""One recorded pass with one thing changed: what would have been decided then."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from penstock.domain.decisions import Decision
from penstock.domain.errors import InvalidField
from penstock.domain.observations import Inflow, Observation, PodMetrics
from penstock.domain.readings import Known, Reading
from penstock.domain.units import parse_duration, parse_percent
from penstock.domain.variants import SloOverride, Variant
from penstock.records.record import Record
from penstock.scaling.config import Config, Quota
from penstock.scaling.decide import decide

_SHARE: Final = re.compile(r"([+-]?)(\d+(?:\.\d+)?)%")
HOW: Final = (
    "write demand=+20%, slo.ttft=1s, slo.tpot=50ms, slo.attainment=99%, cost.VARIANT=3.5, min.VARIANT=2, "
    "max.VARIANT=8, startup.VARIANT=2m or quota.ACCELERATOR=4"
)


@dataclass(frozen=True, slots=True)
class WhatIf:
    """A variant's number as decided, and as it would have been."""

    before: Decision
    after: Decision


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
    return tuple(WhatIf(before[decision.key], decision) for decision in after if decision.key in before)


def _change(name: str, text: str, observation: Observation, config: Config) -> tuple[Observation, Config]:
    what, _, subject = name.partition(".")
    if name == "demand":
        return _scaled(observation, _factor(name, text)), config
    if what == "slo" and subject in _SLO:
        return _each(observation, lambda variant: replace(variant, slo=_SLO[subject](variant.slo, name, text))), config
    if what == "quota" and subject:
        return observation, _with_quota(config, subject, _count(name, text))
    if what not in _ONE:
        raise InvalidField("--set", f"{name}={text}", HOW)
    return _one(observation, subject, lambda variant: _ONE[what](variant, name, text)), config


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


def _ttft(slo: SloOverride, name: str, text: str) -> SloOverride:
    return replace(slo, ttft_s=parse_duration(text, name))


def _tpot(slo: SloOverride, name: str, text: str) -> SloOverride:
    return replace(slo, tpot_s=parse_duration(text, name))


def _attainment(slo: SloOverride, name: str, text: str) -> SloOverride:
    return replace(slo, attainment_ratio=parse_percent(text, name))


def _cost(variant: Variant, name: str, text: str) -> Variant:
    return replace(variant, cost_per_replica_per_h=_decimal(name, text))


def _least(variant: Variant, name: str, text: str) -> Variant:
    return replace(variant, min_replicas=_count(name, text))


def _most(variant: Variant, name: str, text: str) -> Variant:
    return replace(variant, max_replicas=_count(name, text))


def _startup(variant: Variant, name: str, text: str) -> Variant:
    return replace(variant, startup_time_s=parse_duration(text, name))


_SLO: Final = {"ttft": _ttft, "tpot": _tpot, "attainment": _attainment}
_ONE: Final = {"cost": _cost, "min": _least, "max": _most, "startup": _startup}


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


def _factor(name: str, text: str) -> float:
    match = _SHARE.fullmatch(text)
    if match is None:
        raise InvalidField(name, text, "write a share such as +20%, -50% or 150%")
    share = float(match[2]) / 100
    return {"+": 1 + share, "-": max(1 - share, 0.0), "": share}[match[1]]


def _count(name: str, text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 6:
        raise InvalidField(name, text, "write a whole number")
    return int(text)


def _decimal(name: str, text: str) -> float:
    if not re.fullmatch(r"\d{1,9}(\.\d{1,6})?", text):
        raise InvalidField(name, text, "write a number such as 3.50")
    return float(text)
