"""One read of everything: it may be cancelled at any moment, and no question waits for another's answer."""

import asyncio
import gc
import warnings
from dataclasses import dataclass, field

import pytest

from penstock.domain.errors import Unreachable
from penstock.domain.reasons import MetricsReason
from penstock.telemetry.answers import Answer
from penstock.telemetry.collect import collect
from penstock.telemetry.queries import queries


class Silent:
    """Somebody who never answers."""

    async def query(self, name: str, promql: str, at_s: float) -> Answer:  # noqa: ARG002  # the shape of Queries
        await asyncio.Event().wait()
        raise AssertionError


async def test_a_read_that_is_cancelled_before_its_questions_are_asked_leaves_none_behind() -> None:
    read = asyncio.ensure_future(collect(Silent(), [], 0.0, 120.0))
    await asyncio.sleep(0)  # the read has made its tasks, none of which has begun

    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        read.cancel()
        await asyncio.gather(read, return_exceptions=True)
        del read
        gc.collect()

    assert [str(one.message) for one in seen] == []


@dataclass
class Hanging:
    """Somebody who answers each question with a time-out, ten seconds later."""

    asked_at_s: list[float] = field(default_factory=list)

    async def query(self, name: str, promql: str, at_s: float) -> Answer:
        del promql, at_s
        self.asked_at_s.append(asyncio.get_running_loop().time())
        await asyncio.sleep(10.0)
        raise Unreachable(name, "timeout", "look")


@pytest.mark.looptime
async def test_questions_that_hang_cost_one_deadline_together() -> None:
    """WVA went through its models one by one, so that one query that failed held up all of those behind it."""
    hanging, begin_s = Hanging(), asyncio.get_running_loop().time()

    scrape = await collect(hanging, ["llm", "code"], 0.0, 120.0)

    assert asyncio.get_running_loop().time() - begin_s == pytest.approx(10.0)
    assert hanging.asked_at_s == [begin_s] * len(queries(frozenset(), 60.0, 120.0))
    assert scrape.problem is not None
    assert (scrape.problem.reason, scrape.rows) == (MetricsReason.PROMETHEUS_UNREACHABLE, ())
