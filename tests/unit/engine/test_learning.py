"""Learning an engine from its own series: it comes near, it stays within bounds, and it says how sure it is."""

import json
import math
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.engine.served import changed, samples

from penstock.domain.variants import Slo, SloSource
from penstock.engine.capacity import EngineShape, Lengths, capacity
from penstock.engine.expecting import believed, shape
from penstock.engine.learned import ENOUGH, Learned
from penstock.engine.learning import learn
from penstock.engine.priors import prior
from penstock.engine.samples import Sample
from penstock.engine.steptime import GPUS, StepCost
from penstock.records.codec import decode, encode

CONV, CODE = (1155.0, 211.0), (2048.0, 28.0)
LOOSE = Slo(ttft_s=2.0, tpot_s=0.1, attainment_ratio=0.95, source=SloSource.DEFAULT)
TIGHT = Slo(ttft_s=0.5, tpot_s=0.05, attainment_ratio=0.95, source=SloSource.DEFAULT)
GOOD = Sample(rate_per_s=2.0, input_tokens=1155, output_tokens=211, tpot_s=0.0355, prefill_s=0.112, requests=120)


def _lengths(tokens: tuple[float, float]) -> Lengths:
    return Lengths(input_tokens=tokens[0], output_tokens=tokens[1])


def _rates(highest: float, count: int, seed: int = 3) -> list[float]:
    chance = random.Random(seed)
    return [highest * chance.uniform(0.2, 0.8) for _ in range(count)]


@pytest.mark.parametrize("known", [pytest.param(True, id="supposed"), pytest.param(False, id="unknown hardware")])
@pytest.mark.parametrize(
    ("gpu", "tokens", "slo", "decode", "prompt"),
    [
        pytest.param("L40S", CONV, LOOSE, 1.5, 1.5, id="slower by half"),
        pytest.param("L40S", CONV, LOOSE, 1.3, 0.8, id="slower decode, faster prompts"),
        pytest.param("H100", CODE, TIGHT, 0.7, 0.7, id="faster by a third"),
    ],
)
@pytest.mark.unmeasured
def test_a_capacity_learnt_from_series_comes_within_a_tenth(
    gpu: str, tokens: tuple[float, float], slo: Slo, decode: float, prompt: float, *, known: bool
) -> None:
    hidden = changed(GPUS[gpu], decode, prompt)
    true = capacity(EngineShape(cost=hidden), _lengths(tokens), slo).per_s
    base = prior(gpu, 1, "llama-8b") if known else None
    learned = None

    for sample in samples(hidden, _rates(true, 16), tokens):
        learned = learn(base, learned, sample)

    found = believed(base, learned, _lengths(tokens), slo, kv_tokens=hidden.kv_tokens)
    assert found is not None
    assert found.capacity.per_s == pytest.approx(true, rel=0.1)
    assert found.error_ratio < 0.15


def test_it_follows_an_engine_that_changes() -> None:
    base = prior("L40S", 1, "llama-8b")
    faster = changed(GPUS["L40S"], 0.6, 0.6)
    learned = None
    for cost in (GPUS["L40S"], faster):
        for sample in samples(cost, [2.0] * 12, CONV):
            learned = learn(base, learned, sample)

    found = believed(base, learned, _lengths(CONV), LOOSE)

    assert found is not None
    true = capacity(EngineShape(cost=faster), _lengths(CONV), LOOSE).per_s
    assert found.capacity.per_s == pytest.approx(true, rel=0.12)


def test_an_unknown_engine_is_not_spoken_of_before_there_are_samples() -> None:
    learned = None
    for _ in range(ENOUGH - 1):
        learned = learn(None, learned, GOOD)

    assert shape(None, None) is None
    assert believed(None, learned, _lengths(CONV), LOOSE) is None
    assert believed(None, learn(None, learned, GOOD), _lengths(CONV), LOOSE) is not None


def test_a_prior_alone_is_believed_less_than_what_was_seen() -> None:
    base = prior("L40S", 1, "llama-8b")
    learned = None
    for _ in range(10):
        learned = learn(base, learned, GOOD)

    before, after = (believed(base, one, _lengths(CONV), LOOSE) for one in (None, learned))

    assert before is not None
    assert after is not None
    assert after.error_ratio < before.error_ratio


def test_samples_that_do_not_fit_are_refused_and_make_unsure() -> None:
    base = prior("L40S", 1, "llama-8b")
    learned = learn(base, None, GOOD)
    before = believed(base, learned, _lengths(CONV), LOOSE)

    spiked = learn(base, learn(base, learned, replace(GOOD, tpot_s=0.3)), replace(GOOD, tpot_s=0.3))

    after = believed(base, spiked, _lengths(CONV), LOOSE)
    assert spiked.logs == learned.logs
    assert spiked.refused == 2
    assert before is not None
    assert after is not None
    assert after.error_ratio > before.error_ratio


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(replace(GOOD, tpot_s=math.nan), id="no number"),
        pytest.param(replace(GOOD, tpot_s=-0.01), id="negative time"),
        pytest.param(replace(GOOD, rate_per_s=0.0), id="idle"),
        pytest.param(replace(GOOD, requests=0.4), id="less than one request"),
        pytest.param(replace(GOOD, output_tokens=1.0), id="nothing decoded"),
        pytest.param(replace(GOOD, rate_per_s=math.inf), id="infinite rate"),
        pytest.param(replace(GOOD, rate_per_s=100.0), id="more in the batch than fit"),
    ],
)
def test_what_makes_no_sense_teaches_nothing(bad: Sample) -> None:
    base = prior("L40S", 1, "llama-8b")
    before = learn(base, None, GOOD)

    assert learn(base, before, bad) == before


