"""The metadata of an object, as far as we read it; manifests from files lack what an API server adds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from penstock.domain.errors import InvalidField
from penstock.domain.variants import ObjectKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """Who an object is. `created_at_s` is Unix time, 0 where no API server made the object."""

    key: ObjectKey
    uid: str = ""
    generation: int = 0
    created_at_s: float = 0.0
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


def read_metadata(body: Mapping[str, Any]) -> Metadata:
    """Return the metadata of an object; no namespace is `default`.

    Raises:
        InvalidField: there is no metadata.name.
    """
    meta = section(body, "metadata")
    name, generation = meta.get("name"), meta.get("generation")
    if not isinstance(name, str) or not name:
        raise InvalidField("metadata.name", name, "name the object")
    return Metadata(
        key=ObjectKey(str(meta.get("namespace") or "default"), name),
        uid=str(meta.get("uid") or ""),
        generation=generation if isinstance(generation, int) else 0,
        created_at_s=unix_seconds(meta.get("creationTimestamp")),
        labels=_strings(meta.get("labels")),
        annotations=_strings(meta.get("annotations")),
    )


def section(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a part of an object that has to be a mapping; an absent one is empty.

    Raises:
        InvalidField: it is something else.
    """
    found = body.get(name)
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise InvalidField(name, found, "write a mapping")
    return found


def unix_seconds(stamp: object) -> float:
    """Return the Unix time of an RFC 3339 stamp, or 0.0 where there is none; YAML may have read it already."""
    if isinstance(stamp, str):
        try:
            stamp = datetime.fromisoformat(stamp)
        except ValueError:
            return 0.0
    if not isinstance(stamp, datetime):
        return 0.0
    return (stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)).timestamp()


def _strings(found: object) -> Mapping[str, str]:
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, Mapping) else {}
