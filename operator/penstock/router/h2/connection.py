"""Server side of one HTTP/2 connection, sans I/O: bytes in, calls of receivers; what they answer, bytes out."""

from collections.abc import Callable
from typing import Final

from penstock.router.h2 import settings
from penstock.router.h2.exchange import HANDLERS, Exchange, Route
from penstock.router.h2.faults import Code, ConnectionFault, StreamFault
from penstock.router.h2.frames import HEADER, HEADER_SIZE, MAX_FRAME_SIZE, MAX_WINDOW, PREFACE, Kind, goaway, ping
from penstock.router.h2.limits import Limits, Memory
from penstock.router.h2.streams import Outbox

_DRAIN_PING: Final = b"penstock"
_PROBE_PING: Final = b"presence"


class Connection:
    """Bytes in by `receive`, bytes out by `outbox.take()`.

    `closing` turns true when nothing more is to be read: once the outbox is written, the transport is to be closed.
    `wake` is called when there is output and `receive` is not running. No input makes `receive` raise.
    """

    __slots__ = ("_draining", "_exchange", "_greeted", "_prefaced", "_rest", "closing", "outbox")

    def __init__(self, route: Route, limits: Limits, memory: Memory, wake: Callable[[], None]) -> None:
        self.outbox = Outbox(limits, memory, wake)
        self.outbox.pieces.append(settings.opening(limits))
        self.closing = False
        self._exchange = Exchange(route, self.outbox, self._pong)
        self._rest = b""
        self._prefaced = self._greeted = self._draining = False

    @property
    def idle(self) -> bool:
        """Whether no stream is open."""
        return not self.outbox.streams

    @property
    def greeted(self) -> bool:
        """Whether the client has spoken HTTP/2 to us."""
        return self._greeted

    def receive(self, data: bytes, now_s: float) -> None:
        """Take bytes as they came from the socket; `now_s` is any clock that never goes back."""
        if self.closing:
            return
        self._exchange.now_s = now_s
        self.outbox.corked = True
        try:
            self._consume(self._rest + data if self._rest else data)
        except ConnectionFault as fault:
            self._fail(fault)
        finally:
            self.outbox.corked = False
        self.settle()

    def drain(self) -> None:
        """Ask the client to open no more streams; `closing` follows when the open ones have ended (§6.8).

        The first GOAWAY announces; the second, a round trip later, names the last stream that we took.
        """
        if not self._draining and not self.closing:
            self._draining = True
            self.outbox.write(goaway(MAX_WINDOW, Code.NO_ERROR) + ping(_DRAIN_PING, ack=False))

    def release(self) -> None:
        """End every open exchange in good order, as if the client had said that it needs nothing more."""
        for stream in list(self.outbox.streams.values()):
            if not stream.ended_in:
                stream.ended()

    def settle(self) -> None:
        """Turn `closing` when all that was announced to end has ended."""
        if self._exchange.refuse_above < MAX_WINDOW and self.idle:
            self.closing = True

    def probe(self) -> None:
        """Ask the client for a sign of life."""
        self.outbox.write(ping(_PROBE_PING, ack=False))

    def lost(self) -> None:
        """Tell all receivers that the connection is gone."""
        self.closing = True
        for stream in list(self.outbox.streams.values()):
            stream.drop()

    def _fail(self, fault: ConnectionFault) -> None:
        self.outbox.write(goaway(self._exchange.last, fault.code, fault.message))
        self._rest = b""
        self.lost()

    def _pong(self, payload: bytes) -> None:
        if payload == _DRAIN_PING and self._draining and self._exchange.refuse_above == MAX_WINDOW:
            self._exchange.refuse_above = self._exchange.last
            self.outbox.write(goaway(self._exchange.last, Code.NO_ERROR))

    def _consume(self, data: bytes) -> None:
        at, size = 0, len(data)
        if not self._prefaced:
            at = self._preface(data)
        while self._prefaced and size - at >= HEADER_SIZE:
            high, low, kind, flags, number = HEADER.unpack_from(data, at)
            length = high << 8 | low
            if length > MAX_FRAME_SIZE:
                raise ConnectionFault(Code.FRAME_SIZE_ERROR, "frame above SETTINGS_MAX_FRAME_SIZE")
            end = at + HEADER_SIZE + length
            if end > size:
                break
            self._frame(kind, flags, number & MAX_WINDOW, data[at + HEADER_SIZE : end])
            at = end
        self._rest = data[at:]

    def _preface(self, data: bytes) -> int:
        """Return where frames begin; 0 as long as the preface is incomplete."""
        if not data.startswith(PREFACE[: len(data)]):
            raise ConnectionFault(Code.PROTOCOL_ERROR, "no HTTP/2 preface")
        self._prefaced = len(data) >= len(PREFACE)
        return len(PREFACE) if self._prefaced else 0

    def _frame(self, kind: int, flags: int, number: int, payload: bytes) -> None:
        exchange = self._exchange
        if exchange.open_block is not None and (kind != Kind.CONTINUATION or number != exchange.open_block[0]):
            raise ConnectionFault(Code.PROTOCOL_ERROR, "a header section was interrupted")
        if not self._greeted:
            self._greet(kind)
        try:
            if kind < len(HANDLERS):
                HANDLERS[kind](exchange, flags, number, payload)
            else:
                exchange.charge()
        except StreamFault as fault:
            exchange.reset(number, fault.code)

    def _greet(self, kind: int) -> None:
        if kind != Kind.SETTINGS:
            raise ConnectionFault(Code.PROTOCOL_ERROR, "the first frame is not SETTINGS")
        self._greeted = True
