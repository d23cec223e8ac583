"""What one replica of a variant serves within its targets: from its profile, or from what is known of its engine."""

from dataclasses import replace
from functools import lru_cache
from math import exp, floor, inf, log, log10
from typing import Final, NamedTuple

from penstock.domain.decisions import Verdict
from penstock.domain.reasons import OptimizationReason
from penstock.domain.variants import PerfProfile, Slo
from penstock.engine.capacity import MOST
from penstock.engine.expecting import Belief, believed, spent
from penstock.engine.learned import Learned
from penstock.engine.learning import learn
from penstock.engine.lengths import Lengths
from penstock.engine.priors import Prior, prior
from penstock.engine.queueing import Sizing, Work, size, size_for_throughput
from penstock.engine.samples import Sample
from penstock.scaling.cases import Case
from penstock.scaling.columns import least, whole_sum
from penstock.scaling.experience import Experience
from penstock.scaling.judging import mean_ratio, off_ratio
from penstock.scaling.observe import Load

ENOUGH: Final = 10
"""Samples after which what was learnt counts and not a written profile: ten minutes of traffic."""
UNSURE: Final = 0.1
"""Error of a capacity that is accepted; of what is beyond, the capacity is taken for so much smaller."""
SHARING: Final = (1, 2, 3, 4, 6, 8, 12, 16)
"""Numbers of replicas that share a queue for which capacities are worked out; more of them bring hardly anything."""
SHY: Final = 3
"""By how many fewer they are supposed to share it where one is given up: to call it back costs more than to keep it."""
_MANY: Final = SHARING[-1] + SHY
_ROOM: Final = 8192
_APART: Final = 0.02
Cvs = tuple[float | None, float | None]
_LEAST_TOKENS: Final = 1.0
_SUCCEEDED: Final = Verdict(OptimizationReason.SUCCEEDED)


def _sharing(replicas: int) -> int:
    """Return by how many a queue is taken to be shared."""
    return max([number for number in SHARING if number <= max(replicas, 1)])


_SHARED: Final = tuple([(_sharing(count), _sharing(count - SHY)) for count in range(_MANY + 1)])
"""By how many a queue is shared of so many replicas, and of fewer: more of them share it as `_MANY` do."""


class Capacity(NamedTuple):
    """Requests per second of one replica; `missed` names the target that it misses even when idle, for `missed_ratio`.

    Replicas that share a queue serve more each: `fewer_per_s` is what surely remains of it once there are fewer.
    `error_ratio` is how far off that may be, and `samples` how many taught it; None and 0 where nothing was learnt.
    """

    per_s: float
    fewer_per_s: float
    missed: str = ""
    missed_ratio: float = 0.0
    error_ratio: float | None = None
    samples: int = 0

    @property
    def missed_by_some(self) -> bool:
        """Whether there are requests that an idle replica answers in time."""
        return self.missed_ratio <= MOST

    @property
    def verdict(self) -> Verdict[OptimizationReason]:
        """What the owner is told of it."""
        if not self.missed:
            return _SUCCEEDED
        some = {"missed": "by some"} if self.missed_by_some else {}
        return Verdict(OptimizationReason.SLO_INFEASIBLE, {"field": self.missed, **some})


class Typical(NamedTuple):
    """The lengths of a model's requests as capacities are worked out for them.

    `means` count to three digits, which is finer than they are measured, `lengths` are so coarse that they stay the
    same for a while: most passes reuse the last answer.
    """

    means: tuple[float, float]
    lengths: Lengths


def capacity(case: Case, experience: Experience, typical: Typical) -> Capacity | None:
    """Return what a replica serves of requests of these lengths; None where nobody knows anything of its engine."""
    terms, learned = case.terms, experience.learned
    if not terms.is_sized:
        return None
    slo, samples = terms.objective.slo, learned.samples if learned else 0
    if terms.profile is not None and samples < ENOUGH:
        return by_profile(terms.profile, slo, *typical.means)
    cache_tokens = _cache_tokens(case.load.kv_capacity_tokens or 0.0)
    engine, (all_of, fewer) = supposed(case), _SHARED[min(max(case.target.ready, 0), _MANY)]
    found = _believed(engine, learned, typical.lengths, slo, all_of, cache_tokens)
    rest = found if fewer == all_of else _believed(engine, learned, typical.lengths, slo, fewer, cache_tokens)
    if found is None or rest is None:
        return None
    at_most = _seen_at_most(case, experience)
    per_s = min(_cautious(found), at_most)
    return Capacity(
        per_s=per_s,
        fewer_per_s=per_s if rest is found else min(_cautious(rest), at_most),
        missed=found.capacity.missed,
        missed_ratio=found.capacity.missed_ratio,
        error_ratio=found.error_ratio,
        samples=samples,
    )


def _cautious(found: Belief) -> float:
    return found.capacity.per_s / (1 + max(found.error_ratio - UNSURE, 0.0))


def _seen_at_most(case: Case, experience: Experience) -> float:
    """Return what a replica serves at most because it was seen: for a whole window its line was too long.

    The window begins when the requests that were running then may have ended: while an engine fills with answers of
    minutes it finishes next to nothing.
    """
    since_s, load = experience.lined_since_s, case.load
    if since_s is None or not load.replicas or load.finished_per_s <= 0 or not load.tpot_s or not load.output_tokens:
        return inf
    if case.now_s - since_s < load.tpot_s * load.output_tokens + case.rate_window_s:
        return inf
    return load.finished_per_s / load.replicas


