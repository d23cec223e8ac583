"""SETTINGS in both directions (RFC 9113 §6.5)."""

from collections.abc import Callable
from typing import Final

from penstock.router.h2.faults import Code, ConnectionFault
from penstock.router.h2.frames import (
    DEFAULT_WINDOW,
    MAX_FRAME_SIZE,
    MAX_WINDOW,
    SETTING,
    Setting,
    settings,
    window_update,
)
from penstock.router.h2.limits import Limits


def opening(limits: Limits) -> bytes:
    """Return what a server says first: its settings, and the rest of its connection window.

    A header table of size 0 makes a peer's header blocks equal for equal headers, so a block can be looked up.
    """
    announced = settings({
        Setting.HEADER_TABLE_SIZE: 0,
        Setting.MAX_CONCURRENT_STREAMS: limits.max_streams,
        Setting.INITIAL_WINDOW_SIZE: limits.stream_window_bytes,
        Setting.MAX_HEADER_LIST_SIZE: limits.max_header_list_bytes,
    })  # fmt: skip
    return announced + window_update(0, limits.connection_window_bytes - DEFAULT_WINDOW)


def read(payload: bytes) -> dict[int, int]:
    """Return the peer's parameters, the last one of each, checked; unknown ones are dropped.

    Raises:
        ConnectionFault: a length or value that RFC 9113 §6.5 forbids.
    """
    if len(payload) % SETTING.size:
        raise ConnectionFault(Code.FRAME_SIZE_ERROR, "SETTINGS is no multiple of 6 bytes")
    values: dict[int, int] = {}
    for key, value in SETTING.iter_unpack(payload):
        check = _CHECKS.get(key)
        if check is not None:
            check(value)
            values[key] = value
    return values


def _window(value: int) -> None:
    if value > MAX_WINDOW:
        raise ConnectionFault(Code.FLOW_CONTROL_ERROR, "INITIAL_WINDOW_SIZE above 2^31-1")


def _frame_size(value: int) -> None:
    if not MAX_FRAME_SIZE <= value < 2**24:
        raise ConnectionFault(Code.PROTOCOL_ERROR, "MAX_FRAME_SIZE out of range")


def _push(value: int) -> None:
    if value > 1:
        raise ConnectionFault(Code.PROTOCOL_ERROR, "ENABLE_PUSH is neither 0 nor 1")


_CHECKS: Final[dict[int, Callable[[int], None]]] = {
    Setting.INITIAL_WINDOW_SIZE: _window,
    Setting.MAX_FRAME_SIZE: _frame_size,
    Setting.ENABLE_PUSH: _push,
}
