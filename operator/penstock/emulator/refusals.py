"""Errors as OpenAI clients know them, and the failures that can be injected."""

from collections.abc import Callable
from typing import Final

import msgspec

from penstock.settings.engine import Faults

_TYPES: Final = {
    400: "BadRequestError",
    401: "AuthenticationError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    422: "UnprocessableEntityError",
    429: "RateLimitError",
}


class ApiError(Exception):
    """An answer that is an error; `param` names the field at fault where there is one."""

    def __init__(self, status: int, message: str, param: str | None = None) -> None:
        super().__init__(f"{status}: {message}")
        self.status, self.message, self.param = status, message, param

    def body(self) -> bytes:
        """Return the JSON body."""
        kind = _TYPES.get(self.status, "InternalServerError" if self.status >= 500 else "APIConnectionError")
        error = {"message": self.message, "type": kind, "param": self.param, "code": self.status}
        return msgspec.json.encode({"error": error})


def no_such_model(name: str) -> ApiError:
    """Return what is said about a model that is not served."""
    return ApiError(404, f"The model `{name}` does not exist.")


def injected(faults: Faults, share: float, pick: float, model: str) -> ApiError | None:
    """Return the failure of a call, or None; `share` and `pick` are drawn from [0, 1)."""
    if share * 100 >= faults.rate_percent:
        return None
    return _FAILURES[faults.types[int(pick * len(faults.types))]](model)


_FAILURES: Final[dict[str, Callable[[str], ApiError]]] = {
    "rate_limit": lambda model: ApiError(429, f"Rate limit reached for {model}. Try again later."),
    "invalid_api_key": lambda _: ApiError(401, "Incorrect API key provided."),
    "context_length": lambda _: ApiError(400, "The prompt is longer than this model's context.", "messages"),
    "server_error": lambda _: ApiError(503, "The server is overloaded or not ready yet."),
    "invalid_request": lambda _: ApiError(400, "Invalid request: missing required parameter 'model'.", "model"),
    "model_not_found": lambda model: ApiError(404, f"The model `{model}-nonexistent` does not exist.", "model"),
}