def test_a_missing_prompt_time_is_done_without() -> None:
    base = prior("L40S", 1, "llama-8b")

    learned = learn(base, None, replace(GOOD, prefill_s=None))

    assert learned.samples == 1


def test_what_was_learnt_survives_json() -> None:
    base = prior("L40S", 1, "llama-8b")
    learned = replace(learn(base, None, GOOD), age_ratio=1.7)

    assert decode(Learned, json.loads(json.dumps(encode(Learned, learned)))) == learned


def test_what_cannot_be_read_any_more_is_learnt_anew() -> None:
    base = prior("L40S", 1, "llama-8b")

    assert learn(base, Learned((1.0,), (2.0,), 7), GOOD) == learn(base, None, GOOD)


_ANY = st.floats(allow_nan=True, allow_infinity=True)
_WILD = st.builds(
    Sample,
    rate_per_s=_ANY | st.floats(0.01, 50),
    input_tokens=_ANY | st.floats(1, 1e5),
    output_tokens=_ANY | st.floats(1, 1e4),
    tpot_s=_ANY | st.floats(1e-4, 10),
    prefill_s=st.none() | _ANY | st.floats(1e-3, 100),
    requests=_ANY | st.floats(0, 1e5),
    cached_tokens=st.none() | _ANY | st.floats(0, 1e6),
    running=st.none() | _ANY | st.floats(0, 1e3),
)


def _coefficients(cost: StepCost) -> list[float]:
    return [cost.d0_ms, cost.d1_ms, cost.d2_ms, cost.p0_ms, cost.p1_ms, cost.p2_ms]


@settings(max_examples=40)
@given(st.lists(_WILD, max_size=12))
def test_nothing_moves_a_coefficient_beyond_its_bound(wild: list[Sample]) -> None:
    base = prior("A100", 1, "llama-8b")
    assert base is not None
    learned = None
    for sample in wild:
        learned = learn(base, learned, sample)

    found = shape(base, learned)

    assert found is not None
    for now, supposed in zip(_coefficients(found.cost), _coefficients(base.shape.cost), strict=True):
        assert supposed / base.bound <= now * 1.0001
        assert now <= supposed * base.bound * 1.0001
    variances = [(learned or learn(base, None, GOOD)).covariance[row * (row + 3) // 2] for row in range(6)]
    assert all(0 < value <= 2 for value in variances)


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -1.0])
@pytest.mark.parametrize("name", ["prefill_s", "cached_tokens", "running"])
def test_what_is_no_number_leaves_no_trace_in_how_old_answers_are(name: str, wrong: float) -> None:
    sane = Sample(
        rate_per_s=1.0,
        input_tokens=300,
        output_tokens=600,
        tpot_s=1 / 30,
        prefill_s=0.1,
        cached_tokens=15_000,
        running=20,
    )
    learned = None
    for sample in [sane] * 12 + [replace(sane, **{name: wrong})]:
        learned = learn(prior("L40S", 1, "llama-8b"), learned, sample)

    assert learned is not None
    assert learned.age_ratio == pytest.approx((15_000 / 20 - 300) / 600, rel=0.1)


def test_answers_that_scatter_more_than_usual_are_seen_by_what_the_cache_holds() -> None:
    """Else an engine that thinks for long would be taken for twice as large as it is."""
    tokens, sigma = (600.0, 1500.0), 1.3
    base = prior("H100", 1, "llama-8b")
    learned = None
    for sample in samples(GPUS["H100"], [1.5] * 20, tokens, sigma=sigma):
        learned = learn(base, learned, sample)

    found, naive = (believed(base, one, _lengths(tokens), LOOSE) for one in (learned, None))

    cv = math.sqrt(math.exp(sigma**2) - 1)
    real = Lengths(input_tokens=tokens[0], output_tokens=tokens[1], input_cv=0.95, output_cv=cv)
    true = capacity(EngineShape(cost=GPUS["H100"]), real, LOOSE).per_s
    assert found is not None
    assert naive is not None
    assert found.capacity.per_s == pytest.approx(true, rel=0.2)
    assert naive.capacity.per_s > 1.3 * true


def test_few_requests_with_long_answers_do_not_seem_to_scatter_more_than_they_do() -> None:
    """How many finish within a minute is chance there; what runs and what it holds was counted at one instant."""
    tokens, sigma = (600.0, 2600.0), 0.6
    base = prior("L40S", 1, "llama-8b")
    learned = None
    for sample in samples(GPUS["L40S"], [0.25] * 60, tokens, sigma=sigma):
        learned = learn(base, learned, sample)

    assert learned is not None
    assert learned.age_ratio == pytest.approx(math.exp(sigma**2) / 2, rel=0.25)  # 0.72; by those that finish 1.1


def test_what_was_learnt_on_one_kind_of_traffic_holds_for_another() -> None:
    hidden = changed(GPUS["L40S"], 1.3, 0.8)
    base = prior("L40S", 1, "llama-8b")
    learned = None
    for sample in samples(hidden, _rates(4.5, 16), CONV):
        learned = learn(base, learned, sample)

    found = believed(base, learned, _lengths(CODE), LOOSE)

    true = capacity(EngineShape(cost=hidden), _lengths(CODE), LOOSE).per_s
    assert found is not None
    assert found.capacity.per_s == pytest.approx(true, rel=0.12)


def test_few_requests_weigh_little() -> None:
    base = prior("L40S", 1, "llama-8b")
    slow = replace(GOOD, tpot_s=0.05)

    few, many = (learn(base, None, replace(slow, requests=count)) for count in (1, 200))

    assert 0 < few.logs[0] < many.logs[0] / 2
