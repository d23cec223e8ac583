"""Workloads: what is said of their traffic holds, recordings are read where they are, and a seed settles everything."""

import gzip
import itertools
import json
import math
import random
import statistics
from pathlib import Path

import pytest

from penstock.domain.errors import InvalidField
from penstock.engine.capacity import capacity
from penstock.sim import laws, recordings, traces, traffics
from penstock.sim.fleets import chat_fleet
from penstock.sim.recordings import Family
from penstock.sim.scene import CHAT, Scene
from penstock.sim.traces import Arrival, mean_lengths
from penstock.sim.workloads import PLANS, workload

CLIENT_ROWS = "".join(f"{row * 600},{rate},1.0,{family},{shape},9\n" for row, (rate, family, shape) in enumerate(
    [(0.5, "Gamma", 0.8), (0, "", 0), (0.2, "Weibull", 0.4), (0.1, "", 0)] * 400
))  # fmt: skip


STEADY = [Arrival(at_s=number / 20, input_tokens=1155, output_tokens=211) for number in range(2400)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    azure = "TIMESTAMP,ContextTokens,GeneratedTokens\n" + "".join(
        f"2023-11-16 18:{minute:02d}:{second:02d}.0000000,{100 + second},{10 + minute}\n"
        for minute in range(20)
        for second in range(0, 60, 3)
    )
    moon = "".join(
        json.dumps({"timestamp": at * 3000, "input_length": 5000 + at, "output_length": 300, "hash_ids": [1]}) + "\n"
        for at in range(300)
    )
    files = {traces.AZURE_CONV: azure, traffics.AZURE_CODE: azure, traffics.MOONCAKE: moon} | {
        f"servegen-m-large-client-{number}.csv.gz": CLIENT_ROWS for number in traffics.CLIENTS
    }
    for name, text in files.items():
        with gzip.open(tmp_path / name, "wt") as file:
            file.write(text)
    return tmp_path


def rate_of(arrivals: list[Arrival], length_s: float) -> float:
    return len(arrivals) / length_s


@pytest.mark.parametrize("name", ["W1", "W2", "W3-spike", "W5", "W6", "W7", "W8"])
@pytest.mark.unmeasured
def test_a_workload_stands_without_recordings_and_says_so(name: str) -> None:
    made = workload(name, 3, None, quick=True)

    assert made.arrivals
    assert [one.at_s for one in made.arrivals] == sorted(one.at_s for one in made.arrivals)
    assert 0 <= made.arrivals[0].at_s <= made.arrivals[-1].at_s <= made.scene.length_s <= 1800
    assert "made up" in made.credit or name in {"W6", "W7"}
    assert set(made.alone) == {spec.name for spec in made.scene.variants}
    assert all(sum(spec.initial for spec in scene.variants) for scene in (made.scene, *made.alone.values()))


@pytest.mark.parametrize("name", ["W1", "W2", "W3-spike", "W5", "W8", "W10"])
def test_recordings_are_played_where_they_are_at_hand(name: str, folder: Path) -> None:
    made = workload(name, 0, folder)

    assert "made up" not in made.credit
    assert "Apache-2.0" in made.credit or "CC-BY-4.0" in made.credit


def test_a_seed_settles_everything_and_another_one_changes_it(folder: Path) -> None:
    once, again, other = (workload(name, seed, folder, quick=True) for name, seed in
                          [("W3-rising", 1), ("W3-rising", 1), ("W3-rising", 2)])  # fmt: skip

    assert once == again
    assert once.arrivals != other.arrivals


def test_copies_of_a_recording_are_all_there_and_rotated(folder: Path) -> None:
    made = workload("W1", 0, folder)
    recorded = traces.read(folder / traces.AZURE_CONV)

    assert len(made.arrivals) == 4 * len(recorded)
    assert sorted(one.input_tokens for one in made.arrivals) == sorted(4 * [one.input_tokens for one in recorded])
    assert len({round(one.at_s, 3) for one in made.arrivals}) > 3 * len(recorded)


def test_a_client_sends_what_its_rows_counted(folder: Path) -> None:
    rows = recordings.servegen(folder / "servegen-m-large-client-1.csv.gz")

    times = list(recordings.drawn_times(rows[:4], random.Random(1)))

    assert [sum(600 * row <= at_s < 600 * (row + 1) for at_s in times) for row in range(4)] == [300, 0, 120, 60]


@pytest.mark.parametrize(("shape", "family"), [(0.25, "Gamma"), (0.5, "Weibull")])
@pytest.mark.unmeasured
def test_gaps_have_the_variation_of_their_family(shape: float, family: str) -> None:
    row = recordings.Row(per_s=100.0, family=Family(family), shape=shape)
    known = {
        "Gamma": 1 / math.sqrt(shape),
        "Weibull": math.sqrt(math.gamma(1 + 2 / shape) / math.gamma(1 + 1 / shape) ** 2 - 1),
    }

    times = list(recordings.drawn_times([row], random.Random(2)))

    gaps = [after - before for before, after in itertools.pairwise(times)]
    assert statistics.pstdev(gaps) / statistics.mean(gaps) == pytest.approx(known[family], rel=0.08)


@pytest.mark.unmeasured
def test_long_answers_have_the_lengths_that_are_told() -> None:
    made = traffics.reasoning(1, None)

    outputs = sorted(one.output_tokens for one in made.arrivals)
    assert statistics.mean(one.input_tokens for one in made.arrivals) == pytest.approx(600, rel=0.03)
    assert statistics.mean(outputs) == pytest.approx(1500, rel=0.03)
    assert outputs[int(0.95 * len(outputs))] == pytest.approx(6000, rel=0.05)
    assert rate_of(list(made.arrivals), made.length_s) == pytest.approx(16, rel=0.05)


@pytest.mark.unmeasured
def test_long_answers_come_in_clumps_and_swing_as_told() -> None:
    made = traffics.reasoning(1, None)

    times = [one.at_s for one in made.arrivals]
    counts = [sum(900 * part <= at_s < 900 * (part + 1) for at_s in times) / 900 for part in range(6)]
    assert min(counts) == pytest.approx(16 * 0.5, rel=0.1), "the mean of the lowest sixth of 1 - 0.6 cos"
    assert max(counts) == pytest.approx(16 * 1.5, rel=0.1)
    swing = laws.swing(16.0, 0.6, made.length_s)
    gaps = [(after - before) * swing(before) for before, after in itertools.pairwise(times)]  # at a rate of one
    assert statistics.mean(gaps) == pytest.approx(1.0, rel=0.02)
    assert statistics.pstdev(gaps) == pytest.approx(1.5, rel=0.03)


def test_lengths_drift_at_half_time_and_arrivals_do_not(folder: Path) -> None:
    before, after = traffics.conversation(0, folder), traffics.drift(0, folder)

    assert [one.at_s for one in before.arrivals] == [one.at_s for one in after.arrivals]
    half = sum(one.at_s < after.length_s / 2 for one in after.arrivals)
    assert list(after.arrivals[:half]) == list(before.arrivals[:half])
    assert list(after.arrivals[half:]) != list(before.arrivals[half:])


@pytest.mark.parametrize("scene", [
    chat_fleet().mix(STEADY, 600.0, CHAT), chat_fleet().single(STEADY, 600.0, CHAT, "l40s"),
], ids=["mix", "single"])  # fmt: skip
def test_a_fleet_begins_with_just_enough_for_its_first_requests(scene: Scene) -> None:
    served = {spec.name: 0.9 * capacity(spec.shape, mean_lengths(STEADY), CHAT).per_s for spec in scene.variants}

    total = sum(spec.initial * served[spec.name] for spec in scene.variants)

    assert total >= 20.0
    assert all(total - served[spec.name] < 20.0 for spec in scene.variants if spec.initial)


def test_a_variant_alone_has_a_quota_of_its_own_and_never_vanishes() -> None:
    single = chat_fleet().single(STEADY, 600.0, CHAT, "l40s")

    assert [(spec.name, spec.max_replicas, spec.min_replicas) for spec in single.variants] == [("l40s", 20, 1)]


@pytest.mark.unmeasured
def test_what_befalls_a_variant_befalls_the_only_one() -> None:
    made = workload("W9", 0, None)

    assert {fault.kind: fault.variant for fault in made.alone["h100"].faults}["out-of-stock"] == "h100"
    assert {fault.kind for fault in made.scene.faults} == {fault.kind for fault in PLANS["W9"].faults}
    assert len({fault.kind for fault in made.scene.faults}) == 5


def test_an_unknown_workload_is_told_the_known_ones() -> None:
    with pytest.raises(InvalidField, match="W3-spike"):
        workload("W99", 0, None)


@pytest.mark.parametrize(
    ("name", "text", "field"),
    [
        pytest.param("c.csv", "0,1,1,Gamma,1\n", "c.csv:1", id="a column short"),
        pytest.param("c.csv", "0,1,1,Pareto,1,1\n", "c.csv:1", id="another family"),
        pytest.param("c.csv", "0,much,1,Gamma,1,1\n", "c.csv:1", id="no number"),
    ],
)
def test_a_client_file_that_is_none_is_told_by_line(tmp_path: Path, name: str, text: str, field: str) -> None:
    (tmp_path / name).write_text(text)

    with pytest.raises(InvalidField) as told:
        recordings.servegen(tmp_path / name)

    assert told.value.field == field


@pytest.mark.parametrize("line", ["no json", "{}", '{"timestamp": "x", "input_length": 1, "output_length": 1}', "3"])
def test_a_request_that_is_none_is_told_by_line(tmp_path: Path, line: str) -> None:
    (tmp_path / "m.jsonl").write_text(line)

    with pytest.raises(InvalidField) as told:
        recordings.mooncake(tmp_path / "m.jsonl")

    assert told.value.field == "m.jsonl:1"


@pytest.mark.parametrize("read", [recordings.servegen, recordings.mooncake])
def test_a_recording_that_is_not_there_is_told(tmp_path: Path, read: object) -> None:
    assert callable(read)

    with pytest.raises(InvalidField, match="readable"):
        read(tmp_path / "none.gz")


def test_a_rate_in_stages_holds_its_last_one() -> None:
    rate = laws.stages([(10.0, 1.0), (10.0, 5.0)])

    assert [rate(at_s) for at_s in (0.0, 9.9, 10.0, 25.0)] == [1.0, 1.0, 5.0, 5.0]


def test_a_swinging_poisson_process_has_its_mean() -> None:
    rate = laws.swing(20.0, 0.6, 100.0)

    times = list(laws.poisson(rate, 32.0, 1000.0, random.Random(1)))

    assert len(times) / 1000 == pytest.approx(20, rel=0.03)
    assert sum(at_s % 100 < 10 for at_s in times) < sum(45 <= at_s % 100 < 55 for at_s in times) / 2
