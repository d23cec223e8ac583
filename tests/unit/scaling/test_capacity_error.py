"""The error of a capacity is measured: what was expected of engines at their batch against what they then showed."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.engine.served import changed, samples
from tests.unit.scaling.scene import NOW, decide_one, known, observe, rows, target, variant

from penstock.domain.decisions import Decision
from penstock.domain.observations import Observation
from penstock.domain.readings import ABSENT
from penstock.domain.variants import ObjectKey, SloOverride, Variant
from penstock.engine.priors import prior
from penstock.engine.samples import Sample
from penstock.scaling.config import Analyzer, Config
from penstock.scaling.decide import decide
from penstock.scaling.memory import Memory

LLAMA = "meta-llama/Llama-3.1-8B-Instruct"
WRITTEN = variant(model=LLAMA)
SUPPOSED = variant(model=LLAMA, profiles=(), accelerator="L40S", slo=SloOverride())
UNKNOWN = variant(profiles=(), accelerator="Abacus", slo=SloOverride())
LENGTHS = (400.0, 150.0)


def shown(of: Variant, slower: float, minutes: int) -> list[Sample]:
    """Return what engines show a minute long that take so many times as long as is supposed of them."""
    base = prior(of.accelerator, 1, of.model, of.profiles[0] if of.profiles else None) or prior("A100", 1, LLAMA)
    assert base is not None
    cost = replace(changed(base.shape.cost, slower, slower), kv_tokens=200_000)
    return list(samples(cost, [1.0] * minutes, LENGTHS))


def seen(of: Variant, sample: Sample, now_s: float) -> Observation:
    """Return an observation of two engines that show the same."""
    fields = {
        "input_tokens": known(sample.input_tokens, now_s),
        "output_tokens": known(sample.output_tokens, now_s),
        "tpot_s": known(sample.tpot_s, now_s),
        "prefill_s": ABSENT if sample.prefill_s is None else known(sample.prefill_s, now_s),
    }
    found = rows(of, 2, total=2 * sample.rate_per_s, at_s=now_s, **fields)
    return observe(of, targets={of.key: target(of, 2)}, seen=found, now_s=now_s)


def played(
    of: Variant, shown: Sequence[Sample], memory: Memory | None = None, config: Config | None = None
) -> Iterator[tuple[Decision, Memory]]:
    """Yield a decision for each minute, and what is remembered then."""
    memory = memory or Memory()
    for minute, sample in enumerate(shown):
        (decision,), memory = decide(seen(of, sample, NOW + 60.0 * minute), memory, config or Config())
        yield decision, memory


def errors(of: Variant, slower: float, minutes: int, config: Config | None = None) -> list[float | None]:
    return [one.capacity_error_ratio for one, _ in played(of, shown(of, slower, minutes), config=config)]


@pytest.mark.parametrize(("rate_window_s", "times"), [(60.0, 1), (15.0, 4), (240.0, 1)])
def test_every_window_of_rates_teaches_once(rate_window_s: float, times: int) -> None:
    """Where rates are means of less than a minute, as without a cluster, there is more to learn from in one."""
    shown_s, memory, config = shown(WRITTEN, 1.0, 1)[0], Memory(), Config(rate_window_s=rate_window_s)
    for step in range(4):
        _, memory = decide(seen(WRITTEN, shown_s, NOW + 15.0 * step), memory, config)

    learned = memory.experiences[WRITTEN.key].learned
    assert learned is not None
    assert learned.samples == times


@pytest.mark.parametrize("of", [pytest.param(WRITTEN, id="profile"), pytest.param(SUPPOSED, id="data sheets")])
@pytest.mark.parametrize("slower", [1.2, 1.5, 0.8])
@pytest.mark.unmeasured
def test_an_engine_that_is_otherwise_than_supposed_shows_by_how_much_until_it_is_learnt(
    of: Variant, slower: float
) -> None:
    first, *_, last = errors(of, slower, 60)

    assert first == pytest.approx(1 - min(slower, 1 / slower), abs=0.04)
    assert last is not None
    assert last < 0.03


def test_an_engine_that_is_as_supposed_shows_hardly_any() -> None:
    assert all(error is not None and error < 0.05 for error in errors(WRITTEN, 1.0, 20))


def test_an_engine_that_changes_shows_that_what_was_learnt_is_off_by_now() -> None:
    *_, (_, memory) = played(WRITTEN, shown(WRITTEN, 1.0, 12))
    known_s = memory.experiences[WRITTEN.key].learned_at_s

    sample = shown(WRITTEN, 1.5, 1)[0]
    (decision,), _ = decide(seen(WRITTEN, sample, known_s + 60), memory, Config())

    calm = memory.experiences[WRITTEN.key].capacity_error_ratio or 0.0
    assert decision.capacity_error_ratio == pytest.approx(calm + 0.1 * (1 / 3 - calm), abs=0.01)


def test_a_reading_too_unlikely_to_learn_from_counts() -> None:
    *_, (_, memory) = played(SUPPOSED, shown(SUPPOSED, 1.0, 6))
    before = memory.experiences[SUPPOSED.key]
    odd = replace(shown(SUPPOSED, 1.0, 1)[0], tpot_s=0.4, rate_per_s=0.2)

    _, after = decide(seen(SUPPOSED, odd, before.learned_at_s + 60), memory, Config())

    experience = after.experiences[SUPPOSED.key]
    assert experience.learned is not None
    assert experience.learned.refused == 1
    assert (experience.capacity_error_ratio or 0.0) > (before.capacity_error_ratio or 0.0) + 0.05


def test_a_prompt_time_counts_where_engines_tell_it() -> None:
    """Requests of short answers spend their time there, those of long ones hardly any."""
    (long,) = shown(WRITTEN, 1.0, 1)
    short = replace(long, output_tokens=6.0)

    def error(sample: Sample) -> float:
        return next(played(WRITTEN, [sample]))[0].capacity_error_ratio or 0.0

    def late(sample: Sample) -> Sample:
        return replace(sample, prefill_s=3 * (sample.prefill_s or 0.0))

    assert error(late(short)) > error(short) + 0.1
    assert error(late(long)) < error(long) + 0.05
    assert 0 < error(replace(short, prefill_s=None)) < 0.1


@pytest.mark.parametrize(
    ("of", "bad"),
    [
        pytest.param(WRITTEN, {"tpot_s": ABSENT}, id="no time per token"),
        pytest.param(WRITTEN, {"output_tokens": ABSENT, "input_tokens": ABSENT}, id="no lengths"),
        pytest.param(WRITTEN, {"output_tokens": known(1)}, id="nothing decoded"),
        pytest.param(WRITTEN, {"total": 0.0}, id="nothing finished"),
        pytest.param(UNKNOWN, {}, id="nothing was expected of it"),
    ],
)
def test_what_was_never_measured_is_unknown(of: Variant, bad: dict[str, Any]) -> None:
    seen = rows(of, 2, **{"total": 1.0, **bad})

    decision = decide_one(observe(of, targets={of.key: target(of, 2)}, seen=seen), Memory(), Config())

    assert decision.capacity_error_ratio is None


def test_an_engine_of_which_nothing_was_known_has_an_error_once_something_is_expected_of_it() -> None:
    found = errors(UNKNOWN, 1.0, 8)

    assert found[:5] == [None] * 5, "five samples before it is spoken of"
    assert found[5] is not None
    assert found[5] < 0.3


def test_no_capacity_no_error() -> None:
    assert errors(WRITTEN, 1.2, 3, Config(analyzer=Analyzer.SATURATION_V1)) == [None] * 3


def test_it_is_not_the_deviation_that_the_estimator_reckons_with() -> None:
    *_, (decision, _) = played(SUPPOSED, shown(SUPPOSED, 1.2, 2))

    assert decision.capacity_deviation_ratio is not None
    assert decision.capacity_error_ratio != pytest.approx(decision.capacity_deviation_ratio, rel=0.1)


@settings(max_examples=25)
@given(
    st.sampled_from([WRITTEN, SUPPOSED, UNKNOWN]),
    st.lists(
        st.builds(
            Sample,
            rate_per_s=st.floats(0, 60),
            input_tokens=st.floats(0, 1e5),
            output_tokens=st.floats(0, 1e4),
            tpot_s=st.floats(0, 20),
            prefill_s=st.none() | st.floats(0, 100),
        ),
        min_size=1,
        max_size=5,
    ),
    st.none() | st.floats(0, 1),
)
@pytest.mark.unmeasured
def test_it_is_a_share_and_changes_no_decision(of: Variant, some: list[Sample], before: float | None) -> None:
    for decision, memory in played(of, some):
        error = memory.experiences[of.key].capacity_error_ratio
        sample, at_s = some[0], memory.experiences[of.key].learned_at_s + 15.0
        other = with_error(memory, of.key, before)

        one, _ = decide(seen(of, sample, at_s), memory, Config())
        same, _ = decide(seen(of, sample, at_s), other, Config())

        assert error is None or 0 <= error <= 1
        assert [found._replace(capacity_error_ratio=None) for found in one] == [
            found._replace(capacity_error_ratio=None) for found in same
        ]
        assert decision.capacity_error_ratio in {error, None}


def with_error(memory: Memory, key: ObjectKey, error: float | None) -> Memory:
    """Return a memory in which the errors came to something else."""
    return replace(memory, experiences={key: replace(memory.experiences[key], capacity_error_ratio=error)})
