"""One variant in one pass: all that is known about it, and what an analyser proposes for it."""

from typing import NamedTuple

from penstock.domain.decisions import Verdict
from penstock.domain.observations import Target
from penstock.domain.reasons import DecisionReason, LimitReason, OptimizationReason
from penstock.domain.variants import ObjectKey, Variant
from penstock.scaling.bounds import WITHIN
from penstock.scaling.history import WINDOW_S
from penstock.scaling.memory import Remembered
from penstock.scaling.observe import Load
from penstock.scaling.terms import Terms


class Case(NamedTuple):
    """A variant, its target (`state` as the pass sees it: shared, too), its load, terms, price and past.

    `base` is what a decision moves from, as `standing` says. `weight` is the price of a replica for choosing among the
    variants of a model; `cost_per_h` the real one, None where unknown. `blocked` says why nothing is computed.
    `may_learn`: it is this variant's turn to be learnt from. Rates of its load are means over `rate_window_s` seconds.
    """

    variant: Variant
    target: Target
    load: Load
    terms: Terms
    last: Remembered | None
    now_s: float
    key: ObjectKey
    base: int | None
    may_learn: bool = True
    rate_window_s: float = WINDOW_S
    weight: float = 1.0
    cost_per_h: float | None = None
    unpriced: Verdict[OptimizationReason] | None = None
    blocked: Verdict[OptimizationReason] | None = None

    @property
    def starting_since_s(self) -> float | None:
        """When a replica was first seen to start, of the passes in a row that saw one; None where none starts."""
        if not self.target.starting:
            return None
        since_s = None if self.last is None else self.last.starting_since_s
        return self.now_s if since_s is None else since_s


def standing(target: Target, last: Remembered | None) -> int | None:
    """Return what was desired before, else what runs; zero where somebody chose zero."""
    return target.current if last is None or target.current == 0 else last.desired


class Proposal(NamedTuple):
    """What an analyser asks for, before window, quota and zero rule.

    `may_lower` is false while data are incomplete; `guarded` says that engines are full, so that their number may not
    fall whatever the model of them says. `why` is the tail of the summary. `steady` says that the window was heeded
    already, `kept` that it would be less were the data complete, `spared` that another variant serves the model without
    this one, `blind` that it rests on nothing that engines tell; `lowered` is why a number falls, if not for demand.
    """

    replicas: int
    why: str
    optimization: Verdict[OptimizationReason]
    limited: Verdict[LimitReason] = WITHIN
    may_lower: bool = True
    guarded: bool = False
    steady: bool = False
    kept: bool = False
    spared: bool = False
    blind: bool = False
    reason: DecisionReason | None = None
    lowered: DecisionReason | None = None
    need_per_s: float | None = None
    capacity_per_s: float | None = None
