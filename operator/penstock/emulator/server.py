"""The HTTP face of one emulated engine."""

from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web

from penstock.emulator import admin, completions
from penstock.emulator.asks import read_ask
from penstock.emulator.exposition import CONTENT_TYPE
from penstock.emulator.host import Host
from penstock.emulator.refusals import ApiError
from penstock.emulator.words import token_id

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def application(host: Host) -> web.Application:
    """Return the routes of one engine."""
    routes = _Routes(host)
    made = web.Application(client_max_size=host.settings.max_body_bytes, middlewares=[_errors])
    made.add_routes([
        web.post("/v1/chat/completions", routes.chat),
        web.post("/v1/completions", routes.text),
        web.get("/v1/models", routes.models),
        web.post("/tokenize", routes.tokenize),
        web.get("/metrics", routes.metrics),
        web.get("/health", routes.health),
        web.get("/health/ready", routes.health),
        web.get("/admin/config", routes.show_config),
        web.post("/admin/config", routes.change_config),
    ])  # fmt: skip
    return made


@web.middleware
async def _errors(request: web.Request, handler: _Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ApiError as error:
        return web.Response(status=error.status, body=error.body(), content_type="application/json")


class _Routes:
    def __init__(self, host: Host) -> None:
        self._host = host

    async def chat(self, request: web.Request) -> web.StreamResponse:
        return await completions.answer(request, self._host, chat=True)

    async def text(self, request: web.Request) -> web.StreamResponse:
        return await completions.answer(request, self._host, chat=False)

    async def models(self, request: web.Request) -> web.Response:
        del request
        return _json({"object": "list", "data": self._host.models()})

    async def tokenize(self, request: web.Request) -> web.Response:
        body = await request.read()
        prompts = read_ask(body, chat=b'"messages"' in body).prompts
        ids = [token if isinstance(token, int) else token_id(str(token)) for token in prompts[0].tokens]
        return _json({"count": len(ids), "max_model_len": self._host.settings.max_model_len, "tokens": ids})

    async def metrics(self, request: web.Request) -> web.Response:
        del request
        return web.Response(body=self._host.metrics().encode(), headers={"Content-Type": CONTENT_TYPE})

    async def health(self, request: web.Request) -> web.Response:
        del request
        return web.Response(status=503 if self._host.starting else 200, content_type="application/json")

    async def show_config(self, request: web.Request) -> web.Response:
        del request
        return _json(admin.shown(self._host))

    async def change_config(self, request: web.Request) -> web.Response:
        admin.change(self._host, await request.read())
        return _json(admin.shown(self._host))


def _json(body: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(body), content_type="application/json")
