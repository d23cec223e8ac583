"""How much of our time and memory a peer may take."""

from dataclasses import dataclass

from penstock.router.h2.faults import Code, ConnectionFault


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one connection.

    Attributes:
        max_streams: open at once; one more is refused and may be tried elsewhere. Each held request is a stream.
        max_header_block_bytes, max_header_list_bytes: of one header section, packed and unpacked.
        stream_window_bytes, connection_window_bytes: how far a peer may send ahead of us; the latter
            at least 65,535, where HTTP/2 begins.
        max_stream_bytes: what one stream keeps in memory: an incomplete message, a body that waits for the pick,
            output that waits for the peer's window.
        max_held_bytes: the same for all streams of a server together.
        control_burst, control_per_s: frames that cost us work and bring no request forward (pings, settings, resets
            of unanswered streams, empty or stray frames). A burst of clients that leave at once is normal.
    """

    max_streams: int = 20_000
    max_header_block_bytes: int = 32_768
    max_header_list_bytes: int = 65_536
    stream_window_bytes: int = 1 << 20
    connection_window_bytes: int = 1 << 24
    max_stream_bytes: int = 1 << 24
    max_held_bytes: int = 1 << 29
    control_burst: int = 20_000
    control_per_s: float = 2_000.0


class Bucket:
    """Token bucket for frames that cost work and bring nothing forward."""

    __slots__ = ("_at_s", "_burst", "_left", "_per_s")

    def __init__(self, burst: float, per_s: float) -> None:
        self._burst, self._per_s = burst, per_s
        self._left = burst
        self._at_s: float | None = None

    def spend(self, count: float, now_s: float) -> None:
        """Take `count` tokens.

        Raises:
            ConnectionFault: the peer floods us.
        """
        if self._at_s is not None:
            self._left = min(self._burst, self._left + (now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        self._left -= count
        if self._left < 0:
            raise ConnectionFault(Code.ENHANCE_YOUR_CALM, "too many control frames")


class Memory:
    """Bytes that the streams of one server hold together."""

    __slots__ = ("held", "limit")

    def __init__(self, limit: int) -> None:
        self.held, self.limit = 0, limit

    def take(self, count: int) -> bool:
        """Reserve `count` bytes; false, and nothing taken, where that would exceed the limit."""
        if self.held + count > self.limit:
            return False
        self.held += count
        return True

    def give(self, count: int) -> None:
        """Return reserved bytes."""
        self.held -= count
