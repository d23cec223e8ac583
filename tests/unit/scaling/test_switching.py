"""What starting and giving up cost is weighed with what replicas cost: nothing is exchanged for less than it takes."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.scaling.scene import NOW
from tests.unit.scaling.test_joint import member, model

from penstock.scaling.experience import Pending
from penstock.scaling.members import Member
from penstock.scaling.model import Model
from penstock.scaling.plan import Plan, plan


def starting(of: Member, startup_s: float) -> Member:
    return of._replace(startup_s=startup_s)


def settled(need_per_s: float, *members: Member, remixed_s_ago: float | None = None) -> Model:
    """Return a model that has needed so much for long, so that replicas may go."""
    calm = model(need_per_s, *members)
    past = calm.past._replace(remixed_at_s=None if remixed_s_ago is None else NOW - remixed_s_ago, idle_since_s=None)
    return calm._replace(may_shed=True, may_sleep=False, held_per_s=need_per_s, past=past)


def goal(of: Plan) -> dict[str, int]:
    return {key.name: number for key, number in of.goal.items()}


def test_a_start_costs_the_time_that_it_takes_and_an_end_the_drain() -> None:
    slow = starting(member("slow", "H100", 5.0, 36.0), 180.0)

    (offer,) = plan(model(5.0, slow)).offers

    assert offer.start_cost == pytest.approx(36.0 * 180 / 1800)  # spread over the half an hour for which it stays
    assert offer.keep_gain == pytest.approx(36.0 * 30 / 1800)


@pytest.mark.parametrize(("startup_s", "expected"), [(60.0, {"slow": 2, "quick": 0}), (600.0, {"slow": 0, "quick": 2})])
def test_who_starts_for_long_is_paid_for_while_it_starts(startup_s: float, expected: dict[str, int]) -> None:
    """By its price alone it would be the cheaper one in both cases."""
    slow, quick = (
        starting(member("slow", "H100", 5.0, 10.0), startup_s),
        starting(member("quick", "A100", 5.0, 12.0), 60.0),
    )

    assert goal(plan(model(10.0, slow, quick))) == expected


@pytest.mark.parametrize(
    ("price", "startup_s", "exchanged"),
    [
        pytest.param(6.5, 60.0, True, id="a third cheaper"),
        pytest.param(8.5, 60.0, True, id="a seventh cheaper"),
        pytest.param(9.0, 60.0, False, id="a tenth, which start and doubt eat up"),
        pytest.param(6.5, 900.0, False, id="a third, and it starts for a quarter of an hour"),
        pytest.param(10.0, 60.0, False, id="not cheaper"),
    ],
)
def test_running_replicas_make_way_for_clearly_cheaper_ones_alone(
    price: float, startup_s: float, exchanged: bool
) -> None:
    runs = member("runs", "H100", 5.0, 10.0, runs=2)
    other = starting(member("other", "A100", 5.0, price), startup_s)

    found = plan(settled(10.0, runs, other))

    assert found.exchanged is exchanged
    assert goal(found) == ({"runs": 0, "other": 2} if exchanged else {"runs": 2, "other": 0})


@pytest.mark.parametrize(
    ("remixed_s_ago", "price", "exchanged"),
    [
        pytest.param(None, 6.0, True, id="the first"),
        pytest.param(300.0, 6.0, False, id="too soon"),
        pytest.param(300.0, 3.0, True, id="soon, and it saves more than it starts"),
        pytest.param(660.0, 6.0, True, id="settled"),
    ],
)
def test_one_exchange_settles_before_the_next_begins(
    remixed_s_ago: float | None, price: float, exchanged: bool
) -> None:
    runs, other = member("runs", "H100", 5.0, 10.0, runs=2), starting(member("other", "A100", 5.0, price), 60.0)

    assert plan(settled(10.0, runs, other, remixed_s_ago=remixed_s_ago)).exchanged is exchanged


@pytest.mark.parametrize(
    ("cheap", "dear", "expected"),
    [
        pytest.param(0.5, 0.03, {"cheap": 0, "dear": 2}, id="many more"),
        pytest.param(0.05, 0.03, {"cheap": 2, "dear": 0}, id="hardly more"),
        pytest.param(1.0, 1.0, {"cheap": 2, "dear": 0}, id="neither can do anything"),
        pytest.param(0.01, 0.0, {"cheap": 0, "dear": 2}, id="the other one meets them"),
    ],
)
def test_who_misses_the_targets_far_more_often_even_when_idle_is_no_bargain(
    cheap: float, dear: float, expected: dict[str, int]
) -> None:
    offered = [
        one._replace(capacity=one.capacity._replace(missed="slo.ttft" if misses else "", missed_ratio=misses))
        for one, misses in ((member("cheap", "L40S", 5.0, 2.0), cheap), (member("dear", "H100", 5.0, 9.0), dear))
    ]

    assert goal(plan(model(10.0, *offered))) == expected


@pytest.mark.parametrize(
    "kept",
    [
        pytest.param({"paused": True}, id="paused"),
        pytest.param({"asleep": True}, id="set to zero by somebody"),
        pytest.param({"max_replicas": 0}, id="none allowed"),
    ],
)
def test_where_the_better_one_may_not_serve_late_answers_are_better_than_none(kept: dict[str, Any]) -> None:
    """Nothing served then: the one that misses the targets when idle was kept at its least number."""
    slow, other = member("slow", "L40S", 5.0, 2.0), member("other", "H100", 5.0, 9.0)
    slow = slow._replace(capacity=slow.capacity._replace(missed="slo.ttft", missed_ratio=0.05))
    paused = replace(other.case.variant, paused="paused" in kept)
    bounds = other.case.terms.bounds._replace(**{name: to for name, to in kept.items() if name != "paused"})
    case = other.case._replace(variant=paused, terms=other.case.terms._replace(bounds=bounds))
    other = other._replace(case=case, fixed="paused" in kept)

    assert goal(plan(model(10.0, slow, other))) == {"slow": 2, "other": 0}


@pytest.mark.parametrize(
    ("most", "expected"),
    [
        pytest.param(None, {"slow": 0, "other": 2}, id="it serves all"),
        pytest.param(1, {"slow": 1, "other": 1}, id="its maximum serves half"),
    ],
)
def test_what_the_better_one_cannot_serve_is_served_late(most: int | None, expected: dict[str, int]) -> None:
    slow, other = member("slow", "L40S", 5.0, 2.0), member("other", "H100", 5.0, 9.0)
    slow = slow._replace(capacity=slow.capacity._replace(missed="slo.ttft", missed_ratio=0.05))
    bounds = other.case.terms.bounds._replace(max_replicas=most)
    other = other._replace(case=other.case._replace(terms=other.case.terms._replace(bounds=bounds)))

    assert goal(plan(model(10.0, slow, other))) == expected


def test_while_the_better_one_finds_no_place_the_other_stands_in() -> None:
    slow, other = member("slow", "L40S", 5.0, 2.0), member("other", "H100", 5.0, 9.0, runs=2)
    slow = slow._replace(capacity=slow.capacity._replace(missed="slo.ttft", missed_ratio=0.05))
    other = other._replace(pending=Pending(stuck=2, late=2))

    assert goal(plan(model(10.0, slow, other))) == {"slow": 2, "other": 0}
