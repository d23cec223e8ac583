"""An event loop that ends with no connection open: goodbyes are waited for, and what nobody closed is told."""

import asyncio
import time

FAREWELL_S = 5.0


class TidyLoop(asyncio.SelectorEventLoop):
    """Belongs to one test.

    A client that ends a TLS connection has closed it, but its socket stays until the other side has said goodbye, which
    takes a busy machine longer than a test's last moments. Left to the collector, that socket would fail another test.
    """

    def close(self) -> None:
        """Wait for connections that end, then close.

        Raises:
            AssertionError: some are still open; the test, or what it tests, has not closed them.
        """
        left = [] if self.is_closed() else self.run_until_complete(self._farewell())
        super().close()
        assert not left, f"nobody closed these connections: {left}"

    async def _farewell(self) -> list[str]:
        until_s = time.monotonic() + FAREWELL_S
        while (left := self._open()) and time.monotonic() < until_s:  # noqa: ASYNC110 - nothing tells of the last one
            await asyncio.sleep(0.005)
        told = list(map(repr, left))
        for transport in left:
            transport.abort()
        await asyncio.sleep(0)
        return told

    def _open(self) -> list[asyncio.WriteTransport]:
        transports = list(self._transports.values())  # type: ignore[attr-defined]  # nothing public tells
        return [one for one in transports if one.get_extra_info("socket").fileno() >= 0]
