"""Error bodies of the admin API: `{"error": {code, field, value, message, remedy}}`, always."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from aiohttp import web

from penstock.api.document import NotJson
from penstock.domain.errors import InvalidField, Refused, Unreachable, shown
from penstock.router.state import InForce, LowerRevision
from penstock.router.times import rfc3339

_log: Final = logging.getLogger("penstock.router.admin")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class AdminError(Exception):
    """An answer other than the one hoped for; `extra` stands beside `error` in the body."""

    def __init__(self, status: int, code: str, message: str, remedy: str, **where: str) -> None:
        super().__init__(message)
        self.status = status
        self.error = {"code": code, "field": where.get("field", ""), "value": where.get("value", ""),
                      "message": message, "remedy": remedy}  # fmt: skip
        self.extra: Mapping[str, Any] = {}


def response(error: AdminError) -> web.Response:
    """Return the HTTP answer of an error."""
    headers = {"WWW-Authenticate": 'Bearer realm="penstock"'} if error.status == 401 else None
    return web.json_response({"error": error.error, **error.extra}, status=error.status, headers=headers)


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever a handler raises into an error body."""
    try:
        return await handler(request)
    except AdminError as error:
        return response(error)
    except web.HTTPException as error:
        return response(_of_http(request, error))
    except (InvalidField, NotJson, LowerRevision, Unreachable, Refused) as error:
        return response(_of_domain(error))
    except (ConnectionError, TimeoutError):
        raise  # the client has gone; there is nobody to tell
    except Exception:
        _log.exception("admin call failed", extra={"path": request.path})
        return response(AdminError(500, "Internal", "the router failed; its log says more", "report this with the log"))


def _of_http(request: web.Request, error: web.HTTPException) -> AdminError:
    match error.status:
        case 404:
            return AdminError(404, "NotFound", f"there is no {shown(request.path)}", "see the admin API's paths",
                              field="path", value=request.path)  # fmt: skip
        case 405:
            return AdminError(405, "MethodNotAllowed", f"{request.method} is not for {shown(request.path)}",
                              "use another method", field="method", value=request.method)  # fmt: skip
        case 413:
            return AdminError(413, "TooLarge", "the body is above 1 MiB", "send less", field="body")
        case _:
            return AdminError(error.status, "BadRequest", str(error.reason), "correct the request")


def _of_domain(error: InvalidField | NotJson | LowerRevision | Unreachable | Refused) -> AdminError:
    match error:
        case InvalidField():
            return AdminError(422, "Invalid", str(error), error.remedy, field=error.field, value=shown(error.value))
        case NotJson():
            return AdminError(400, "NotJSON", str(error), "send one JSON object", field="body")
        case LowerRevision():
            return _conflict(error)
        case _:
            return AdminError(503, "ReviewUnavailable", f"the token could not be checked: {error}", error.remedy)


def _conflict(error: LowerRevision) -> AdminError:
    answer = AdminError(409, "LowerRevision", str(error), "send a revision above the one in force",
                        field="revision", value=str(error.given))  # fmt: skip
    answer.extra = acknowledgement(error.in_force)
    return answer


def acknowledgement(in_force: InForce) -> dict[str, Any]:
    """Return what a router says about the policy that it runs."""
    document = in_force.document
    return {
        "revision": document.revision,
        "appliedGeneration": document.generation,
        "hash": document.hash,
        "appliedAt": rfc3339(in_force.applied_at_s),
    }
