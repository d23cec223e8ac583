"""The first message of a stream, read without building objects where it has the shape that Envoy sends."""

from dataclasses import dataclass
from typing import Final, NamedTuple

from envoy.service.ext_proc.v3.external_processor_pb2 import ProcessingRequest
from google.protobuf.message import DecodeError
from google.protobuf.struct_pb2 import Struct, Value

from penstock.router.headernames import LB_NAMESPACE, SERVED, SUBSET, SUBSET_NAMESPACE

Headers = dict[bytes, bytes]

_CACHED_TERMS: Final = 1024
_CACHED_TERMS_BYTES: Final = 512


class Section(NamedTuple):
    """Request headers as they came: the first value of each name, and the names that came more than once."""

    headers: Headers
    repeated: frozenset[bytes]
    end_of_stream: bool
    tail: bytes
    """What follows the headers in the message: metadata, modes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the proxy says around a request: body modes (`ProcessingMode.BodySendMode`), hint, whether it waits."""

    request_body: int
    response_body: int
    observing: bool
    subset: frozenset[str] | None


def read_section(message: bytes) -> Section | None:
    """Return the request headers of a ProcessingRequest, or None where it carries another part of the exchange.

    Names are in lower case already, by the protocol. A message of an unusual shape is left to the protobuf classes;
    both ways give the same.

    Raises:
        DecodeError: no ProcessingRequest.
    """
    try:
        section = _walk_message(message)
    except IndexError:
        section = None
    return section or _parse(message)


def _walk_message(message: bytes) -> Section | None:
    """Return the section of a message in canonical form, None where anything is unusual."""
    if message[0] != 0x12:
        return None
    end, at = _length(message, 1)
    if message[at] != 0x0A or end > len(message):
        return None
    map_end, at = _length(message, at + 1)
    rest = message[map_end:end]
    if rest not in {b"", b"\x18\x01"} or map_end > end:
        return None
    headers = _walk_map(message, at, map_end)
    return None if headers is None else Section(headers, frozenset(), bool(rest), message[end:])


def _length(message: bytes, at: int) -> tuple[int, int]:
    """Return the end of a length-prefixed field whose length stands at `at`, and where its content begins."""
    size = shift = 0
    while (byte := message[at]) > 0x7F:
        size |= (byte & 0x7F) << shift
        shift += 7
        at += 1
        if shift > 28:
            raise IndexError
    return at + 1 + (size | byte << shift), at + 1


def _walk_map(message: bytes, at: int, end: int) -> Headers | None:
    """Return the headers of a HeaderMap: entries of a short `key` and a `raw_value`, each name once.

    An entry is `0a size 0a key-size key 1a value-size value`; one that is longer than 127 bytes is left to `_entry`.
    """
    headers: Headers = {}
    count = 0
    while at < end:
        size = message[at + 1]
        stop, name_at = at + 2 + size, at + 4
        value_at = name_at + message[at + 3]
        plain = size < 0x80 and message[at] == message[at + 2] == 0x0A
        if plain and message[value_at] == 0x1A and message[value_at + 1] == stop - value_at - 2:
            headers[message[name_at:value_at]] = message[value_at + 2 : stop]
        else:
            long = _entry(message, at)
            if long is None:
                return None
            name, value, stop = long
            headers[name] = value
        count += 1
        at = stop
    return headers if at == end and count == len(headers) else None


def _entry(message: bytes, at: int) -> tuple[bytes, bytes, int] | None:
    """Return name, value and end of one entry of any length, None where it holds anything else."""
    stop, key_at = _length(message, at + 1)
    value_at, name_at = _length(message, key_at + 1)
    if message[at] != 0x0A or message[key_at] != 0x0A or value_at > stop:
        return None
    if value_at == stop:
        return message[name_at:value_at], b"", stop
    value_end, value_from = _length(message, value_at + 1)
    if message[value_at] != 0x1A or value_end != stop:
        return None
    return message[name_at:value_at], message[value_from:stop], stop


def _parse(message: bytes) -> Section | None:
    """Read a section by the protobuf classes; its tail is the same message without the headers."""
    parsed = ProcessingRequest.FromString(message)
    if parsed.WhichOneof("request") != "request_headers":
        return None
    headers: Headers = {}
    repeated = set()
    for header in parsed.request_headers.headers.headers:
        name = header.key.encode()
        if name in headers:
            repeated.add(name)
        else:
            headers[name] = header.raw_value or header.value.encode()
    end_of_stream = parsed.request_headers.end_of_stream
    parsed.ClearField("request_headers")
    return Section(headers, frozenset(repeated), end_of_stream, parsed.SerializeToString())


class TermsReader:
    """Reads the tail of first messages; most are equal, so they are remembered by their bytes."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[bytes, Terms] = {}

    def read(self, tail: bytes) -> Terms:
        """Return the terms in `tail`.

        Raises:
            DecodeError: no part of a ProcessingRequest.
        """
        known = self._known.get(tail)
        if known is not None:
            return known
        terms = _terms(ProcessingRequest.FromString(tail))
        if len(tail) <= _CACHED_TERMS_BYTES:
            if len(self._known) >= _CACHED_TERMS:
                self._known.clear()
            self._known[tail] = terms
        return terms


def _terms(parsed: ProcessingRequest) -> Terms:
    if parsed.WhichOneof("request") is not None:
        raise DecodeError("two parts of an exchange in one message")
    return Terms(
        request_body=parsed.protocol_config.request_body_mode,
        response_body=parsed.protocol_config.response_body_mode,
        observing=parsed.observability_mode,
        subset=read_subset(parsed.metadata_context.filter_metadata),
    )


def read_subset(metadata: "dict[str, Struct]") -> frozenset[str] | None:
    """Return the subset hint: a string, a list of strings, or a list of comma strings; None where there is none.

    A hint of another type admits nothing, since the proxy did mean to limit the choice.
    """
    if SUBSET_NAMESPACE not in metadata or SUBSET not in metadata[SUBSET_NAMESPACE].fields:
        return None
    hint = metadata[SUBSET_NAMESPACE].fields[SUBSET]
    values: list[Value] = list(hint.list_value.values) if hint.HasField("list_value") else [hint]
    entries = (entry.strip() for value in values for entry in value.string_value.split(","))
    return frozenset(entry for entry in entries if entry)


def read_served(parsed: ProcessingRequest) -> str:
    """Return the endpoint that sent the response headers, empty where the proxy does not tell."""
    metadata = parsed.metadata_context.filter_metadata
    if LB_NAMESPACE not in metadata or SERVED not in metadata[LB_NAMESPACE].fields:
        return ""
    return str(metadata[LB_NAMESPACE].fields[SERVED].string_value)
