"""The demo's script: what is sent, and what is read back from the router's log."""

from pathlib import Path

import pytest

from penstock.domain.errors import InvalidField
from penstock.local.load import Answer, Call
from penstock.local.recorder import Recorder, dispatched
from penstock.local.script import BURST_EACH, Script, burst, traffic
from penstock.sim.traces import Arrival

CALL = Call(at_s=0.0, model="m", input_tokens=1, output_tokens=2, request_id="r")


def test_traffic_keeps_times_and_lengths_and_takes_turns() -> None:
    arrivals = [Arrival(at_s=i / 2, input_tokens=10 + i, output_tokens=20 + i) for i in range(4)]

    calls = list(traffic("m", arrivals))

    assert [(call.at_s, call.input_tokens, call.output_tokens) for call in calls] == [
        (0.0, 10, 20), (0.5, 11, 21), (1.0, 12, 22), (1.5, 13, 23),
    ]  # fmt: skip
    assert [call.workload for call in calls] == ["checkout", "chat", "batch", "checkout"]
    assert len({call.request_id for call in calls}) == 4


def test_a_burst_begins_with_the_least_critical() -> None:
    calls = list(burst("m", 1, 20.0))

    assert len(calls) == 3 * BURST_EACH
    assert [call.criticality for call in calls[:3]] == [1, 3, 5]
    assert {call.at_s for call in calls} == {20.0}


@pytest.mark.parametrize(
    ("answer", "met"),
    [
        pytest.param({"status": 200, "ttft_s": 1.9, "tpot_s": 0.09}, True, id="both in time"),
        pytest.param({"status": 200, "ttft_s": 1.9}, True, id="one token has no time between tokens"),
        pytest.param({"status": 200, "ttft_s": 2.1, "tpot_s": 0.09}, False, id="late first token"),
        pytest.param({"status": 200, "ttft_s": 1.9, "tpot_s": 0.11}, False, id="slow tokens"),
        pytest.param({"status": 200}, False, id="no token at all"),
        pytest.param({"status": 429, "ttft_s": 0.1}, False, id="refused"),
    ],
)
def test_an_answer_meets_its_targets(answer: dict[str, float], met: bool) -> None:
    assert Answer(call=CALL, due_s=0.0, **answer).meets(2.0, 0.1) is met  # type: ignore[arg-type]


def test_attainment_is_unknown_before_the_first_answer() -> None:
    recorder = Recorder()

    assert recorder.attainment(2.0, 0.1) is None
    recorder.heard(Answer(call=CALL, due_s=0.0, status=200, ttft_s=1.0))
    recorder.heard(Answer(call=CALL, due_s=0.0, status=503))
    assert recorder.attainment(2.0, 0.1) == 0.5


def test_dispatch_order_is_read_from_the_log(tmp_path: Path) -> None:
    log = tmp_path / "router.log"
    log.write_text(
        "x INFO penstock.router [WA-ROUTING] Request admitted to flow control request_id=b workload_id=w\n"
        "x INFO penstock.router [WA-ROUTING] Request dispatched request_id=b workload_id=w queue_size_before=2\n"
        "x INFO penstock.router [WA-ROUTING] Request dispatched request_id=a workload_id=v queue_size_before=1\n"
    )

    assert dispatched(log) == [("b", "w"), ("a", "v")]


async def test_the_flip_edits_the_weights_and_nothing_else(tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("spec:\n  ordering: WorkloadAware\n  weights: {waitTime: 0.4, criticality: 0.4}\n  queue: {}\n")
    script = Script(model="m", arrivals=(), duration_s=0.0, policy_file=policy, weights_after="{waitTime: 1}")

    await script._flip()

    assert policy.read_text() == "spec:\n  ordering: WorkloadAware\n  weights: {waitTime: 1}\n  queue: {}\n"
    policy.write_text("spec: {}\n")
    with pytest.raises(InvalidField, match="weights"):
        await script._flip()
