"""What the cluster's ConfigMaps say about models and accelerators, already checked entry by entry."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeVar

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceTarget:
    """One model's latency targets in one service class; priority 1 is the highest, 100 the lowest."""

    class_name: str
    priority: int
    configmap: str
    key: str
    model: str
    ttft_s: float | None
    tpot_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SaturationThresholds:
    """Settings of WVA's saturation analysers; ratios 0 to 1, queue lengths in requests."""

    kv_cache: float = 0.80
    queue_length: float = 5.0
    kv_spare: float = 0.10
    queue_spare: float = 3.0
    scale_up: float = 0.85
    scale_down: float = 0.70
    analyzer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZeroRule:
    """Whether a model may go to zero (None: as the operator is set), and after how many idle seconds."""

    enabled: bool | None
    retention_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigProblem:
    """One entry that cannot be used. `models` are those that need it; empty means every model of its scope."""

    configmap: str  # namespace/name
    key: str
    field: str
    value: str
    remedy: str
    models: frozenset[str] = frozenset()
    accelerators: frozenset[str] = frozenset()


class ModelScope(NamedTuple):
    """A model in a namespace; an empty part stands for all."""

    namespace: str
    model: str


_BUILT_IN: Final = SaturationThresholds()


def _empty() -> Mapping[Any, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """All ConfigMaps of one moment. Lookups go from the narrowest scope to the widest."""

    service_targets: tuple[ServiceTarget, ...] = ()
    unit_costs_per_h: Mapping[str, float] = field(default_factory=_empty)
    saturation: Mapping[ModelScope, SaturationThresholds] = field(default_factory=_empty)
    zero: Mapping[ModelScope, ZeroRule] = field(default_factory=_empty)
    problems: tuple[ConfigProblem, ...] = ()
    excluded_namespaces: frozenset[str] = frozenset()

    def thresholds(self, namespace: str, model: str) -> SaturationThresholds:
        """Return the saturation settings in force; the built-in defaults where nobody wrote any."""
        return _narrowest(self.saturation, namespace, model) or _BUILT_IN

    def zero_rule(self, namespace: str, model: str) -> ZeroRule | None:
        """Return the scale-to-zero rule in force, or None where no ConfigMap says anything."""
        return _narrowest(self.zero, namespace, model)


def _narrowest(table: Mapping[ModelScope, _T], namespace: str, model: str) -> _T | None:
    if not table:
        return None
    # a namespace's own copy of a ConfigMap replaces the shared one there: its default goes before shared entries
    for scope in (ModelScope(namespace, model), ModelScope(namespace, ""), ModelScope("", model), ModelScope("", "")):
        if scope in table:
            return table[scope]
    return None
