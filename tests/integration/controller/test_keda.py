"""KEDA's external-scaler protocol over a real connection, by a foreign gRPC client, as KEDA itself would ask."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio
import pytest

from penstock.controller.externalscaler import SERVICE, messages
from penstock.controller.keda import Numbers, answering
from penstock.controller.scalers import METRIC
from penstock.domain.variants import ObjectKey

CHAT = ObjectKey("llm", "chat")


def status(replicas: int | None, mode: str = "Metrics") -> dict[str, Any]:
    desired = {} if replicas is None else {"numReplicas": replicas}
    return {"status": {"desiredOptimizedAlloc": desired, "actuation": {"mode": mode}}}


class Keda:
    """The client."""

    def __init__(self, channel: grpc.aio.Channel, namespace: str = "llm") -> None:
        self._channel, self._namespace, self.made = channel, namespace, messages()

    async def ask(self, call: str, variant: str | None = "chat") -> Any:
        kinds = {"IsActive": "IsActiveResponse", "GetMetricSpec": "GetMetricSpecResponse"}
        return await self._unary(call, kinds.get(call, "GetMetricsResponse"))(self._request(call, variant))

    def stream(self) -> Any:
        call = self._channel.unary_stream(
            f"/{SERVICE}/StreamIsActive",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=self.made["IsActiveResponse"].FromString,
        )
        return call(self._ref("chat"))

    def _unary(self, call: str, answer: str) -> Any:
        return self._channel.unary_unary(
            f"/{SERVICE}/{call}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=self.made[answer].FromString,
        )

    def _request(self, call: str, variant: str | None) -> Any:
        ref = self._ref(variant)
        return ref if call != "GetMetrics" else self.made["GetMetricsRequest"](scaledObjectRef=ref, metricName=METRIC)

    def _ref(self, variant: str | None) -> Any:
        metadata = {"scalerAddress": "penstock-operator:9005"} | ({"variant": variant} if variant else {})
        return self.made["ScaledObjectRef"](name="so", namespace=self._namespace, scalerMetadata=metadata)


@asynccontextmanager
async def asked(bodies: Mapping[ObjectKey, Mapping[str, Any]]) -> AsyncIterator[Keda]:
    async with (
        answering(Numbers(bodies.get), "127.0.0.1", 0) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        yield Keda(channel)


async def test_the_number_in_force_is_told_as_it_is() -> None:
    async with asked({CHAT: status(7)}) as keda:
        (spec,) = (await keda.ask("GetMetricSpec")).metricSpecs
        (value,) = (await keda.ask("GetMetrics")).metricValues
        active = await keda.ask("IsActive")

    assert (spec.metricName, spec.targetSize, spec.targetSizeFloat) == (METRIC, 1, 1.0)
    assert (value.metricName, value.metricValue, value.metricValueFloat) == (METRIC, 7, 7.0)
    assert active.result


async def test_a_decided_zero_is_inactive() -> None:
    async with asked({CHAT: status(0)}) as keda:
        assert not (await keda.ask("IsActive")).result


@pytest.mark.parametrize(
    ("body", "variant", "code"),
    [
        pytest.param(status(3), "chap", grpc.StatusCode.NOT_FOUND, id="no such variant"),
        pytest.param(status(None), "chat", grpc.StatusCode.FAILED_PRECONDITION, id="nothing decided yet"),
        pytest.param({}, "chat", grpc.StatusCode.FAILED_PRECONDITION, id="no status at all"),
        pytest.param(status(3, "Recommend"), "chat", grpc.StatusCode.FAILED_PRECONDITION, id="only recommended"),
        pytest.param(status(3), None, grpc.StatusCode.INVALID_ARGUMENT, id="no variant named"),
    ],
)
@pytest.mark.parametrize("call", ["GetMetrics", "IsActive"])
async def test_what_is_unknown_is_an_error_and_no_zero(
    call: str, body: dict[str, Any], variant: str | None, code: grpc.StatusCode
) -> None:
    async with asked({CHAT: body}) as keda:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await keda.ask(call, variant)

    assert refused.value.code() is code
    assert "chat" in (refused.value.details() or "") or variant != "chat"


async def test_waking_is_pushed() -> None:
    bodies = {CHAT: status(0)}
    async with asked(bodies) as keda:
        stream = keda.stream()
        asleep = await asyncio.wait_for(stream.read(), 10)
        bodies[CHAT] = status(1)
        awake = await asyncio.wait_for(stream.read(), 10)

    assert (asleep.result, awake.result) == (False, True)
