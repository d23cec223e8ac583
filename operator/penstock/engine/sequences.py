"""What a fast engine keeps of a call, and what it tells of it."""

from enum import StrEnum
from math import inf
from typing import Final, NamedTuple


class Kind(StrEnum):
    """What can be noticed from outside."""

    FIRST = "first"
    DONE = "done"


FIRST: Final = Kind.FIRST
DONE: Final = Kind.DONE


class Emitted(NamedTuple):
    """The first or the last token of a call is out; `started_s` is when the call left the waiting queue."""

    call_id: int
    kind: Kind
    at_s: float
    started_s: float


class Sequence:
    """A call in the batch or waiting for it.

    `total` = prompt + answer; `left` tokens of the answer are not out (brought up to date when it leaves the batch);
    `cached` counts while only a part of its prompt is computed. While it decodes, its last token comes out at the end
    of step `done` - 1 and it begins a block in each step s with s mod block size = `phase`; `done` is 0 else.
    """

    __slots__ = ("cached", "call_id", "done", "fresh", "left", "phase", "started_s", "total")

    def __init__(self, call_id: int, prompt_tokens: int, output_tokens: int) -> None:
        self.call_id = call_id
        self.left = output_tokens
        self.total = prompt_tokens + output_tokens
        self.cached = self.done = self.phase = 0
        self.started_s = -inf
        self.fresh = True
