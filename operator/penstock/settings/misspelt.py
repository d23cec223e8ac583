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
_OF_ANOTHER: Final = frozenset(
    {
        "PENSTOCK_NAMESPACE", "PENSTOCK_WVA_NAMESPACE", "PENSTOCK_HEALTH_PORT",
        "PENSTOCK_POOL_NAMESPACE", "PENSTOCK_GRPC_HEALTH_PORT", "PENSTOCK_HTTP_PORT",
    }
)  # fmt: skip
"""Those that operator or router reads and that are nearly one of the other's: pods of both may share a ConfigMap."""
_MEANT: Final = MappingProxyType({"WVA_NAMESPACE": "PENSTOCK_WVA_NAMESPACE"})  # by its letters nearer to another one
_PREFIXES: Final = ("PENSTOCK_", "WVA_")
_NEAR: Final = 0.84
_OF_A_SERVICE: Final = re.compile(r"_(SERVICE_(HOST|PORT).*|PORT_\d+_.*)$")  # Kubernetes tells pods of all Services
_ADDRESS: Final = re.compile("(tcp|udp|sctp)://")  # what it says of their ports, where people write a number
_SECRET: Final = re.compile("token|bearer|password|secret", re.IGNORECASE)


def misspelt(
    texts: Mapping[str, str], known: Iterable[str], called: Mapping[str, str] = MappingProxyType({})
) -> Iterator[InvalidField]:
    """Yield a complaint for each name that is nearly a known one, which may be `called` otherwise where the text is."""
    known = tuple(known)
    for name in sorted(set(texts) - set(known) - _IDLE - _OF_ANOTHER):
        near = _nearest(name, known)
        if near and not name.startswith(f"{near}_"):
            remedy = f"nobody reads this; write {called.get(near, near)}"
            yield InvalidField(name, veiled(texts[name], name, near), remedy)


def _nearest(name: str, known: tuple[str, ...]) -> str:
    if name in _MEANT:
        return _MEANT[name] if _MEANT[name] in known else ""
    return next(iter(get_close_matches(name, known, 1, _NEAR)), "")


def misspelt_variables(environ: Mapping[str, str], known: Iterable[str]) -> tuple[InvalidField, ...]:
    """Return a complaint for each variable of ours, or of WVA, that is nearly one of those that are read."""
    ours = {name: text for name, text in environ.items() if name.startswith(_PREFIXES)}
    return tuple(misspelt({name: text for name, text in ours.items() if not _of_a_service(name, text)}, known))


def _of_a_service(name: str, text: str) -> bool:
    return bool(_OF_A_SERVICE.search(name) or (name.endswith("_PORT") and _ADDRESS.match(text)))


def veiled(text: str, *names: str) -> str:
    """Return the text, but no secret under a wrong name: `names` are that one and what was meant."""
    return "(hidden)" if _SECRET.search(" ".join(names)) else text
