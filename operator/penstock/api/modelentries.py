"""WVA's ConfigMaps per model, `default` and overrides: saturation thresholds and scale to zero."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final, Generic, TypeVar

from pydantic import BeforeValidator, Field

from penstock.api.checked import Checked, read
from penstock.api.entries import DEFAULT_KEY, Source, mapping, mentioned
from penstock.domain.catalogue import ConfigProblem, ModelScope, SaturationThresholds, ZeroRule
from penstock.domain.errors import InvalidField
from penstock.domain.goduration import parse_go_duration

_T = TypeVar("_T")
_NAMESPACE: Final = re.compile(r"""^\s*["']?namespace["']?\s*:\s*["']?([a-z0-9.-]+)""", re.MULTILINE)
_Ratio = Annotated[float, Field(ge=0, le=1)]
_Length = Annotated[float, Field(ge=0)]


def _truth(value: Any) -> Any:  # noqa: ANN401 - whatever YAML made of it
    """Read `"True"` as YAML reads `true`: people quote what has to be text elsewhere in a ConfigMap."""
    return {"true": True, "false": False}.get(value.strip().lower(), value) if isinstance(value, str) else value


class _Entry(Checked):
    """Whom an entry is for."""

    model_id: str | None = Field(None, alias="model_id")
    namespace: str | None = None


class _Saturation(_Entry):
    """Thresholds; what is absent is inherited from `default`."""

    kv_cache: _Ratio | None = Field(None, alias="kvCacheThreshold")
    queue_length: _Length | None = Field(None, alias="queueLengthThreshold")
    kv_spare: _Ratio | None = Field(None, alias="kvSpareTrigger")
    queue_spare: _Length | None = Field(None, alias="queueSpareTrigger")
    scale_up: _Ratio | None = Field(None, alias="scaleUpThreshold")
    scale_down: Annotated[float, Field(gt=0, le=1)] | None = Field(None, alias="scaleDownBoundary")
    analyzer: str | None = Field(None, alias="analyzerName")


class _Zero(_Entry):
    """Scale to zero; what is absent is inherited from `default`."""

    enabled: Annotated[bool, BeforeValidator(_truth)] | None = Field(None, alias="enable_scale_to_zero")
    retention: str | None = Field(None, alias="retention_period")


@dataclass(frozen=True, slots=True, kw_only=True)
class Language(Generic[_T]):
    """How entries are read: their form, how one builds on `default`, and what `default` builds on."""

    form: type[_Entry]
    build: Callable[[Any, _T], _T]
    built_in: _T


def _thresholds(entry: _Saturation, base: SaturationThresholds) -> SaturationThresholds:
    fields = (name for name in _Saturation.model_fields if name not in _Entry.model_fields)
    result = replace(base, **entry.given(*fields))
    if result.kv_spare > result.kv_cache:
        raise InvalidField(
            "kvSpareTrigger", result.kv_spare, f"keep it at or below kvCacheThreshold, {result.kv_cache:g}"
        )
    if result.scale_down >= result.scale_up:
        raise InvalidField(
            "scaleDownBoundary", result.scale_down, f"keep it below scaleUpThreshold, {result.scale_up:g}"
        )
    return result


def _zero(entry: _Zero, base: ZeroRule) -> ZeroRule:
    retention_s = base.retention_s
    if entry.retention is not None:
        retention_s = parse_go_duration(entry.retention, "retention_period")
    if retention_s <= 0:
        raise InvalidField("retention_period", entry.retention, "write a duration above 0s, such as 10m")
    return ZeroRule(enabled=base.enabled if entry.enabled is None else entry.enabled, retention_s=retention_s)


SATURATION: Final = Language(form=_Saturation, build=_thresholds, built_in=SaturationThresholds())
ZERO: Final = Language(form=_Zero, build=_zero, built_in=ZeroRule(enabled=None, retention_s=600.0))


def read_tables(
    shared: Source, local: Iterable[Source], language: Language[_T], previous: Mapping[ModelScope, _T]
) -> tuple[dict[ModelScope, _T], tuple[ConfigProblem, ...]]:
    """Return the shared table, with that of a namespace in its place there; bad entries keep their previous value."""
    table, problems = _table(shared, "", language, previous)
    base = language
    if ModelScope("", "") in table:
        base = replace(language, built_in=table[ModelScope("", "")])
    for source in local:
        own, more = _table(source, source.namespace, base, previous)
        table = {scope: value for scope, value in table.items() if scope.namespace != source.namespace} | own
        problems += more
    return table, tuple(problems)


def _table(
    source: Source, namespace: str, language: Language[_T], previous: Mapping[ModelScope, _T]
) -> tuple[dict[ModelScope, _T], list[ConfigProblem]]:
    """Return the entries of one ConfigMap by scope; of two for one model that with the first key."""
    everyone = ModelScope(namespace, "")
    table: dict[ModelScope, _T] = {}
    problems: list[ConfigProblem] = []
    keys = sorted(source.data, key=lambda key: (key != DEFAULT_KEY, key))
    for key in keys:
        text, base = source.data[key], table.get(everyone, language.built_in)
        try:
            entry = read(language.form, mapping(text))
            scope = everyone if key == DEFAULT_KEY else _scope(entry, namespace)
            table.setdefault(scope, language.build(entry, base))
        except InvalidField as error:
            scopes = [everyone] if key == DEFAULT_KEY else _scopes(text, namespace)
            problems.append(source.problem(key, error, models={scope.model for scope in scopes} - {""}))
            table = {scope: previous[scope] for scope in scopes if scope in previous} | table
    return table, problems


def _scope(entry: _Entry, namespace: str) -> ModelScope:
    if not entry.model_id:
        raise InvalidField("model_id", entry.model_id, f"name the model, or call the key {DEFAULT_KEY}")
    if namespace and entry.namespace not in {None, "", namespace}:
        raise InvalidField("namespace", entry.namespace, "leave it out: a copy in a namespace counts there alone")
    return ModelScope(namespace or entry.namespace or "", entry.model_id)


def _scopes(text: str, namespace: str) -> list[ModelScope]:
    """Return the scopes that an entry means which cannot be used."""
    named = _NAMESPACE.search(text)
    return [ModelScope(namespace or (named[1] if named else ""), model) for model in sorted(mentioned(text))]
