"""What the operator is told: flags and environment as its pod shows them, ConfigMaps as they are now."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final

from penstock.api.configmaps import read_catalogue, read_settings
from penstock.api.names import (
    SETTINGS_CONFIGMAP,
    WVA_SATURATION,
    WVA_SCALE_TO_ZERO,
    WVA_SERVICE_CLASSES,
    WVA_SETTINGS_2025,
    WVA_SETTINGS_2026,
    WVA_UNIT_COSTS,
)
from penstock.doctor.facts import Body
from penstock.domain.catalogue import Catalogue
from penstock.domain.errors import InvalidField
from penstock.domain.variants import ObjectKey
from penstock.settings.operator import SETTINGS, OperatorOptions, OperatorSettings

SHARED: Final = (
    WVA_SETTINGS_2025,
    WVA_SETTINGS_2026,
    WVA_UNIT_COSTS,
    WVA_SERVICE_CLASSES,
    WVA_SATURATION,
    WVA_SCALE_TO_ZERO,
)
_FLAGS: Final = {setting.flag: setting.name for setting in SETTINGS}


def options(pod: Body | None, operator_namespace: str) -> OperatorOptions:
    """Return the options of the operator that runs in a pod; the defaults where none runs.

    Variables that come from elsewhere (`valueFrom`, `envFrom`) cannot be seen and count as not set.
    """
    containers = ((pod or {}).get("spec") or {}).get("containers") or ()
    words = [str(word) for one in containers for word in (*(one.get("command") or ()), *(one.get("args") or ()))]
    variables = {
        str(entry["name"]): str(entry["value"])
        for one in containers
        for entry in one.get("env") or ()
        if "value" in entry
    }
    return OperatorOptions(flags=_flags(words), environ=variables, operator_namespace=operator_namespace)


def configmap_keys(operator_namespace: str, wva_namespace: str) -> list[ObjectKey]:
    """Return WVA's ConfigMaps that count for every namespace."""
    places = dict.fromkeys((operator_namespace, wva_namespace))
    return [ObjectKey(place, name) for place in places for name in SHARED]


def wva_home(told: OperatorOptions, own: Body | None) -> str:
    """Return where WVA's ConfigMaps are, as flags, environment and the operator's own ConfigMap say.

    A text there that can be no place counts as not written, as for an operator that was started with it.

    Raises:
        InvalidField: a flag or variable of the operator cannot be used, so it does not start.
    """
    try:
        return told.wva_namespace((own or {}).get("data") or {})
    except InvalidField:
        return told.wva_namespace({})


def read_told(
    told: OperatorOptions, configmaps: Iterable[Body], namespaces: Iterable[Body]
) -> tuple[OperatorSettings, InvalidField | None, Catalogue]:
    """Return the settings in force, what keeps a text from being used, and the catalogue.

    Raises:
        InvalidField: a flag or variable of the operator cannot be used, so it does not start.
    """
    bodies = list(configmaps)
    own = next((body for body in bodies if _is_own(body, told.operator_namespace)), None)
    home, wva = told.operator_namespace, wva_home(told, own)
    settings, fault = _settled(told, read_settings(bodies, operator_namespace=home, wva_namespace=wva))
    catalogue = read_catalogue(bodies, operator_namespace=home, wva_namespace=wva, namespaces=namespaces)
    return settings, fault, catalogue


def _is_own(body: Body, operator_namespace: str) -> bool:
    meta = body["metadata"]
    return (meta["namespace"], meta["name"]) == (operator_namespace, SETTINGS_CONFIGMAP)


def _settled(told: OperatorOptions, texts: Mapping[str, str]) -> tuple[OperatorSettings, InvalidField | None]:
    """Leave out texts that cannot be used, as the operator does, and return the first complaint."""
    rest, first = dict(texts), None
    while True:
        try:
            return told(rest), first
        except InvalidField as error:
            if error.field not in rest:
                raise
            first = first or error
            del rest[error.field]


def _flags(words: Sequence[str]) -> dict[str, str]:
    found = {}
    for word, following in pairwise((*words, "")):
        flag, equals, value = word.partition("=")
        if flag in _FLAGS:
            found[_FLAGS[flag]] = value if equals else following
    return found
