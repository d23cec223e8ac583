"""The client's half of an HTTP/2 conversation, in bytes, for tests of our server's half."""

from typing import NamedTuple

from hpack import Decoder, Encoder

from penstock.router.h2.connection import Connection
from penstock.router.h2.exchange import Opener
from penstock.router.h2.fields import Fields
from penstock.router.h2.frames import HEADER, PREFACE, SETTINGS_ACK, Flag, Kind, Setting, frame, settings
from penstock.router.h2.limits import Limits, Memory
from penstock.router.h2.receiver import Receiver
from penstock.router.h2.streams import Stream

REQUEST = [(b":method", b"POST"), (b":scheme", b"http"), (b":path", b"/t.T/Echo"), (b":authority", b"test")]
GRPC = [*REQUEST, (b"te", b"trailers"), (b"content-type", b"application/grpc")]


class Frame(NamedTuple):
    kind: int
    flags: int
    number: int
    payload: bytes


def parse(data: bytes) -> list[Frame]:
    """Cut whole frames."""
    found = []
    at = 0
    while at < len(data):
        high, low, kind, flags, number = HEADER.unpack_from(data, at)
        end = at + 9 + (high << 8 | low)
        found.append(Frame(kind, flags, number, data[at + 9 : end]))
        at = end
    return found


NO_TABLE = b"\x20"
"""The size update with which a client obeys our SETTINGS_HEADER_TABLE_SIZE of 0."""


def header_block(fields: list[tuple[bytes, bytes]] = REQUEST, start: bytes = NO_TABLE) -> bytes:
    """Pack fields without the use of a table."""
    encoder = Encoder()
    return start + bytes(encoder.encode([(name, value, True) for name, value in fields]))


def unpack(block: bytes) -> dict[bytes, bytes]:
    """Unpack a header section of the server, whose fields never depend on earlier ones."""
    return dict(Decoder().decode(block, raw=True))


def headers(number: int, block: bytes | None = None, *, end: bool = False) -> bytes:
    """Open a stream."""
    block = header_block() if block is None else block
    return frame(Kind.HEADERS, Flag.END_HEADERS | (Flag.END_STREAM if end else 0), number, block)


def data(number: int, payload: bytes = b"", *, end: bool = False) -> bytes:
    """Send a part of a body."""
    return frame(Kind.DATA, Flag.END_STREAM if end else 0, number, payload)


def greeting(**values: int) -> bytes:
    """Say hello with settings by name."""
    return PREFACE + settings({Setting[name]: value for name, value in values.items()}) + SETTINGS_ACK


def message(payload: bytes) -> bytes:
    """Prefix one gRPC message."""
    return b"\0" + len(payload).to_bytes(4, "big") + payload


class Recorder:
    """A receiver that writes down what arrives."""

    def __init__(self, stream: Stream, log: list[tuple[int, str, bytes]]) -> None:
        self.stream, self.log = stream, log

    def data(self, chunk: bytes) -> None:
        self.log.append((self.stream.number, "data", chunk))

    def end(self) -> None:
        self.log.append((self.stream.number, "end", b""))

    def reset(self) -> None:
        self.log.append((self.stream.number, "reset", b""))


class Talk:
    """A connection under test, its receivers' log, and its output in frames."""

    def __init__(self, limits: Limits | None = None, *, greet: bool = True, **values: int) -> None:
        self.log: list[tuple[int, str, bytes]] = []
        self.woken = 0
        limits = limits or Limits()
        self.memory = Memory(limits.max_held_bytes)
        self.connection = Connection(self._route, limits, self.memory, self._wake)
        if greet:
            self.say(greeting(**values))

    def say(self, *parts: bytes, now_s: float = 0.0) -> list[Frame]:
        """Hand bytes in, return the frames that come back."""
        self.connection.receive(b"".join(parts), now_s)
        return self.hear()

    def hear(self) -> list[Frame]:
        """Return what the server has said since."""
        return parse(self.connection.outbox.take())

    def stream(self, number: int) -> Stream:
        return self.connection.outbox.streams[number]

    def events(self, number: int) -> list[tuple[str, bytes]]:
        """Return what the receiver of one stream was told, bodies joined."""
        told: list[tuple[str, bytes]] = []
        for at, what, chunk in self.log:
            if at != number:
                continue
            if told and what == told[-1][0] == "data":
                told[-1] = ("data", told[-1][1] + chunk)
            else:
                told.append((what, chunk))
        return told

    def _route(self, _fields: Fields) -> Opener:
        def opener(stream: Stream) -> Receiver:
            return Recorder(stream, self.log)

        return opener

    def _wake(self) -> None:
        self.woken += 1


def codes(found: list[Frame], kind: int = Kind.GOAWAY) -> list[int]:
    """Return the error codes of GOAWAY or RST_STREAM frames."""
    at = 4 if kind == Kind.GOAWAY else 0
    return [int.from_bytes(one.payload[at : at + 4], "big") for one in found if one.kind == kind]
