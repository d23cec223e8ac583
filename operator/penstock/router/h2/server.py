"""The asyncio shell of HTTP/2 connections: sockets, liveness, drain. All protocol is in `connection`."""

import asyncio
import contextlib
import ssl
from dataclasses import dataclass
from typing import cast

from penstock.router.h2.connection import Connection
from penstock.router.h2.exchange import Route
from penstock.router.h2.limits import Limits, Memory
from penstock.router.sockets import BACKLOG, bind


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long silence is borne: after `probe_s` a client is pinged, after twice that it is gone."""

    probe_s: float = 30.0
    max_connections: int = 1024


class Server:
    """Listens on any number of addresses and speaks HTTP/2 by prior knowledge, or over TLS (ALPN h2)."""

    def __init__(self, route: Route, limits: Limits | None = None, patience: Patience | None = None) -> None:
        self.route, self.limits, self.patience = route, limits or Limits(), patience or Patience()
        self.memory = Memory(self.limits.max_held_bytes)
        self.peers: set[Peer] = set()
        self._listeners: list[asyncio.Server] = []
        self._rounds: asyncio.Task[None] | None = None
        self._empty = asyncio.Event()
        self._draining = False

    async def listen(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Listen on one more address (empty: all) and return its port (0 asks for a free one)."""
        if tls is not None:
            tls.set_alpn_protocols(["h2"])
        loop = asyncio.get_running_loop()
        listener = await loop.create_server(lambda: Peer(self), sock=bind(host, port), ssl=tls, backlog=BACKLOG)
        self._listeners.append(listener)
        if self._rounds is None:
            self._rounds = asyncio.create_task(self._make_rounds())
        return int(listener.sockets[0].getsockname()[1])

    async def drain(self, timeout_s: float) -> bool:
        """Take no new connections and streams, wait for the open ones; false where `timeout_s` ran out before."""
        self._draining = True
        for listener in self._listeners:
            listener.close()
        for peer in list(self.peers):
            peer.drain()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self.peers:
                    self._empty.clear()
                    await self._empty.wait()
        return not self.peers

    def release(self) -> None:
        """End every open exchange in good order: a proxy goes on with its request without us."""
        for peer in list(self.peers):
            peer.release()

    async def close(self) -> None:
        """Close everything at once; streams that are open are reset."""
        for listener in self._listeners:
            listener.close()
        if self._rounds is not None:
            self._rounds.cancel()
            await asyncio.gather(self._rounds, return_exceptions=True)
            self._rounds = None
        for peer in list(self.peers):
            peer.abort()
        while self.peers:
            self._empty.clear()
            await self._empty.wait()

    def joined(self, peer: "Peer") -> bool:
        """Take a connection in; false where it must be turned away."""
        if self._draining or len(self.peers) >= self.patience.max_connections:
            return False
        self.peers.add(peer)
        return True

    def left(self, peer: "Peer") -> None:
        """Forget a connection that has closed."""
        self.peers.discard(peer)
        if not self.peers:
            self._empty.set()

    async def _make_rounds(self) -> None:
        """Look after clients that vanished without a word, whose requests would be held for ever."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self.patience.probe_s / 2)
            for peer in list(self.peers):
                peer.check(loop.time(), self.patience.probe_s)


class Peer(asyncio.Protocol):
    """One socket and its connection."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._connection = Connection(server.route, server.limits, server.memory, self._wake)
        self._transport: asyncio.Transport | None = None
        self._flush_due = False
        self._heard_at_s = self._loop.time()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet the client."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's transports are no subclass of asyncio's
        if self._server.joined(self):
            self._flush()
        else:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Hand bytes to the connection and write what it answers."""
        self._heard_at_s = now_s = self._loop.time()
        self._connection.receive(data, now_s)
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio's signature
        """Tell all streams."""
        self._transport = None
        self._connection.lost()
        self._server.left(self)

    def pause_writing(self) -> None:
        """Read no more from a client that does not read, so that it cannot make us gather answers."""
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Read on."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def drain(self) -> None:
        """Ask the client to go elsewhere with new requests."""
        self._connection.drain()

    def release(self) -> None:
        """End what is open, in good order."""
        self._connection.release()
        self._flush()

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def check(self, now_s: float, probe_s: float) -> None:
        """Ping a silent client; drop one that stays silent, or that never spoke HTTP/2."""
        silence_s = now_s - self._heard_at_s
        if silence_s >= 2 * probe_s or (silence_s >= probe_s and not self._connection.greeted):
            self.abort()
        elif silence_s >= probe_s:
            self._connection.probe()

    def _wake(self) -> None:
        if not self._flush_due:
            self._flush_due = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_due = False
        if self._transport is None:
            return
        out = self._connection.outbox.take()
        if out:
            self._transport.write(out)
        self._connection.settle()
        if self._connection.closing:
            self._transport.close()
