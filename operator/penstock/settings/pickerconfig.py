"""EndpointPickerConfig of the Go endpoint pickers, as far as it says how requests are ordered and admitted.

Decoding is strict, as it is there: an unknown field or plug-in type stops the start. Plug-ins that choose endpoints
or parse bodies are known, have no effect here, and are named in `ignored`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import yaml

from penstock.domain.errors import InvalidField
from penstock.domain.goduration import parse_go_duration
from penstock.domain.policies import Policy, QueueLimits, Saturation
from penstock.domain.units import parse_bytes
from penstock.settings.pickerplugins import DETECTORS, ORDERINGS, is_known

KIND: Final = "EndpointPickerConfig"
_GROUPS: Final = ("llm-d.ai/", "inference.networking.x-k8s.io/")
_TOP: Final = frozenset({
    "apiVersion", "kind", "metadata", "featureGates", "plugins", "schedulingProfiles", "requestHandler", "parser",
    "dataLayer", "data", "flowControl", "saturationDetector", "intraFlowDispatch", "engineConfigs",
})  # fmt: skip
_FLOW: Final = frozenset({
    "maxBytes", "maxRequests", "defaultRequestTTL", "noEndpointRequestTTL", "priorityBands", "defaultPriorityBand",
    "defaultNegativePriorityBand", "usageLimitPolicyPluginRef", "saturationDetector", "enableEviction",
})  # fmt: skip
_BAND: Final = frozenset({"priority", "priorityName", "maxBytes", "maxRequests", "fairnessPolicyRef",
                          "orderingPolicyRef"})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class PickerConfig:
    """The policy that such a file asks for, and what of it has no effect here."""

    policy: Policy
    ignored: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plugin:
    name: str
    type: str
    parameters: Mapping[str, Any]
    field: str


def read(text: str) -> PickerConfig:
    """Return the policy of one EndpointPickerConfig.

    Raises:
        InvalidField: no YAML, another kind, an unknown field, plug-in or reference, or an impossible value.
    """
    try:
        body = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidField("--config-file", str(error), "write valid YAML") from None
    top = _fields(body, "", _TOP)
    if top.get("kind") != KIND or not str(top.get("apiVersion", "")).startswith(_GROUPS):
        raise InvalidField("kind", f"{top.get('apiVersion')}/{top.get('kind')}", f"write llm-d.ai/v1alpha1 {KIND}")
    plugins = _plugins(top.get("plugins", []))
    flow = _fields(top.get("flowControl") or {}, "flowControl", _FLOW)
    policy = _ordered(Policy(), top, flow, plugins)
    return PickerConfig(policy=replace(policy, queue=_queue(top, flow, plugins)), ignored=_ignored(plugins))


def _ignored(plugins: Mapping[str, _Plugin]) -> tuple[str, ...]:
    return tuple(p.name for p in plugins.values() if p.type not in ORDERINGS and p.type not in DETECTORS)


def _plugins(entries: object) -> dict[str, _Plugin]:
    if not isinstance(entries, list):
        raise InvalidField("plugins", entries, "write a list of {type, name, parameters}")
    found = {}
    for index, entry in enumerate(entries):
        field = f"plugins[{index}]"
        body = _fields(entry, field, frozenset({"name", "type", "parameters"}))
        kind = str(body.get("type", ""))
        if not is_known(kind):
            raise InvalidField(
                f"{field}.type", kind, "use a plug-in type of llm-d-router; others cannot be loaded here"
            )
        parameters = body.get("parameters") or {}
        if not isinstance(parameters, Mapping):
            raise InvalidField(f"{field}.parameters", parameters, "write a mapping")
        plugin = _Plugin(name=str(body.get("name") or kind), type=kind, parameters=parameters,
                         field=f"{field}.parameters")  # fmt: skip
        found[plugin.name] = plugin
    return found


def _ordered(policy: Policy, top: Mapping[str, Any], flow: Mapping[str, Any], plugins: Mapping[str, _Plugin]) -> Policy:
    """Apply the ordering: `intraFlowDispatch` if there, else the default band's plug-in, else the first declared."""
    if "intraFlowDispatch" in top:
        return _dispatch(policy, top["intraFlowDispatch"])
    plugin = _referred(_band_reference(flow), plugins, ORDERINGS) or _first(plugins, ORDERINGS)
    return policy if plugin is None else ORDERINGS[plugin.type](policy, plugin.parameters, plugin.field)


