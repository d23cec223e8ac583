"""Who asks and how urgently, from the header X-Workload-Context; whatever it holds, it never is an error."""

import re
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

import msgspec

from penstock.domain.requests import DEFAULT_CRITICALITY, DEFAULT_WORKLOAD, WorkloadContext

MAX_HEADER_BYTES: Final = 1024
CACHED_HEADERS: Final = 4096
LOWEST, HIGHEST = 1, 5
_ID: Final = re.compile(r"[A-Za-z0-9._:/-]{1,64}")
_NOBODY: Final = WorkloadContext()


class ContextCause(StrEnum):
    """What was wrong with a header; label of `penstock_router_header_invalid_total`."""

    DUPLICATE = "duplicate"
    TOO_LONG = "too-long"
    NOT_JSON = "not-json"
    BAD_ID = "bad-id"
    BAD_CRITICALITY = "bad-criticality"
    CLAMPED = "clamped"


class _Header(msgspec.Struct):
    """The two fields that count, of any type; others are ignored."""

    workload_id: Any = msgspec.UNSET
    criticality: Any = msgspec.UNSET


_DECODER: Final = msgspec.json.Decoder(_Header)


def parse_context(raw: bytes | None, duplicated: bool = False) -> tuple[WorkloadContext, ContextCause | None]:  # noqa: FBT001, FBT002 - one fact about `raw`
    """Return the context and, when something in the header could not be used, the cause to count.

    A missing header or field takes its default silently. Each field stands alone: a bad id does not cost a good
    criticality. Numbers out of 1 to 5 are clamped; anything but an integer counts as not declared.
    """
    if duplicated:
        return _NOBODY, ContextCause.DUPLICATE
    if raw is None:
        return _NOBODY, None
    if len(raw) > MAX_HEADER_BYTES:
        return _NOBODY, ContextCause.TOO_LONG
    return _parsed(raw)


@lru_cache(maxsize=CACHED_HEADERS)
def _parsed(raw: bytes) -> tuple[WorkloadContext, ContextCause | None]:
    """Decode a header once; clients repeat theirs, and a look-up costs a third of a decoding."""
    try:
        header = _DECODER.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _NOBODY, ContextCause.NOT_JSON
    workload_id, id_cause = _workload_id(header.workload_id)
    criticality, criticality_cause = _criticality(header.criticality)
    context = WorkloadContext(
        DEFAULT_WORKLOAD if workload_id is None else workload_id,
        DEFAULT_CRITICALITY if criticality is None else criticality,
        declared=criticality is not None,
    )
    return context, id_cause or criticality_cause


def _workload_id(value: object) -> tuple[str | None, ContextCause | None]:
    if value is msgspec.UNSET:
        return None, None
    if isinstance(value, str) and _ID.fullmatch(value):
        return value, None
    return None, ContextCause.BAD_ID


def _criticality(value: object) -> tuple[int | None, ContextCause | None]:
    if value is msgspec.UNSET:
        return None, None
    if not isinstance(value, int) or isinstance(value, bool):
        return None, ContextCause.BAD_CRITICALITY
    clamped = min(max(value, LOWEST), HIGHEST)
    return clamped, None if clamped == value else ContextCause.CLAMPED
