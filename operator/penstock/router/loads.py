"""Asks engines for their own gauges each second, while the policy's detector has a use for them."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from penstock.domain.policies import Detector
from penstock.domain.requests import EndpointLoad
from penstock.router.sources import LoadReader

EVERY_S: Final = 1.0
READING: Final = frozenset({Detector.UTILIZATION, Detector.LEARNED})


async def poll(
    reader: LoadReader,
    addresses: Callable[[], Iterable[str]],
    detector: Callable[[], Detector],
    publish: Callable[[Mapping[str, EndpointLoad]], None],
) -> None:
    """Read all endpoints once a second and publish what they said; never returns."""
    loop = asyncio.get_running_loop()
    next_s = loop.time()
    while True:
        if detector() in READING:
            publish(await reader.loads(addresses(), loop.time()))
        next_s = max(next_s + EVERY_S, loop.time())
        await asyncio.sleep(next_s - loop.time())
