"""When engines are asked for their gauges, and how often. Time is virtual."""

import asyncio
from collections.abc import Iterable, Mapping

import pytest

from penstock.domain.policies import Detector
from penstock.domain.requests import EndpointLoad
from penstock.router.loads import poll

pytestmark = pytest.mark.looptime


class Engines:
    """Answer after `delay_s`; remember when they were asked."""

    def __init__(self, delay_s: float = 0.0) -> None:
        self.delay_s, self.asked_s = delay_s, list[float]()

    async def loads(self, addresses: Iterable[str], now_s: float) -> Mapping[str, EndpointLoad]:
        self.asked_s.append(now_s)
        await asyncio.sleep(self.delay_s)
        return {address: EndpointLoad(at_s=now_s, running=1, waiting=0) for address in addresses}


async def asked(engines: Engines, detector: Detector, for_s: float) -> tuple[list[float], list[Mapping[str, object]]]:
    loop, published = asyncio.get_running_loop(), list[Mapping[str, object]]()
    begun_s = loop.time()
    task = asyncio.create_task(poll(engines, lambda: ["10.0.0.1:8000"], lambda: detector, published.append))
    await asyncio.sleep(for_s)
    task.cancel()
    return [when - begun_s for when in engines.asked_s], published


@pytest.mark.parametrize("detector", [Detector.LEARNED, Detector.UTILIZATION])
async def test_engines_are_asked_each_second_where_the_detector_reads_gauges(detector: Detector) -> None:
    when, published = await asked(Engines(), detector, 2.5)

    assert when == pytest.approx([0, 1, 2], abs=0.01)
    assert list(published[0]) == ["10.0.0.1:8000"]


async def test_a_fixed_number_needs_no_gauges() -> None:
    when, _ = await asked(Engines(), Detector.CONCURRENCY, 2.5)

    assert when == []


async def test_slow_engines_do_not_pile_questions_up() -> None:
    when, _ = await asked(Engines(delay_s=2.5), Detector.LEARNED, 6.0)

    assert when == pytest.approx([0, 2.5, 5.0], abs=0.01)
