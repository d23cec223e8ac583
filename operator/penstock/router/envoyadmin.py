"""Speaks to the admin port of the Envoy in the same pod: that its clients shall go elsewhere, since the router goes."""

import asyncio
import logging
from http import HTTPStatus
from typing import Final

WITHIN_S: Final = 1.0
_log: Final = logging.getLogger("penstock.router.envoy")
_FAIL: Final = b"POST /healthcheck/fail HTTP/1.1\r\nhost: envoy\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


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


async def _post(port: int) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(_FAIL)
        first = await reader.readline()
    finally:
        writer.close()
    words = first.split()
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
