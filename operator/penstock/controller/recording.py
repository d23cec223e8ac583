"""Keeps what every pass saw and decided, for whoever asks later; trouble with it never stops a pass."""

import asyncio
import logging
from dataclasses import dataclass

from aiohttp import web

from penstock import __version__
from penstock.controller.recordring import Ring
from penstock.domain.decisions import Decision
from penstock.domain.observations import Observation
from penstock.records.record import Record
from penstock.scaling.config import Config
from penstock.scaling.memory import Memory

log = logging.getLogger("penstock.operator")


@dataclass(slots=True)
class Recorder:
    """Writes records in a thread of its own; `told` is the last trouble, so that it is told once."""

    ring: Ring
    told: str = ""

    async def keep(
        self, observation: Observation, memory: Memory, config: Config, decisions: tuple[Decision, ...]
    ) -> None:
        """Keep one pass; `memory` is what it began with."""
        record = Record(version=__version__, observation=observation, memory=memory, config=config, decisions=decisions)
        try:
            await asyncio.to_thread(self.ring.add, record)
        except OSError as error:
            self._warn(f"{error.strerror or type(error).__name__}")
        else:
            self.told = ""

    def _warn(self, cause: str) -> None:
        if cause != self.told:
            extra = {"folder": str(self.ring.directory), "cause": cause}
            log.warning("Records cannot be written; the last minutes are kept in memory", extra=extra)
        self.told = cause

    async def show(self, request: web.Request) -> web.Response:
        """Answer `GET /records?at=UNIX`: the newest record of a pass not after that moment, packed."""
        try:
            at_s = float(request.query.get("at", "inf"))
            packed = await asyncio.to_thread(self.ring.find, min(max(at_s, 0.0), 1e11))
        except (ValueError, OverflowError, OSError) as error:
            return web.Response(status=400, text=f"{type(error).__name__}: write ?at=<Unix time in seconds>")
        if packed is None:
            return web.Response(status=404, text="no pass is recorded at that time")
        return web.Response(body=packed, content_type="application/gzip")
