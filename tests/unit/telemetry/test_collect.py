"""One read of everything, as a task that may be cancelled at any moment."""

import asyncio
import gc
import warnings

from penstock.telemetry.answers import Answer
from penstock.telemetry.collect import collect


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
