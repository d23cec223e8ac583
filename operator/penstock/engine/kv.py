"""The KV cache as a count of blocks, with a prefix cache in it: who holds what, what may be evicted.

As vLLM's block pool: full blocks are known by a chained hash, blocks that nobody holds stay until their room is
needed, the longest unused first and of one answer its tail first. One simplification: a block computed twice at
the same time is kept once.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(slots=True)
class Holding:
    """What one sequence holds: `shared` leading blocks through the cache, `private` ones of its own after them."""

    hashes: tuple[int, ...]
    shared: int = 0
    private: int = 0


class BlockPool:
    """All blocks of one engine. Invariant: held + idle never above `blocks`."""

    def __init__(self, blocks: int, block_tokens: int) -> None:
        self.blocks = blocks
        self.block_tokens = block_tokens
        self._holders: dict[int, int] = {}
        self._idle: OrderedDict[int, None] = OrderedDict()
        self._private = 0

    @property
    def held(self) -> int:
        """Blocks that some sequence needs."""
        return self._private + len(self._holders)

    @property
    def idle(self) -> int:
        """Blocks kept for their content alone."""
        return len(self._idle)

    @property
    def free(self) -> int:
        """Blocks that can be had, by evicting idle ones if need be."""
        return self.blocks - self.held

    def blocks_for(self, tokens: int) -> int:
        """Return the blocks that so many tokens fill or begin."""
        return -(-tokens // self.block_tokens)

    def match(self, hashes: Sequence[int], tokens: int) -> int:
        """Return how many leading blocks are cached; at least one of `tokens` is always left to compute."""
        limit = min(len(hashes), (tokens - 1) // self.block_tokens)
        for index in range(limit):
            if hashes[index] not in self._holders and hashes[index] not in self._idle:
                return index
        return limit

    def open(self, hashes: tuple[int, ...], matched: int, private: int, *, later: int = 0) -> Holding | None:
        """Take `matched` cached blocks and `private` new ones; nothing where these and `later` ones do not fit."""
        woken = sum(1 for index in range(matched) if hashes[index] in self._idle)
        if woken + private + later > self.free:
            return None
        for index in range(matched):
            self._hold(hashes[index])
        self._take(private)
        return Holding(hashes, matched, private)

    def grow(self, blocks: int) -> bool:
        """Take further private blocks; the caller adds them to whichever holding they are for. False: no room."""
        if blocks > self.free:
            return False
        self._take(blocks)
        return True

    def publish(self, holding: Holding, full_blocks: int) -> None:
        """Make the leading `full_blocks`, as far as their hashes are known, findable for others."""
        for index in range(holding.shared, min(full_blocks, len(holding.hashes))):
            self._private -= 1
            holding.private -= 1
            holding.shared += 1
            self._hold(holding.hashes[index])

    def close(self, holding: Holding) -> None:
        """Give everything back; what was published stays findable until evicted."""
        self._private -= holding.private
        for index in range(holding.shared - 1, -1, -1):
            self._drop(holding.hashes[index])
        holding.shared = holding.private = 0

    def _take(self, blocks: int) -> None:
        self._private += blocks
        while self.held + len(self._idle) > self.blocks:
            self._idle.popitem(last=False)

    def _hold(self, block: int) -> None:
        self._idle.pop(block, None)
        self._holders[block] = self._holders.get(block, 0) + 1

    def _drop(self, block: int) -> None:
        if self._holders[block] > 1:
            self._holders[block] -= 1
        else:
            del self._holders[block]
            self._idle[block] = None
