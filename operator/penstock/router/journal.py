"""Log lines off the hot path: facts are kept as they are, turned into text in batches, and written by a thread."""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from penstock.router.loglines import LOGGER, PREFIX, Fact, Line, Value, lines

FLUSH_AFTER_S: Final = 0.02
MOST_FACTS: Final = 20_000

Sink: TypeAlias = Callable[[str], object]
Render: TypeAlias = Callable[[float, str, str, str, Mapping[str, Value]], str]


class Journal:
    """A bounded buffer of facts; `dropped` counts those that came while it was full.

    A slow reader of our output blocks only the writing thread: at most one batch is under way, the next gathers
    behind it. `render` makes a line of a Unix time, level, logger, message and pairs; `wall` tells that time.
    """

    def __init__(self, render: Render, level: int, sink: Sink, wall: Callable[[], float]) -> None:
        self._render = render
        self._level, self._sink, self._wall = level, sink, wall
        self._facts: deque[tuple[float, Fact]] = deque()
        self._writing: asyncio.Future[object] | None = None
        self._scheduled = False
        self.dropped = 0
        self.enabled = level <= logging.INFO
        self.detailed = level <= logging.DEBUG

    def add(self, fact: Fact) -> None:
        """Keep one fact for the next batch."""
        if not self.enabled:
            return
        if len(self._facts) >= MOST_FACTS:
            self.dropped += 1
            return
        self._facts.append((self._wall(), fact))
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_later(FLUSH_AFTER_S, self._flush)

    async def close(self) -> None:
        """Write what is left."""
        while self._writing is not None:
            await asyncio.wait([self._writing])
        text = self._batch()
        if text:
            with contextlib.suppress(OSError, ValueError):  # a closed pipe must not keep the router from ending
                await asyncio.get_running_loop().run_in_executor(None, self._sink, text)

    def _flush(self) -> None:
        if self._writing is not None:
            return  # the end of that writing comes back here
        self._scheduled = False
        text = self._batch()
        if text:
            self._scheduled = True
            self._writing = asyncio.get_running_loop().run_in_executor(None, self._sink, text)
            self._writing.add_done_callback(self._written)

    def _written(self, writing: "asyncio.Future[object]") -> None:
        self._writing = None
        if not writing.cancelled():
            writing.exception()  # a closed pipe must not end the router
        self._flush()

    def _batch(self) -> str:
        """Turn every fact into text and forget it."""
        parts = []
        while self._facts:
            wall_s, fact = self._facts.popleft()
            parts += [self._line(wall_s, line) for line in lines(fact) if line.level >= self._level]
        return "".join(parts)

    def _line(self, wall_s: float, line: Line) -> str:
        # nine digits: short, and exact enough that the printed score can be checked against its parts
        pairs = {k: float(f"{v:.9g}") if type(v) is float else v for k, v in line.pairs.items()}
        return self._render(wall_s, logging.getLevelName(line.level), LOGGER, PREFIX + line.message, pairs) + "\n"
