"""Keeps what was learnt in ConfigMap `penstock-learned`: read at take-over, written now and then and at hand-over."""

import asyncio
import logging
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from penstock.api.kinds import CONFIGMAPS
from penstock.api.names import LEARNED_CONFIGMAP
from penstock.controller.ports import Leadership, Objects
from penstock.domain.errors import Refused, Unreachable
from penstock.domain.variants import ObjectKey
from penstock.records.learned import dump, joined, load
from penstock.scaling.memory import Memory

log = logging.getLogger("penstock.operator")

EVERY_S: Final = 300.0
LAST_WORD_S: Final = 2.0  # at hand-over: the successor is not to wait longer


@dataclass(slots=True)
class Learned:
    """Reads once in each term and writes what has changed; trouble with it is told, and never stops anything.

    Before it was read in a term nothing is written, so that an outage cannot lose what was learnt before.
    """

    objects: Objects
    namespace: str
    every_s: float = EVERY_S
    memory: Memory = field(default_factory=Memory)  # of the last pass
    _term: int = -1
    _written: dict[str, str] = field(default_factory=dict)
    _told: str = ""

    async def recalled(self, memory: Memory, term: int) -> Memory:
        """Return a memory at the beginning of a pass: with what is stored, if this term has not read it yet."""
        if term == self._term:
            return memory
        try:
            body = await self.objects.get(CONFIGMAPS, self._key)
        except (Refused, Unreachable) as error:
            self._warn(f"cannot be read: {error}")
            return memory
        stored = load((body or {}).get("data") or {})
        for fault in stored.faults:
            log.warning("What was learnt is ignored", extra={"configmap": str(self._key), "error": str(fault)})
        self._term, self.memory = term, joined(memory, stored.memory)
        self._written = dump(self.memory)
        return self.memory

    async def keep_writing(self, leadership: Leadership) -> None:
        """Write every five minutes while this process leads."""
        while True:
            await asyncio.sleep(self.every_s)
            await self._write(leadership)

    async def hand_over(self, leadership: Leadership) -> None:
        """Write for the last time, before leadership is given back."""
        try:
            async with asyncio.timeout(LAST_WORD_S):
                await self._write(leadership)
        except TimeoutError:
            self._warn("cannot be written: timeout")

    async def _write(self, leadership: Leadership) -> None:
        texts = dump(self.memory)
        if not leadership.leading or leadership.term != self._term or texts == self._written:
            return
        try:
            await self.objects.write_data(CONFIGMAPS, self._key, texts)
        except (Refused, Unreachable) as error:
            missing = isinstance(error, Refused) and error.status == HTTPStatus.NOT_FOUND
            self._warn(
                "is missing: apply manifests/operator/learned.yaml" if missing else f"cannot be written: {error}"
            )
        else:
            self._written, self._told = texts, ""

    def _warn(self, what: str) -> None:
        if what != self._told:
            log.warning(
                "What was learnt will not outlive this process", extra={"configmap": str(self._key), "why": what}
            )
        self._told = what

    @property
    def _key(self) -> ObjectKey:
        return ObjectKey(self.namespace, LEARNED_CONFIGMAP)
