"""The nodes that have accelerators, listed now and then; an old list holds no longer than old measurements do."""

import logging
import time
from collections.abc import Callable
from typing import Final

from penstock.api.kinds import NODES
from penstock.controller.inventory import Node, node
from penstock.controller.ports import Objects
from penstock.domain.errors import Refused, Unreachable

log = logging.getLogger("penstock.operator")

EVERY_S: Final = 30.0  # far less than a node takes to come; every change of a node's status would be too often


class NodeList:
    """Asks again before each pass once its list is `EVERY_S` old, and tells once why there is none."""

    def __init__(self, objects: Objects, clock: Callable[[], float] = time.monotonic) -> None:
        self._objects, self._clock = objects, clock
        self._nodes: tuple[Node, ...] | None = None
        self._listed_s = float("-inf")
        self._told = ""

    async def fresh(self, *, within_s: float) -> tuple[Node, ...] | None:
        """Return the nodes as they were at most `within_s` ago, None where that is unknown; never raises."""
        if self._age_s() >= min(EVERY_S, within_s):
            await self._list()
        return self._nodes if self._age_s() < within_s else None

    def _age_s(self) -> float:
        return self._clock() - self._listed_s

    async def _list(self) -> None:
        asked_s = self._clock()
        try:
            bodies = await self._objects.list(NODES)
        except (Refused, Unreachable) as error:
            self._tell(str(error))
            return
        self._nodes = tuple(one for one in map(node, bodies) if one is not None)
        self._listed_s, self._told = asked_s, ""

    def _tell(self, error: str) -> None:
        if error != self._told:
            log.warning("Nodes not listed; after the time of staleAfter they limit nothing", extra={"error": error})
        self._told = error
