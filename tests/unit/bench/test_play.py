"""Playing a job: the scene it asks for, and what is kept of a run."""

import dataclasses

import pytest
from tests.unit.bench.made import job

from penstock.bench.jobs import BOUND, OURS, QUOTA
from penstock.bench.play import INSTANTS, PARTS, outcome, play, policy_of, scene_of, shapes_of
from penstock.domain.errors import InvalidField
from penstock.engine.steptime import GPUS
from penstock.sim.run import run
from penstock.sim.scene import Fault, Scene, VariantSpec
from penstock.sim.traces import Arrival
from penstock.sim.workloads import Workload

VARIANTS = (
    VariantSpec(name="l40s", accelerator="L40S", cost=GPUS["L40S"], usd_per_h=2.0, max_replicas=4, initial=2),
    VariantSpec(name="h100", accelerator="H100", cost=GPUS["H100"], usd_per_h=8.0, max_replicas=2, initial=0),
)
ARRIVALS = tuple(Arrival(at_s=float(second), input_tokens=100, output_tokens=20) for second in range(60))


def scene(**rest: object) -> Scene:
    return dataclasses.replace(Scene(model="m", variants=VARIANTS, length_s=60.0), **rest)  # type: ignore[arg-type] # by name


def made(**rest: object) -> Workload:
    mix = scene(**rest)
    alone = {spec.name: dataclasses.replace(mix, variants=(spec,)) for spec in VARIANTS}
    return Workload(name="W1", title="", credit="", law="", level=0.99, scene=mix, alone=alone, arrivals=ARRIVALS)


def initial(one: Scene) -> dict[str, tuple[int, int]]:
    return {spec.name: (spec.initial, spec.min_replicas) for spec in one.variants}


def test_a_job_is_played_on_the_scene_it_names() -> None:
    assert initial(scene_of(job(), made())) == {"l40s": (2, 0), "h100": (0, 0)}
    assert initial(scene_of(job("B8", shape="l40s"), made())) == {"l40s": (2, 0)}
    assert initial(scene_of(job("B8", shape="split"), made())) == {"l40s": (2, 1), "h100": (1, 1)}
    assert initial(scene_of(job("B8", shape="split"), made(idle_before_zero_s=60.0))) == {
        "l40s": (2, 0),
        "h100": (0, 0),
    }


def test_the_quota_is_there_from_the_start_and_suffers_nothing() -> None:
    found = scene_of(job(QUOTA), made(faults=(Fault(kind="crash", from_s=1.0, until_s=1.0, variant="l40s"),)))

    assert initial(found) == {"l40s": (4, 0), "h100": (2, 0)}
    assert found.faults == ()


@pytest.mark.unmeasured
def test_a_fleet_that_never_changes_is_there_from_the_start() -> None:
    found = play(dataclasses.replace(job("B0", workload="W7", shape="h100", replicas=5.0), quick=True), None)

    assert set(found.ready["h100"]) == {5}
    assert found.scale_events == 0


def test_a_run_is_kept_with_what_is_compared() -> None:
    found = outcome(job(QUOTA), scene(), run(scene(), ARRIVALS, policy_of(job(QUOTA), scene(), ARRIVALS), 0))

    assert (found.requests, found.attainment, found.killed) == (60, 1.0, 0)
    assert found.usd_per_h == pytest.approx(4.0)
    assert found.parts == (1.0,) * PARTS
    assert found.ready == {"l40s": (2,) * (INSTANTS + 1), "h100": (0,) * (INSTANTS + 1)}
    assert found.ttft_p50_s is not None
    assert found.ttft_p99_s is not None
    assert found.ttft_p50_s <= found.ttft_p99_s


def test_faults_are_measured_by_what_was_wished_for() -> None:
    one = scene(faults=(Fault(kind="metrics-gone", from_s=10.0, until_s=20.0),))
    result = dataclasses.replace(
        run(one, ARRIVALS, policy_of(job(QUOTA), one, ARRIVALS), 0),
        timeline={
            "l40s": ((0.0, 2, 2, 2), (15.0, 1, 1, 1), (25.0, 3, 3, 1), (40.0, 4, 4, 1)),
            "h100": ((0.0, 0, 0, 0), (30.0, 1, 1, 0)),
        },
    )

    found = outcome(job(), one, result)

    assert found.facts == {"blind_dip": -1.0}
    assert found.ready["l40s"][0] == 2
    assert found.ready["l40s"][-1] == 1


def test_policies_are_found_by_number() -> None:
    assert type(policy_of(job(OURS), scene(), ARRIVALS)).__name__ == "Ours"
    assert policy_of(job("B8", shape="l40s", target=16.0), scene().only("l40s"), ARRIVALS).tick_s == 2.0
    with pytest.raises(InvalidField, match="B8"):
        policy_of(job("B99"), scene(), ARRIVALS)


def test_a_rival_is_run_in_every_shape_that_it_can_take() -> None:
    assert shapes_of("B8", made()) == ("l40s", "h100", "split")
    assert shapes_of("B15", made())[-1] == "mix"


def test_every_pass_of_a_quick_run_of_ours_is_decided_again() -> None:
    found = play(dataclasses.replace(job(OURS, workload="W7"), quick=True), None)

    assert (found.facts["passes"] or 0) > 40
    assert (found.facts["passes_differing"], found.facts["changes_unexplained"]) == (0, 0)


def test_bounds_are_told_with_the_free_one_beside() -> None:
    found = play(dataclasses.replace(job(BOUND, workload="W7"), quick=True), None)

    assert 0 < (found.facts["free_usd_per_h"] or 0) <= found.usd_per_h
    assert found.took_s > 0


def test_a_quick_job_is_played_whole() -> None:
    found = play(dataclasses.replace(job(QUOTA, workload="W7"), quick=True), None)

    assert found.attainment > 0.99
    assert found.requests > 1000
