"""Tokens of the operator's service account, each for one audience, kept until most of its life is over."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from penstock.api.kinds import ACCOUNTS
from penstock.api.names import OPERATOR_ACCOUNT
from penstock.cluster.client import Kube, path_of

LIFE_S: Final = 600  # the shortest that the API server grants
USED_RATIO: Final = 0.8


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    renew_at_s: float


class Tokens:
    """Asks for tokens by TokenRequest; a token for one audience is worthless to any other."""

    def __init__(self, kube: Kube, namespace: str, *, clock: Callable[[], float] = time.time) -> None:
        self._kube, self._namespace, self._clock = kube, namespace, clock
        self._tokens: dict[str, _Token] = {}

    async def token(self, audience: str) -> str:
        """Return a token for `audience`; raises Unreachable or Refused where the API server does."""
        now_s = self._clock()
        self._tokens = {name: token for name, token in self._tokens.items() if token.renew_at_s > now_s}
        known = self._tokens.get(audience)
        if known is None:
            known = self._tokens[audience] = await self._request(audience, now_s)
        return known.text

    def forget(self, audience: str) -> None:
        """Drop a token that its audience refused."""
        self._tokens.pop(audience, None)

    async def _request(self, audience: str, now_s: float) -> _Token:
        body = {"spec": {"audiences": [audience], "expirationSeconds": LIFE_S}}
        path = path_of(ACCOUNTS, self._namespace, OPERATOR_ACCOUNT, "token")
        status = (await self._kube.call("POST", path, body))["status"]
        expires_at_s = datetime.fromisoformat(status["expirationTimestamp"]).timestamp()
        return _Token(str(status["token"]), now_s + USED_RATIO * (expires_at_s - now_s))
