"""What became of each request, as columns; and what policies may see of those that were served."""

import math
from array import array
from collections.abc import Sequence
from typing import Final, TypeVar

from penstock.sim.policies import FirstToken, Served
from penstock.sim.results import SERVED, UNFINISHED
from penstock.sim.traces import Arrival

NOWHERE: Final = -1
_SEEN_S: Final = 300.0
_Timed = TypeVar("_Timed", Served, FirstToken)


class Ledger:
    """Columns over all requests, in the order of their arrival; `nan` where nothing was measured."""

    def __init__(self, arrivals: Sequence[Arrival], variants: Sequence[str]) -> None:
        count = len(arrivals)
        self.arrival_s = array("d", [arrival.at_s for arrival in arrivals])
        self.input_tokens = array("l", [arrival.input_tokens for arrival in arrivals])
        self.output_tokens = array("l", [arrival.output_tokens for arrival in arrivals])
        self.ttft_s = array("d", [math.nan]) * count
        self.tpot_s = array("d", [math.nan]) * count
        self.status = bytearray([UNFINISHED]) * count
        self.where = array("h", [NOWHERE]) * count
        self.variants = tuple(variants)
        self.open = 0
        self.served: list[Served] = []
        self.first_tokens: list[FirstToken] = []

    def first(self, call_id: int, at_s: float) -> float:
        """Note a first token; return the time to it."""
        ttft_s = at_s - self.arrival_s[call_id]
        self.ttft_s[call_id] = ttft_s
        self.first_tokens.append(FirstToken(at_s, self.variants[self.where[call_id]], ttft_s))
        return ttft_s

    def done(self, call_id: int, at_s: float) -> None:
        """Note the last token."""
        arrival_s, ttft_s, made = self.arrival_s[call_id], self.ttft_s[call_id], self.output_tokens[call_id]
        tpot_s = (at_s - arrival_s - ttft_s) / (made - 1) if made > 1 else None
        if tpot_s is not None:
            self.tpot_s[call_id] = tpot_s
        self.status[call_id] = SERVED
        self.open -= 1
        self.served.append(
            Served(at_s, self.variants[self.where[call_id]], self.input_tokens[call_id], made, ttft_s, tpot_s)
        )

    def end(self, call_id: int, status: int) -> None:
        """Note that a request ends without its answer."""
        self.status[call_id] = status
        self.open -= 1

    def forget(self, now_s: float) -> None:
        """Drop what policies may no longer see."""
        _cut(self.served, now_s - _SEEN_S)
        _cut(self.first_tokens, now_s - _SEEN_S)


def _cut(seen: list[_Timed], since_s: float) -> None:
    """Drop what is older from the front of a list, all at once."""
    gone = 0
    while gone < len(seen) and seen[gone].at_s < since_s:
        gone += 1
    del seen[:gone]
