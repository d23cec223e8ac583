"""One engine model on a real clock: a single timer, driven by what the model says is due next."""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass

from penstock.emulator.meters import Life, Meters
from penstock.engine.calls import Call, Event, Finished, FirstToken, Gaps, Gauges, Refusal, Started, Token
from penstock.engine.latency import Latencies
from penstock.engine.model import EngineModel


class Delivery:
    """How far the choices of one request are: who waits is woken at each token, or, not streamed, at the end."""

    def __init__(self, choices: int, *, streamed: bool) -> None:
        self.out = [0] * choices
        self.reasons: list[str] = [""] * choices
        self.cached = [0] * choices
        self._streamed = streamed
        self._changed = asyncio.Event()

    @property
    def complete(self) -> bool:
        """Whether every choice has its last token."""
        return all(self.reasons)

    async def change(self) -> None:
        """Wait until something is new since the last time."""
        await self._changed.wait()
        self._changed.clear()

    def moved(self) -> None:
        """Wake who waits, if there is something to do."""
        if self._streamed or self.complete:
            self._changed.set()


@dataclass(slots=True)
class _Live:
    life: Life
    delivery: Delivery
    choice: int


class Runner:
    """Feeds calls to the model and its events to meters and deliveries; `clock` is the monotonic one."""

    def __init__(self, model: EngineModel, meters: Meters, clock: Callable[[], float]) -> None:
        self._model, self._meters, self._clock = model, meters, clock
        self._live: dict[int, _Live] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._ids = 0

    def new_id(self) -> int:
        """Return an id that no other call has."""
        self._ids += 1
        return self._ids

    def submit(self, call: Call, max_tokens: int | None, delivery: Delivery, choice: int) -> Refusal | None:
        """Hand a call to the engine; what becomes of it is told to `delivery`."""
        self._pump()
        now_s = self._clock()
        refusal = self._model.submit(call, now_s)
        if refusal is None:
            life = Life(call.prompt_tokens, call.output_tokens, max_tokens, now_s)
            self._live[call.id] = _Live(life, delivery, choice)
            self._pump()
        return refusal

    def cancel(self, call_id: int) -> None:
        """Forget a call whose client went away; one that has finished is gone already."""
        if self._live.pop(call_id, None) is not None:
            self._model.cancel(call_id, self._clock())
            self._pump()

    def use(self, latencies: Latencies) -> None:
        """Change the latencies for everything drawn from now on."""
        self._model.use(latencies)

    def gauges(self) -> Gauges:
        """Return how the engine stands now."""
        self._pump()
        return self._model.gauges()

    def _pump(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for event in self._model.advance(self._clock()):
            self._handle(event)
        due_s = self._model.next_event_s()
        if due_s is not None:
            # event loops count in milliseconds: rather a little late than twice
            wait_s = math.ceil(max(0.0, due_s - self._clock()) * 1000) / 1000
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._pump)

    def _handle(self, event: Event) -> None:
        if isinstance(event, Gaps):
            self._meters.gaps(event.gap_s, event.tokens)
            return
        live = self._live.get(event.call_id)
        if live is None:
            return
        delivery = live.delivery
        match event:
            case Token():
                delivery.out[live.choice] += 1
            case FirstToken():
                self._meters.first_token(live.life, event)
                delivery.out[live.choice] += 1
            case Started():
                self._meters.started(live.life, event)
                delivery.cached[live.choice] = event.cached_tokens
                return
            case Finished():
                self._meters.finished(live.life, event)
                delivery.out[live.choice] = live.life.output_tokens
                delivery.reasons[live.choice] = event.reason
                del self._live[event.call_id]
        delivery.moved()
