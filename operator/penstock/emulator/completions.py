"""A completion from body to answer: what is generated, when it is handed out, and what happens when nobody waits."""

import uuid
from dataclasses import dataclass

from aiohttp import web

from penstock.emulator import answers, words
from penstock.emulator.asks import Ask, Prompt, read_ask
from penstock.emulator.host import Host
from penstock.emulator.refusals import ApiError, injected, no_such_model
from penstock.emulator.runner import Delivery
from penstock.engine.calls import Call, Finish, Refusal

_RETURN_ERROR = "X-Return-Error"
_REQUEST_ID = "X-Request-Id"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Choice:
    prompt: Prompt
    pieces: list[str]
    finish: Finish


async def answer(request: web.Request, host: Host, *, chat: bool) -> web.StreamResponse:
    """Answer one request.

    Raises:
        ApiError: a bad body, an unknown model, an injected failure, or a full queue.
    """
    if host.stopping:
        raise ApiError(503, "server is shutting down")
    ask = read_ask(await _body(request), chat=chat)
    _fail_on_purpose(request, host)
    if not host.serves(ask.model):
        raise no_such_model(ask.model)
    choices = [_choice(host, ask, prompt) for prompt in ask.prompts for _ in range(ask.choices)]
    delivery = Delivery(len(choices), streamed=ask.stream)
    calls = _submit(host, ask, choices, delivery)
    try:
        deliver = _stream if ask.stream else _whole
        return await deliver(request, _Order(host, ask, choices, delivery, _face(request, host, ask)))
    finally:
        for call_id in calls:
            host.runner.cancel(call_id)


@dataclass(frozen=True, slots=True)
class _Order:
    host: Host
    ask: Ask
    choices: list[_Choice]
    delivery: Delivery
    face: answers.Face

    def usage(self) -> answers.Usage:
        """Count prompts once, however many answers each got."""
        first = range(0, len(self.choices), self.ask.choices)
        return answers.Usage(
            prompt_tokens=sum(len(self.choices[index].prompt.tokens) for index in first),
            completion_tokens=sum(len(choice.pieces) for choice in self.choices),
            cached_tokens=sum(self.delivery.cached[index] for index in first),
        )


async def _body(request: web.Request) -> bytes:
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise ApiError(413, "The request body is larger than --max-request-body-size-mb allows") from None


def _fail_on_purpose(request: web.Request, host: Host) -> None:
    wanted = request.headers.get(_RETURN_ERROR)
    if wanted:
        if not wanted.isdecimal() or not 400 <= int(wanted) <= 599:
            raise ApiError(400, f"Invalid {_RETURN_ERROR} header value {wanted!r}: must be a status, 400 to 599")
        raise ApiError(int(wanted), f"Simulated error triggered by {_RETURN_ERROR} header (code {wanted})")
    if host.tunables.faults.rate_percent:
        dice = host.dice
        failure = injected(host.tunables.faults, dice.random(), dice.random(), host.settings.model)
        if failure is not None:
            raise failure


def _choice(host: Host, ask: Ask, prompt: Prompt) -> _Choice:
    room = host.settings.max_model_len - len(prompt.tokens)
    if room < 1:
        raise _too_long(host, len(prompt.tokens))
    if host.settings.echo:
        pieces = words.pieces_of(prompt.echo) or [""]
        if len(pieces) > min(room, ask.max_tokens or room):
            raise _too_long(host, len(prompt.tokens) + len(pieces))
        return _Choice(prompt=prompt, pieces=pieces, finish=Finish.STOP)
    limit = room if ask.max_tokens is None else min(ask.max_tokens, room)
    length = _length(host, ask, limit)
    finish = Finish.LENGTH if length == limit else Finish.STOP
    return _Choice(prompt=prompt, pieces=words.made_up(host.dice, length), finish=finish)


def _length(host: Host, ask: Ask, limit: int) -> int:
    if ask.max_tokens is None:
        return words.length_unasked(host.dice, limit)
    return limit if ask.ignore_eos else words.length_below(host.dice, limit)


