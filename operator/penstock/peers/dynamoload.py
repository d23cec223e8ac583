"""What Dynamo's load loop works out of one engine's forward pass: the next request's latency now and with one fewer.

Source: ai-dynamo/dynamo, planner/core/load_scaling.py (`_agg_prefill_scaling`, `_agg_decode_scaling`,
`_agg_easy_decision`) and planner/core/perf_model/agg.py (`estimate_next_ttft`, `estimate_next_itl`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from penstock.domain.observations import PodMetrics
from penstock.domain.readings import last
from penstock.domain.variants import Slo
from penstock.sim.scene import VariantSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """One engine's load: decoding requests, their tokens in the cache, prompt tokens in line, and what is usual.

    `input_tokens` is the mean prompt, `context_tokens` the mean cache of a decoding request, `prefill_tokens` the mean
    prompt tokens in a step.
    """

    spec: VariantSpec
    running: float
    kv_tokens: float
    queued_tokens: float
    input_tokens: float
    context_tokens: float
    prefill_tokens: float

    @property
    def cache_ratio(self) -> float:
        """Return the tokens in the cache and in line over what the cache holds."""
        return (self.kv_tokens + self.queued_tokens) / self.spec.cost.kv_tokens

    def step_s(self, prefill_tokens: float, running: float, kv_tokens: float) -> float:
        """Return the time of one step."""
        tokens = int(prefill_tokens)
        return self.spec.cost.step_s(tokens, float(tokens) ** 2, int(running), int(kv_tokens))

    def ttft_s(self, *, queued: bool = True) -> float:
        """Return the time until the next request's first token: the line and itself in whole steps of the budget."""
        left = self.input_tokens + (self.queued_tokens if queued else 0.0)
        budget = self.spec.token_budget
        full, rest = divmod(left, budget)
        whole = full * self.step_s(budget, self.running, self.kv_tokens)
        return whole + (self.step_s(rest, self.running, self.kv_tokens) if rest else 0.0)

    def itl_s(self) -> float:
        """Return the time of a step with one request more in the cache."""
        return self.step_s(self.prefill_tokens, self.running + 1, self.kv_tokens + self.context_tokens)

    def heavier(self, factor: float) -> "Engine":
        """Return the engine with its share of the load of one that is gone."""
        return replace(
            self,
            running=self.running * factor,
            kv_tokens=self.kv_tokens * factor,
            queued_tokens=self.queued_tokens * factor,
        )

    def absorbed(self) -> "Engine":
        """Return the engine once the prompts in line are in its cache as well."""
        return replace(self, kv_tokens=self.kv_tokens + self.queued_tokens, queued_tokens=0.0)


def engines(spec: VariantSpec, rows: Iterable[PodMetrics]) -> tuple[Engine, ...]:
    """Return the engines whose load and lengths are known."""
    found = []
    for row in rows:
        running, waiting, kv_ratio = last(row.running), last(row.waiting), last(row.kv_usage_ratio)
        fed, made = last(row.input_tokens), last(row.output_tokens)
        if running is None or waiting is None or kv_ratio is None or fed is None or made is None:
            continue
        per_step = fed * (last(row.completed_per_s) or 0.0) * (last(row.tpot_s) or 0.0)
        found.append(
            Engine(
                spec=spec,
                running=running,
                kv_tokens=kv_ratio * spec.cost.kv_tokens,
                queued_tokens=waiting * fed,
                input_tokens=fed,
                context_tokens=fed + made / 2,
                prefill_tokens=min(per_step, spec.token_budget),
            )
        )
    return tuple(found)


def load_step(fleet: Sequence[Engine], slo: Slo, sensitivity: float) -> int:
    """Return +1 where all first tokens or all steps are late, -1 where one fewer keeps both in time, else 0."""
    if all(engine.ttft_s() > slo.ttft_s for engine in fleet) or all(engine.itl_s() > slo.tpot_s for engine in fleet):
        return 1
    if len(fleet) < 2:
        return 0
    factor = len(fleet) / (len(fleet) - 1)
    fewer = [engine.heavier(factor) for engine in fleet]
    in_time = all(
        _first_in_time(engine, slo, sensitivity) and _steps_in_time(engine, slo, sensitivity) for engine in fewer
    )
    return -1 if in_time else 0


def _first_in_time(engine: Engine, slo: Slo, sensitivity: float) -> bool:
    """Whether the line takes less than its share of what the request itself leaves of the target."""
    own_s = engine.ttft_s(queued=False)
    budget_s = (slo.ttft_s - own_s) * sensitivity
    return budget_s > 0 and engine.ttft_s() - own_s < budget_s


def _steps_in_time(engine: Engine, slo: Slo, sensitivity: float) -> bool:
    full = engine.absorbed()
    return full.kv_tokens < full.spec.cost.kv_tokens and full.itl_s() < slo.tpot_s * sensitivity


def easy_step(ratios: Sequence[float], up: float, down: float) -> int:
    """Return +1 where any cache is fuller than `up`, -1 where all of several are emptier than `down`, else 0."""
    if any(ratio > up for ratio in ratios):
        return 1
    return -1 if len(ratios) > 1 and all(ratio < down for ratio in ratios) else 0
