"""One scaling pass as a record: what was seen, remembered and configured, and what was decided; packed JSON."""

import gzip
import json
import zlib
from dataclasses import dataclass
from typing import Final

import msgspec

from penstock.domain.decisions import Decision
from penstock.domain.errors import InvalidField
from penstock.domain.observations import Observation
from penstock.domain.variants import ObjectKey
from penstock.records.codec import Json, decode, encode
from penstock.scaling.config import Config
from penstock.scaling.memory import Memory

SCHEMA: Final = 5
"""The layout of all that a record holds; it grows with every change after which older records cannot be read."""

_REWRITE: Final = "take a file that penstock wrote, whole and unchanged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Everything that `scaling.decide.decide` was given in one pass, and its answer; `version` is Penstock's."""

    version: str
    observation: Observation
    memory: Memory
    config: Config
    decisions: tuple[Decision, ...]
    schema: int = SCHEMA

    def decision(self, key: ObjectKey) -> Decision | None:
        """Return what was decided of one variant, None where the pass knew none of that name."""
        return next((decision for decision in self.decisions if decision.key == key), None)


def pack(record: Record) -> bytes:
    """Return the record as compressed JSON; equal records give equal bytes."""
    return gzip.compress(_text(encode(Record, record)), compresslevel=5, mtime=0)


def _text(body: Json) -> bytes:
    """Return JSON text; for ten thousand pods the standard library would hold everything up for a fifth of a second."""
    try:
        return msgspec.json.encode(body)
    except (ValueError, OverflowError):  # half a surrogate pair, an integer of more than 64 bits
        return json.dumps(body, separators=(",", ":"), allow_nan=False).encode()


def unpack(data: bytes, name: str = "record") -> Record:
    """Return the record in packed or plain JSON.

    Raises:
        InvalidField: no record, or one of another schema; the field is `name`.
    """
    body = _json(data, name)
    schema = body.get("schema") if isinstance(body, dict) else None
    if schema != SCHEMA:
        raise InvalidField(f"{name}: schema", schema, f"this version reads schema {SCHEMA}; {_remedy(schema)}")
    return decode(Record, body, name)


def _remedy(schema: object) -> str:
    """Return what to do with a record of another schema, or with no record at all."""
    if not isinstance(schema, int):
        return _REWRITE
    age = "an older" if schema < SCHEMA else "a newer"
    return f"{age} penstock wrote it: read it with that version, or take a record that this one wrote"


def _json(data: bytes, name: str) -> Json:
    try:
        return json.loads(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)
    except (ValueError, OSError, EOFError, zlib.error) as error:
        raise InvalidField(name, f"{len(data)} bytes", f"{_REWRITE} ({type(error).__name__})") from error
