"""One authenticated way to the API server: JSON in, JSON out, every wait bounded, every error one of ours."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final
from urllib.parse import quote, urlencode

import aiohttp
from kubernetes.aio.client import ApiClient
from kubernetes.aio.client.rest import RESTResponse

from penstock.api.kinds import Kind
from penstock.cluster.connection import Login
from penstock.domain.errors import Refused, Unreachable

JSON: Final = "application/json"
JSON_PATCH: Final = "application/json-patch+json"
MERGE_PATCH: Final = "application/merge-patch+json"
APPLY: Final = "application/apply-patch+yaml"
TIMEOUT_S: Final = 10.0
PEER: Final = "Kubernetes API"
_WAITING: Final = "it is tried again"
_AGENT: Final = "penstock"


class Kube:
    """A connection pool to one API server; open with `async with`. Calls are safe to run concurrently."""

    def __init__(self, login: Login, *, timeout_s: float = TIMEOUT_S) -> None:
        self._login, self._timeout_s = login, timeout_s
        self._client: ApiClient | None = None
        self._logging_in = asyncio.Lock()

    async def __aenter__(self) -> "Kube":
        await self._log_in(None)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            await self._client.close()

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, str] | None = None,
        content: str = JSON,
    ) -> Any:  # noqa: ANN401 - JSON
        """Send one request and return the decoded answer; a login that has expired is renewed once.

        Raises:
            Unreachable: no answer within the time limit, or a broken connection.
            Refused: any status above 299; `status` tells which.
        """
        response, raw = await self._attempt(method, path, body, query, content)
        if response.status == HTTPStatus.UNAUTHORIZED:
            await self._log_in(self._client)
            response, raw = await self._attempt(method, path, body, query, content)
        decoded = _decode(raw)
        if response.status >= HTTPStatus.MULTIPLE_CHOICES:
            raise refusal(response.status, decoded, path)
        return decoded

    async def raw(self, path: str, query: Mapping[str, str] | None = None) -> tuple[int, bytes]:
        """Return status and body of a GET as they came, for what lies behind the API server's proxy.

        Raises:
            Unreachable: no answer within the time limit, or a broken connection.
        """
        response, body = await self._attempt("GET", path, None, query, JSON)
        return response.status, body

    async def stream(self, path: str, query: Mapping[str, str], *, silence_s: float) -> AsyncIterator[dict[str, Any]]:
        """Yield the events of a watch until the server ends it or says nothing for `silence_s`.

        Raises:
            Unreachable: the connection broke, or was silent.
            Refused: the server did not accept the watch.
        """
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=self._timeout_s, sock_read=silence_s)
        try:
            response = await self._send("GET", path, None, query, JSON, timeout)
            try:
                if response.status >= HTTPStatus.MULTIPLE_CHOICES:
                    raise refusal(response.status, _decode(await response.read()), path)
                async for line in _lines(response.response.content):
                    yield json.loads(line)
            finally:
                response.response.close()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise Unreachable(PEER, cause(error), _WAITING) from error

    async def _attempt(
        self, method: str, path: str, body: object, query: Mapping[str, str] | None, content: str
    ) -> tuple[RESTResponse, bytes]:
        try:
            response = await self._send(method, path, body, query, content, self._timeout_s)
            return response, await response.read()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise Unreachable(PEER, cause(error), _WAITING) from error

    async def _send(
        self,
        method: str,
        path: str,
        body: object,
        query: Mapping[str, str] | None,
        content: str,
        timeout: float | aiohttp.ClientTimeout,  # noqa: ASYNC109 - handed on to the client library
    ) -> RESTResponse:
        assert self._client is not None, "open with `async with`"  # noqa: S101 - a mistake of ours, not of a user
        method, url, headers, data, _ = await self._client.param_serialize(
            method,
            path,
            header_params={"Content-Type": content, "Accept": JSON},
            body=body,
            auth_settings=["BearerToken"],
        )
        if query:
            url = f"{url}?{urlencode(query)}"
        return await self._client.call_api(method, url, headers, data, _request_timeout=timeout)

    async def _log_in(self, worn: ApiClient | None) -> None:
        """Replace the client that was refused, unless another call has done so already."""
        async with self._logging_in:
            if self._client is not worn:
                return
            self._client = ApiClient(await self._login.configuration())
            self._client.user_agent = _AGENT
        if worn is not None:
            await worn.close()


def path_of(kind: Kind, namespace: str | None = None, name: str = "", sub: str = "") -> str:
    """Return the path of a collection (no `name`), an object, or one of its subresources."""
    root = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
    scope = f"/namespaces/{quote(namespace, safe='')}" if namespace and kind.namespaced else ""
    item = f"/{quote(name, safe='')}" if name else ""
    return f"{root}{scope}/{kind.plural}{item}{f'/{sub}' if sub else ''}"


def refusal(status: int, body: object, path: str) -> Refused:
    """Turn a Status object into an error whose remedy names the right that may be missing."""
    message = str(body.get("message", "")) if isinstance(body, Mapping) else str(body)[:200]
    return Refused(f"{PEER} {path}", status, message.strip(), _remedy(status, body))


def _remedy(status: int, body: object) -> str:
    """Return what helps; a path that leads to no API at all is not found in plain text, and not by a Status object."""
    if status == HTTPStatus.FORBIDDEN:
        return "grant the right in RBAC"
    if status == HTTPStatus.NOT_FOUND and not isinstance(body, Mapping):
        return "this API is not served here: install the definition of the kind"
    return "see the message"


def cause(error: BaseException) -> str:
    """Return a short class of error for people."""
    match error:
        case TimeoutError():
            return "timeout"
        case aiohttp.ClientSSLError():
            return "tls"
        case aiohttp.ClientConnectorError() | ConnectionRefusedError():
            return "connection refused"
        case _:
            return "connection lost"


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Split a stream into lines of any length; an object may be larger than the reader's own limit."""
    rest = b""
    async for chunk in content.iter_any():
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            if line:
                yield line


def _decode(raw: bytes) -> Any:  # noqa: ANN401 - JSON
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return raw.decode(errors="replace")
