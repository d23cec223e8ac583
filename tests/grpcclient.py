"""A gRPC client in bytes, and a handler that echoes, for tests of calls without sockets."""

from collections.abc import Callable

from tests.h2client import GRPC, Frame, greeting, header_block, headers, parse, unpack

from penstock.router.grpc.call import Call, Handler
from penstock.router.grpc.service import route
from penstock.router.h2.connection import Connection
from penstock.router.h2.frames import Kind
from penstock.router.h2.limits import Limits, Memory

LIMITS = Limits(max_stream_bytes=20_000, max_held_bytes=30_000, stream_window_bytes=1 << 20)


class Recorder:
    """A handler that echoes, and writes down what it is told."""

    def __init__(self, call: Call) -> None:
        self.call, self.heard = call, list[str | bytes]()

    def message(self, message: bytes) -> None:
        self.heard.append(message)
        if message == b"break":
            raise RuntimeError("a handler's own fault")
        self.call.send(message)

    def end(self) -> None:
        self.heard.append("end")
        self.call.finish()

    def cancelled(self) -> None:
        self.heard.append("cancelled")


class Client:
    """A gRPC client in bytes."""

    def __init__(self, handler: Callable[[Call], Handler] | None = None) -> None:
        self.handlers: list[Recorder] = []
        self.memory = Memory(LIMITS.max_held_bytes)
        methods = {b"/t.T/Echo": handler or self._handler}
        self.connection = Connection(route(methods, 10_000), LIMITS, self.memory, lambda: None)
        self.connection.receive(greeting(), 0.0)
        self.connection.outbox.take()

    def say(self, *parts: bytes) -> list[Frame]:
        self.connection.receive(b"".join(parts), 0.0)
        return parse(self.connection.outbox.take())

    def _handler(self, call: Call) -> Recorder:
        self.handlers.append(Recorder(call))
        return self.handlers[-1]


def opened(number: int = 1) -> bytes:
    return headers(number, header_block(GRPC))


def status(frames: list[Frame]) -> tuple[int, str]:
    """Return the status and message of the trailers."""
    fields = unpack(next(one.payload for one in frames if one.kind == Kind.HEADERS and one.flags & 1))
    return int(fields[b"grpc-status"]), fields.get(b"grpc-message", b"").decode()
