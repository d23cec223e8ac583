"""Names in capitals that nobody reads and that are spelt nearly as one that is read: they would be silent."""

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Final

from penstock.domain.errors import InvalidField

_IDLE: Final = frozenset(
    {
        "GLOBAL_OPT_TRIGGER", "WVA_NODE_SELECTOR", "SCALE_FROM_ZERO_ENGINE_MAX_CONCURRENCY", "POD_NAMESPACE",
        "EPP_METRIC_READER_BEARER_TOKEN", "POOL_GROUP", "CONFIG_MAP_NAME", "SATURATION_CONFIG_MAP_NAME",
    }
)  # fmt: skip
"""WVA's variables without effect here; those that go on where one with effect ends (`LEADER_ELECT_…`) need no row."""
_PREFIXES: Final = ("PENSTOCK_", "WVA_")
_NEAR: Final = 0.84
_OF_A_SERVICE: Final = re.compile(r"_(SERVICE_(HOST|PORT).*|PORT(_\d+_.*)?)$")  # Kubernetes tells pods of all Services


def misspelt(
    texts: Mapping[str, str], known: Iterable[str], called: Mapping[str, str] = MappingProxyType({})
) -> Iterator[InvalidField]:
    """Yield a complaint for each name that is nearly a known one, which may be `called` otherwise where the text is."""
    known = tuple(known)
    for name in sorted(set(texts) - set(known) - _IDLE):
        near = get_close_matches(name, known, 1, _NEAR)
        if near and not name.startswith(f"{near[0]}_"):
            yield InvalidField(
                name, _shown(name, texts[name]), f"nobody reads this; write {called.get(near[0], near[0])}"
            )


def misspelt_variables(environ: Mapping[str, str], known: Iterable[str]) -> tuple[InvalidField, ...]:
    """Return a complaint for each variable of ours, or of WVA, that is nearly one of those that are read."""
    ours = {name: text for name, text in environ.items() if name.startswith(_PREFIXES)}
    return tuple(misspelt({name: text for name, text in ours.items() if not _OF_A_SERVICE.search(name)}, known))


def _shown(name: str, text: str) -> str:
    """Return the text, but no secret that somebody wrote under a wrong name."""
    return "(hidden)" if "TOKEN" in name else text
