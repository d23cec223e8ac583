"""Which hours are played: all of them where that is not too much, else some that stand for the others."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from penstock.advise.past import ModelPast

_LEAD_S: Final = (600.0, 1800.0)  # a quarter of the block, within these bounds
_SHORTEST_S: Final = 900.0
_FEWEST: Final = 8  # blocks that are to fit into what may be played

_DAY_S: Final = 86_400
_SLOT_S: Final = 4 * 3600
_SEEN: Final = 0.8  # of a block must have been seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Steps `first` to `last` (not included) of a past; `weight` says for how many blocks it stands, itself included.

    `lead` steps before them are played along and not counted: engines fill up, and decisions see what they learn from.
    """

    first: int
    last: int
    lead: int
    requests: float
    weight: float = 1.0


def all_blocks(past: ModelPast, block_s: float) -> tuple[Block, ...]:
    """Return the blocks that were seen well enough to be played."""
    lead_s = min(max(block_s / 4, _LEAD_S[0]), _LEAD_S[1])
    size, lead = (round(length_s / past.grid.step_s) for length_s in (block_s, lead_s))
    found = []
    for first in range(1, past.grid.count, size):
        last = min(first + size, past.grid.count)
        if last - first < size / 4 or sum(past.scraped[first:last]) < _SEEN * (last - first):
            continue
        here = min(lead, first - 1)
        requests = sum(count or 0.0 for count in past.arrivals[first - here : last])
        found.append(Block(first=first, last=last, lead=here, requests=requests))
    return tuple(found)


def chosen(past: ModelPast, block_s: float, most_requests: float, chance: Random) -> tuple[Block, ...]:
    """Return blocks of at most about so many requests, weighted so that they stand for all.

    The busiest block and the one with the worst recorded hour are always among them, for themselves. The others are
    drawn, of each time of the day as large a part.
    """
    found = all_blocks(past, block_s)
    total = sum(one.requests for one in found)
    if total <= most_requests:
        return found
    found = all_blocks(past, _fitting(past, block_s, most_requests))
    certain = _certain(past, found)
    rest = [one for one in found if one not in certain]
    left = max(most_requests - sum(one.requests for one in certain), 0.0)
    part = left / max(sum(one.requests for one in rest), 1.0)
    by_hour: defaultdict[int, list[Block]] = defaultdict(list)
    for one in rest:
        by_hour[int(past.grid.at(one.first) % _DAY_S // _SLOT_S)].append(one)
    drawn = [one for blocks in by_hour.values() for one in _drawn(blocks, part, chance)]
    return tuple(sorted([*certain, *drawn], key=lambda one: one.first))


def _fitting(past: ModelPast, block_s: float, most_requests: float) -> float:
    """Return the length of blocks of which several may be played, halved until they may."""
    per_s = past.requests / max(past.days * _DAY_S, 1.0)
    while block_s / 2 >= _SHORTEST_S and _FEWEST * per_s * block_s > most_requests:
        block_s /= 2
    return block_s


def _certain(past: ModelPast, found: Sequence[Block]) -> list[Block]:
    busiest = max(found, key=lambda one: one.requests / (one.last - one.first + one.lead))
    worst = max(found, key=lambda one: _missed(past, one))
    return [busiest] if worst == busiest else [busiest, worst]


def _missed(past: ModelPast, block: Block) -> float:
    begin_s, end_s = past.grid.at(block.first - 1), past.grid.at(block.last - 1)
    hours = (one for one in past.hours if begin_s <= one.start_s < end_s and one.met_ratio is not None)
    return max((1 - (one.met_ratio or 0.0) for one in hours), default=0.0)


def _drawn(blocks: Sequence[Block], part: float, chance: Random) -> list[Block]:
    count = min(max(round(part * len(blocks)), 1), len(blocks))
    weight = len(blocks) / count
    return [replace(one, weight=weight) for one in chance.sample(list(blocks), count)]
