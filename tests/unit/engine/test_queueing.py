"""The queueing model against WVA's own numbers, and against the chain written out state by state."""

from itertools import accumulate, pairwise
from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.domain.variants import PerfProfile
from penstock.engine.birthdeath import QUEUE_PER_BATCH, Batch, steady_state
from penstock.engine.queueing import (
    Bound,
    Infeasible,
    Sizing,
    Work,
    predict,
    size,
    size_for_throughput,
)


def work(*, batch: int, tokens: tuple[float, float], decode: tuple[float, float], prefill: tuple[float, float]) -> Work:
    profile = PerfProfile(
        accelerator="A100",
        accelerators_per_replica=1,
        max_batch=batch,
        alpha_ms=decode[0],
        beta_ms=decode[1],
        gamma_ms=prefill[0],
        delta_ms=prefill[1],
    )
    return Work(profile=profile, input_tokens=tokens[0], output_tokens=tokens[1])


LONG_BATCH = work(batch=256, tokens=(0, 1024), decode=(20.58, 0.41), prefill=(5.2, 0.1))
SAMPLE = work(batch=4, tokens=(100, 128), decode=(20.58, 0.41), prefill=(20.58, 0.041))
NO_INPUT = work(batch=4, tokens=(0, 178), decode=(20.58, 0.41), prefill=(20.58, 0.041))
FAST = work(batch=512, tokens=(128, 128), decode=(7.47, 0.044), prefill=(15.415, 0.000337))
FAST_LONG = work(batch=512, tokens=(2048, 256), decode=(7.47, 0.044), prefill=(15.415, 0.000337))


@pytest.mark.parametrize(
    ("load", "targets_ms", "rpm", "expected"),
    [  # replicas, most requests per minute of one replica, ITL and TTFT in ms, utilisation
        pytest.param(
            LONG_BATCH, (500, 24), 122.67, (7, "17.9676", "23.9152", "0", ".0279185"), id="batch 256, no input"
        ),
        pytest.param(SAMPLE, (500, 24), 30, (1, "49.5773", "21.5318", "97.8230", ".34558"), id="sample at 30 rpm"),
        pytest.param(SAMPLE, (500, 24), 60, (2, "49.5773", "21.5318", "97.8230", ".34558"), id="sample at 60 rpm"),
        pytest.param(SAMPLE, (500, 24), 1800, (37, "49.5773", "21.8180", "464.580", ".56835"), id="sample at 1800 rpm"),
        pytest.param(NO_INPUT, (500, 24), 41.32, (2, "33.8899", "21.3900", "76.5865", ".32769"), id="no input"),
        pytest.param(FAST, (1000, 10), 600, (1, "2632.205", "7.9661", "15.9014", ".02007"), id="batch 512 at 600 rpm"),
        pytest.param(
            FAST, (1000, 10), 6000, (3, "2632.205", "9.2649", "17.1747", ".07772"), id="batch 512 at 6000 rpm"
        ),
        pytest.param(FAST_LONG, (1000, 10), 6000, (5, "1301.2917", "9.7460", "51.1156", ".09908"), id="long prompts"),
    ],
)
def test_golden_vectors_of_wva_to_the_printed_digits(
    load: Work, targets_ms: tuple[float, float], rpm: float, expected: tuple[int, str, str, str, str]
) -> None:
    found = size(load, targets_ms[0] / 1000, targets_ms[1] / 1000)
    assert isinstance(found, Sizing)
    replicas = ceil(rpm / 60 / found.capacity_per_s - 1e-9)
    latency = predict(load, rpm / 60 / replicas)

    assert latency is not None
    assert replicas == expected[0]
    values = found.capacity_per_s * 60, latency.itl_s * 1000, latency.ttft_s * 1000, latency.utilisation_ratio
    assert [as_printed(value, text) for value, text in zip(values, expected[1:], strict=True)] == list(expected[1:])


def as_printed(value: float, like: str) -> str:
    """Return a number with as many decimals as `like`, without a zero in front of the point, as the table has it."""
    text = f"{value:.{len(like.partition('.')[2])}f}"
    return text.removeprefix("0") if like.startswith(".") else text


