"""Keys of the ConfigMaps with settings that nobody reads, with what they may have been meant for.

WVA's variables that have no effect here may stand where they are.
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Final

from penstock.api import names
from penstock.api.configmaps import variables
from penstock.api.entries import first, sources
from penstock.domain.catalogue import ConfigProblem
from penstock.domain.errors import InvalidField
from penstock.settings.misspelt import misspelt, veiled
from penstock.settings.operator import SETTINGS

_NAMES: Final = tuple(setting.name for setting in SETTINGS)
_VARIABLES: Final = {setting.env: setting.name for setting in SETTINGS}
_OF_WVA: Final = (*(setting.wva for setting in SETTINGS if setting.wva), "PROMETHEUS_BEARER_TOKEN")
_PLACES: Final = ("PENSTOCK_NAMESPACE", "PENSTOCK_METRICS_PORT", "PENSTOCK_HEALTH_PORT", "PENSTOCK_KEDA_PORT")
OPERATOR_VARIABLES: Final = (*_VARIABLES, *_OF_WVA, *_PLACES)
"""Those that the operator reads: of its settings, and of where it is and serves."""


def unread(
    configmaps: Iterable[Mapping[str, Any]], *, operator_namespace: str, wva_namespace: str
) -> tuple[ConfigProblem, ...]:
    """Return what is wrong with keys of `penstock-config`, and of WVA's ConfigMaps with settings, that nobody reads."""
    found = sources(configmaps)
    problems = []
    own = first(found, names.SETTINGS_CONFIGMAP, [operator_namespace])
    if own is not None:
        problems += [own.problem(error.field, error) for error in unknown(own.data)]
    for name in (names.WVA_SETTINGS_2026, names.WVA_SETTINGS_2025):
        source = first(found, name, [operator_namespace, wva_namespace])
        if source is not None:
            problems += [source.problem(error.field, error) for error in misspelt(variables(source), _OF_WVA)]
    return tuple(problems)


def unknown(texts: Mapping[str, str]) -> tuple[InvalidField, ...]:
    """Return a complaint for each key of `penstock-config` that nobody reads."""
    ours = {name: text for name, text in texts.items() if not name.isupper() or name in _VARIABLES}
    rest = {name: text for name, text in texts.items() if name not in ours}
    found = [_stranger(name, text) for name, text in ours.items() if name not in _NAMES]
    return tuple(sorted([*found, *misspelt(rest, OPERATOR_VARIABLES, _VARIABLES)], key=lambda error: error.field))


def _stranger(name: str, text: str) -> InvalidField:
    near = [_VARIABLES[name]] if name in _VARIABLES else get_close_matches(name, _NAMES, 1)
    remedy = f"there is no such setting; {f'write {near[0]}' if near else 'remove this key'}"
    return InvalidField(name, veiled(text, name, *near), remedy)
