"""The admin API of one router, as its client: TLS without a name to check, a token that is worthless elsewhere."""

import json
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

import aiohttp

from penstock.api.document import encode
from penstock.api.names import AUDIENCE_PREFIX
from penstock.controller.pods import PodFacts
from penstock.controller.ports import Tokens
from penstock.domain.errors import InvalidField, Refused, Unreachable
from penstock.domain.policies import PolicyDocument

_LATER: Final = "it is tried again"
_POLICY: Final = "/v1/policy"
_CALL: Final = aiohttp.ClientTimeout(total=10)  # callers have shorter deadlines of their own
_STREAM: Final = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=5)  # something is told each second


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What a router says that it runs. `applied_at` is its own text; `source` is pushed, disk, file or builtin."""

    revision: int
    uid: str
    generation: int
    hash: str
    applied_at: str = ""
    source: str = ""

    def is_(self, document: PolicyDocument) -> bool:
        """Whether this is that content, whatever its revision."""
        return (self.uid, self.generation, self.hash) == (document.uid, document.generation, document.hash)


class HigherRevision(Exception):
    """A router runs a revision above the one it was offered (409)."""

    def __init__(self, revision: int) -> None:
        super().__init__(f"revision {revision} is in force")
        self.revision = revision


class RouterAdmin:
    """Reads and replaces the policy of router pods; one connection pool for all of them.

    The certificate is self-signed and not checked: whoever answers in a router's place gets a token that only that
    very pod accepts, so it can do nothing with it.
    """

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Let connections go."""
        if self._session is not None:
            await self._session.close()

    async def running(self, router: PodFacts) -> Running:
        """Return what a router runs; raises as `put`."""
        return _running(await self._call("GET", router, _POLICY, None))

    async def put(self, router: PodFacts, document: PolicyDocument) -> Running:
        """Give a router a document and return what it runs now.

        Raises:
            HigherRevision: it runs a later one.
            InvalidField: it cannot run this content (422).
            Unreachable: no answer, or one that is no answer of ours.
            Refused: 401, 403, 413, 503 and whatever else.
        """
        answer = await self._call("PUT", router, _POLICY, encode(document))
        return _running({"uid": document.uid, "source": "pushed", **answer})

    async def starvation_bound_s(self, router: PodFacts) -> float | None:
        """Return the longest wait that a router guarantees at its present rate, None where it guarantees none.

        Raises:
            Unreachable, Refused: as `put`.
        """
        bound = (await self._call("GET", router, "/v1/state?limit=1", None)).get("starvationBound")
        return float(bound) if isinstance(bound, int | float) else None

    async def remembered(self, router: PodFacts, request_id: str) -> Mapping[str, Any]:
        """Return `decisions` about a request, the newest first, and `waiting` while it is in line; raises as `put`."""
        try:
            path = f"/debug/decisions?request_id={quote(request_id, safe='')}"
            found = {"decisions": (await self._call("GET", router, path, None)).get("items", [])}
        except Refused as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            found = {"decisions": []}
        queue = (await self._call("GET", router, "/debug/queue?limit=1000", None)).get("items", [])
        waiting = [row for row in queue if row.get("requestId") == request_id]
        return found | ({"waiting": waiting[0]} if waiting else {})

    async def aggregate(self, router: PodFacts, rows: Sequence[Mapping[str, Any]]) -> None:
        """Tell a router the sums over all of them; raises as `put`."""
        await self._call("PUT", router, "/v1/aggregate", {"workloads": rows})

    async def watch(self, router: PodFacts) -> AsyncIterator[Mapping[str, Any]]:
        """Yield what a router tells on its stream, until it ends or breaks.

        Raises:
            Unreachable: it broke, or was silent for seconds. Refused: 401, 403, 503 and whatever else.
        """
        try:
            async with await self._open("GET", router, "/v1/watch", None, _STREAM) as answer:
                if answer.status != HTTPStatus.OK:
                    raise _refusal(router, answer.status, None)
                async for line in answer.content:
                    yield json.loads(line)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise Unreachable(str(router.key), _cause(error), _LATER) from error

    async def _call(
        self, method: str, router: PodFacts, path: str, body: Mapping[str, Any] | None
    ) -> Mapping[str, Any]:
        try:
            async with await self._open(method, router, path, body, _CALL) as answer:
                decoded = None if answer.status == HTTPStatus.NO_CONTENT else await answer.json(content_type=None)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise Unreachable(str(router.key), _cause(error), _LATER) from error
        if answer.status == HTTPStatus.NO_CONTENT:
            return {}
        if answer.status == HTTPStatus.OK and isinstance(decoded, Mapping):
            return decoded
        if answer.status == HTTPStatus.UNAUTHORIZED:
            self._tokens.forget(AUDIENCE_PREFIX + router.uid)
        raise _refusal(router, answer.status, decoded)

    async def _open(
        self,
        method: str,
        router: PodFacts,
        path: str,
        body: Mapping[str, Any] | None,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - of the connection, not of this call
    ) -> aiohttp.ClientResponse:
        token = await self._tokens.token(AUDIENCE_PREFIX + router.uid)
        return await self._pool().request(
            method,
            f"https://{_host(router.address)}:{router.admin_port}{path}",
            json=body,
            headers={"Authorization": f"Bearer {token}"},
            allow_redirects=False,
            timeout=timeout,
        )

    def _pool(self) -> aiohttp.ClientSession:
        if self._session is None:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context, limit=0))
        return self._session


def _refusal(router: PodFacts, status: int, body: object) -> Exception:
    error = body.get("error", {}) if isinstance(body, Mapping) else {}
    if status == HTTPStatus.CONFLICT and isinstance(body, Mapping) and isinstance(body.get("revision"), int):
        return HigherRevision(body["revision"])
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        return InvalidField(str(error.get("field", "")), error.get("value", ""), str(error.get("remedy", "")))
    return Refused(str(router.key), status, str(error.get("message", "")), str(error.get("remedy", _LATER)))


def _running(body: Mapping[str, Any]) -> Running:
    try:
        return Running(
            revision=int(body["revision"]),
            uid=str(body.get("uid", "")),
            generation=int(body.get("appliedGeneration", body.get("generation", 0))),
            hash=str(body["hash"]),
            applied_at=str(body.get("appliedAt", "")),
            source=str(body.get("source", "")),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Unreachable("router", "an answer without revision and hash", _LATER) from error


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _cause(error: Exception) -> str:
    match error:
        case aiohttp.ClientSSLError():
            return "tls"
        case aiohttp.ClientConnectorError():
            return "connection refused"
        case ValueError():
            return "no JSON"
        case _:
            return "connection lost"
