"""The loop of integration tests: a server that is slow to say goodbye harms nobody, and an open connection is told."""

import asyncio
import gc
import socket
import ssl
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from kubernetes.aio.client import Configuration
from tests import loops
from tests.certificates import Authority, Pair
from tests.loops import TidyLoop

from penstock.cluster.client import Kube


@dataclass
class Slow:
    """An API server that does not answer yet, and says goodbye when the test lets it."""

    listener: socket.socket
    pair: Pair
    asked: threading.Event = field(default_factory=threading.Event)
    leave: threading.Event = field(default_factory=threading.Event)

    def serve(self) -> None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.pair.cert, self.pair.key)
        plain, _ = self.listener.accept()
        with context.wrap_socket(plain, server_side=True) as peer:
            peer.recv(65_536)
            self.asked.set()
            self.leave.wait(30)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.listener.getsockname()[1]}"


@contextmanager
def slow_server(folder: Path) -> Iterator[tuple[Slow, Path]]:
    authority = Authority(folder)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Slow(listener, authority.sign("api"))
        thread = threading.Thread(target=server.serve)
        thread.start()
        try:
            yield server, authority.file
        finally:
            server.leave.set()
            thread.join(30)


@dataclass
class Login:
    """Where the server is, and who vouches for it."""

    url: str
    authority: Path

    async def configuration(self) -> Configuration:
        found = Configuration(host=self.url)
        found.ssl_ca_cert = str(self.authority)
        return found


async def watch_for_a_moment(server: Slow, authority: Path) -> None:
    async with Kube(Login(server.url, authority)) as kube:  # type: ignore[arg-type]  # all that it uses

        async def watch() -> None:
            async for _ in kube.stream("/watch", {}, silence_s=60):
                pass

        watching = asyncio.create_task(watch())
        await asyncio.to_thread(server.asked.wait, 30)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    threading.Timer(0.2, server.leave.set).start()


def test_a_watch_leaves_no_socket_to_the_next_test_however_slow_its_server(tmp_path: Path) -> None:
    with slow_server(tmp_path) as (server, authority), warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        with asyncio.Runner(loop_factory=TidyLoop) as runner:
            runner.run(watch_for_a_moment(server, authority))
        gc.collect()

    assert [str(one.message) for one in seen if one.category is ResourceWarning] == []


def test_a_connection_that_nobody_closes_is_told_where_it_was_left_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "FAREWELL_S", 0.05)

    async def forget(listener: socket.socket) -> None:
        kept.extend(await asyncio.open_connection(*listener.getsockname()))

    kept = list[object]()
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        pytest.raises(AssertionError, match="nobody closed these connections"),
        asyncio.Runner(loop_factory=TidyLoop) as runner,
    ):
        runner.run(forget(listener))
