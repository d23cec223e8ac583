"""Sequences that decode together: one token each per step, so their sums move in closed form.

A step costs the same work whatever the number of sequences: each is known by the step in which it joined and the
one in which it will be done, their context grows by their count, and the blocks that they begin in a step depend
only on the phase (cached tokens modulo block size) in which each joined.
"""

from dataclasses import dataclass
from heapq import heappop, heappush
from typing import NamedTuple


class Left(NamedTuple):
    """What a sequence takes along: tokens in its cache, tokens generated since it joined, blocks that it fills."""

    cached_tokens: int
    generated: int
    blocks: int


@dataclass(slots=True)
class _Member:
    cached_tokens: int
    joined: int
    done: int


class Decodes:
    """The decoding part of a batch. Step numbers count completed steps."""

    def __init__(self, block_tokens: int) -> None:
        self.context_tokens = 0
        self._block_tokens = block_tokens
        self._members: dict[int, _Member] = {}
        self._by_done: list[tuple[int, int]] = []
        self._phases = [0] * block_tokens
        self._steps = 0
        self._under_way = 0

    def __len__(self) -> int:
        return len(self._members)

    def __contains__(self, call_id: int) -> bool:
        return call_id in self._members

    def join(self, call_id: int, cached_tokens: int, tokens_left: int) -> None:
        """Let a sequence decode from the next step on until `tokens_left` more tokens are out."""
        member = _Member(cached_tokens, self._steps, self._steps + tokens_left)
        self._members[call_id] = member
        self._phases[self._phase(member)] += 1
        self.context_tokens += cached_tokens
        heappush(self._by_done, (member.done, call_id))

    def leave(self, call_id: int) -> Left:
        """Take a sequence out."""
        member = self._members.pop(call_id)
        generated = self._steps - member.joined
        cached = member.cached_tokens + generated
        self._phases[self._phase(member)] -= 1
        self.context_tokens -= cached
        return Left(cached, generated, -(-(cached + self._under_way) // self._block_tokens))

    def blocks_begun(self) -> int:
        """Return how many sequences begin a block in the step to come."""
        return self._phases[-self._steps % self._block_tokens]

    def begin(self) -> None:
        """Begin a step: the blocks that it begins are taken."""
        self._under_way = 1

    def end(self) -> list[int]:
        """End a step; return the sequences that have their last token, still members."""
        self._under_way = 0
        self._steps += 1
        self.context_tokens += len(self._members)
        done = []
        while self._by_done and self._by_done[0][0] <= self._steps:
            at, call_id = heappop(self._by_done)
            member = self._members.get(call_id)
            if member is not None and member.done == at:
                done.append(call_id)
        return done

    def _phase(self, member: _Member) -> int:
        return (member.cached_tokens - member.joined) % self._block_tokens
