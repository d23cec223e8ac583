"""Frames of RFC 9113 §4 and §6: their numbers, and the bytes of those that we send."""

import struct
from enum import IntEnum
from typing import Final

from penstock.router.h2.faults import Code, ConnectionFault

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEADER_SIZE: Final = 9
MAX_FRAME_SIZE: Final = 16_384
"""Payload that any peer must accept (§4.2). We announce no more and send no more."""
MAX_WINDOW: Final = 2**31 - 1
DEFAULT_WINDOW: Final = 65_535

HEADER: Final = struct.Struct(">HBBBI")
"""Upper 16 and lower 8 bits of the length, type, flags, stream."""
SETTING: Final = struct.Struct(">HI")


class Kind:
    """Frame types; plain integers, since each frame asks for them."""

    DATA: Final = 0
    HEADERS: Final = 1
    PRIORITY: Final = 2
    RST_STREAM: Final = 3
    SETTINGS: Final = 4
    PUSH_PROMISE: Final = 5
    PING: Final = 6
    GOAWAY: Final = 7
    WINDOW_UPDATE: Final = 8
    CONTINUATION: Final = 9


class Flag:
    """Frame flags; ACK and END_STREAM share a bit on different types."""

    END_STREAM: Final = 0x1
    ACK: Final = 0x1
    END_HEADERS: Final = 0x4
    PADDED: Final = 0x8
    PRIORITY: Final = 0x20


class Setting(IntEnum):
    """Parameters of SETTINGS (§6.5.2)."""

    HEADER_TABLE_SIZE = 1
    ENABLE_PUSH = 2
    MAX_CONCURRENT_STREAMS = 3
    INITIAL_WINDOW_SIZE = 4
    MAX_FRAME_SIZE = 5
    MAX_HEADER_LIST_SIZE = 6


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """Return one frame."""
    size = len(payload)
    return HEADER.pack(size >> 8, size & 0xFF, kind, flags, stream) + payload


def settings(values: dict[Setting, int]) -> bytes:
    """Return a SETTINGS frame with `values`."""
    return frame(Kind.SETTINGS, 0, 0, b"".join(SETTING.pack(key, value) for key, value in values.items()))


SETTINGS_ACK: Final = frame(Kind.SETTINGS, Flag.ACK, 0)


def window_update(stream: int, increment: int) -> bytes:
    """Return a WINDOW_UPDATE; stream 0 is the connection."""
    return frame(Kind.WINDOW_UPDATE, 0, stream, increment.to_bytes(4, "big"))


def rst_stream(stream: int, code: Code) -> bytes:
    """Return a RST_STREAM."""
    return frame(Kind.RST_STREAM, 0, stream, code.to_bytes(4, "big"))


def ping(payload: bytes, *, ack: bool) -> bytes:
    """Return a PING of eight bytes, or the answer to one."""
    return frame(Kind.PING, Flag.ACK if ack else 0, 0, payload)


def goaway(last_stream: int, code: Code, debug: str = "") -> bytes:
    """Return a GOAWAY: streams above `last_stream` were not looked at and may be sent again elsewhere."""
    return frame(Kind.GOAWAY, 0, 0, last_stream.to_bytes(4, "big") + code.to_bytes(4, "big") + debug.encode())


def unpad(payload: bytes) -> bytes:
    """Return the payload of a frame with PADDED set, without its padding (§6.1).

    Raises:
        ConnectionFault: the padding is as long as the payload, or longer.
    """
    if not payload or payload[0] >= len(payload):
        raise ConnectionFault(Code.PROTOCOL_ERROR, "padding exceeds the frame")
    return payload[1 : len(payload) - payload[0]]