def _band_reference(flow: Mapping[str, Any]) -> tuple[str, str] | None:
    bands = [("flowControl.defaultPriorityBand", flow.get("defaultPriorityBand"))]
    bands += [(f"flowControl.priorityBands[{i}]", band) for i, band in enumerate(flow.get("priorityBands") or [])]
    for field, band in bands:
        reference = _fields(band or {}, field, _BAND).get("orderingPolicyRef")
        if reference:
            return f"{field}.orderingPolicyRef", str(reference)
    return None


def _first(plugins: Mapping[str, _Plugin], family: Mapping[str, object]) -> _Plugin | None:
    return next((plugin for plugin in plugins.values() if plugin.type in family), None)


def _referred(
    reference: tuple[str, str] | None, plugins: Mapping[str, _Plugin], family: Mapping[str, object]
) -> _Plugin | None:
    """Return the plug-in that a reference means; a type may be referred to without being declared."""
    if reference is None:
        return None
    field, name = reference
    plugin = plugins.get(name) or _Plugin(name=name, type=name, parameters={}, field=field)
    if plugin.type not in family:
        raise InvalidField(field, name, f"refer to a plug-in of type {', '.join(family)}")
    return plugin


def _dispatch(policy: Policy, body: object) -> Policy:
    """Read the older `intraFlowDispatch: {policy, config: {weights}}`."""
    field = "intraFlowDispatch"
    fields = _fields(body, field, frozenset({"policy", "config"}))
    config = _fields(fields.get("config") or {}, f"{field}.config", frozenset({"weights"}))
    names = {"WorkloadAware": "workload-aware-ordering-policy", "FCFS": "fcfs-ordering-policy"}
    plugin = names.get(str(fields.get("policy")))
    if plugin is None:
        raise InvalidField(f"{field}.policy", fields.get("policy"), f"use {' or '.join(names)}")
    return ORDERINGS[plugin](policy, config, f"{field}.config")


def _queue(top: Mapping[str, Any], flow: Mapping[str, Any], plugins: Mapping[str, _Plugin]) -> QueueLimits:
    limits = QueueLimits()
    ttl_s = _read(flow, "defaultRequestTTL", parse_go_duration, limits.ttl_s)
    return QueueLimits(
        ttl_s=ttl_s,
        no_endpoint_ttl_s=_read(flow, "noEndpointRequestTTL", parse_go_duration, limits.no_endpoint_ttl_s),
        max_requests=int(_read(flow, "maxRequests", parse_bytes, limits.max_requests)),
        max_bytes=int(_read(flow, "maxBytes", parse_bytes, limits.max_bytes)),
        saturation=_saturation(top, flow, plugins),
    )


def _read(flow: Mapping[str, Any], name: str, parse: Callable[[str, str], float], default: float) -> float:
    """Read one bound; 0 stands for "no bound of my own" there, so ours holds."""
    value = flow.get(name)
    return parse(str(value), f"flowControl.{name}") or default if value else default


def _saturation(top: Mapping[str, Any], flow: Mapping[str, Any], plugins: Mapping[str, _Plugin]) -> Saturation:
    """Read the detector: `flowControl.saturationDetector.pluginRef`, its deprecated place, or the one declared."""
    place = "flowControl.saturationDetector" if "saturationDetector" in flow else "saturationDetector"
    body = flow.get("saturationDetector") or top.get("saturationDetector") or {}
    reference = body.get("pluginRef") if isinstance(body, Mapping) else None
    plugin = _referred((f"{place}.pluginRef", str(reference)) if reference else None, plugins, DETECTORS)
    if plugin is None and isinstance(body, Mapping) and body:
        plugin = _Plugin(name=place, type="utilization-detector", parameters=body, field=place)
    plugin = plugin or _first(plugins, DETECTORS)
    return Saturation() if plugin is None else DETECTORS[plugin.type](plugin.parameters, plugin.field)


def _fields(body: object, field: str, known: frozenset[str]) -> Mapping[str, Any]:
    """Return a mapping whose keys are all known.

    Raises:
        InvalidField: another type, or an unknown key.
    """
    if not isinstance(body, Mapping):
        raise InvalidField(field or "--config-file", body, "write a mapping")
    for key in body:
        if key not in known:
            raise InvalidField(
                f"{field}.{key}".lstrip("."), body[key], f"remove it; known are {', '.join(sorted(known))}"
            )
    return body
