"""One stream of a connection and the output that all of them share, with the flow control of both directions."""

from collections import deque
from collections.abc import Callable

from penstock.router.h2.faults import Code, ConnectionFault, StreamFault
from penstock.router.h2.frames import (
    DEFAULT_WINDOW,
    HEADER,
    MAX_FRAME_SIZE,
    MAX_WINDOW,
    Flag,
    Kind,
    frame,
    rst_stream,
    window_update,
)
from penstock.router.h2.limits import Limits, Memory
from penstock.router.h2.receiver import NOBODY, Receiver


class Outbox:
    """Bytes on their way out, and what the streams of one connection share.

    Pieces gather while `corked`; else `wake` is called, which must end in `take` soon.
    """

    __slots__ = ("_wake", "corked", "initial_window", "limits", "memory", "pieces", "streams", "waiting", "window")

    def __init__(self, limits: Limits, memory: Memory, wake: Callable[[], None]) -> None:
        self.limits, self.memory, self._wake = limits, memory, wake
        self.corked = False
        self.pieces: list[bytes] = []
        self.window = self.initial_window = DEFAULT_WINDOW
        self.streams: dict[int, Stream] = {}
        self.waiting: dict[int, Stream] = {}

    def write(self, piece: bytes) -> None:
        """Queue bytes that flow control does not count."""
        self.pieces.append(piece)
        if not self.corked:
            self._wake()

    def take(self) -> bytes:
        """Return what is to be written now, and forget it."""
        out = b"".join(self.pieces)
        self.pieces.clear()
        return out

    def grow(self, increment: int) -> None:
        """Widen the connection's send window.

        Raises:
            ConnectionFault: the window would exceed 2^31-1 (RFC 9113 §6.9.1).
        """
        self.window += increment
        if self.window > MAX_WINDOW:
            raise ConnectionFault(Code.FLOW_CONTROL_ERROR, "connection window above 2^31-1")
        self.pump()

    def resize(self, initial_window: int) -> None:
        """Apply the peer's INITIAL_WINDOW_SIZE to all open streams (§6.9.2); windows may become negative.

        Raises:
            ConnectionFault: a window would exceed 2^31-1.
        """
        delta, self.initial_window = initial_window - self.initial_window, initial_window
        for stream in self.streams.values():
            stream.window_out += delta
            if stream.window_out > MAX_WINDOW:
                raise ConnectionFault(Code.FLOW_CONTROL_ERROR, "stream window above 2^31-1")
            if stream.queue:
                self.waiting[stream.number] = stream
        self.pump()

    def pump(self) -> None:
        """Send what the windows allow, one frame of each waiting stream in turn."""
        while self.waiting and self.window > 0:
            for stream in list(self.waiting.values()):
                if self.window <= 0:
                    return
                if not stream.push():
                    self.waiting.pop(stream.number, None)


