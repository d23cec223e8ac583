"""Turns the text of one setting into its value; every refusal names the setting as its writer spelled it."""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import yaml

from penstock.domain.errors import InvalidField
from penstock.domain.goduration import parse_go_duration
from penstock.domain.units import parse_attainment, parse_bytes, parse_duration
from penstock.domain.variants import Slo, SloSource
from penstock.scaling.config import DEFAULT_SLO, Quota

_E = TypeVar("_E")
_SWITCH: Final = {
    "true": True,
    "1": True,
    "yes": True,
    "on": True,
    "false": False,
    "0": False,
    "no": False,
    "off": False,
}
_NAMESPACE: Final = re.compile("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")  # a label of RFC 1123
_SLO: Final = ("ttft", "tpot", "attainment")
_QUOTA: Final = frozenset({"accelerator", "max", "namespace"})


def duration(text: str, field: str) -> float:
    """Return seconds above zero."""
    return _positive(parse_duration(text, field), text, field)


def optional_duration(text: str, field: str) -> float | None:
    """Return seconds above zero, None where nothing was said."""
    return duration(text, field) if text else None


def go_duration(text: str, field: str) -> float:
    """Return seconds above zero of a duration in Go's spelling, which WVA uses."""
    return _positive(parse_go_duration(text, field), text, field)


def _positive(seconds: float, text: str, field: str) -> float:
    if seconds <= 0:
        raise InvalidField(field, text, "write a duration above zero such as 15s")
    return seconds


def size(text: str, field: str) -> int:
    """Return bytes."""
    return parse_bytes(text, field)


def switch(text: str, field: str) -> bool:
    """Return whether something is on, in any case."""
    value = _SWITCH.get(text.strip().lower())
    if value is None:
        raise InvalidField(field, text, "write true or false")
    return value


def one_of(values: Iterable[_E]) -> Callable[[str, str], _E]:
    """Return the parser of an enumeration; names count in any case."""
    known = {str(value).lower(): value for value in values}

    def parse(text: str, field: str) -> _E:
        if text.strip().lower() not in known:
            raise InvalidField(field, text, f"choose one of {', '.join(map(str, known.values()))}")
        return known[text.strip().lower()]

    return parse


def level(text: str, field: str) -> str:
    """Return a level of Python's logging; `warn` is WVA's spelling."""
    known = {"warn": "warning"} | {name: name for name in ("debug", "info", "warning", "error")}
    return one_of(known.values())(known.get(text.strip().lower(), text), field)


def plain(text: str, field: str) -> str:
    """Return the text itself, without the blanks around it."""
    del field
    return text.strip()


def path(text: str, field: str) -> Path:
    """Return a path, which need not exist yet."""
    if not text.strip() or "\0" in text:
        raise InvalidField(field, text, "write the path of a file or folder")
    return Path(text.strip())


def url(text: str, field: str) -> str:
    """Return an address of http or https; what a refusal shows of it holds no password."""
    try:
        parts = urlsplit(text.strip())
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise InvalidField(
            field, text.rpartition("@")[2], "write an address such as https://prometheus.monitoring:9090"
        )
    return text.strip()


def namespaces(text: str, field: str) -> frozenset[str]:
    """Return the names of a list separated by commas; an empty one stands for all."""
    names = {name.strip() for name in text.split(",")} - {""}
    for name in names:
        if not _NAMESPACE.fullmatch(name):
            raise InvalidField(field, name, "write names of namespaces, separated by commas")
    return frozenset(names)


def namespace(text: str, field: str) -> str:
    """Return the name of one namespace."""
    name = text.strip()
    if not _NAMESPACE.fullmatch(name):
        raise InvalidField(field, text, "write the name of one namespace")
    return name


def slo(text: str, field: str) -> Slo:
    """Return targets such as `{ttft: 2s, tpot: 100ms, attainment: 99.5%}`; what is left out keeps its default."""
    body = _yaml(text, field, dict, "{ttft: 2s, tpot: 100ms, attainment: 99.5%}")
    unknown = ", ".join(sorted(str(key) for key in body if key not in _SLO))
    if unknown:
        raise InvalidField(field, text, f"{unknown} is unknown; name ttft, tpot and attainment")
    return Slo(
        ttft_s=_target(body, "ttft", duration, text, field) or DEFAULT_SLO.ttft_s,
        tpot_s=_target(body, "tpot", duration, text, field) or DEFAULT_SLO.tpot_s,
        attainment_ratio=_target(body, "attainment", parse_attainment, text, field) or DEFAULT_SLO.attainment_ratio,
        source=SloSource.DEFAULT,
    )


def _target(
    body: Mapping[str, Any], key: str, parse: Callable[[str, str], float], text: str, field: str
) -> float | None:
    if key not in body:
        return None
    try:
        return parse(str(body[key]), field)
    except InvalidField as error:
        raise InvalidField(field, text, f"{key}: {error.remedy}") from error


def quotas(text: str, field: str) -> tuple[Quota, ...]:
    """Return the quotas of a YAML list of `{accelerator, max, namespace?}`."""
    return tuple(_quota(entry, text, field) for entry in _yaml(text, field, list, "[{accelerator: H100, max: 8}]"))


def _quota(entry: object, text: str, field: str) -> Quota:
    fine = isinstance(entry, dict) and {"accelerator", "max"} <= entry.keys() <= _QUOTA
    if not fine or not isinstance(entry, dict):
        raise InvalidField(field, text, "write a list of {accelerator, max, namespace}, namespace being optional")
    most, accelerator, namespace = entry["max"], entry["accelerator"], entry.get("namespace", "")
    if isinstance(most, bool) or not isinstance(most, int) or most < 0:
        raise InvalidField(field, text, f"max={most}: write a whole number of accelerators, 0 or more")
    if not isinstance(accelerator, str) or not accelerator or not isinstance(namespace, str):
        raise InvalidField(field, text, "accelerator and namespace are names")
    return Quota(accelerator=accelerator, max_accelerators=most, namespace=namespace)


def _yaml(text: str, field: str, kind: type[_E], example: str) -> _E:
    try:
        body = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidField(field, text, f"correct the YAML; it looks like {example}") from error
    if body is None:
        return kind()
    if not isinstance(body, kind):
        raise InvalidField(field, text, f"write a YAML {'list' if kind is list else 'mapping'} such as {example}")
    return body
