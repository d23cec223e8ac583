"""The HorizontalPodAutoscaler against its documentation's numbers and KEP-853's examples."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.peers.looks import counts

from penstock.peers.hpa import ALL_AT_ONCE, DEFAULT, By, Direction, Hpa, HpaBehavior, Kind, Rate, Signal, pods_proposal
from penstock.sim.policies import Counts

NO_WAIT = Direction(0, (Rate(By.PERCENT, 100, 15),))


def steps(hpa: Hpa, current: int, wishes: list[int | None], every_s: float = 15.0) -> list[int]:
    result = []
    for tick, wish in enumerate(wishes):
        current = hpa.step(tick * every_s, current, [wish])
        result.append(current)
    return result


@pytest.mark.parametrize(
    ("values", "target", "there", "wanted"),
    [
        pytest.param([200], 100, counts(1), 2, id="documentation: 200m against 100m doubles"),
        pytest.param([50, 50, 50, 50], 100, counts(4), 2, id="documentation: 50m against 100m halves"),
        pytest.param([109, 109], 100, counts(2), 2, id="within the tolerance of a tenth nothing changes"),
        pytest.param([89, 89, 89, 89], 100, counts(4), 4, id="and neither below it, the ceiling being the same"),
        pytest.param([300], 100, counts(1, starting=2), 3, id="a pod that starts counts as idle going up"),
        pytest.param([150], 100, counts(1, starting=3), 4, id="which must not turn the direction"),
        pytest.param([20, 20], 100, counts(2, starting=2), 1, id="and is left out going down"),
        pytest.param([10, 10], 100, counts(4), 3, id="a ready pod without a value counts as at its target going down"),
        pytest.param([400, 400], 100, counts(4), 8, id="and as idle going up"),
        pytest.param([], 100, counts(3), None, id="no values are no answer"),
    ],
)
def test_pods_metric(values: list[float], target: float, there: Counts, wanted: int | None) -> None:
    assert pods_proposal(values, target, there) == wanted


@pytest.mark.parametrize(
    ("signal", "there", "wanted"),
    [
        pytest.param(Signal(21, 5), counts(2), 5, id="AverageValue: the sum over the target"),
        pytest.param(Signal(21, 5), counts(4), 4, id="within a tenth of what exists it stays"),
        pytest.param(Signal(0, 5), counts(4), 0, id="nothing waiting wants nothing"),
        pytest.param(Signal(1.4, 0.7, Kind.VALUE), counts(3, starting=2), 6, id="Value multiplies the ready ones only"),
        pytest.param(Signal(0.72, 0.7, Kind.VALUE), counts(3), 3, id="Value has the tolerance as well"),
        pytest.param(Signal(None, 5), counts(3), None, id="an error is no answer"),
    ],
)
def test_external_metric(signal: Signal, there: Counts, wanted: int | None) -> None:
    assert signal.proposal(there) == wanted


def test_default_behaviour_doubles_or_adds_four_and_waits_five_minutes_to_shrink() -> None:
    up = steps(Hpa(DEFAULT, 1, 100), 1, [100, 100, 100, 100])
    down = steps(Hpa(DEFAULT, 1, 100), 10, [10, *[2] * 21])

    assert up == [5, 10, 20, 40]
    assert down == [10] * 20 + [2, 2]


def test_documented_example_of_two_policies_for_shrinking() -> None:
    down = Direction(0, (Rate(By.PODS, 4, 60), Rate(By.PERCENT, 10, 60)))

    result = steps(Hpa(HpaBehavior(down=down), 1, 100), 80, [10] * 14, every_s=61)

    assert result == [72, 64, 57, 51, 45, 40, 36, 32, 28, 24, 20, 16, 12, 10]


def test_kep_853_scales_up_ninefold_a_minute_and_down_one_pod_in_five() -> None:
    up = HpaBehavior(up=Direction(0, (Rate(By.PERCENT, 900, 60),)))
    down = HpaBehavior(down=Direction(0, (Rate(By.PODS, 1, 300),)))

    assert steps(Hpa(up, 1, 2000), 1, [1000] * 3, every_s=60) == [10, 100, 1000]
    assert steps(Hpa(down, 1, 10), 5, [1] * 3, every_s=300) == [4, 3, 2]


def test_several_changes_within_one_period_share_its_allowance() -> None:
    slow = HpaBehavior(up=Direction(0, (Rate(By.PODS, 4, 60),)))

    assert steps(Hpa(slow, 1, 100), 1, [3, 20, 20, 20, 20]) == [3, 5, 5, 5, 7]


def test_a_window_going_up_takes_the_least_of_it() -> None:
    patient = HpaBehavior(up=Direction(30, ALL_AT_ONCE), down=NO_WAIT)

    assert steps(Hpa(patient, 1, 10), 2, [4, 4, 4]) == [2, 2, 4]


@pytest.mark.parametrize(
    ("proposals", "wanted"),
    [
        pytest.param([None, None], 4, id="no metric at all: stays"),
        pytest.param([None, 2], 4, id="one missing and the other less: stays"),
        pytest.param([None, 6], 6, id="one missing and the other more: grows"),
        pytest.param([2, 6], 6, id="the most of several counts"),
    ],
)
def test_missing_metrics(proposals: list[int | None], wanted: int) -> None:
    assert Hpa(HpaBehavior(down=NO_WAIT), 1, 10).step(0, 4, proposals) == wanted


def test_bounds_come_first_and_zero_switches_it_off() -> None:
    assert Hpa(DEFAULT, 2, 8).step(0, 12, [20]) == 8
    assert Hpa(DEFAULT, 2, 8).step(0, 1, [1]) == 2
    assert Hpa(DEFAULT, 1, 8).step(0, 0, [5]) == 0


@given(st.lists(st.none() | st.integers(0, 60), max_size=40), st.integers(1, 20))
def test_never_outside_its_bounds(wishes: list[int | None], current: int) -> None:
    assert all(2 <= replicas <= 15 for replicas in steps(Hpa(DEFAULT, 2, 15), min(max(current, 2), 15), wishes))
