"""How a gRPC call ends: status codes, and the header sections that carry them."""

from enum import IntEnum
from typing import Final
from urllib.parse import quote

from hpack.hpack import encode_integer

_MOST_CHARS: Final = 300
_UNQUOTED: Final = " !\"#$&'()*+,-./:;<=>?@[]^_`{|}~"


class Status(IntEnum):
    """Status codes of gRPC that we send."""

    OK = 0
    INVALID_ARGUMENT = 3
    NOT_FOUND = 5
    RESOURCE_EXHAUSTED = 8
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14


def literal(name: bytes, value: bytes) -> bytes:
    """Return a field that no decoder remembers (RFC 7541 §6.2.2), so that our side needs no state."""
    return b"\0" + bytes(encode_integer(len(name), 7)) + name + bytes(encode_integer(len(value), 7)) + value


HEADERS: Final = b"\x88" + literal(b"content-type", b"application/grpc")
"""`:status: 200` from the static table, and the content type."""
UNSUPPORTED_MEDIA_TYPE: Final = literal(b":status", b"415")


def trailers(status: Status, message: str = "") -> bytes:
    """Return the trailers of a call; `message` is cut to what fits a frame, and percent-encoded as gRPC wants it."""
    block = literal(b"grpc-status", b"%d" % status)
    if status is Status.UNIMPLEMENTED:
        block += literal(b"grpc-accept-encoding", b"identity")
    if message:
        block += literal(b"grpc-message", quote(message[:_MOST_CHARS], safe=_UNQUOTED).encode())
    return block


TRAILERS_OK: Final = trailers(Status.OK)
