"""Long answers of the admin API in pages: `?limit=100&continue=`."""

from collections.abc import Iterable
from itertools import islice
from typing import Any, Final

from aiohttp import web

from penstock.domain.errors import shown
from penstock.router.admin_errors import AdminError

DEFAULT_LIMIT: Final = 100
MOST: Final = 1000


def page(request: web.Request, rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return `{"items": […], "continue": "…"}`; `continue` is empty on the last page.

    `continue` is a position, so rows that come and go between two calls may be missed or seen twice.

    Raises:
        AdminError: 400, a limit or position that is none.
    """
    limit = min(_number(request, "limit", DEFAULT_LIMIT), MOST)
    start = _number(request, "continue", 0)
    if limit < 1:
        raise _bad("limit", "0")
    found = list(islice(rows, start, start + limit + 1))
    return {"items": found[:limit], "continue": str(start + limit) if len(found) > limit else ""}


def _number(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise _bad(name, text)
    return int(text)


def _bad(name: str, text: str) -> AdminError:
    remedy = f"write a number from 1 to {MOST}" if name == "limit" else "repeat the value of the page before"
    return AdminError(400, "BadRequest", f"{name}={shown(text)} is no place to go on", remedy, field=name, value=text)
