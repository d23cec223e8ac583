"""The two loops of the leader: scaling passes and rounds of policy push, each on its interval and when woken."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final

from penstock.controller.aggregate import Aggregator
from penstock.controller.ports import Leadership
from penstock.controller.routing import Routing
from penstock.controller.scaling_pass import ScalingPass
from penstock.controller.serving import Pulse
from penstock.domain.errors import Refused, Unreachable

log = logging.getLogger("penstock.operator")

STANDBY_S: Final = 0.25  # how soon a new leader begins
BREATH_S: Final = 1.0  # between passes, however often objects change


async def keep_scaling(scaling: ScalingPass, leadership: Leadership, pulse: Pulse) -> None:
    """Run a pass each interval, and soon after a variant was created, edited or deleted."""
    world = scaling.world
    while True:
        interval_s = scaling.configuration.settings.interval_s
        pulse.beat("scaling", interval_s)
        if not (world.complete and leadership.leading):
            scaling.meters.stand_by()
            await asyncio.sleep(STANDBY_S)
            continue
        world.scaling.clear()
        begin_s = time.monotonic()
        await _guarded("Scaling pass failed", scaling.run)
        await asyncio.sleep(max(0.0, min(BREATH_S, interval_s) - (time.monotonic() - begin_s)))
        await _woken(world.scaling, interval_s - (time.monotonic() - begin_s), leadership)


async def keep_routing(routing: Routing, interval_s: Callable[[], float], leadership: Leadership, pulse: Pulse) -> None:
    """Compare every router each interval, and push at once when a policy or a router changed."""
    world, compare_at_s = routing.world, 0.0
    while True:
        pulse.beat("routing", interval_s())
        if not (world.complete and leadership.leading):
            compare_at_s = 0.0
            await asyncio.sleep(STANDBY_S)
            continue
        world.routing.clear()
        compare = time.monotonic() >= compare_at_s
        if compare:
            compare_at_s = time.monotonic() + interval_s()
        await _guarded("Policy push failed", lambda: routing.round(compare=compare))  # noqa: B023 - called at once
        await _woken(world.routing, compare_at_s - time.monotonic(), leadership)


async def keep_summing(aggregator: Aggregator, leadership: Leadership) -> None:
    """Tell routers the sums over all of them while this process leads."""
    while True:
        if leadership.leading:
            await _guarded("Sums of routers failed", lambda: aggregator.run_while(lambda: leadership.leading))
        await asyncio.sleep(STANDBY_S)


async def _guarded(what: str, run: Callable[[], Awaitable[None]]) -> None:
    """Run once; whatever goes wrong is told, and must not end the loop: the next time may go well."""
    try:
        await run()
    except (Unreachable, Refused) as error:
        log.warning(what, extra={"error": str(error)})
    except Exception:
        log.exception(what)


async def _woken(event: asyncio.Event, within_s: float, leadership: Leadership) -> None:
    """Wait for the event or the time, at least for a moment of the loop, and no longer than we lead."""
    until_s = time.monotonic() + within_s
    while not event.is_set() and leadership.leading and (left_s := until_s - time.monotonic()) > 0:
        try:
            async with asyncio.timeout(min(left_s, STANDBY_S)):
                await event.wait()
        except TimeoutError:
            continue
    await asyncio.sleep(0)
