"""KEDA's external scaler: tells a ScaledObject how many replicas its variant should have, without Prometheus between.

A trigger `external` or `external-push` names the variant in its metadata; the metric `penstock-desired-replicas` with
target 1 makes KEDA's HPA ask for exactly that number. Every operator pod answers, from the status that the leader
wrote; of variants that scalers declare, which have none, the leader alone. What is not known is an error, which KEDA's
fallback is for; it is never a zero.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import grpc
import grpc.aio

from penstock.controller.externalscaler import SERVICE, messages
from penstock.controller.scalers import METRIC, VARIANT
from penstock.domain.variants import Actuation, ObjectKey

PUSH_S: Final = 1.0
_MOST_CALLS: Final = 200
_MOST_BYTES: Final = 64 * 1024

Message = Any  # made at run time from the protocol's description


class Unknown(Exception):
    """There is no number to tell; `code` is gRPC's."""

    def __init__(self, code: grpc.StatusCode, words: str) -> None:
        super().__init__(words)
        self.code = code


@dataclass(frozen=True, slots=True)
class Numbers:
    """What the variants' statuses say; `body` returns one object or what was told of it, None where there is none."""

    body: Callable[[ObjectKey], Mapping[str, Any] | None]

    def desired(self, namespace: str, metadata: Mapping[str, str]) -> int:
        """Return the number in force of the variant that a trigger names.

        Raises:
            Unknown: no such variant, no decision yet, or one that nobody shall act upon.
        """
        name = metadata.get(VARIANT, "")
        if not name:
            raise Unknown(grpc.StatusCode.INVALID_ARGUMENT, f"write the variant's name into metadata.{VARIANT}")
        body = self.body(ObjectKey(namespace, name))
        if body is None:
            words = f"no VariantAutoscaling {namespace}/{name}, and no scaler that declares it to the leading operator"
            raise Unknown(grpc.StatusCode.NOT_FOUND, words)
        status = body.get("status") or {}
        desired = (status.get("desiredOptimizedAlloc") or {}).get("numReplicas")
        if desired is None:
            raise Unknown(grpc.StatusCode.FAILED_PRECONDITION, f"nothing is decided yet for {namespace}/{name}")
        if (status.get("actuation") or {}).get("mode") == Actuation.RECOMMEND:
            words = f"{namespace}/{name} only recommends; set spec.actuation to Metrics"
            raise Unknown(grpc.StatusCode.FAILED_PRECONDITION, words)
        return int(desired)


class _Scaler:
    """The four calls."""

    def __init__(self, numbers: Numbers) -> None:
        self._numbers, self._made = numbers, messages()

    async def is_active(self, ref: Message, context: grpc.aio.ServicerContext) -> Message:
        return self._made["IsActiveResponse"](result=await self._desired(ref, context) > 0)

    async def stream_is_active(self, ref: Message, context: grpc.aio.ServicerContext) -> AsyncIterator[Message]:
        told: bool | None = None
        while True:
            active = await self._desired(ref, context) > 0
            if active != told:
                told = active
                yield self._made["IsActiveResponse"](result=active)
            await asyncio.sleep(PUSH_S)

    async def get_metric_spec(self, ref: Message, context: grpc.aio.ServicerContext) -> Message:
        del ref, context
        spec = self._made["MetricSpec"](metricName=METRIC, targetSize=1, targetSizeFloat=1.0)
        return self._made["GetMetricSpecResponse"](metricSpecs=[spec])

    async def get_metrics(self, request: Message, context: grpc.aio.ServicerContext) -> Message:
        desired = await self._desired(request.scaledObjectRef, context)
        value = self._made["MetricValue"](metricName=METRIC, metricValue=desired, metricValueFloat=float(desired))
        return self._made["GetMetricsResponse"](metricValues=[value])

    async def _desired(self, ref: Message, context: grpc.aio.ServicerContext) -> int:
        try:
            return self._numbers.desired(ref.namespace, dict(ref.scalerMetadata))
        except Unknown as unknown:
            await context.abort(unknown.code, str(unknown))
            raise

    def handler(self) -> grpc.GenericRpcHandler:
        """Return the calls by their names in the protocol."""
        ref, request = self._made["ScaledObjectRef"].FromString, self._made["GetMetricsRequest"].FromString
        unary = grpc.unary_unary_rpc_method_handler
        calls = {
            "IsActive": unary(self.is_active, ref, _packed),
            "StreamIsActive": grpc.unary_stream_rpc_method_handler(self.stream_is_active, ref, _packed),
            "GetMetricSpec": unary(self.get_metric_spec, ref, _packed),
            "GetMetrics": unary(self.get_metrics, request, _packed),
        }
        return grpc.method_handlers_generic_handler(SERVICE, calls)


def _packed(message: Message) -> bytes:
    return bytes(message.SerializeToString())


@asynccontextmanager
async def answering(numbers: Numbers, address: str, port: int) -> AsyncIterator[int]:
    """Answer KEDA on `port` (0: a free one) until the context ends; yield the port really bound."""
    limits = [("grpc.max_receive_message_length", _MOST_BYTES), ("grpc.so_reuseport", 0)]
    server = grpc.aio.server(options=limits, maximum_concurrent_rpcs=_MOST_CALLS)
    server.add_generic_rpc_handlers((_Scaler(numbers).handler(),))
    bound = server.add_insecure_port(f"{address or '[::]'}:{port}")
    await server.start()
    try:
        yield bound
    finally:
        await _end(server)


async def _end(server: grpc.aio.Server) -> None:
    """Stop the server. kopf cancels tasks that began after it when it ends, the one that waits for calls among them."""
    try:
        await server.stop(grace=0.5)
    except asyncio.CancelledError:
        own = asyncio.current_task()
        if own is None or own.cancelling():
            raise
