"""Sums over routers, and who is told of them."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.unit.controller.test_plan import R1, R2, R3

from penstock.controller.aggregate import MOST, Aggregator, combined
from penstock.controller.inflows import Inflows
from penstock.controller.pods import PodFacts
from penstock.domain.errors import Unreachable

Row = dict[str, Any]


def row(name: str, rate: float, wait: float = 0.0, tenant: str = "") -> Row:
    return {"id": name, "tenant": tenant, "rate": rate, "wait": wait, "active": 1, "total": 9}


def summed(name: str, rate: float, wait: float = 0.0, tenant: str = "") -> Row:
    return {"id": name, "tenant": tenant, "rate": rate, "wait": wait}


@pytest.mark.parametrize(
    ("tables", "rows"),
    [
        pytest.param([], [], id="nobody said anything"),
        pytest.param([[row("a", 1.0, 4.0)], [row("a", 3.0, 8.0)]], [summed("a", 4.0, 7.0)], id="waits by requests"),
        pytest.param([[row("a", 0.0, 4.0)], [row("a", 0.0, 8.0)]], [summed("a", 0.0, 6.0)], id="waits without any"),
        pytest.param([[row("a", 1.0)], [row("b", 2.0)]], [summed("b", 2.0), summed("a", 1.0)], id="the busiest first"),
        pytest.param(
            [[row("a", 1.0), row("a", 2.0, tenant="t")]],
            [summed("a", 2.0, tenant="t"), summed("a", 1.0)],
            id="tenants stay apart",
        ),
    ],
)
def test_combined(tables: list[list[Row]], rows: list[Row]) -> None:
    assert combined(tables) == rows


def test_aggregate_is_bounded() -> None:
    rows = combined([[row(f"w{number}", float(number)) for number in range(MOST + 5)]])

    assert len(rows) == MOST
    assert rows[-1]["rate"] == 5.0


@dataclass(slots=True)
class Routers:
    """Routers that tell one table each, and note what they are told."""

    tables: Mapping[str, list[Row]]
    told: dict[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    streams: dict[str, int] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)

    async def watch(self, router: PodFacts) -> AsyncIterator[Mapping[str, Any]]:
        self.streams[router.uid] = self.streams.get(router.uid, 0) + 1
        yield {"type": "policy"}
        yield {"type": "workloads", "workloads": self.tables[router.uid]}
        if router.uid in self.broken:
            raise Unreachable(router.uid, "connection lost", "")
        try:
            await asyncio.Event().wait()
        finally:
            self.streams[router.uid] -= 1

    async def aggregate(self, router: PodFacts, rows: Sequence[Mapping[str, Any]]) -> None:
        if router.uid in self.broken:
            raise Unreachable(router.uid, "connection lost", "")
        self.told[router.uid] = rows


async def run_for(aggregator: Aggregator, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    until_s = loop.time() + seconds
    await aggregator.run_while(lambda: loop.time() < until_s)


@pytest.mark.looptime
async def test_routers_of_one_group_hear_their_sum_and_others_nothing() -> None:
    routers = Routers({"r1": [row("a", 1.0)], "r2": [row("a", 2.0)], "r3": [row("a", 9.0)]})
    aggregator = Aggregator(routers, Inflows(), asyncio.get_running_loop().time)
    aggregator.serve([(R1, R2), (R3,)], [R1, R2, R3])

    await run_for(aggregator, 2.5)
    await asyncio.sleep(0)

    assert routers.told == {"r1": [summed("a", 3.0)], "r2": [summed("a", 3.0)]}
    assert routers.streams == {"r1": 0, "r2": 0, "r3": 0}


@pytest.mark.looptime
async def test_broken_stream_is_opened_again_and_spoils_nobody() -> None:
    routers = Routers({"r1": [row("a", 1.0)], "r2": [row("a", 2.0)]}, broken={"r1"})
    aggregator = Aggregator(routers, Inflows(), asyncio.get_running_loop().time)
    aggregator.serve([(R1, R2)], [R1, R2])

    await run_for(aggregator, 2.5)

    assert routers.streams["r1"] == 3
    assert routers.told == {"r2": [summed("a", 3.0)]}


@pytest.mark.looptime
async def test_router_that_left_is_not_listened_to_any_more() -> None:
    routers = Routers({"r1": [row("a", 1.0)], "r2": [row("a", 2.0)], "r3": [row("a", 4.0)]})
    aggregator = Aggregator(routers, Inflows(), asyncio.get_running_loop().time)
    aggregator.serve([(R1, R2, R3)], [R1, R2, R3])
    running = asyncio.create_task(run_for(aggregator, 4.0))
    await asyncio.sleep(1.5)

    aggregator.serve([(R1, R2)], [R1, R2])
    await running

    assert routers.told["r1"] == [summed("a", 3.0)]
    assert routers.told["r3"] == [summed("a", 7.0)]
