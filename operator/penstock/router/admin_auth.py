"""Who may use the admin API: bearers of a token that was made for this very pod."""

import asyncio
import base64
import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Middleware

from penstock.api.names import AUDIENCE_PREFIX, OPERATOR_ACCOUNT, VIEWER_ACCOUNT
from penstock.domain.errors import shown
from penstock.router.admin_errors import AdminError, Handler
from penstock.router.sources import TokenReviewer

GOOD_FOR_S: Final = 60.0
BAD_FOR_S: Final = 2.0  # a token may become good once its account is there
MOST_TOKENS: Final = 1024
MOST_TOKEN_BYTES: Final = 16_384
_READING: Final = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class _Known:
    until_s: float
    subject: str | None


class Guard:
    """Checks bearer tokens; reviews are remembered by the token's hash for a minute, never the token itself."""

    def __init__(self, reviewer: TokenReviewer, pod_uid: str, namespace: str, clock: Callable[[], float]) -> None:
        self._reviewer, self._clock = reviewer, clock
        self._audience = AUDIENCE_PREFIX + pod_uid
        self._operator = f"system:serviceaccount:{namespace}:{OPERATOR_ACCOUNT}"
        self._viewer = f"system:serviceaccount:{namespace}:{VIEWER_ACCOUNT}"
        self._known: OrderedDict[bytes, _Known] = OrderedDict()
        self._asking = asyncio.Semaphore(8)  # strangers with made-up tokens must not flood the API server

    async def check(self, authorization: str, method: str) -> None:
        """Let a call pass.

        Raises:
            AdminError: 401 without a token that counts, 403 for another audience, subject or right.
            Unreachable, Refused: nobody could be asked about the token.
        """
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise AdminError(401, "Unauthorized", "the call bears no token", f"bear one for {self._audience}",
                             field="Authorization")  # fmt: skip
        token = token.strip()
        subject = await self._subject(token)
        if subject is None:
            raise self._stranger(token)
        if subject not in {self._operator, self._viewer}:
            raise AdminError(403, "Forbidden", f"{subject} may not use this API",
                             f"use service account {self._operator} or {self._viewer}", field="subject",
                             value=subject)  # fmt: skip
        if subject == self._viewer and method not in _READING:
            raise AdminError(403, "Forbidden", f"{subject} may only read", f"use {self._operator}",
                             field="method", value=method)  # fmt: skip

    def _stranger(self, token: str) -> AdminError:
        """Tell a token that was made for somebody else (403) from one that is none (401)."""
        audiences = _claimed_audiences(token)
        if audiences is not None and self._audience not in audiences:
            return AdminError(403, "Forbidden", "the token has another audience", f"ask for one for {self._audience}",
                              field="audience", value=shown(", ".join(audiences)))  # fmt: skip
        return AdminError(401, "Unauthorized", "the token does not count", f"ask for a new one for {self._audience}",
                          field="Authorization")  # fmt: skip

    async def _subject(self, token: str) -> str | None:
        digest = hashlib.sha256(token.encode()).digest()
        known = self._known.get(digest)
        if known is not None and self._clock() < known.until_s:
            return known.subject
        async with self._asking:
            subject = await self._reviewer.review(token, self._audience)
        good_for_s = BAD_FOR_S if subject is None else GOOD_FOR_S
        self._known[digest] = _Known(self._clock() + good_for_s, subject)
        self._known.move_to_end(digest)
        while len(self._known) > MOST_TOKENS:
            self._known.popitem(last=False)
        return subject


def _claimed_audiences(token: str) -> list[str] | None:
    """Return what an unverified token says of its audience; None where it is no JSON web token.

    Good for choosing between two refusals only: anybody can write these bytes.
    """
    parts = token.split(".")
    if len(parts) != 3 or len(token) > MOST_TOKEN_BYTES:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return None
    if not isinstance(claims, dict):
        return None
    audience = claims.get("aud", [])
    return [str(one) for one in audience] if isinstance(audience, list) else [str(audience)]


def guarded(guard: Guard) -> Middleware:
    """Return the middleware that asks `guard` before every call, unknown paths included."""

    @web.middleware
    async def ask(request: web.Request, handler: Handler) -> web.StreamResponse:
        await guard.check(request.headers.get("Authorization", ""), request.method)
        return await handler(request)

    return ask