def _too_long(host: Host, tokens: int) -> ApiError:
    return ApiError(
        400,
        f"This model's maximum context length is {host.settings.max_model_len} tokens. However, you requested "
        f"{tokens} tokens. Please reduce the length of the messages or completion",
    )


def _submit(host: Host, ask: Ask, choices: list[_Choice], delivery: Delivery) -> list[int]:
    calls: list[int] = []
    for index, choice in enumerate(choices):
        call = _call(host, ask, choice)
        refusal = host.runner.submit(call, ask.max_tokens, delivery, index)
        if refusal is not None:
            for call_id in calls:
                host.runner.cancel(call_id)
            raise _refused(host, refusal, call)
        calls.append(call.id)
    return calls


def _refused(host: Host, refusal: Refusal, call: Call) -> ApiError:
    if refusal is Refusal.TOO_LONG:
        return _too_long(host, call.prompt_tokens + call.output_tokens)
    return ApiError(429, "Failed to enqueue request, waiting requests queue is full")


def _call(host: Host, ask: Ask, choice: _Choice) -> Call:
    settings = host.settings
    adapter = host.adapter(ask.model)
    hashes: tuple[int, ...] = ()
    if settings.engine.kv_blocks and settings.prefix_caching:
        # the answer counts too: the next turn of a chat begins with it
        tokens = [*choice.prompt.tokens, *(piece.rstrip() for piece in choice.pieces)]
        hashes = words.block_hashes(tokens, settings.engine.block_tokens, adapter)
    return Call(
        id=host.runner.new_id(),
        prompt_tokens=max(1, len(choice.prompt.tokens)),
        output_tokens=len(choice.pieces),
        priority=ask.priority,
        adapter=adapter,
        block_hashes=hashes,
        streamed=ask.stream,
        finish=choice.finish,
    )


def _face(request: web.Request, host: Host, ask: Ask) -> answers.Face:
    given = request.headers.get(_REQUEST_ID) if host.settings.request_id_headers else None
    name = given or str(uuid.UUID(int=host.dice.getrandbits(128), version=4))
    return answers.Face(chat=ask.chat, id=name, model=host.shown_model(ask.model), created=int(host.clocks.wall()))


def _headers(order: _Order) -> dict[str, str]:
    settings = order.host.settings
    headers: dict[str, str] = {}
    if settings.pod_name:
        headers |= {"x-inference-pod": settings.pod_name, "x-inference-port": str(order.host.port)}
    if settings.pod_namespace:
        headers["x-inference-namespace"] = settings.pod_namespace
    if settings.request_id_headers:
        headers[_REQUEST_ID] = order.face.id
    return headers


async def _whole(request: web.Request, order: _Order) -> web.StreamResponse:
    del request
    while not order.delivery.complete:
        await order.delivery.change()
    texts = [("".join(choice.pieces), choice.finish.value) for choice in order.choices]
    body = answers.whole(order.face, texts, order.usage())
    return web.Response(body=body, content_type="application/json", headers=_headers(order))


async def _stream(request: web.Request, order: _Order) -> web.StreamResponse:
    delivery, chunks = order.delivery, answers.Chunks(order.face)
    await delivery.change()
    # only now: who routes requests takes the status line for the first token
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", **_headers(order)})
    await response.prepare(request)
    sent = [0] * len(order.choices)
    while True:
        complete = delivery.complete
        await response.write(_news(order, chunks, sent) + (_end(order, chunks) if complete else b""))
        if complete:
            return response
        await delivery.change()


def _news(order: _Order, chunks: answers.Chunks, sent: list[int]) -> bytes:
    """Return the events of the tokens that came since the last time."""
    events = []
    for index, choice in enumerate(order.choices):
        out = order.delivery.out[index]
        if sent[index] == 0 and out:
            events.append(chunks.role(index))
        events += [chunks.token(index, piece) for piece in choice.pieces[sent[index] : out]]
        sent[index] = out
    return b"".join(events)


def _end(order: _Order, chunks: answers.Chunks) -> bytes:
    events = [chunks.last(index, choice.finish.value) for index, choice in enumerate(order.choices)]
    if order.ask.include_usage:
        events.append(chunks.usage(order.usage()))
    return b"".join([*events, answers.DONE])
