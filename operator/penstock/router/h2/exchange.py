"""What each frame of a client does to the streams of one HTTP/2 connection (RFC 9113 §6), sans I/O."""

from collections.abc import Callable
from typing import Final, TypeAlias

from penstock.router.h2 import settings
from penstock.router.h2.faults import Code, ConnectionFault, StreamFault
from penstock.router.h2.fields import FieldReader, Fields, malformed
from penstock.router.h2.frames import MAX_WINDOW, SETTINGS_ACK, Flag, Setting, ping, rst_stream, unpad, window_update
from penstock.router.h2.limits import Bucket
from penstock.router.h2.receiver import Receiver
from penstock.router.h2.streams import Outbox, Stream

Opener: TypeAlias = Callable[[Stream], Receiver]
"""Makes the receiver of one stream."""
Route: TypeAlias = Callable[[Fields], Opener]
"""Chooses the opener by the request's header section; pure, since its answer is remembered."""

Handler: TypeAlias = "Callable[[Exchange, int, int, bytes], None]"
"""Flags, stream and payload of a whole frame."""


class Exchange:
    """Streams of one connection, and the rules of each frame.

    `now_s` is set by the owner before frames are handed in. `last` is the highest stream that the client has opened;
    streams above `refuse_above` are refused. `open_block`: a header section whose CONTINUATION is still to come.
    `pong` is called with the payload of each PING answer.
    """

    __slots__ = (
        "_bucket",
        "_fields",
        "_window_in",
        "last",
        "limits",
        "now_s",
        "open_block",
        "outbox",
        "pong",
        "refuse_above",
    )

    def __init__(self, route: Route, outbox: Outbox, pong: Callable[[bytes], None]) -> None:
        def interpret(fields: Fields) -> Opener:
            return _refuse_malformed if malformed(fields) else route(fields)

        self.outbox, self.limits, self.pong = outbox, outbox.limits, pong
        self.now_s = 0.0
        self.last = 0
        self.refuse_above = MAX_WINDOW
        self.open_block: tuple[int, int, bytes] | None = None
        self._fields = FieldReader(interpret, self.limits.max_header_list_bytes)
        self._bucket = Bucket(self.limits.control_burst, self.limits.control_per_s)
        self._window_in = self.limits.connection_window_bytes

    def reset(self, number: int, code: Code) -> None:
        """Reset one stream for a fault of the client."""
        self.charge()
        stream = self.outbox.streams.get(number)
        if stream is not None:
            stream.abort(code)
        else:
            self.outbox.write(rst_stream(number, code))

    def charge(self, count: float = 1.0) -> None:
        """Count a frame that brings nothing forward.

        Raises:
            ConnectionFault: the client floods us.
        """
        self._bucket.spend(count, self.now_s)

    def on_data(self, flags: int, number: int, payload: bytes) -> None:
        """Take a part of a body (§6.1)."""
        size = len(payload)
        self._window_in -= size
        # widened at once whatever becomes of the data: it is each stream's own window that holds a client back
        if self._window_in <= self.limits.connection_window_bytes >> 1:
            self.outbox.write(window_update(0, self.limits.connection_window_bytes - self._window_in))
            self._window_in = self.limits.connection_window_bytes
        chunk = unpad(payload) if flags & Flag.PADDED else payload
        stream = self.outbox.streams.get(number)
        if stream is None:
            self._stray(number)
            return
        if not chunk and not flags & Flag.END_STREAM:
            self.charge()
        stream.received(size, chunk, end=bool(flags & Flag.END_STREAM))

    def _stray(self, number: int) -> None:
        """Bear a frame on a stream that has ended, which a peer may send before it knows; none on one never begun."""
        if number > self.last or not number & 1:
            raise ConnectionFault(Code.PROTOCOL_ERROR, "frame on an idle stream")
        self.charge()

    def on_headers(self, flags: int, number: int, payload: bytes) -> None:
        """Take a header section, or its first part (§6.2)."""
        if not number & 1:
            raise ConnectionFault(Code.PROTOCOL_ERROR, "HEADERS on a stream that no client opens")
        if flags & Flag.PADDED:
            payload = unpad(payload)
        if flags & Flag.PRIORITY:
            if len(payload) < 5:
                raise ConnectionFault(Code.FRAME_SIZE_ERROR, "HEADERS too short for its priority")
            payload = payload[5:]
        if flags & Flag.END_HEADERS:
            self._section(number, flags, payload)
        else:
            self.open_block = (number, flags, payload)

    def on_continuation(self, flags: int, number: int, payload: bytes) -> None:
        """Take a further part of a header section (§6.10)."""
        if self.open_block is None:
            raise ConnectionFault(Code.PROTOCOL_ERROR, "CONTINUATION without HEADERS")
        self.charge()
        block = self.open_block[2] + payload
        if len(block) > self.limits.max_header_block_bytes:
            raise ConnectionFault(Code.ENHANCE_YOUR_CALM, "header section too long")
        if flags & Flag.END_HEADERS:
            first_flags, self.open_block = self.open_block[1], None
            self._section(number, first_flags, block)
        else:
            self.open_block = (number, self.open_block[1], block)

    def _section(self, number: int, flags: int, block: bytes) -> None:
        """Take a whole header section: of a new request, or trailers."""
        opener = self._fields.read(block)
        if number > self.last:
            self._open(number, opener, end=bool(flags & Flag.END_STREAM))
            return
        stream = self.outbox.streams.get(number)
        if stream is None:
            self._stray(number)
        elif not flags & Flag.END_STREAM or stream.ended_in:
            raise StreamFault(Code.PROTOCOL_ERROR, "trailers that do not end the stream, or after its end")
        else:
            stream.ended()

    def _open(self, number: int, opener: Opener, *, end: bool) -> None:
        streams = self.outbox.streams
        self.last = number
        if number > self.refuse_above or len(streams) >= self.limits.max_streams:
            raise StreamFault(Code.REFUSED_STREAM, "draining, or too many streams")
        stream = streams[number] = Stream(number, self.outbox)
        stream.ended_in = end
        stream.receiver = opener(stream)
        if end and not stream.ended_out:
            stream.receiver.end()

    def on_rst_stream(self, _flags: int, number: int, payload: bytes) -> None:
        """End a stream that the client gave up (§6.4)."""
        if len(payload) != 4:
            raise ConnectionFault(Code.FRAME_SIZE_ERROR, "RST_STREAM is not 4 bytes")
        stream = self.outbox.streams.get(number)
        if stream is None:
            if number > self.last or not number & 1:
                raise ConnectionFault(Code.PROTOCOL_ERROR, "RST_STREAM on an idle stream")
            self.charge(0.1)
            return
        self.charge()
        stream.drop()

    def on_settings(self, flags: int, number: int, payload: bytes) -> None:
        """Apply and acknowledge the client's settings, or note that ours apply (§6.5)."""
        if number:
            raise ConnectionFault(Code.PROTOCOL_ERROR, "SETTINGS on a stream")
        if flags & Flag.ACK:
            if payload:
                raise ConnectionFault(Code.FRAME_SIZE_ERROR, "acknowledgement of SETTINGS with content")
            self._fields.settings_applied()
            return
        values = settings.read(payload)
        self.charge(1 + len(self.outbox.streams) / 64)
        if Setting.INITIAL_WINDOW_SIZE in values:
            self.outbox.resize(values[Setting.INITIAL_WINDOW_SIZE])
        self.outbox.write(SETTINGS_ACK)

    def on_ping(self, flags: int, number: int, payload: bytes) -> None:
        """Answer a PING (§6.7)."""
        if number:
            raise ConnectionFault(Code.PROTOCOL_ERROR, "PING on a stream")
        if len(payload) != 8:
            raise ConnectionFault(Code.FRAME_SIZE_ERROR, "PING is not 8 bytes")
        self.charge()
        if flags & Flag.ACK:
            self.pong(payload)
        else:
            self.outbox.write(ping(payload, ack=True))

    def on_goaway(self, _flags: int, number: int, payload: bytes) -> None:
        """Note that the client will open no more streams; those that are open go on (§6.8)."""
        if number:
            raise ConnectionFault(Code.PROTOCOL_ERROR, "GOAWAY on a stream")
        if len(payload) < 8:
            raise ConnectionFault(Code.FRAME_SIZE_ERROR, "GOAWAY is shorter than 8 bytes")
        self.charge()
        self.refuse_above = min(self.refuse_above, self.last)

    def on_window_update(self, _flags: int, number: int, payload: bytes) -> None:
        """Widen a send window (§6.9)."""
        if len(payload) != 4:
            raise ConnectionFault(Code.FRAME_SIZE_ERROR, "WINDOW_UPDATE is not 4 bytes")
        increment = int.from_bytes(payload, "big") & MAX_WINDOW
        if number == 0:
            self.charge(0.1)
            if increment == 0:
                raise ConnectionFault(Code.PROTOCOL_ERROR, "WINDOW_UPDATE of 0")
            self.outbox.grow(increment)
            return
        stream = self.outbox.streams.get(number)
        if stream is None:
            self._stray(number)
            return
        self.charge(0.1)
        if increment == 0:
            raise StreamFault(Code.PROTOCOL_ERROR, "WINDOW_UPDATE of 0")
        stream.grow(increment)

    def on_priority(self, _flags: int, number: int, payload: bytes) -> None:
        """Ignore what RFC 9113 §5.3 has deprecated, but not its form."""
        self.charge()
        if number == 0:
            raise ConnectionFault(Code.PROTOCOL_ERROR, "PRIORITY on stream 0")
        if len(payload) != 5:
            raise ConnectionFault(Code.FRAME_SIZE_ERROR, "PRIORITY is not 5 bytes")

    def on_push_promise(self, _flags: int, _number: int, _payload: bytes) -> None:
        """Refuse what no client may send (§8.4)."""
        raise ConnectionFault(Code.PROTOCOL_ERROR, "PUSH_PROMISE from a client")


def _refuse_malformed(_stream: Stream) -> Receiver:
    raise StreamFault(Code.PROTOCOL_ERROR, "malformed header section")


HANDLERS: Final[tuple[Handler, ...]] = (
    Exchange.on_data,
    Exchange.on_headers,
    Exchange.on_priority,
    Exchange.on_rst_stream,
    Exchange.on_settings,
    Exchange.on_push_promise,
    Exchange.on_ping,
    Exchange.on_goaway,
    Exchange.on_window_update,
    Exchange.on_continuation,
)
"""By frame type; types above are unknown and ignored (§5.5)."""
