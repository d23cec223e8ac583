"""What goes into an engine and what comes out of it: calls, events, gauges, and the chance it is given."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol


class Chance(Protocol):
    """A seeded source of chance, passed in as a value; `random.Random` fits."""

    def random(self) -> float:
        """Return a number in [0, 1)."""

    def gauss(self, mu: float, sigma: float) -> float:
        """Return a normally distributed number."""


class Finish(StrEnum):
    """Why an answer ended, in OpenAI's words."""

    STOP = "stop"
    LENGTH = "length"


class Refusal(StrEnum):
    """Why a call was not taken."""

    QUEUE_FULL = "QueueFull"
    TOO_LONG = "TooLong"  # more KV blocks than the engine has


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One sequence to generate.

    `priority` is vLLM's: lower goes first, then arrival. `block_hashes` are chained hashes of the full KV blocks
    of prompt and, where known, answer; equal chains share cache. `streamed` asks for an event at each token.
    `finish` is what the end of the answer will be called.
    """

    id: int
    prompt_tokens: int
    output_tokens: int
    priority: int = 0
    adapter: str = ""
    block_hashes: tuple[int, ...] = ()
    streamed: bool = False
    finish: Finish = Finish.LENGTH


class Started(NamedTuple):
    """A call left the waiting queue for the first time; `cached_tokens` of its prompt were in the prefix cache."""

    call_id: int
    at_s: float
    cached_tokens: int


class FirstToken(NamedTuple):
    """The prompt is done and the first token is out."""

    call_id: int
    at_s: float


class Token(NamedTuple):
    """A further token of a streamed call."""

    call_id: int
    at_s: float


class Gaps(NamedTuple):
    """`tokens` tokens came `gap_s` seconds after the one before them in their answers."""

    gap_s: float
    tokens: int


class Preempted(NamedTuple):
    """A call lost its KV blocks; it waits again and will be recomputed. Tokens already out stay out."""

    call_id: int
    at_s: float


class Finished(NamedTuple):
    """The last token is out."""

    call_id: int
    at_s: float
    reason: Finish


Event = Started | FirstToken | Token | Gaps | Preempted | Finished


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauges:
    """How an engine stands: gauges now, and totals since its start."""

    running: int
    waiting: int
    kv_usage_ratio: float
    preemptions: int = 0
    prefix_query_tokens: int = 0
    prefix_hit_tokens: int = 0
    running_adapters: tuple[str, ...] = ()
    waiting_adapters: tuple[str, ...] = ()
