"""Exact capacities for the laws that need an offline profile: what a perfect benchmark would have told them.

Favourable to them: the numbers come from the engine model that the simulator itself runs, for the lengths of the
requests that finished lately (mean over about five minutes), at the scene's own targets.
"""

from math import exp, log
from typing import Final

from penstock.domain.observations import PodMetrics
from penstock.domain.readings import last
from penstock.engine.capacity import Capacity, Lengths, capacity
from penstock.sim.policies import Seen
from penstock.sim.scene import Scene, VariantSpec

_MEMORY_S: Final = 300.0
_GRID: Final = 0.02  # lengths are rounded to 2 %, so that few capacities are ever computed


def rounded(tokens: float) -> float:
    """Return a length rounded to 2 %."""
    return exp(round(log(max(tokens, 1.0)) / _GRID) * _GRID)


def prefill_per_s(spec: VariantSpec) -> float:
    """Return the prompt tokens a second of an engine that does nothing but whole steps of them."""
    return spec.token_budget / spec.cost.step_s(spec.token_budget, spec.token_budget**2, 0, 0)


class Profile:
    """The mean lengths of late, and what one replica of each variant serves with them."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._seen_at_s = -1.0
        self._weight = 0.0
        self._input = 0.0
        self._output = 0.0

    def learn(self, seen: Seen) -> None:
        """Take in a scrape; the same one a second time changes nothing."""
        scrape = seen.observation.scrape
        passed_s = scrape.at_s - self._seen_at_s
        if passed_s <= 0:
            return
        fade = exp(-passed_s / _MEMORY_S) if self._seen_at_s >= 0 else 0.0
        self._seen_at_s = scrape.at_s
        self._weight, self._input, self._output = (part * fade for part in (self._weight, self._input, self._output))
        for row in scrape.rows:
            self._add(row)

    def _add(self, row: PodMetrics) -> None:
        rate, fed, made = last(row.completed_per_s), last(row.input_tokens), last(row.output_tokens)
        if rate and fed is not None and made is not None:
            self._weight += rate
            self._input += rate * fed
            self._output += rate * made

    def lengths(self) -> Lengths | None:
        """Return the mean lengths, rounded; None before anything has finished."""
        if self._weight == 0:
            return None
        return Lengths(
            input_tokens=rounded(self._input / self._weight), output_tokens=rounded(self._output / self._weight)
        )

    def of(self, spec: VariantSpec) -> Capacity | None:
        """Return what one replica serves; None before anything has finished."""
        lengths = self.lengths()
        return None if lengths is None else capacity(spec.shape, lengths, self._scene.slo)
