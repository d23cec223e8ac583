"""TokenReview: who presents a token, and whether it was made for this audience."""

from penstock.api.kinds import TOKEN_REVIEWS
from penstock.cluster.client import Kube, path_of


class Reviews:
    """Asks the API server about tokens; needs the right to create TokenReviews."""

    def __init__(self, kube: Kube) -> None:
        self._kube = kube

    async def review(self, token: str, audience: str) -> str | None:
        """Return the subject (`system:serviceaccount:ns:name`) of a token valid for `audience`, else None.

        Raises:
            Unreachable, Refused: the API server could not be asked.
        """
        body = {"spec": {"token": token, "audiences": [audience]}}
        answer = await self._kube.call("POST", path_of(TOKEN_REVIEWS), body)
        status = answer.get("status", {})
        # an API server that knows no audiences would accept any token: it then names none
        valid = bool(status.get("authenticated")) and audience in status.get("audiences", ())
        return str(status["user"]["username"]) if valid else None
