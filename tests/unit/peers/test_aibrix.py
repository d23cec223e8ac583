"""AIBrix: APA's formula, and every defect of its KPA that B10 keeps."""

import pytest
from tests.unit.peers.looks import busy, counts, look, scene, spec

from penstock.peers.aibrix import Apa, KpaAsCoded
from penstock.sim.policies import Counts

SCENE = scene(spec(most=20))


def ask(policy: Apa | KpaAsCoded, now_s: float, there: Counts, kv: float | None) -> int:
    rows = [] if kv is None else [busy(f"p{index}", running=1, kv=kv) for index in range(there.ready)]
    return policy.decide(look(now_s, {"l40s": there}, rows={"l40s": rows}))["l40s"]


@pytest.mark.parametrize(
    ("kv", "there", "wanted"),
    [
        pytest.param(0.8, counts(5), 8, id="upstream test: n · use ÷ target"),
        pytest.param(0.54, counts(5), 5, id="within the tolerance"),
        pytest.param(1.0, counts(1, starting=9), 10, id="those that start count as idle: no more"),
        pytest.param(1.9, counts(4), 8, id="at most doubled"),
        pytest.param(1.0, counts(6, starting=2), 12, id="six at twice the target"),
        pytest.param(0.01, counts(8), 4, id="at most halved"),
        pytest.param(0.25, counts(2, starting=4), 5, id="those that start count as at their target"),
    ],
)
def test_apa_in_one_step(kv: float, there: Counts, wanted: int) -> None:
    assert ask(Apa(SCENE, kv=0.5), 0, there, kv) == wanted


def test_apa_shrinks_only_after_five_minutes_of_lower_wishes() -> None:
    law = Apa(SCENE, kv=0.5)
    ask(law, 0, counts(8), 0.5)

    seen = [ask(law, tick * 10, counts(8), 0.2) for tick in range(1, 60)]

    assert seen[:29] == [8] * 29
    assert seen[-1] < 8


def test_apa_holds_without_series() -> None:
    law = Apa(SCENE, kv=0.5)

    assert ask(law, 0, counts(4), None) == 4
    assert ask(law, 10, counts(4), 0.5) == 4


def test_kpa_does_not_grow_with_the_fleet() -> None:
    """Eight full pods want no more than one full pod does: the average is not multiplied by their number."""
    one, eight = KpaAsCoded(SCENE, kv=0.5), KpaAsCoded(SCENE, kv=0.5)

    assert ask(one, 0, counts(1), 1.0) == 2
    assert ask(eight, 0, counts(8), 1.0) == 4  # two, but for the halving


def test_kpa_sheds_on_the_lowest_sample_of_five_minutes() -> None:
    law = KpaAsCoded(SCENE, kv=0.1)
    ask(law, 0, counts(6), 0.05)  # one low sample: it wishes three

    assert ask(law, 200, counts(6), 0.45) == 3  # wishes five by now; HPA would hold six


def test_kpa_reads_series_that_are_gone_as_zero() -> None:
    law = KpaAsCoded(SCENE, kv=0.5)

    assert ask(law, 0, counts(8), None) == 4


def test_kpa_forgets_what_its_panic_wanted() -> None:
    law = KpaAsCoded(SCENE, kv=0.1)

    panicked = ask(law, 0, counts(4), 0.8)
    ten_seconds_later = ask(law, 10, counts(8), 0.3)

    assert panicked == 8
    assert ten_seconds_later == 6  # Knative's would stand at eight for another minute


def test_neither_goes_to_zero() -> None:
    assert ask(Apa(SCENE, kv=0.5), 0, counts(0), None) == 1
    assert ask(KpaAsCoded(SCENE, kv=0.5), 0, counts(0), None) == 1
