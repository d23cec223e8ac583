"""WVA's prices and service classes: `accelerator-unit-costs` and `service-classes-config`."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field

from penstock.api.checked import Checked, read
from penstock.api.entries import NOBODY, Source, mapping, mentioned
from penstock.domain.catalogue import ConfigProblem, ServiceTarget
from penstock.domain.errors import InvalidField

LOWEST_PRIORITY: Final = 100  # of a class that names none, as in WVA
_DECIMAL: Final = re.compile(r"[0-9]+(\.[0-9]+)?")
_A_COST: Final = '{"cost": "40.00"}'
_A_CLASS: Final = "{name: Premium, priority: 1, data: [{model: m, slo-ttft: 500, slo-tpot: 24}]}"
_Milliseconds = Annotated[float, Field(ge=0)]


def _number(value: Any) -> Any:  # noqa: ANN401 - whatever YAML made of it
    return float(value) if isinstance(value, str) and _DECIMAL.fullmatch(value.strip()) else value


class _UnitCost(Checked):
    """One accelerator: its price per hour, quoted as WVA writes it or not."""

    cost: Annotated[float, BeforeValidator(_number), Field(ge=0)]


class _ServiceClass(Checked):
    """One class; its targets are read one by one, so that a bad one harms only its model."""

    name: str = ""
    priority: Annotated[int, Field(ge=1, le=100)] = LOWEST_PRIORITY
    data: list[dict[str, Any]] = Field(default_factory=list)


class _ServiceTarget(Checked):
    """Targets of one model, in milliseconds; 0 is none."""

    model: Annotated[str, Field(min_length=1)]
    tpot_ms: _Milliseconds | None = Field(None, alias="slo-tpot")
    ttft_ms: _Milliseconds | None = Field(None, alias="slo-ttft")


def unit_costs(source: Source, previous: Mapping[str, float]) -> tuple[dict[str, float], tuple[ConfigProblem, ...]]:
    """Return the price per hour of each accelerator; a bad entry keeps its previous one."""
    costs: dict[str, float] = {}
    problems: list[ConfigProblem] = []
    for accelerator, text in source.data.items():
        try:
            costs[accelerator] = read(_UnitCost, mapping(text, _A_COST)).cost
        except InvalidField as error:
            problems.append(source.problem(accelerator, error, accelerators=[accelerator]))
            costs |= {name: cost for name, cost in previous.items() if name == accelerator}
    return costs, tuple(problems)


def service_targets(
    source: Source, previous: Sequence[ServiceTarget]
) -> tuple[tuple[ServiceTarget, ...], tuple[ConfigProblem, ...]]:
    """Return the targets of all classes by priority, then key; what is bad keeps its previous value."""
    found: list[ServiceTarget | ConfigProblem] = []
    for key, text in source.data.items():
        before = [target for target in previous if (target.configmap, target.key) == (str(source), key)]
        found += _class(source, key, text, before)
    targets = [item for item in found if isinstance(item, ServiceTarget)]
    problems = [item for item in found if isinstance(item, ConfigProblem)]
    return tuple(sorted(targets, key=lambda target: (target.priority, target.key))), tuple(problems)


def _class(source: Source, key: str, text: str, before: Sequence[ServiceTarget]) -> list[ServiceTarget | ConfigProblem]:
    """Return the targets of one class, or its problem and what it said before."""
    try:
        head = read(_ServiceClass, mapping(text, _A_CLASS))
    except InvalidField as error:
        models = (mentioned(text) | {target.model for target in before}) - NOBODY
        return [source.problem(key, error, models=models or NOBODY), *before]
    return list(_targets(source, key, head, before))


def _targets(
    source: Source, key: str, head: _ServiceClass, before: Sequence[ServiceTarget]
) -> Iterator[ServiceTarget | ConfigProblem]:
    """Yield the first target of each model; of a bad one the problem, and what it was before."""
    seen: set[str] = set()
    for index, item in enumerate(head.data):
        model = str(item.get("model") or "")
        try:
            target = read(_ServiceTarget, item, f"data[{index}]")
        except InvalidField as error:
            yield source.problem(key, error, models=[model])
            if model not in seen:
                yield from (kept for kept in before if kept.model == model)
        else:
            if model not in seen:
                yield _target(source, key, head, target)
        seen.add(model)


def _target(source: Source, key: str, head: _ServiceClass, target: _ServiceTarget) -> ServiceTarget:
    return ServiceTarget(
        class_name=head.name or key,
        priority=head.priority,
        configmap=str(source),
        key=key,
        model=target.model,
        ttft_s=target.ttft_ms / 1000 if target.ttft_ms else None,
        tpot_s=target.tpot_ms / 1000 if target.tpot_ms else None,
    )
