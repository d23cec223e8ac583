"""Zero takes the word of every source that could know: one engine that works on, in silence, keeps its replica.

WVA counted finished requests alone, so that a model in the midst of one long answer was ended with it.
"""

from dataclasses import replace
from typing import Any, TypeVar

import pytest
from tests.unit.scaling.scene import MODEL, NOW, idle_row, known, observe, target, variant

from penstock.domain.catalogue import ModelScope
from penstock.domain.observations import Inflow, PodMetrics, Target
from penstock.domain.readings import ABSENT, Absent, Known, Stale
from penstock.scaling.config import Config
from penstock.scaling.decide import decide
from penstock.scaling.memory import Memory

ONE = variant(min_replicas=0)
SIBLING = variant("sibling", min_replicas=0)
NOTHING = Inflow(waiting=known(0), growth_per_s=known(0), arrivals_per_s=known(0))
ZERO = Config(scale_to_zero=True, idle_before_zero_s=120.0)
RUNS, NOWHERE = target(ONE, 1), target(SIBLING, 0)
T = TypeVar("T", PodMetrics, Inflow)


def numbers(engine: dict[str, Any], here: Target, inflow: Inflow | None, there: Target = NOWHERE) -> list[int | None]:
    """Return what is desired of the one that runs over twenty minutes in which nothing changes."""
    memory, found = Memory(), []
    for step in range(80):
        now_s = NOW + 15.0 * step
        seen = [_as_of(now_s, idle_row(ONE, at_s=now_s), engine)] if here.ready else []
        told = {} if inflow is None else {ModelScope("llm", MODEL): _as_of(now_s, inflow, _readings(inflow))}
        observation = observe(ONE, SIBLING, targets={ONE.key: here, SIBLING.key: there}, seen=seen, now_s=now_s)
        decisions, memory = decide(replace(observation, inflows=told), memory, ZERO)
        found.append(next(one.desired for one in decisions if one.key == ONE.key))
    return found


def _readings(inflow: Inflow) -> dict[str, Any]:
    return {name: getattr(inflow, name) for name in ("waiting", "growth_per_s", "arrivals_per_s")}


def _as_of(now_s: float, of: T, fields: dict[str, Any]) -> T:
    """Return something with these readings in it, those that are known as of now."""
    return replace(
        of, **{name: replace(one, at_s=now_s) if isinstance(one, Known) else one for name, one in fields.items()}
    )


def test_all_of_them_agree() -> None:
    found = numbers({}, RUNS, NOTHING)

    assert found[:8] == [1] * 8
    assert found[-1] == 0


@pytest.mark.parametrize(
    ("engine", "here", "inflow"),
    [
        pytest.param({"running": known(1)}, RUNS, NOTHING, id="one long answer"),
        pytest.param({"waiting": known(1)}, RUNS, NOTHING, id="one waits in the engine"),
        pytest.param({"completed_per_s": known(0.1)}, RUNS, NOTHING, id="requests end in the engine"),
        pytest.param({"running": ABSENT}, RUNS, NOTHING, id="the engine does not tell what runs"),
        pytest.param({"running": Absent("value is nan", impossible=True)}, RUNS, NOTHING, id="what runs is no number"),
        pytest.param({"sampled_at_s": NOW - 900.0}, RUNS, NOTHING, id="the engine was silent for long"),
        pytest.param({}, target(ONE, 2), NOTHING, id="one of two engines is not seen"),
        pytest.param({}, RUNS, replace(NOTHING, waiting=known(1)), id="one waits in the router"),
        pytest.param({}, RUNS, replace(NOTHING, arrivals_per_s=known(0.1)), id="some arrive"),
        pytest.param({}, RUNS, replace(NOTHING, arrivals_per_s=ABSENT), id="the router does not tell what arrives"),
        pytest.param({}, RUNS, replace(NOTHING, waiting=Stale(0.0, NOW - 900)), id="the router's word is old"),
        pytest.param({}, RUNS, None, id="no router"),
    ],
)
@pytest.mark.unmeasured
def test_one_that_does_not_keeps_the_last_replica(engine: dict[str, Any], here: Target, inflow: Inflow | None) -> None:
    found = numbers(engine, here, inflow)

    assert 0 not in found


def test_one_that_starts_is_waited_for() -> None:
    """Somebody wants it; what takes three times as long as a start may take is another matter."""
    own = numbers({}, target(ONE, 1, ready=0, starting=1), NOTHING)
    other = numbers({}, RUNS, NOTHING, target(SIBLING, 1, ready=0, starting=1))

    assert 0 not in own[:36]
    assert 0 not in other[:36]
