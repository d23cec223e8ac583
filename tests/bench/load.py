"""A closed loop of HTTP/1.1 requests on bytes, and the processor time that other processes use meanwhile."""

import asyncio
import time
from pathlib import Path

REQUEST = (
    b"POST /v1/chat/completions HTTP/1.1\r\nhost: bench\r\nuser-agent: bench/1.0\r\naccept: application/json\r\n"
    b"content-type: application/json\r\nauthorization: Bearer sk-0123456789abcdef0123456789abcdef\r\n"
    b'x-workload-context: {"workload_id":"agent-%d","criticality":5}\r\nx-request-id: bench-%08d\r\n'
    b"content-length: 2\r\n\r\n{}"
)


class Client(asyncio.Protocol):
    """One connection that asks again when it was answered, until the end of the run."""

    def __init__(self, number: int) -> None:
        self._number, self._buffer = number, b""
        self.answered = self.failed = 0
        self.until = 0.0
        self.transport: asyncio.Transport | None = None
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def ask(self) -> None:
        assert self.transport is not None
        self.transport.write(REQUEST % (self._number % 20, self.answered))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found or len(body) < _length(head):
            return
        self._buffer = b""
        self.answered += 1
        self.failed += not head.startswith(b"HTTP/1.1 200")
        if time.monotonic() < self.until:
            self.ask()
        elif not self.ended.done():
            self.ended.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_exception(exc or ConnectionError("closed within the run"))


def _length(head: bytes) -> int:
    at = head.lower().find(b"content-length: ")
    return int(head[at + 16 :].split(b"\r\n", 1)[0]) if at >= 0 else 0


async def run(port: int, connections: int, seconds: float) -> tuple[int, int]:
    """Ask for `seconds` on so many connections; return answers, and how many were not 200."""
    loop = asyncio.get_running_loop()
    clients = [
        (await loop.create_connection(lambda number=number: Client(number), "127.0.0.1", port))[1]
        for number in range(connections)
    ]
    until = time.monotonic() + seconds
    for client in clients:
        client.until = until
        client.ask()
    await asyncio.gather(*[client.ended for client in clients])
    for client in clients:
        assert client.transport is not None
        client.transport.abort()
    return sum(client.answered for client in clients), sum(client.failed for client in clients)


def cpu_s(pid: int) -> float:
    """Return the processor time of all threads of a process."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9
