"""Asks Prometheus over aiohttp: POST, a deadline, a bound on the answer, and errors that say which link broke."""

import asyncio
import logging
import ssl
import time
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import aiohttp

from penstock.domain.errors import Refused, Unreachable
from penstock.settings.prometheus import PrometheusSettings
from penstock.telemetry.answers import Answer, decode
from penstock.telemetry.credentials import Credentials

QUERY_DEADLINE_S: Final = 10.0
MAX_ANSWER_BYTES: Final = 64 * 2**20
REMEDY: Final = "check prometheusURL, CA, token"
_ATTEMPTS: Final = 2
_log = logging.getLogger("penstock.telemetry")


class _TryAgainError(Exception):
    """The attempt failed in a way that a second one may mend: the peer closed an idle connection, a token expired."""


class Prometheus:
    """A client for one Prometheus; made inside the loop that uses it, closed by `close`. `clock` counts seconds."""

    def __init__(
        self,
        settings: PrometheusSettings,
        *,
        deadline_s: float = QUERY_DEADLINE_S,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self._deadline_s, self._max_answer_bytes, self._clock = deadline_s, max_answer_bytes, clock
        self._credentials = Credentials(settings, clock)
        self._http: aiohttp.ClientSession | None = None
        self._url = urlsplit(settings.url)
        self._query_url = urlunsplit(self._url._replace(path=f"{self._url.path.rstrip('/')}/api/v1/query", fragment=""))
        for sentence in _cautions(settings):
            _log.warning(sentence, extra={"url": self.peer})

    @property
    def peer(self) -> str:
        """The URL without credentials and query, for people."""
        host = self._url.netloc.rpartition("@")[2]
        return urlunsplit(self._url._replace(netloc=host, query="", fragment="")) or "prometheusURL"

    async def query(self, name: str, promql: str, at_s: float) -> Answer:
        """Answer one instant query at Unix time `at_s`, within the deadline, a second attempt included.

        Raises:
            Unreachable: no URL, no connection, TLS, 401, 403, no answer in time, or something else answers there.
            Refused: Prometheus could not answer; `peer` is `name`, `message` the class of the error.
        """
        if not self.settings.url:
            raise Unreachable("prometheusURL", "no URL", "set prometheusURL")
        form = {"query": promql, "time": f"{at_s:.3f}", "timeout": f"{self._deadline_s:g}s"}
        begin_s = self._clock()
        try:
            async with asyncio.timeout(self._deadline_s):
                status, body = await self._fetch(name, form)
        except TimeoutError as error:
            raise self._unreachable("timeout") from error
        except aiohttp.ClientError as error:
            raise self._unreachable(_cause(error)) from error
        return self._decoded(name, status, body, self._clock() - begin_s)

    async def close(self) -> None:
        """Close the connections."""
        if self._http is not None:
            await self._http.close()

    async def _fetch(self, name: str, form: dict[str, str]) -> tuple[int, bytes]:
        for _ in range(_ATTEMPTS - 1):
            try:
                return await self._attempt(name, form)
            except (_TryAgainError, aiohttp.ServerDisconnectedError, ConnectionResetError):
                continue
        try:
            return await self._attempt(name, form)
        except _TryAgainError as error:
            raise self._unreachable(str(error)) from error

    async def _attempt(self, name: str, form: dict[str, str]) -> tuple[int, bytes]:
        session = self._session()
        # a redirect could carry the token to another host
        async with session.post(
            self._query_url,
            data=form,
            headers=None if self._url.username else self._credentials.headers(),
            ssl=self._credentials.tls(),
            server_hostname=self.settings.server_name or None,
            allow_redirects=False,
        ) as answer:
            if answer.status in {401, 403}:
                cause = f"{answer.status} {answer.reason}"
                raise _TryAgainError(cause) if self._credentials.renew() else self._unreachable(cause)
            return answer.status, await self._bounded(name, answer)

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            self._http = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=32), cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._http

    async def _bounded(self, name: str, answer: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for chunk in answer.content.iter_chunked(2**16):
            body += chunk
            if len(body) > self._max_answer_bytes:
                remedy = "watch fewer namespaces, or drop labels from the engines' series"
                raise Refused(name, answer.status, "answer too large", remedy)
        return bytes(body)

    def _decoded(self, name: str, status: int, body: bytes, duration_s: float) -> Answer:
        try:
            return decode(name, status, body, duration_s)
        except ValueError as error:  # a proxy's page, a redirect, another service
            cause = "no Prometheus there" if status == 200 else f"status {status}"
            raise self._unreachable(cause) from error

    def _unreachable(self, cause: str) -> Unreachable:
        return Unreachable(self.peer, cause, REMEDY)


def _cause(error: aiohttp.ClientError) -> str:
    """Return the short class of a transport error; its own text may hold addresses that change with every attempt."""
    if isinstance(error.__cause__, ssl.SSLError):  # TLS 1.3 refuses a client only after its first request
        return "TLS"
    match error:
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError():
            return "TLS"
        case aiohttp.ClientConnectorDNSError():
            return "name not found"
        case aiohttp.ClientConnectorError():
            return "no connection"
        case aiohttp.InvalidURL():
            return "not a URL"
    return "connection broken"


def _cautions(settings: PrometheusSettings) -> list[str]:
    if settings.url and not settings.encrypted:
        return ["Prometheus is read over plain http: anybody on the way can read and change what scaling rests on"]
    if settings.insecure_skip_verify:
        return ["Prometheus's certificate is not checked: anybody on the way can read the token and change the data"]
    return []
