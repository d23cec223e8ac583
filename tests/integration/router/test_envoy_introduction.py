"""A new endpoint gets requests once Envoy knows it, on a real Envoy and on one that is slow to hear."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web
from tests.envoy import envoy
from tests.ports import free_ports

from penstock.domain.requests import Endpoint
from penstock.router import introduction as module
from penstock.router.envoyadmin import heard_of
from penstock.router.introduction import Introduction

ONE, TWO = (Endpoint(address=f"10.0.0.{n}:8000", pod=f"pod-{n}") for n in (1, 2))


@dataclass
class Front:
    """An Envoy that knows whom it is told by a test; `asked` counts who wanted to know."""

    known: set[str] = field(default_factory=set)
    more: bytes = b""
    asked: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    async def clusters(self, request: web.Request) -> web.Response:
        del request
        self.asked.release()
        lines = "".join(f"engines::{one}::cx_active::0\nengines::{one}::hostname::\n" for one in self.known)
        return web.Response(body=lines.encode() + self.more, content_type="text/plain", charset="utf-8")


@asynccontextmanager
async def serving(front: Front) -> AsyncIterator[int]:
    app = web.Application()
    app.router.add_get("/clusters", front.clusters)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield int(runner.addresses[0][1])
    finally:
        for _ in range(8):  # steps of the loop: Python 3.11 leaks who is accepted as the server closes
            await asyncio.sleep(0)
        await runner.cleanup()


async def test_what_envoy_was_told_it_soon_knows(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with envoy(tmp_path, free_ports(1)[0], ()) as front:
        front.set_engines(ONE.address, "[::1]:8000")

        with caplog.at_level(logging.WARNING):
            await heard_of(front.admin_port, {ONE.address, "[::1]:8000"}, within_s=10)

    assert not caplog.records


async def test_a_new_endpoint_waits_until_envoy_knows_it_and_one_that_goes_does_not() -> None:
    front, taken = Front({ONE.address}), asyncio.Queue[tuple[Endpoint, ...]]()
    async with serving(front) as port:
        introduction = Introduction(port, taken.put_nowait)
        introduction.publish((ONE,))
        assert await taken.get() == (ONE,)

        introduction.publish((TWO,))
        assert await taken.get() == ()
        async with asyncio.timeout(10):
            for _ in range(3 + len(front.known)):
                await front.asked.acquire()
        assert taken.empty()

        front.known.add(TWO.address)
        assert await taken.get() == (TWO,)


async def test_the_newest_set_replaces_one_that_is_waited_for() -> None:
    front, taken = Front(), asyncio.Queue[tuple[Endpoint, ...]]()
    async with serving(front) as port:
        introduction = Introduction(port, taken.put_nowait)
        introduction.publish((ONE,))
        await front.asked.acquire()

        introduction.publish(())
        assert await taken.get() == ()
        front.known.add(ONE.address)
        introduction.publish((ONE, TWO))
        front.known.add(TWO.address)

        assert await taken.get() == (ONE, TWO)
        assert taken.empty()


async def test_a_set_that_changes_all_the_time_is_waited_for_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pods come and go in crowds, and each of them began the wait for all others anew."""
    monkeypatch.setattr(module, "WITHIN_S", 0.2)
    taken = asyncio.Queue[tuple[Endpoint, ...]]()
    async with serving(Front()) as port, asyncio.timeout(5):
        introduction = Introduction(port, taken.put_nowait)
        while taken.empty():
            introduction.publish((ONE,))
            await asyncio.sleep(0)
        introduction.publish((ONE, TWO))
        introduction.close()

    assert [taken.get_nowait() for _ in range(taken.qsize())] == [(ONE,)], "who comes later has as long"


async def test_what_is_no_text_hides_nobody() -> None:
    async with serving(Front({ONE.address}, more=b"\xff\n")) as port, asyncio.timeout(5):
        await heard_of(port, {ONE.address}, within_s=60)


async def test_an_envoy_that_never_hears_of_them_is_told_of_and_waited_for_no_longer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with serving(Front()) as port:
        with caplog.at_level(logging.WARNING):
            await heard_of(port, {ONE.address}, within_s=0.1)

    assert "Envoy has not heard of new endpoints" in caplog.text


async def test_no_envoy_is_not_waited_for() -> None:
    async with asyncio.timeout(10):
        await heard_of(free_ports(1)[0], {ONE.address}, within_s=60)
