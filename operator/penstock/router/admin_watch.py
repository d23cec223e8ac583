"""`GET /v1/watch`: JSON lines for the operator, who holds one stream per router and so never polls."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from aiohttp import web

from penstock.router.admin_errors import AdminError

MOST_WATCHERS: Final = 16
MOST_LINES: Final = 256
BEAT_S: Final = 1.0
_END: Final = None

Event = Mapping[str, Any]


class WatchHub:
    """Gives every event to every watcher; one that does not read is dropped, and finds all anew when it returns.

    `snapshot` tells the events of this moment: what a new watcher gets first, and (but for the policy) what all get
    each second.
    """

    def __init__(self, snapshot: Callable[[], Sequence[Event]]) -> None:
        self._snapshot = snapshot
        self._watchers: set[asyncio.Queue[bytes | None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self.dropped = 0

    def publish(self, event: Event) -> None:
        """Queue one event for every watcher."""
        if not self._watchers:
            return
        line = json.dumps(event).encode() + b"\n"
        for queue in list(self._watchers):
            if queue.qsize() >= MOST_LINES:
                self._watchers.discard(queue)
                self.dropped += 1
                queue.get_nowait()  # room for the end
                queue.put_nowait(_END)
            else:
                queue.put_nowait(line)

    def close(self) -> None:
        """End every stream."""
        for queue in self._watchers:
            queue.put_nowait(_END)
        self._watchers.clear()
        if self._timer is not None:
            self._timer.cancel()

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Hold one stream open until the watcher leaves or is dropped."""
        if len(self._watchers) >= MOST_WATCHERS:
            raise AdminError(503, "TooManyWatchers", f"{MOST_WATCHERS} streams are open", "close one")
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        for event in self._snapshot():
            queue.put_nowait(json.dumps(event).encode() + b"\n")
        self._watchers.add(queue)
        self._start()
        answer = web.StreamResponse(headers={"Content-Type": "application/jsonl", "Cache-Control": "no-store"})
        try:
            await answer.prepare(request)
            while (line := await queue.get()) is not _END:
                await answer.write(line)
            await answer.write_eof()
        finally:
            self._watchers.discard(queue)
        return answer

    def _start(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(BEAT_S, self._beat)

    def _beat(self) -> None:
        """Tell all watchers how things are; the last one to leave stops it."""
        self._timer = None
        if not self._watchers:
            return
        for event in self._snapshot():
            if event["type"] != "policy":
                self.publish(event)
        self._start()
