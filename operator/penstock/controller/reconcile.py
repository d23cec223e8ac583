"""Lists everything at the start and now and then: a watch does not tell what vanished while it was broken."""

import asyncio
import logging
from typing import Any, Final

from penstock.api.kinds import NAMESPACES
from penstock.controller.cache import Body, Cache
from penstock.controller.ports import Objects
from penstock.controller.world import World
from penstock.domain.errors import Refused, Unreachable
from penstock.domain.variants import ObjectKey

log = logging.getLogger("penstock.controller")

EVERY_S: Final = 300.0
RETRY_S: Final = 2.0


async def keep_listing(world: World, objects: Objects, namespaces: tuple[str, ...], every_s: float = EVERY_S) -> None:
    """List until cancelled; sooner again where something could not be listed."""
    while True:
        whole = await list_once(world, objects, namespaces)
        await asyncio.sleep(every_s if whole else min(RETRY_S, every_s))


async def list_once(world: World, objects: Objects, namespaces: tuple[str, ...]) -> bool:
    """Fold a list of every kind into the caches; return whether all could be had."""
    return all([await _fold(world, cache, objects, namespaces) for cache in world.caches])


async def _fold(world: World, cache: Cache[Any], objects: Objects, namespaces: tuple[str, ...]) -> bool:
    mark = cache.mark()
    try:
        bodies = await _bodies(cache, objects, namespaces)
    except (Refused, Unreachable) as error:
        log.warning("Could not list", extra={"kind": str(cache.kind), "error": str(error)})
        return False
    world.listed(cache, bodies, mark)
    return True


async def _bodies(cache: Cache[Any], objects: Objects, namespaces: tuple[str, ...]) -> list[Body]:
    if not namespaces:
        return await objects.list(cache.kind)
    if cache.kind == NAMESPACES:
        return [body for name in namespaces if (body := await _namespace(objects, name)) is not None]
    return [body for name in namespaces for body in await objects.list(cache.kind, name)]


async def _namespace(objects: Objects, name: str) -> Body | None:
    """Return a Namespace; one that we may not read counts as one without labels and annotations."""
    try:
        return await objects.get(NAMESPACES, ObjectKey("", name))
    except Refused:
        return None
