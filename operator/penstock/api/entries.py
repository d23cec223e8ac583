"""ConfigMaps as tables of texts: which copy counts, what one entry says, and what is told of one that cannot be."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from penstock.domain.catalogue import ConfigProblem
from penstock.domain.errors import InvalidField, shown

NOBODY: Final = frozenset({""})  # no model is called so: told of the entry, but no object is harmed
DEFAULT_KEY: Final = "default"
_MODEL: Final = re.compile(r"""\bmodel(?:_id)?["']?\s*:\s*["']?([^\s"',}]+)""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One ConfigMap: where it stands, and its texts by key."""

    namespace: str
    name: str
    data: Mapping[str, str]

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    def problem(
        self, key: str, error: InvalidField, *, models: Iterable[str] = (), accelerators: Iterable[str] = ()
    ) -> ConfigProblem:
        """Return what is told of an entry; without models and accelerators it harms every model of the scope."""
        return ConfigProblem(
            configmap=str(self),
            key=key,
            field=error.field,
            value=shown(error.value),
            remedy=error.remedy,
            models=frozenset(models),
            accelerators=frozenset(accelerators),
        )


def sources(configmaps: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], Source]:
    """Return all ConfigMaps by namespace and name; texts that are none are left out."""
    found = {}
    for body in configmaps:
        meta, data = body.get("metadata") or {}, body.get("data") or {}
        namespace, name = str(meta.get("namespace") or "default"), str(meta.get("name") or "")
        texts = {str(key): value for key, value in sorted(data.items()) if isinstance(value, str)}
        found[namespace, name] = Source(namespace=namespace, name=name, data=texts)
    return found


def first(found: Mapping[tuple[str, str], Source], name: str, namespaces: Iterable[str]) -> Source | None:
    """Return the copy that counts: of the first of the namespaces that has one."""
    return next((found[namespace, name] for namespace in namespaces if (namespace, name) in found), None)


def mapping(text: str, example: str = "") -> dict[str, Any]:
    """Return the mapping that a text holds, as JSON or YAML; `example` is one, for who wrote something else.

    Raises:
        InvalidField: it holds none; the field is the line where reading ended, or `text`.
    """
    try:
        value = _parsed(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise _unreadable(text, getattr(getattr(error, "problem_mark", None), "line", None), example) from None
    if not isinstance(value, dict):
        raise _unreadable(text, None, example)
    return {str(key): part for key, part in value.items()}


def _unreadable(text: str, line: int | None, example: str) -> InvalidField:
    lines, remedy = text.splitlines(), f"write a YAML mapping{f' such as {example}' if example else ''}"
    if line is None or line >= len(lines):
        return InvalidField("text", text, remedy)
    return InvalidField(f"line {line + 1}", lines[line], remedy)


def mentioned(text: str) -> frozenset[str]:
    """Return the models that an unreadable text names, as far as can be seen; nobody where it names none."""
    return frozenset(_MODEL.findall(text)) or NOBODY


class _Loader(yaml.SafeLoader):
    """Reads YAML without aliases: a page of them can stand for gigabytes."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not read here")
        return super().compose_node(parent, index)


def _parsed(text: str) -> Any:  # noqa: ANN401 - whatever the text holds
    try:
        return json.loads(text)
    except ValueError:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