class Stream:
    """One request and its response (RFC 9113 §5.1)."""

    __slots__ = (
        "ended_in",
        "ended_out",
        "held",
        "number",
        "outbox",
        "queue",
        "receiver",
        "trailer",
        "window_in",
        "window_out",
    )

    def __init__(self, number: int, outbox: Outbox) -> None:
        self.number, self.outbox = number, outbox
        self.receiver: Receiver = NOBODY
        self.ended_in = self.ended_out = False
        self.held = 0
        self.queue: deque[bytes] | None = None
        self.trailer: bytes | None = None
        self.window_in = outbox.limits.stream_window_bytes
        self.window_out = outbox.initial_window

    def head(self, block: bytes) -> None:
        """Send a header section."""
        if not self.ended_out:
            self.outbox.write(frame(Kind.HEADERS, Flag.END_HEADERS, self.number, block))

    def body(self, payload: bytes) -> None:
        """Send a part of the body, now or when the peer's windows allow it."""
        size, outbox = len(payload), self.outbox
        if self.queue or size > self.window_out or size > outbox.window or size > MAX_FRAME_SIZE:
            self._wait(payload)
        elif not self.ended_out:
            self.window_out -= size
            outbox.window -= size
            outbox.write(HEADER.pack(size >> 8, size & 0xFF, Kind.DATA, 0, self.number) + payload)

    def trailers(self, block: bytes) -> None:
        """Send trailers, which end our side, after everything that still waits.

        A peer that has not ended its side is told that we do not need the rest (RFC 9113 §8.1).
        """
        if self.ended_out:
            return
        if self.queue:
            self.trailer = block
            return
        self.ended_out = True
        self.outbox.write(frame(Kind.HEADERS, Flag.END_HEADERS | Flag.END_STREAM, self.number, block))
        if not self.ended_in:
            self.outbox.write(rst_stream(self.number, Code.NO_ERROR))
        self.forget()

    def abort(self, code: Code) -> None:
        """Reset the stream and tell the receiver."""
        if self.number in self.outbox.streams:
            self.outbox.write(rst_stream(self.number, code))
            self.drop()

    def drop(self) -> None:
        """Tell the receiver that the stream is gone; nothing is sent."""
        self.ended_in = self.ended_out = True
        self.forget()
        self.receiver.reset()

    def forget(self) -> None:
        """Give back everything that the stream holds."""
        self.outbox.streams.pop(self.number, None)
        if self.queue:
            self.outbox.waiting.pop(self.number, None)
        if self.held:
            self.release(self.held)
        self.queue = None

    def hold(self, count: int) -> bool:
        """Reserve memory for `count` bytes until `release` or the stream's end; false where there is none."""
        if self.held + count > self.outbox.limits.max_stream_bytes or not self.outbox.memory.take(count):
            return False
        self.held += count
        return True

    def release(self, count: int) -> None:
        """Return memory that `hold` reserved; what the end of the stream returned already is not returned twice."""
        count = min(count, self.held)
        self.held -= count
        self.outbox.memory.give(count)

    def received(self, size: int, chunk: bytes, *, end: bool) -> None:
        """Take a DATA frame of `size` bytes, padding included, with `chunk` as its content.

        Raises:
            StreamFault: the stream had ended, or the peer disregards our window.
        """
        if self.ended_in:
            raise StreamFault(Code.STREAM_CLOSED, "DATA after END_STREAM")
        self.window_in -= size
        if self.window_in < 0:
            raise StreamFault(Code.FLOW_CONTROL_ERROR, "DATA beyond the stream's window")
        if chunk:
            self.receiver.data(chunk)
        if end:
            self.ended()
        elif self.window_in <= self.outbox.limits.stream_window_bytes >> 1:
            self._refill()

    def ended(self) -> None:
        """Note that the peer has ended its side."""
        if not self.ended_in and not self.ended_out:
            self.ended_in = True
            self.receiver.end()

    def grow(self, increment: int) -> None:
        """Widen the stream's send window.

        Raises:
            StreamFault: the window would exceed 2^31-1.
        """
        self.window_out += increment
        if self.window_out > MAX_WINDOW:
            raise StreamFault(Code.FLOW_CONTROL_ERROR, "stream window above 2^31-1")
        if self.queue:
            self.outbox.waiting[self.number] = self
            self.outbox.pump()

    def push(self) -> bool:
        """Send one frame of what waits; true where more could follow at once."""
        queue, outbox = self.queue, self.outbox
        size = min(self.window_out, outbox.window, MAX_FRAME_SIZE)
        if not queue or size <= 0:
            return False
        piece = queue.popleft()
        if len(piece) > size:
            queue.appendleft(piece[size:])
            piece = piece[:size]
        self.window_out -= len(piece)
        outbox.window -= len(piece)
        self.release(len(piece))
        outbox.write(frame(Kind.DATA, 0, self.number, piece))
        return bool(queue) or self._drained()

    def _wait(self, payload: bytes) -> None:
        """Queue output for a window; a peer that lets too much of it gather loses the stream."""
        if self.ended_out:
            return
        if not self.hold(len(payload)):
            self.abort(Code.ENHANCE_YOUR_CALM)
            return
        self.queue = self.queue or deque()
        self.queue.extend(payload[at : at + MAX_FRAME_SIZE] for at in range(0, len(payload), MAX_FRAME_SIZE))
        self.outbox.waiting[self.number] = self
        self.outbox.pump()

    def _drained(self) -> bool:
        """Go on with what had to wait for an empty queue."""
        if self.trailer is not None:
            self.queue = None
            self.trailers(self.trailer)
        else:
            self._refill()
        return False

    def _refill(self) -> None:
        """Let the peer send on, unless it does not read what we answer."""
        full = self.outbox.limits.stream_window_bytes
        if self.window_in <= full >> 1 and not self.queue and not self.ended_in and not self.ended_out:
            self.outbox.write(window_update(self.number, full - self.window_in))
            self.window_in = full
