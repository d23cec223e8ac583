"""Which handler serves a gRPC call: by path, after a look at the request's header section."""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from penstock.router.grpc.call import Call, Handler
from penstock.router.grpc.status import HEADERS, UNSUPPORTED_MEDIA_TYPE, Status, trailers
from penstock.router.h2.exchange import Opener, Route
from penstock.router.h2.fields import Fields
from penstock.router.h2.receiver import NOBODY, Receiver
from penstock.router.h2.streams import Stream

Method: TypeAlias = Callable[[Call], Handler]

MAX_MESSAGE_BYTES: Final = 4 << 20
"""gRPC's own default."""


def route(methods: Mapping[bytes, Method], max_message_bytes: int = MAX_MESSAGE_BYTES) -> Route:
    """Return the route to `methods`, by path (`/package.Service/Method`).

    Other paths get UNIMPLEMENTED, requests that are no gRPC get HTTP 415.
    """

    def choose(fields: Fields) -> Opener:
        by_name = dict(fields)
        if not by_name.get(b"content-type", b"").startswith(b"application/grpc"):
            return _answering(UNSUPPORTED_MEDIA_TYPE)
        if by_name.get(b"grpc-encoding", b"identity") != b"identity":
            return _refusing("messages must not be compressed")
        method = methods.get(by_name[b":path"])
        if method is None or by_name[b":method"] != b"POST":
            return _refusing(f"no method {by_name[b':path'].decode('latin-1')}")
        return lambda stream: Call(stream, method, max_message_bytes)

    return choose


def _refusing(message: str) -> Opener:
    return _answering(HEADERS + trailers(Status.UNIMPLEMENTED, message))


def _answering(block: bytes) -> Opener:
    def answer(stream: Stream) -> Receiver:
        stream.trailers(block)
        return NOBODY

    return answer