def test_the_two_searches_of_the_sample_end_where_wva_says() -> None:
    only_ttft = size(SAMPLE, 0.5, 1000.0)
    only_tpot = size(SAMPLE, 1000.0, 0.024)

    assert isinstance(only_ttft, Sizing)
    assert isinstance(only_tpot, Sizing)
    assert (round(only_ttft.capacity_per_s, 5), only_ttft.bound) == (0.82629, Bound.TTFT)
    assert only_tpot.bound is Bound.THROUGHPUT  # 24 ms are kept even with a full batch
    assert 1.2 < only_tpot.capacity_per_s < 1.39773


@pytest.mark.parametrize(
    ("targets_s", "field"),
    [
        pytest.param((0.5, 0.020), Bound.TPOT, id="one token takes longer than allowed"),
        pytest.param((0.020, 0.024), Bound.TTFT, id="the prefill alone takes longer than allowed"),
    ],
)
def test_an_infeasible_target_is_a_value_that_names_the_field(targets_s: tuple[float, float], field: Bound) -> None:
    found = size(SAMPLE, *targets_s)

    assert isinstance(found, Infeasible)
    assert found.field is field
    assert found.best_s > dict(zip((Bound.TTFT, Bound.TPOT), targets_s, strict=True))[field]


def test_throughput_is_nine_tenths_of_the_highest_rate() -> None:
    unbounded = size(SAMPLE, 1000.0, 1000.0)
    assert isinstance(unbounded, Sizing)

    found = size_for_throughput(SAMPLE)

    assert 0.89 < found.capacity_per_s / unbounded.capacity_per_s < 0.95  # a little above: fewer are turned away


def test_nothing_is_predicted_beyond_what_a_replica_sustains() -> None:
    assert predict(SAMPLE, 1.3977) is not None
    assert predict(SAMPLE, 1.3992) is None
    assert predict(SAMPLE, 0.0) is None


def chain_by_hand(arrival: float, batch: Batch) -> tuple[float, float, float]:
    """Return throughput and mean numbers in the system and in the batch, with every state of the chain in a list."""
    places = batch.size * (1 + QUEUE_PER_BATCH)
    ratios = [arrival / batch.rate(min(n, batch.size)) for n in range(1, places + 1)]
    weights = list(accumulate(ratios, lambda weight, ratio: weight * ratio, initial=1.0))
    total = sum(weights)
    in_system = sum(n * weight for n, weight in enumerate(weights)) / total
    in_service = sum(min(n, batch.size) * weight for n, weight in enumerate(weights)) / total
    return arrival * (1 - weights[-1] / total), in_system, in_service


@given(
    size_=st.integers(1, 40),
    base=st.floats(1.0, 1e4),
    slope=st.floats(0.0, 1e3),
    load=st.floats(0.001, 0.999),
)
def test_the_closed_form_equals_the_chain_written_out(size_: int, base: float, slope: float, load: float) -> None:
    batch = Batch(size=size_, base=base, slope=slope)
    arrival = load * batch.rate(size_)

    found = steady_state(arrival, batch)

    assert (found.throughput, found.in_system, found.in_service) == pytest.approx(
        chain_by_hand(arrival, batch), rel=1e-6
    )


def test_a_batch_of_thousands_neither_overflows_nor_takes_long() -> None:
    batch = Batch(size=4096, base=1000.0, slope=0.01)

    found = steady_state(0.999 * batch.rate(4096), batch)

    assert 0.8 * 4096 < found.in_service <= 4096
    assert found.in_service < found.in_system < 11 * 4096


@settings(max_examples=25)
@given(lengths=st.tuples(st.floats(1, 4000), st.floats(1, 2000)), share=st.floats(0.05, 0.95))
def test_latency_rises_with_the_rate(lengths: tuple[float, float], share: float) -> None:
    load = work(batch=8, tokens=lengths, decode=(10, 0.5), prefill=(5, 0.01))
    most = size_for_throughput(load).capacity_per_s
    rates = [most * share * step for step in (0.2, 0.5, 0.8, 1.0)]

    points = [point for rate in rates if (point := predict(load, rate)) is not None]

    assert len(points) == 4
    assert all(a.ttft_s <= b.ttft_s + 1e-12 and a.itl_s <= b.itl_s + 1e-12 for a, b in pairwise(points))


def test_one_token_without_input_is_all_decoding() -> None:
    single = work(batch=4, tokens=(0, 1), decode=(20, 0), prefill=(0, 0))

    found = size_for_throughput(single)

    assert found.capacity_per_s == pytest.approx(0.9 * 0.999 * 200, rel=0.01)  # 4 at a time, 20 ms each
