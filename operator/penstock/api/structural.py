"""JSON schema of pydantic to the structural schema of a CRD: no references, no unions with null, no stored defaults."""

from collections.abc import Mapping
from typing import Any, Final

from penstock.api.workloadfields import STORED_DEFAULT

_DROPPED: Final = {"title", "default", "$defs", "additionalProperties", "anyOf", "$ref", "const", "exclusiveMinimum"}
_FIRST: Final = ("description", "type", "format", "enum", "default", "minimum", "exclusiveMinimum", "maximum")
_LAST: Final = ("required", "properties", "additionalProperties", "items")
_ORDER: Final = (*_FIRST, *_LAST)


def structural(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the structural schema of a whole model.

    Defaults are left out, because a stored default can never be improved and objects must read back as written; the
    one exception is marked with STORED_DEFAULT, since the API server wants values for the keys of a list.
    """
    return _converted(schema, schema.get("$defs", {}))


def _converted(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    node = _resolved(schema, definitions)
    result = {key: value for key, value in node.items() if key not in _DROPPED}
    if "properties" in node:
        result["properties"] = {name: _converted(part, definitions) for name, part in node["properties"].items()}
    if "items" in node:
        result["items"] = _converted(node["items"], definitions)
    if isinstance(node.get("additionalProperties"), Mapping):
        result["additionalProperties"] = _converted(node["additionalProperties"], definitions)
    result |= _spelled(node, result)
    return {key: result[key] for key in sorted(result, key=_reading_order)}


def _reading_order(key: str) -> int:
    """Return the place of a key in a node: what it is, then its bounds, then its parts."""
    return _ORDER.index(key) if key in _ORDER else len(_ORDER) - len(_LAST)


def _resolved(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Return a node with its reference and its optional part put in place; what stands beside them wins."""
    node = dict(schema)
    for branch in node.get("anyOf", ()):
        if branch.get("type") != "null":
            node = {**_resolved(branch, definitions), **node}
    if "$ref" in node:
        target = definitions[node["$ref"].rsplit("/", 1)[1]]
        node = {**_resolved(target, definitions), **node}
    return node


def _spelled(node: Mapping[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    """Return what the API server spells otherwise, and the description as one paragraph."""
    spelled: dict[str, Any] = {}
    if "exclusiveMinimum" in node:
        spelled |= {"minimum": node["exclusiveMinimum"], "exclusiveMinimum": True}
    if STORED_DEFAULT in result:
        spelled["default"] = result.pop(STORED_DEFAULT)
    if "description" in result:
        spelled["description"] = " ".join(result["description"].split())
    return spelled