def lined(case: Case, before: Experience) -> Experience:
    """Return the experience with whether lines stand before all engines; what nobody can see changes nothing.

    A line that is gone within the target for the first token proves nothing, nor does one of a moment: arrivals come
    in clumps, and a capacity that fell for one pass had fleets ordered that the next one sent away.
    """
    load, limits = case.load, case.terms.thresholds
    shortest = least(load.queues)
    if shortest is None or not load.replicas:
        return before
    long = max(limits.queue_length, case.terms.objective.slo.ttft_s * load.finished_per_s / load.replicas)
    since_s = (before.lined_since_s or case.now_s) if shortest >= long else None
    return before if since_s == before.lined_since_s else replace(before, lined_since_s=since_s)


def by_profile(profile: PerfProfile, slo: Slo, input_tokens: float, output_tokens: float) -> Capacity:
    """Size one replica by its written profile; where the targets cannot be met, for throughput."""
    work = Work(profile=profile, input_tokens=input_tokens, output_tokens=output_tokens)
    found = size(work, slo.ttft_s, slo.tpot_s)
    if isinstance(found, Sizing):
        return Capacity(per_s=found.capacity_per_s, fewer_per_s=found.capacity_per_s)
    most = size_for_throughput(work).capacity_per_s
    return Capacity(per_s=most, fewer_per_s=most, missed=f"slo.{found.field}", missed_ratio=1.0)


def supposed(case: Case) -> Prior | None:
    """Return what the variant's engine is taken for before anything is learnt of it."""
    terms = case.terms
    return _prior(terms.accelerator, terms.accelerators_per_replica, case.variant.model, terms.profile, terms.max_batch)


def taught(case: Case, before: Experience, cvs: Cvs = (None, None)) -> Experience:
    """Return the experience with what the last window showed; each window counts once."""
    load = case.load
    if (
        not case.may_learn
        or not case.terms.is_sized
        or not load.verdict.reason.available
        or case.now_s - before.learned_at_s < case.rate_window_s
    ):
        return before
    if not load.replicas or not load.tpot_s or not load.input_tokens or not load.output_tokens:
        return before
    sample = Sample(
        rate_per_s=load.finished_per_s / load.replicas,
        input_tokens=load.input_tokens,
        output_tokens=load.output_tokens,
        tpot_s=load.tpot_s,
        prefill_s=load.prefill_s,
        requests=load.finished_per_s * case.rate_window_s,
        cached_tokens=_cached_tokens(load),
        input_cv=cvs[0],
        output_cv=cvs[1],
        running=load.running / load.replicas if load.running is not None else None,
    )
    engine = supposed(case)
    return replace(
        before,
        learned=learn(engine, before.learned, sample),
        learned_at_s=case.now_s,
        capacity_error_ratio=_judged(engine, before, sample),
    )


def _judged(engine: Prior | None, before: Experience, sample: Sample) -> float | None:
    """Return the mean error of capacities with that of one more sample, by what was expected before it."""
    found = spent(engine, before.learned, sample)
    newest = None if found is None else off_ratio(found.expected_ms, found.measured_ms)
    return mean_ratio(before.capacity_error_ratio, newest)


def _cached_tokens(load: Load) -> float | None:
    """Return what one replica's KV cache holds on average; None where some do not tell."""
    shares = whole_sum(load.kv_ratios)
    if not load.kv_ratios or shares is None or not load.kv_capacity_tokens:
        return None
    return shares / len(load.kv_ratios) * load.kv_capacity_tokens


@lru_cache(maxsize=_ROOM)
def typical(input_tokens: float, output_tokens: float, cvs: Cvs = (None, None)) -> Typical:
    """Return what these mean lengths and their coefficients of variation, for `Lengths`, are rounded to."""
    means = _three_digits(input_tokens), _three_digits(output_tokens)
    return Typical(
        means,
        Lengths(
            input_tokens=max(_coarse(means[0]), _LEAST_TOKENS),
            output_tokens=max(_coarse(means[1]), _LEAST_TOKENS),
            input_cv=_tenths(cvs[0]),
            output_cv=_tenths(cvs[1]),
        ),
    )


def _three_digits(number: float) -> float:
    return 0.0 if number <= 0 else round(number, 2 - floor(log10(number)))


_cache_tokens = lru_cache(maxsize=_ROOM)(_three_digits)  # caches stay as large as they are
_prior = lru_cache(maxsize=_ROOM)(prior)
_worked_out = lru_cache(maxsize=_ROOM)(believed)
_RECENT: Final[dict[tuple[object, ...], tuple[Prior | None, Learned | None, Belief | None]]] = {}
"""Beliefs by the identity of what they rest on, which they keep alive: a hash over all of it takes longer than a pass
may spend on a variant."""


def _believed(
    engine: Prior | None, learned: Learned | None, lengths: Lengths, slo: Slo, replicas: int, kv_tokens: float
) -> Belief | None:
    sizes = lengths.input_tokens, lengths.output_tokens, lengths.input_cv, lengths.output_cv
    key = (id(engine), id(learned), *sizes, slo.ttft_s, slo.tpot_s, slo.attainment_ratio, replicas, kv_tokens)
    known = _RECENT.get(key)
    if known is None:
        if len(_RECENT) >= _ROOM:
            _RECENT.clear()
        found = _worked_out(engine, learned, lengths, slo, replicas, kv_tokens)
        known = _RECENT[key] = engine, learned, found
    return known[2]


def _coarse(tokens: float) -> float:
    """Return the nearest of lengths that lie two percent apart, so that a capacity is worked out only now and then."""
    return exp(round(log(tokens) / _APART) * _APART) if tokens > 0 else 0.0


def _tenths(cv: float | None) -> float | None:
    return None if cv is None else round(cv, 1)
