"""One gRPC call on a stream: messages in, messages and a status out."""

import logging
from collections.abc import Callable
from typing import Final, Protocol

from penstock.router.grpc.status import HEADERS, TRAILERS_OK, Status, trailers
from penstock.router.h2.streams import Stream

log = logging.getLogger("penstock.router.wire")

PREFIX_SIZE: Final = 5
"""A byte that tells of compression, four of length."""


class Handler(Protocol):
    """What a method does with one call; may answer at once or later, from the same event loop."""

    def message(self, message: bytes) -> None:
        """Take one message."""
        ...

    def end(self) -> None:
        """Note that the client sends no more; the call is still to be finished."""
        ...

    def cancelled(self) -> None:
        """Note that nothing can be sent any more; may be called again, also after `finish`."""
        ...


class Call:
    """Receiver of a stream that cuts its bytes to messages.

    Deadlines (`grpc-timeout`) are left to the client, which resets the stream when they pass. Messages are
    uncompressed; `max_message_bytes` bounds them. An exception of the handler ends its call, never the connection.
    """

    __slots__ = ("_finished", "_handler", "_max", "_opened", "_partial", "stream")

    def __init__(self, stream: Stream, make_handler: "Callable[[Call], Handler]", max_message_bytes: int) -> None:
        self.stream = stream
        self._max = max_message_bytes
        self._opened = self._finished = False
        self._partial: bytearray | None = None
        self._handler = make_handler(self)

    def send(self, message: bytes) -> None:
        """Send one message."""
        stream = self.stream
        if not self._opened:
            self._opened = True
            stream.head(HEADERS)
        stream.body(b"\0" + len(message).to_bytes(4, "big") + message)

    def finish(self, status: Status = Status.OK, message: str = "") -> None:
        """End the call; further calls of this do nothing."""
        if self._finished:
            return
        self._finished = True
        block = TRAILERS_OK if status is Status.OK else trailers(status, message)
        if not self._opened and status is Status.OK:
            self.stream.head(HEADERS)
        elif not self._opened:
            block = HEADERS + block
        self.stream.trailers(block)

    def hold(self, count: int) -> bool:
        """Reserve memory until `release` or the call's end; false where there is none."""
        return self.stream.hold(count)

    def release(self, count: int) -> None:
        """Return reserved memory."""
        self.stream.release(count)

    def data(self, chunk: bytes) -> None:
        """Take a part of the body; in most cases it is one whole message."""
        whole = self._partial is None and len(chunk) >= PREFIX_SIZE and chunk[0] == 0
        if whole and int.from_bytes(chunk[1:PREFIX_SIZE], "big") == len(chunk) - PREFIX_SIZE <= self._max:
            self._deliver(chunk[PREFIX_SIZE:])
        elif not self._finished:
            self._gather(chunk)

    def end(self) -> None:
        """Pass on that the client sends no more."""
        if self._partial:
            self._abandon(Status.INTERNAL, "the last message is incomplete")
        elif not self._finished:
            try:
                self._handler.end()
            except Exception:
                log.exception("A gRPC call failed")
                self._abandon(Status.INTERNAL, "internal error")

    def reset(self) -> None:
        """Pass on that the client is gone."""
        self._finished = True
        try:
            self._handler.cancelled()
        except Exception:
            log.exception("A gRPC call could not be cancelled")

    def _deliver(self, message: bytes) -> None:
        try:
            self._handler.message(message)
        except Exception:
            log.exception("A gRPC call failed")
            self._abandon(Status.INTERNAL, "internal error")

    def _gather(self, chunk: bytes) -> None:
        """Take what is not exactly one message."""
        if not self.stream.hold(len(chunk)):
            self._abandon(Status.RESOURCE_EXHAUSTED, "too much is held for this call, or for all")
            return
        partial = self._partial = self._partial or bytearray()
        partial += chunk
        while len(partial) >= PREFIX_SIZE and not self._finished:
            size = int.from_bytes(partial[1:PREFIX_SIZE], "big") + PREFIX_SIZE
            if partial[0] or size - PREFIX_SIZE > self._max:
                self._refuse(compressed=bool(partial[0]))
                return
            if len(partial) < size:
                return
            message = bytes(partial[PREFIX_SIZE:size])
            del partial[:size]
            self.stream.release(size)
            self._deliver(message)
        self._partial = partial or None

    def _refuse(self, *, compressed: bool) -> None:
        if compressed:
            self._abandon(Status.UNIMPLEMENTED, "messages must not be compressed")
        else:
            self._abandon(Status.RESOURCE_EXHAUSTED, f"message above {self._max} bytes")

    def _abandon(self, status: Status, message: str) -> None:
        """End the call for a fault, and tell the handler."""
        self.finish(status, message)
        self._partial = None
        self.reset()
