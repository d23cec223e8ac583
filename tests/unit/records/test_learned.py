"""What was learnt goes to text and back, part by part, within bounds, and an unreadable part costs only itself."""

import json
from dataclasses import replace

import pytest
from tests.unit.scaling.scene import NOW, known, observe, rows, target, variant

from penstock.domain.catalogue import ModelScope
from penstock.domain.variants import ObjectKey, SloOverride
from penstock.records import learned
from penstock.records.learned import MODELS, VARIANTS, dump, joined, load
from penstock.scaling.config import Config
from penstock.scaling.decide import decide
from penstock.scaling.experience import Experience, Outage, Starts
from penstock.scaling.history import LengthSums, ModelPast, Moment
from penstock.scaling.memory import Memory

KEY, SCOPE = ObjectKey("llm", "chat"), ModelScope("llm", "Qwen/Qwen3-32B")
STARTS = Starts(7, 4.5, 0.01, 1_700_000_000.0)
KNOWN = Experience(uid="u1", starts=STARTS, capacity_error_ratio=0.04, outage=Outage(1.0, 901.0), ready=3)
PAST = ModelPast(lengths=LengthSums(10.0, 5_000.0, 1_500.0))


def memory(**experiences: Experience) -> Memory:
    return Memory(experiences={ObjectKey("llm", name): one for name, one in experiences.items()}, models={SCOPE: PAST})


def test_what_was_learnt_comes_back() -> None:
    stored = load(dump(memory(chat=KNOWN)))

    assert stored.faults == ()
    assert stored.memory.experiences == {KEY: KNOWN}
    assert stored.memory.models == {SCOPE: PAST}


def test_what_was_learnt_of_an_engine_decides_after_a_restart_as_before() -> None:
    """Slower than supposed: who forgot that would order too few."""
    chat = variant(profiles=(), accelerator="L40S", model="meta-llama/Llama-3.1-8B-Instruct", slo=SloOverride())
    memory = Memory()
    for minute in range(12):
        now_s = NOW + 60.0 * minute
        slow = {"tpot_s": known(0.07, now_s), "prefill_s": known(0.3, now_s), "ttft_s": known(0.4, now_s)}
        lengths = {"input_tokens": known(1155, now_s), "output_tokens": known(211, now_s), "running": known(15, now_s)}
        seen = rows(chat, 2, total=2.0, at_s=now_s, **slow, **lengths)
        observation = observe(chat, targets={chat.key: target(chat, 2)}, seen=seen, now_s=now_s)
        (before,), after = decide(observation, memory, Config())
        known_so_far, memory = memory, after

    (restarted,), _ = decide(observation, load(dump(known_so_far)).memory, Config())
    (newborn,), _ = decide(observation, Memory(), Config())

    assert restarted.capacity_per_s == pytest.approx(before.capacity_per_s, rel=0.01)
    assert restarted.capacity_error_ratio == pytest.approx(before.capacity_error_ratio, rel=0.01)
    assert restarted.capacity_deviation_ratio == pytest.approx(before.capacity_deviation_ratio, rel=0.01)
    assert (newborn.capacity_per_s or 0.0) > 1.3 * (before.capacity_per_s or 0.0)


def test_what_nobody_watched_since_is_not_taken_up_again() -> None:
    before = Memory(
        experiences={KEY: replace(KNOWN, pending_since_s=5.0)},
        models={SCOPE: PAST._replace(moments=(Moment(1.0, 2.0),), since_s=1.0, idle_since_s=1.0)},
    )

    stored = load(dump(before)).memory

    assert stored.experiences[KEY].pending_since_s is None
    assert stored.models[SCOPE] == PAST


@pytest.mark.parametrize(
    ("texts", "kept", "faults"),
    [
        pytest.param({}, set(), 0, id="never written"),
        pytest.param({VARIANTS: "{"}, set(), 1, id="no JSON"),
        pytest.param({VARIANTS: "[]"}, set(), 1, id="no object"),
        pytest.param({MODELS: "null", VARIANTS: '{"llm/chat": {"uid": "u1"}}'}, {KEY}, 1, id="one text of two"),
        pytest.param({VARIANTS: '{"llm/a": 7, "llm/chat": {"uid": "u1"}}'}, {KEY}, 1, id="one part of two"),
        pytest.param({VARIANTS: '{"llm/a": {"uid": 7}, "llm/chat": {"uid": "u1"}}'}, {KEY}, 1, id="a wrong type"),
        pytest.param({VARIANTS: '{"llm/chat": {"uid": "u1", "later": 1}}'}, {KEY}, 0, id="of a later version"),
    ],
)
def test_what_cannot_be_read_costs_only_itself(texts: dict[str, str], kept: set[ObjectKey], faults: int) -> None:
    stored = load(texts)

    assert set(stored.memory.experiences) == kept
    assert len(stored.faults) == faults


def test_fields_that_an_earlier_version_did_not_have_are_empty() -> None:
    stored = load({VARIANTS: json.dumps({"llm/chat": {"uid": "u1", "ready": 2}})})

    assert stored.memory.experiences == {KEY: Experience(uid="u1", ready=2)}


def test_what_this_process_saw_goes_before_what_was_stored() -> None:
    now = memory(chat=replace(KNOWN, ready=9))

    both = joined(now, load(dump(memory(chat=KNOWN, other=KNOWN))).memory)

    assert both.experiences == {KEY: replace(KNOWN, ready=9), ObjectKey("llm", "other"): KNOWN}


def test_it_is_bounded_and_keeps_who_is_known_best(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learned, "MOST_BYTES", 4_000)
    many = memory(**{f"v{number:03}": replace(KNOWN, starts=replace(STARTS, count=number)) for number in range(500)})

    texts = dump(many)
    stored = load(texts)

    assert sum(map(len, texts.values())) <= 4_000
    assert stored.faults == ()
    assert {key.name for key in stored.memory.experiences} == {
        f"v{number:03}" for number in range(500 - len(stored.memory.experiences), 500)
    }
