"""All ConfigMaps together: the catalogue of models and accelerators, and the settings that WVA and we keep in them."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from penstock.api import names
from penstock.api.entries import Source, first, mapping, sources
from penstock.api.metadata import read_metadata
from penstock.api.modelentries import SATURATION, ZERO, read_tables
from penstock.api.serviceclasses import service_targets, unit_costs
from penstock.domain.catalogue import Catalogue
from penstock.domain.errors import InvalidField

_PROMETHEUS: Final = "PROMETHEUS_"
_PROMETHEUS_URL: Final = "PROMETHEUS_BASE_URL"
_SWITCHES: Final = frozenset(
    {"WVA_SCALE_TO_ZERO", "WVA_LIMITED_MODE", "LEADER_ELECT", "PROMETHEUS_TLS_INSECURE_SKIP_VERIFY"}
)


def read_catalogue(
    configmaps: Iterable[Mapping[str, Any]],
    *,
    operator_namespace: str,
    wva_namespace: str = names.WVA_NAMESPACE,
    namespaces: Iterable[Mapping[str, Any]] = (),
    previous: Catalogue | None = None,
) -> Catalogue:
    """Return what the ConfigMaps say; of each the copy in the operator's namespace counts before that in WVA's.

    An entry that cannot be used keeps the value it had in `previous` and becomes a problem; a ConfigMap that is gone
    keeps nothing.
    """
    before, found = previous or Catalogue(), sources(configmaps)
    around = list(namespaces)
    shared = [operator_namespace, wva_namespace]
    enabled = [name for name in _marked(around, "labels", names.LABEL_CONFIG_ENABLED) if name not in shared]

    def local(name: str) -> list[Source]:
        return [found[namespace, name] for namespace in enabled if (namespace, name) in found]

    def counts(name: str) -> Source:
        return first(found, name, shared) or Source(namespace=operator_namespace, name=name, data={})

    costs, bad_costs = unit_costs(counts(names.WVA_UNIT_COSTS), before.unit_costs_per_h)
    targets, bad_targets = service_targets(counts(names.WVA_SERVICE_CLASSES), before.service_targets)
    saturation, bad_saturation = read_tables(
        counts(names.WVA_SATURATION), local(names.WVA_SATURATION), SATURATION, before.saturation
    )
    zero, bad_zero = read_tables(counts(names.WVA_SCALE_TO_ZERO), local(names.WVA_SCALE_TO_ZERO), ZERO, before.zero)
    return Catalogue(
        service_targets=targets,
        unit_costs_per_h=MappingProxyType(costs),
        saturation=MappingProxyType(saturation),
        zero=MappingProxyType(zero),
        problems=(*bad_costs, *bad_targets, *bad_saturation, *bad_zero),
        excluded_namespaces=frozenset(_marked(around, "annotations", names.ANNOTATION_EXCLUDE)),
    )


def read_settings(
    configmaps: Iterable[Mapping[str, Any]],
    *,
    operator_namespace: str,
    wva_namespace: str = names.WVA_NAMESPACE,
) -> dict[str, str]:
    """Return settings as texts by the names that were used: ours of `penstock-config`, and WVA's variables.

    Of WVA's two generations the later counts first; everything about Prometheus comes from the one that names a URL.
    """
    found = sources(configmaps)
    shared = [operator_namespace, wva_namespace]
    later, earlier = (
        variables(first(found, name, shared)) for name in (names.WVA_SETTINGS_2026, names.WVA_SETTINGS_2025)
    )
    ours = first(found, names.SETTINGS_CONFIGMAP, [operator_namespace])
    return _merged(later, earlier) | dict(ours.data if ours else {})


def _merged(later: Mapping[str, str], earlier: Mapping[str, str]) -> dict[str, str]:
    merged = {**earlier, **later}
    block = next((one for one in (later, earlier) if one.get(_PROMETHEUS_URL)), {})
    rest = {name: text for name, text in merged.items() if not name.startswith(_PROMETHEUS)}
    return rest | {name: text for name, text in block.items() if name.startswith(_PROMETHEUS)}


def variables(source: Source | None) -> dict[str, str]:
    """Return the variables of a WVA ConfigMap: its keys, and what a file in it (`config.yaml`) holds at the top."""
    found: dict[str, str] = {}
    for key, text in source.data.items() if source else ():
        if key.endswith((".yaml", ".yml")):
            found = _file(text) | found
        else:
            found[key] = text
    return {name: text.strip().lower() if name in _SWITCHES else text for name, text in found.items()}


def _file(text: str) -> dict[str, str]:
    try:
        body = mapping(text)
    except InvalidField:
        return {}
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in body.items()
        if isinstance(value, str | int | float)
    }


def _marked(namespaces: Iterable[Mapping[str, Any]], where: str, mark: str) -> list[str]:
    """Return the names of the namespaces that carry a label or annotation with the value true."""
    marked = []
    for body in namespaces:
        metadata = read_metadata(body)
        marks = metadata.labels if where == "labels" else metadata.annotations
        if marks.get(mark, "").lower() == "true":
            marked.append(metadata.key.name)
    return sorted(marked)
