"""Speaks to the admin port of the Envoy in the same pod: that its clients shall go elsewhere, and whom it knows."""

import asyncio
import logging
import re
from collections.abc import Collection
from http import HTTPStatus
from typing import Final

import aiohttp

WITHIN_S: Final = 1.0
EVERY_S: Final = 0.02
_log: Final = logging.getLogger("penstock.router.envoy")
_FAIL: Final = b"POST /healthcheck/fail HTTP/1.1\r\nhost: envoy\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_KNOWN: Final = re.compile(rb"::([^\n]+)::cx_active::")  # one line of the twenty about each endpoint


async def send_clients_away(port: int) -> None:
    """Let Envoy end each connection with its next answer (`connection: close`, GOAWAY); it goes on serving.

    Envoy itself would do so on no signal: it ends at once on SIGTERM. A failure is logged, the drain goes on.
    """
    try:
        async with asyncio.timeout(WITHIN_S):
            status = await _post(port)
    except (OSError, TimeoutError) as error:
        _log.warning("Envoy does not drain its clients", extra={"port": port, "error": str(error) or "timeout"})
        return
    if status != HTTPStatus.OK:
        _log.warning("Envoy does not drain its clients", extra={"port": port, "status": status})


async def heard_of(port: int, addresses: Collection[str], *, within_s: float) -> None:
    """Return when Envoy knows all these endpoints, or after `within_s` seconds, which is logged.

    An Envoy that does not answer at all is not waited for: one that starts later reads of them first.
    """
    try:
        async with asyncio.timeout(within_s), aiohttp.ClientSession() as http:
            while not await _knows(http, port, addresses):  # noqa: ASYNC110 - another process tells of no event
                await asyncio.sleep(EVERY_S)
    except TimeoutError:
        _log.warning("Envoy has not heard of new endpoints", extra={"port": port, "count": len(addresses)})
    except (aiohttp.ClientError, OSError) as error:
        _log.debug("Envoy does not answer", extra={"port": port, "error": str(error)})


async def _knows(http: aiohttp.ClientSession, port: int, addresses: Collection[str]) -> bool:
    async with http.get(f"http://127.0.0.1:{port}/clusters") as answer:
        known = set(_KNOWN.findall(await answer.read()))
    return all(address.encode() in known for address in addresses)


async def _post(port: int) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(_FAIL)
        first = await reader.readline()
    finally:
        writer.close()
    words = first.split()
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
