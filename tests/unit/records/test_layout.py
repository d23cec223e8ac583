"""The layout of records belongs to their schema: an older one is refused by its age, and not by a field it lacks."""

import hashlib
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_origin, get_type_hints

from penstock.records.record import SCHEMA, Record

LAYOUT = (5, "3b87c156b4cc17ce")  # a schema, and the digest of all names of fields that its records hold


def names(shape: Any, seen: set[str]) -> Iterator[str]:
    """Yield the fields of all dataclasses and named tuples that an annotation leads to."""
    kind = get_origin(shape) or shape
    for part in get_args(shape):
        yield from names(part, seen)
    own = [one.name for one in fields(kind) if one.init] if is_dataclass(kind) else getattr(kind, "_fields", ())
    if not own or kind.__qualname__ in seen:
        return
    seen.add(kind.__qualname__)
    hints = get_type_hints(kind)
    for name in own:
        yield f"{kind.__qualname__}.{name}"
        yield from names(hints[name], seen)


def test_another_layout_is_another_schema() -> None:
    """Where this fails raise SCHEMA and tell so in CHANGELOG.md, then write both down here."""
    found = sorted(names(Record, set()))

    assert {"ModelPast.accuracy", "Expected.due_s", "ObjectKey.namespace"} <= set(found)
    assert (SCHEMA, hashlib.sha256("\n".join(found).encode()).hexdigest()[:16]) == LAYOUT
