"""Clients of the ordering stories: completions through Envoy on loopback, and what the router's log says of them."""

import asyncio
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

import aiohttp

MODEL = "llama-2"
_PAIR = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|\S+)')


@dataclass(frozen=True, slots=True)
class Ask:
    """One request; `context` is the raw X-Workload-Context, None sends none. `after_s`: seconds after the first one."""

    request_id: str
    context: str | None = None
    tokens: int = 10
    after_s: float = 0.0


def context(workload: str, criticality: int) -> str:
    """Return the header as clients write it."""
    return json.dumps({"workload_id": workload, "criticality": criticality})


def blockers(tag: str, *, longest_s: float, apart_s: float = 0.7, count: int = 5) -> list[Ask]:
    """Return requests that fill the gate and leave it one after another; engines make 50 tokens a second."""
    return [
        Ask(f"{tag}-blocker-{i}", context("blocker", 1), tokens=round(50 * (longest_s - apart_s * (count - 1 - i))))
        for i in range(count)
    ]


def send(url: str, asks: Iterable[Ask]) -> dict[str, int]:
    """Send all requests, each at its time, and return their HTTP statuses when the last has ended."""

    async def one(session: aiohttp.ClientSession, ask: Ask) -> tuple[str, int]:
        await asyncio.sleep(ask.after_s)
        headers = {"x-request-id": ask.request_id}
        if ask.context is not None:
            headers["X-Workload-Context"] = ask.context
        body = {
            "model": MODEL,
            "messages": [{"role": "user", "content": "Test message"}],
            "max_tokens": ask.tokens,
            "ignore_eos": True,
        }
        async with session.post(f"{url}/v1/chat/completions", json=body, headers=headers) as answer:
            await answer.read()
            return ask.request_id, answer.status

    async def run() -> dict[str, int]:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=180)) as session:
            return dict(await asyncio.gather(*(one(session, ask) for ask in asks)))

    return asyncio.run(run())


@dataclass(frozen=True, slots=True)
class Line:
    """One [WA-ROUTING] line: its message and its facts as text."""

    message: str
    facts: dict[str, str]


def lines(log: str) -> list[Line]:
    """Return the [WA-ROUTING] lines of a router's log, in order."""
    found = []
    for row in log.splitlines():
        _, marker, rest = row.partition("[WA-ROUTING] ")
        if marker:
            facts = dict(_PAIR.findall(rest))
            message = _PAIR.split(rest)[0].strip()
            found.append(Line(message, {key: value.strip('"') for key, value in facts.items()}))
    return found


def order(found: list[Line], among: Iterable[str]) -> list[str]:
    """Return these request ids in the order of their dispatch."""
    wanted = set(among)
    ids = [line.facts["request_id"] for line in found if line.message == "Request dispatched"]
    return [request_id for request_id in ids if request_id in wanted]
