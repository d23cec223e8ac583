"""The gRPC method of external processing, joined to a gate."""

from typing import Final

from penstock.router.extproc.session import MAX_BODY_BYTES, Desk, Session
from penstock.router.grpc.call import Call
from penstock.router.grpc.service import Method
from penstock.router.h2.limits import Limits
from penstock.router.ports import Gate

SERVICE: Final = "envoy.service.ext_proc.v3.ExternalProcessor"
PROCESS: Final = f"/{SERVICE}/Process".encode()
MESSAGE_OVERHEAD_BYTES: Final = 1 << 20
"""What a message carries beside a body: headers, metadata, attributes."""


def limits(max_body_bytes: int = MAX_BODY_BYTES) -> Limits:
    """Return the limits of a server whose calls may each hold a body of this size."""
    return Limits(max_stream_bytes=max_body_bytes + 2 * MESSAGE_OVERHEAD_BYTES)


def external_processor(
    gate: Gate, max_body_bytes: int = MAX_BODY_BYTES, *, conformance: bool = False
) -> dict[bytes, Method]:
    """Return the methods of the service, by path; `conformance` tells in each response which endpoint served it."""
    desk = Desk(gate, max_body_bytes, conformance=conformance)

    def process(call: Call) -> Session:
        return Session(call, desk)

    return {PROCESS: process}
