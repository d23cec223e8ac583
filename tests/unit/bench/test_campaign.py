"""The whole comparison with made-up outcomes: its stages, its verdicts, its targets and its report."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from tests.unit.bench.made import findings, job, outcome, played, row
from tests.unit.bench.test_runner import Heard

from penstock.bench.campaign import Findings, campaign
from penstock.bench.jobs import OURS, Outcome
from penstock.bench.plans import Plan, full, quick
from penstock.bench.runner import Runner
from penstock.bench.targets import Target, targets
from penstock.bench.verdicts import Result, lines, verdict
from penstock.domain.errors import InvalidField
from penstock.report.study import SWEPT
from penstock.report.studyfiles import write
from penstock.wiring.benchreport import study

PLAN = Plan(workloads=("W6", "W7"), rivals=("B0", "B8", "B15"), seeds=3, spread=1, rounds=2, steps=3, quick=True)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[Findings, ...]:
    runner = Runner(tmp_path_factory.mktemp("bench") / "runs.jsonl", None, Heard(), workers=1)
    runner.play = played
    return campaign(PLAN, runner, None)


def test_every_rival_is_tried_at_its_defaults_in_every_shape_and_further(found: tuple[Findings, ...]) -> None:
    ramp, step = found

    assert {(one.job.policy, one.job.shape) for one in ramp.swept if not one.job.knobs} == {
        ("B0", "h100-tp2"), ("B8", "h100-tp2"), ("B15", "h100-tp2"),
    }  # fmt: skip
    shapes = {(one.job.policy, one.job.shape) for one in step.swept if not one.job.knobs}
    assert {("B0", "l40s"), ("B8", "h100"), ("B8", "split"), ("B15", "mix")} <= shapes
    tried = [one for one in step.swept if one.job.knobs]
    assert len(shapes) < len(tried) <= len(shapes) + PLAN.rounds * (PLAN.steps + 1)
    still = [one.job for one in step.swept if one.job.policy == "B0"]
    assert {job.shape: sum(one.shape == job.shape for one in still) for job in still} == {
        "l40s": 2, "h100": 2, "mix": 2 + PLAN.rounds,
    }  # fmt: skip
    assert all(one.job.seed == 0 for one in step.swept)


def test_ours_bounds_and_chosen_points_run_on_every_seed(found: tuple[Findings, ...]) -> None:
    for one in found:
        assert [row.job.seed for row in one.ours] == [row.job.seed for row in one.bounds] == [0, 1, 2]
        assert all([each.job.seed for each in row] == [0, 1, 2] for row in one.finals)
        assert {row[0].job.policy for row in one.finals} == {"B0", "B8", "B15"}


def test_a_plan_can_be_narrowed() -> None:
    assert full().only("w3", (), None).workloads == ("W3-rising", "W3-falling", "W3-spike")
    assert full().only("W1", ("b8",), 7) == dataclasses.replace(full(), workloads=("W1",), rivals=("B8",), seeds=7)
    with pytest.raises(InvalidField, match="W3-spike"):
        quick().only("W11", (), None)


@pytest.mark.parametrize(("finals", "result", "policy"), [
    pytest.param([row("B8", 0.999, 12.0), row("B7", 0.9, 2.0)], Result.WON, "B8", id="cheaper than who does as well"),
    pytest.param([row("B8", 0.9945, 8.0), row("B7", 0.999, 9.0)], Result.LOST, "B8", id="equal within 0.2 points"),
    pytest.param([row("B8", 0.999, 12.0), row("B0", 0.999, 2.0)], Result.WON, "B8", id="static is known beforehand"),
    pytest.param([row("B8", 0.999, 10.0)], Result.EVEN, "B8", id="the same"),
    pytest.param([row("B8", 0.98, 1.0)], Result.ALONE, "", id="nobody reaches it"),
])  # fmt: skip
def test_who_won(finals: list[tuple[Outcome, ...]], result: Result, policy: str) -> None:
    one = verdict(findings(*finals))

    assert one.result is result
    assert (one.rival.job.policy if one.rival else "") == policy
    assert one.above_bound == pytest.approx(10.1 / 9.1 - 1)


def test_where_ours_misses_the_level_rivals_are_held_to_ours() -> None:
    one = verdict(findings(row("B8", 0.95, 12.0), row("B7", 0.999, 14.0), attainment=0.95))

    assert (one.result, one.rival and one.rival.job.policy, one.reached) == (Result.WON, "B8", False)


def test_a_line_says_it_all() -> None:
    said = lines([
        verdict(findings(row("B8", 0.999, 12.5))),
        verdict(findings(row("B8", 0.999, 8.0), workload="W10")),
        verdict(findings(row("B8", 0.5, 8.0), workload="W2")),
    ])  # fmt: skip

    assert said[0] == "W1   ours, default   99.9 % met   10.10/h   -20 % [-20, -20]  against the best tuned rival"
    assert said[1].startswith("W10  ours, default   99.9 % met   10.10/h   +25 % [+24, +25]  LOST to ")
    assert said[2].endswith("no tuned rival comes to 99.5 %")


def with_(**changes: object) -> Callable[[Outcome], Outcome]:
    return lambda one: dataclasses.replace(one, **changes)  # type: ignore[arg-type] # by name


def bursts(*finals: tuple[Outcome, ...]) -> Findings:
    return findings(*finals, workload="W2", level=0.98, attainment=0.985)


def alone(policy: str, attainment: float, usd_per_h: float) -> tuple[Outcome, ...]:
    return row(policy, attainment, usd_per_h, shape="l40s")


# B0 stands still and B7 comes close: nobody reaches 99.5 %
UNABLE: Final = (alone("B0", 0.999, 1.0), alone("B7", 0.98, 1.0), row("B15", 0.98, 1.0))


def goal(code: str, *known: Findings) -> Target:
    return next(one for one in targets(known) if one.code == code)


@pytest.mark.parametrize(("code", "known", "met"), [
    pytest.param("G1", findings(alone("B7", 0.999, 14.0), row("B15", 0.999, 13.0)), True, id="G1"),
    pytest.param("G1", findings(alone("B7", 0.999, 12.0)), False, id="G1 too dear"),
    pytest.param("G1", findings(*UNABLE), True, id="G1 nobody else reaches it"),
    pytest.param("G1", findings(*UNABLE, attainment=0.99), False, id="G1 nor do we"),
    pytest.param("G1", findings(alone("B7", 0.999, 14.0)), None, id="G1 without WVA"),
    pytest.param("G3", bursts(alone("B0", 0.999, 1.0)), None, id="G3 against nobody"),
    pytest.param("G7", findings(row("B0", 0.999, 10.0)), None, id="G7 against nobody"),
    pytest.param("G1", findings(row("B16", 0.998, 12.0)), False, id="G1 against WVA"),
    pytest.param("G1", findings(attainment=0.99), False, id="G1 attainment"),
    pytest.param("G2", findings(bound=9.0), True, id="G2"),
    pytest.param("G2", findings(bound=8.0), False, id="G2 too far above"),
    pytest.param("G3", bursts(row("B7", 0.985, 10.5)), True, id="G3"),
    pytest.param("G3", bursts(row("B7", 0.985, 9.5)), False, id="G3 dearer"),
    pytest.param("G4", findings(workload="W6", edit=with_(mean_replicas=5.5)), True, id="G4"),
    pytest.param("G4", findings(workload="W6", edit=with_(mean_replicas=5.9)), False, id="G4 more"),
    pytest.param("G5", findings(workload="W10", edit=with_(parts=(1.0,) * 5 + (0.995,) * 5)), True, id="G5"),
    pytest.param("G5", findings(workload="W10", edit=with_(parts=(1.0, None, 0.98, 0.98))), False, id="G5 lost"),
    pytest.param("G6", findings(workload="W9", edit=with_(facts={"blind_dip": 0.0, "spill_s": 30.0})), True, id="G6"),
    pytest.param("G6", findings(workload="W9", edit=with_(facts={"blind_dip": -1.0})), False, id="G6 blind"),
    pytest.param("G6", findings(workload="W9", edit=with_(killed=2)), False, id="G6 killed"),
    pytest.param("G6", findings(workload="W9", edit=with_(facts={"spill_s": 61.0})), False, id="G6 late"),
    pytest.param("G6", findings(workload="W9", edit=with_(facts={"blind_dip": 0.0})), None, id="G6 without a spill"),
    pytest.param("G6", findings(workload="W9", edit=with_(facts={"spill_s": 30.0})), None, id="G6 never blind"),
    pytest.param("G9", findings(edit=with_(facts={"passes": 40.0, "passes_differing": 0.0})), True, id="G9"),
    pytest.param("G9", findings(edit=with_(facts={"passes": 40.0, "passes_differing": 1.0})), False, id="G9 differs"),
    pytest.param("G7", findings(row("B8", 0.99, 5.0), row("B0", 0.999, 10.0)), True, id="G7 nobody near"),
    pytest.param("G7", findings(row("B8", 0.999, 10.5), edit=with_(scale_events=9)), False, id="G7 restless"),
    pytest.param("G7", findings(row("B7", 0.99, 5.0), workload="W3-rising"), None, id="G7 without KPA"),
])  # fmt: skip
def test_a_target_is_met_or_not(code: str, known: Findings, met: bool | None) -> None:
    assert goal(code, known).met is met


@pytest.mark.parametrize(("known", "told", "said"), [
    pytest.param(
        findings(*UNABLE), "G1 met",
        "W1: no reactive law on one variant reaches 99.5 % at any of 1 points tried, to compare money with; the best "
        "(B7 on l40s) 98.00 %: beaten by reaching it",
        id="nobody else reaches the level",
    ),
    pytest.param(
        findings(*UNABLE, attainment=0.99), "G1 missed by 0.5 points",
        "W1: no reactive law on one variant reaches 99.5 % at any of 1 points tried, to compare money with; the best "
        "(B7 on l40s) 98.00 %, and neither do we",
        id="nobody at all does",
    ),
    pytest.param(
        findings(alone("B7", 0.999, 14.0)), "G1 open: not all was run",
        "W1: nothing to compare with: no WVA on the mix was run",
        id="a rival was not run",
    ),
])  # fmt: skip
def test_a_missing_comparison_is_told(known: Findings, told: str, said: str) -> None:
    found = goal("G1", known)

    assert found.told() == told
    assert said in [one.text for one in found.checks]


def test_a_quarter_of_knatives_events_is_the_most() -> None:
    def busy(events: int) -> tuple[Outcome, ...]:
        return tuple(dataclasses.replace(one, scale_events=events) for one in row("B8", 0.9, 30.0, workload="W3-spike"))

    def ours(one: Outcome) -> Outcome:
        return dataclasses.replace(one, scale_events=10)

    assert goal("G7", findings(busy(40), workload="W3-spike", edit=ours)).met
    assert goal("G7", findings(busy(36), workload="W3-spike", edit=ours)).told() == "G7 missed by 1 scale events"


def test_what_was_not_run_is_neither_met_nor_missed() -> None:
    assert goal("G4", findings()).met is None
    assert goal("G4", findings()).told() == "G4 not run"
    assert goal("G2", findings(bound=8.0)).told() == "G2 missed by 4.69 % of the bound"


def test_the_report_stands_alone_and_escapes_what_it_is_given(found: tuple[Findings, ...], tmp_path: Path) -> None:
    hostile = findings(row("B8", 0.999, 8.0), row("B7", 0.9, 300.0))
    verdicts = [verdict(one) for one in (*found, hostile)]

    page, text, data = write(study(verdicts, targets([*found, hostile]), quick=True), tmp_path)

    html = page.read_text()
    assert "<made>" not in html
    assert "<script" not in html
    assert "http" not in html.replace("http-equiv", "")
    assert html.index("Lost, even") < html.index(">Won<")
    assert html.count("<svg") == 2 * len(verdicts)
    assert " dearer, not drawn" in html
    assert "\\<made\\>" in text.read_text()
    body = json.loads(data.read_text())
    assert {one["name"]: one["result"] for one in body["workloads"]}["W1"] == "lost"
    assert all(one["runs"] for one in body["workloads"])


def test_the_report_tells_over_what_rivals_were_tuned(found: tuple[Findings, ...], tmp_path: Path) -> None:
    page, text, data = write(study(list(map(verdict, found)), targets(found), quick=True), tmp_path)

    said = (
        "Swept over target 8, 12, 16, 24, 32, 48, 64, 96, 100 "
        "(beside the default, on L40S 8, 12, 16, 24, on H100 32, 48, 64, 96)"
    )
    assert f"<details><summary><b>B8 Knative KPA</b> <span>{said}" in page.read_text()
    assert f"### B8 Knative KPA\n\n{said}" in text.read_text()
    assert (
        "<b>B0 static</b> <span>Swept over more -28 to 24; defaults: replicas 0, minute 0.99, load 0.9, more 0.<"
        in (page.read_text())
    )
    swept = json.loads(data.read_text())["rivals"]
    kpa = next(one for one in swept if one["code"] == "B8")
    assert [one["code"] for one in swept] == ["B0", "B8", "B15"]
    assert (kpa["defaults"], kpa["grid"]["delay_s"]) == ({"target": 100, "delay_s": 0}, [0, 300])
    for one, where in zip(found, kpa["workloads"], strict=True):
        mine = [row for row in one.swept if row.job.policy == "B8"]
        assert sum(shape["tried"] for shape in where["shapes"].values()) == len(mine)
        assert all(shape["tried"] <= shape["points"] for shape in where["shapes"].values())
        reached = [row.usd_per_h for row in mine if row.attainment >= one.bar]
        assert where["seeds"] == 3
        assert where["best"]["knobs"] in [dict(row.job.knobs) for row in mine if row.usd_per_h == min(reached)]


@pytest.mark.parametrize(("met", "won"), [(0.999, "1 of 1"), (0.98, "0 of 1")], ids=["as wanted", "below the level"])
def test_who_is_below_the_level_has_won_nothing(met: float, won: str) -> None:
    known = findings(row("B8", met, 12.0), attainment=met)

    told = study([verdict(known)], targets([known]), quick=True)

    assert next(fact.value for fact in told.facts if fact.label == "workloads won") == won


def test_what_runs_took_is_told_of_those_that_were_taken_over_as_well() -> None:
    known = findings(row("B8", 0.999, 12.0), edit=with_(took_s=40.0))  # ours on three seeds

    told = study([verdict(known)], targets([known]), quick=True)

    assert told.facts[-1].note == "in 2.0 min of processor time"
    assert told.data["processor_s"] == 120.0


@pytest.mark.parametrize(("finals", "swept", "said"), [
    pytest.param([], [], "The best fleet that never changes: not run.", id="not run"),
    pytest.param(
        [row("B0", 0.999, 9.0)], [], "The best fleet that never changes, as the first seed tells beforehand: "
        "2 l40s (B0 on the mix, defaults), 99.9 % for 9.10 an hour on all seeds.",
        id="the one for the peak",
    ),
    pytest.param(
        [row("B0", 0.999, 9.0, more=-1.0)],
        [outcome(job("B0"), 1.0, 11.0), outcome(job("B0", shape="h100"), 1.0, 15.0)],
        "The best fleet that never changes, as the first seed tells beforehand: 2 l40s (B0 on the mix, more -1), 99.9 "
        "% for 9.10 an hour on all seeds; made for the peak: 2 l40s (B0 on the mix, defaults), 100.0 % for 11.00 an "
        "hour on the first.",
        id="another one",
    ),
])  # fmt: skip
def test_fleets_that_never_change_are_told(finals: list[tuple[Outcome, ...]], swept: list[Outcome], said: str) -> None:
    known = findings(*finals)
    known = dataclasses.replace(known, swept=(*known.swept, *swept))

    told = study([verdict(known)], targets([known]), quick=True)

    assert told.panels[0].notes[-1] == said


def test_a_fleet_that_never_changes_is_drawn_and_covers_nothing_for_rivals() -> None:
    rivals, still = [row("B8", 0.999, 12.0), row("B7", 0.9, 11.0)], row("B0", 0.999, 5.0, more=-1.0)

    told = [study([verdict(one)], targets([one]), quick=True).panels[0] for one in (
        findings(*rivals), findings(*rivals, still),
    )]  # fmt: skip

    assert told[0].notes[3] == told[1].notes[3]
    assert {point.name: point.kind for point in told[1].points if point.name} == {
        "B8": "best", "B7": "best", "B0": "still", "ours": "ours",
    }  # fmt: skip


def test_where_nothing_was_tuned_no_report_has_a_heading_for_it(tmp_path: Path) -> None:
    known = findings(row("B8", 0.999, 12.0))

    page, text, _ = write(study([verdict(known)], targets([known]), quick=True), tmp_path)

    assert SWEPT not in page.read_text()
    assert SWEPT not in text.read_text()


def test_an_outcome_without_seeds_of_its_own_is_compared_on_those_it_has() -> None:
    swept = outcome(job("B7", shape="l40s", up=0.7), 0.999, 8.0)
    known = dataclasses.replace(findings(), swept=(swept,))

    told = [one.text for one in goal("G1", known).checks]

    assert any("+25.0 % money" in text and "1 seeds" in text for text in told)
    assert known.ours[0].job.policy == OURS
