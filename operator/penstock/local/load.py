"""Clients of the local world: an open loop of streamed completions, timed from the moment each was due."""

import asyncio
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

import aiohttp

MAX_IN_FLIGHT: Final = 2000  # a bound for a local machine; requests beyond it are not sent, and so not answered


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request that is due `at_s` seconds after the start; `workload` None sends no X-Workload-Context."""

    at_s: float
    model: str
    input_tokens: int
    output_tokens: int
    request_id: str
    workload: str | None = None
    criticality: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of one call. Times are seconds from when it was due; None where it never came so far."""

    call: Call
    due_s: float
    status: int
    ttft_s: float | None = None
    tpot_s: float | None = None
    chunks: int = 0
    error: str = ""

    def meets(self, ttft_s: float, tpot_s: float) -> bool:
        """Whether both latencies were within their targets; an unanswered call meets nothing."""
        in_time = self.ttft_s is not None and self.ttft_s <= ttft_s
        return self.status == 200 and in_time and (self.tpot_s is None or self.tpot_s <= tpot_s)


@dataclass(slots=True)
class Load:
    """Sends calls when they are due and hands each answer on."""

    url: str
    http: aiohttp.ClientSession
    heard: Callable[[Answer], None]
    in_flight: int = 0
    clock: Callable[[], float] = time.monotonic
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    async def send(self, calls: Iterable[Call]) -> None:
        """Send every call at its time, measured from now; returns when the last one was sent."""
        begin = self.clock()
        for call in calls:
            await asyncio.sleep(max(0.0, begin + call.at_s - self.clock()))
            if self.in_flight >= MAX_IN_FLIGHT:
                self.heard(Answer(call=call, due_s=begin + call.at_s, status=0, error="not sent"))
                continue
            self.in_flight += 1
            task = asyncio.create_task(self._one(call, begin + call.at_s))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def settle(self, deadline_s: float) -> None:
        """Wait for the answers still out, at most `deadline_s` seconds, then give up on the rest."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=deadline_s)
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _one(self, call: Call, due_s: float) -> None:
        try:
            answer = await self._exchange(call, due_s)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            answer = Answer(call=call, due_s=due_s, status=0, error=type(error).__name__)
        finally:
            self.in_flight -= 1
        self.heard(answer)

    async def _exchange(self, call: Call, due_s: float) -> Answer:
        async with self.http.post(f"{self.url}/v1/completions", json=_body(call), headers=_headers(call)) as response:
            first_s, last_s, chunks = None, None, 0
            async for line in response.content:
                if line.startswith(b"data: {") and b'"text"' in line and b'"text":""' not in line:  # the last has none
                    last_s = self.clock()
                    first_s = last_s if first_s is None else first_s
                    chunks += 1
        spread_s = None if first_s is None or last_s is None or chunks < 2 else (last_s - first_s) / (chunks - 1)
        return Answer(
            call=call,
            due_s=due_s,
            status=response.status,
            ttft_s=None if first_s is None else first_s - due_s,
            tpot_s=spread_s,
            chunks=chunks,
        )


def _body(call: Call) -> dict[str, object]:
    return {
        "model": call.model,
        "prompt": "word " * call.input_tokens,
        "max_tokens": call.output_tokens,
        "ignore_eos": True,
        "stream": True,
    }


def _headers(call: Call) -> dict[str, str]:
    headers = {"x-request-id": call.request_id}
    if call.workload is not None:
        headers["x-workload-context"] = json.dumps({"workload_id": call.workload, "criticality": call.criticality})
    return headers
