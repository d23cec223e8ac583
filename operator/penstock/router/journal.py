"""Log lines off the hot path: facts are kept as they are, turned into text in batches, and written by a thread."""

import asyncio
import json
import logging
import re
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from penstock.logs import one_line
from penstock.router.loglines import LOGGER, PREFIX, Fact, Line, Value, lines

FLUSH_AFTER_S: Final = 0.02
MOST_FACTS: Final = 20_000
_PLAIN: Final = re.compile(r"[!#-<>-~]+")  # printable ASCII without blank, quote and equals sign

Sink = Callable[[str], object]


class Journal:
    """A bounded buffer of facts; `dropped` counts those that came while it was full.

    A slow reader of our output blocks only the writing thread: at most one batch is under way, the next gathers
    behind it. `wall` tells Unix seconds.
    """

    def __init__(self, style: str, level: int, sink: Sink, wall: Callable[[], float]) -> None:
        self._render = _as_json if style == "json" else _as_text
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
            parts += [self._render(wall_s, line) for line in lines(fact) if line.level >= self._level]
        return "".join(parts)


def _as_text(wall_s: float, line: Line) -> str:
    pairs = "".join(f" {key}={_shown(value)}" for key, value in line.pairs.items())
    return f"{_stamp(wall_s)} {logging.getLevelName(line.level)} {LOGGER} {PREFIX}{line.message}{pairs}\n"


def _as_json(wall_s: float, line: Line) -> str:
    head = {"time": _stamp(wall_s), "level": logging.getLevelName(line.level).lower(), "logger": LOGGER}
    facts = {key: float(f"{value:.9g}") if type(value) is float else value for key, value in line.pairs.items()}
    return json.dumps(head | {"msg": PREFIX + line.message} | facts) + "\n"


def _shown(value: Value) -> str:
    """Return a value as `key=value` needs it; nine digits let the printed score be checked against its parts."""
    if type(value) is float:
        return f"{value:.9g}"
    text = str(value).lower() if type(value) is bool else str(value)
    return text if _PLAIN.fullmatch(text) else one_line(text)


def _stamp(wall_s: float) -> str:
    return datetime.fromtimestamp(wall_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
