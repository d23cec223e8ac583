"""What a replica's engine is to the simulator, and the one it takes by default."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Protocol

from penstock.engine.fastforward import Emitted, FastEngine
from penstock.sim.scene import VariantSpec


class Engine(Protocol):
    """An engine under virtual time: calls go in, first tokens and finishes come out at the times they happen."""

    @property
    def running(self) -> int:
        """Calls in the batch."""
        ...

    @property
    def waiting(self) -> int:
        """Calls in line for it."""
        ...

    @property
    def kv_tokens(self) -> int:
        """Tokens that the KV cache holds."""
        ...

    @property
    def kv_capacity_tokens(self) -> int:
        """Tokens that it can hold."""
        ...

    @property
    def gaps(self) -> tuple[int, float]:
        """How many tokens came after another of the same call, and the seconds between them, all added up."""
        ...

    def submit(self, call_id: int, prompt_tokens: int, output_tokens: int, now_s: float) -> None:
        """Take a call."""
        ...

    def next_event_s(self) -> float | None:
        """Return when the next first token or finish comes; it may move after a `submit`."""
        ...

    def advance(self, now_s: float) -> Sequence[Emitted]:
        """Let time pass; return what happened, in order."""
        ...

    def cancel_all(self) -> Sequence[int]:
        """Forget every call and return which they were."""
        ...


EngineLaw = Callable[[VariantSpec, Random], Engine]
"""Builds the engine of one replica; the chance is that replica's own."""


def batching(spec: VariantSpec, chance: Random) -> Engine:
    """Return an engine that batches as vLLM does."""
    del chance
    return FastEngine(spec.cost, max_num_seqs=spec.max_num_seqs, token_budget=spec.token_budget)
