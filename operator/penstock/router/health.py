"""gRPC health (grpc.health.v1) under every name that gateways and probes ask for, with Watch."""

from enum import IntEnum
from typing import Final

from google.protobuf.message import DecodeError
from google.protobuf.wrappers_pb2 import Int32Value, StringValue

from penstock.router.extproc.service import SERVICE
from penstock.router.grpc.call import Call
from penstock.router.grpc.service import Method
from penstock.router.grpc.status import Status

LIVENESS: Final = "liveness"
READY_NAMES: Final = ("", "readiness", "inference-extension", SERVICE)
"""Names that follow readiness; `liveness` is served as long as anything answers."""

CHECK: Final = b"/grpc.health.v1.Health/Check"
WATCH: Final = b"/grpc.health.v1.Health/Watch"


class Serving(IntEnum):
    """`HealthCheckResponse.ServingStatus`."""

    SERVING = 1
    NOT_SERVING = 2
    SERVICE_UNKNOWN = 3

    def message(self) -> bytes:
        """Return a HealthCheckResponse; its one field has the number and type of Int32Value's."""
        return Int32Value(value=self).SerializeToString()


class Health:
    """What the router says of itself; not ready until told, not ready again while it drains."""

    def __init__(self) -> None:
        self._ready = False
        self._watches: set[_Watch] = set()

    @property
    def ready(self) -> bool:
        """Whether gateways should send requests here."""
        return self._ready

    @ready.setter
    def ready(self, value: bool) -> None:
        if value is not self._ready:
            self._ready = value
            for watch in list(self._watches):
                watch.tell()

    def of(self, name: str) -> Serving:
        """Return the status of one service name."""
        if name == LIVENESS:
            return Serving.SERVING
        if name not in READY_NAMES:
            return Serving.SERVICE_UNKNOWN
        return Serving.SERVING if self._ready else Serving.NOT_SERVING

    def hang_up(self) -> None:
        """End all watches, which would keep a draining connection open."""
        for watch in list(self._watches):
            watch.hang_up()

    def methods(self) -> dict[bytes, Method]:
        """Return the methods of the service, by path."""
        return {CHECK: lambda call: _Check(call, self), WATCH: lambda call: _Watch(call, self, self._watches)}


class _Check:
    """One question, one answer."""

    def __init__(self, call: Call, health: Health) -> None:
        self._call, self._health = call, health

    def message(self, message: bytes) -> None:
        name = _name(message)
        if name is None:
            self._call.finish(Status.INVALID_ARGUMENT, "no HealthCheckRequest")
            return
        status = self._health.of(name)
        if status is Serving.SERVICE_UNKNOWN:
            self._call.finish(Status.NOT_FOUND, f"unknown service; ask for one of {', '.join(READY_NAMES[1:])}")
            return
        self._call.send(status.message())
        self._call.finish()

    def end(self) -> None:
        self._call.finish(Status.INVALID_ARGUMENT, "no HealthCheckRequest")

    def cancelled(self) -> None: ...


class _Watch:
    """One question, an answer at each change until the client leaves."""

    def __init__(self, call: Call, health: Health, watches: "set[_Watch]") -> None:
        self._call, self._health, self._watches = call, health, watches
        self._name = ""
        self._told: Serving | None = None

    def message(self, message: bytes) -> None:
        name = _name(message)
        if name is None:
            self._call.finish(Status.INVALID_ARGUMENT, "no HealthCheckRequest")
            return
        self._name = name
        self._watches.add(self)
        self.tell()

    def tell(self) -> None:
        """Send the status where it differs from what was last sent."""
        status = self._health.of(self._name)
        if status is not self._told:
            self._told = status
            self._call.send(status.message())

    def hang_up(self) -> None:
        """End the call; the client may ask elsewhere."""
        self._watches.discard(self)
        self._call.finish(Status.UNAVAILABLE, "shutting down")

    def end(self) -> None:
        """Go on: a client half-closes after its one question."""

    def cancelled(self) -> None:
        self._watches.discard(self)


def _name(message: bytes) -> str | None:
    """Return the service of a HealthCheckRequest, whose one field has the number and type of StringValue's."""
    try:
        return str(StringValue.FromString(message).value)
    except DecodeError:
        return None
