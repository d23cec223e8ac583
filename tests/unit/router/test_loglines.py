"""The `[WA-ROUTING]` lines, byte for byte, and the buffer in front of them."""

import asyncio
import json
import logging
import threading

import pytest

from penstock import logs
from penstock.domain.reasons import RejectReason
from penstock.domain.requests import Request, WorkloadContext
from penstock.flow.actions import Admitted, Counted, Dispatch, Reject
from penstock.ordering.score import Score
from penstock.router import journal as journals
from penstock.router.journal import Journal
from penstock.router.loglines import Extracted, Fact

WALL_S = 1_763_705_700.5
STAMP = "2025-11-21T06:15:00.500Z"
CONTEXT = WorkloadContext("high", 5, declared=True)
REQUEST = Request(ticket=7, request_id="req-C", context=CONTEXT)
SCORE = Score(
    criticality=5,
    own_wait_s=12.5,
    avg_wait_s=0.0,
    rate_per_s=1 / 60,
    normalized_wait=12.5 / 60,
    normalized_crit=1.0,
    normalized_rate=0.016393442622950817,
    final_score=0.4800546448087432,
)


def dispatch(*, score: Score | None = SCORE, lane: bool = False) -> Dispatch:
    return Dispatch(
        request=REQUEST, context=CONTEXT, endpoint="10.0.0.7:8000", fallbacks=(), score=score, queue_size_before=3,
        waited_s=12.5, lane=lane, generation=4,
    )  # fmt: skip


async def printed(fact: Fact, level: int = logging.INFO, style: str = "text") -> list[str]:
    written: list[str] = []
    render = logs.json_line if style == "json" else logs.text_line
    journal = Journal(render, level, written.append, lambda: WALL_S)
    journal.add(fact)
    await journal.close()
    return "".join(written).splitlines()


@pytest.mark.parametrize(
    ("fact", "level", "expected"),
    [
        pytest.param(
            Extracted(request=REQUEST, generation=4), logging.INFO,
            ["INFO penstock.router [WA-ROUTING] Workload context extracted request_id=req-C workload_id=high "
             "criticality=5 policy_generation=4"], id="extracted"),
        pytest.param(
            Counted(request=REQUEST, workload_id="high", joined=True, active=1, total=9, rate_per_s=0.15, generation=4),
            logging.DEBUG,
            ["DEBUG penstock.router [WA-ROUTING] Workload active incremented workload_id=high active_requests=1 "
             "total_requests=9 request_rate=0.15 policy_generation=4 request_id=req-C"], id="joined"),
        pytest.param(
            Counted(request=REQUEST, workload_id="high", joined=False, active=0, total=9, rate_per_s=0.1, generation=4),
            logging.DEBUG,
            ["DEBUG penstock.router [WA-ROUTING] Workload active decremented workload_id=high active_requests=0 "
             "policy_generation=4 request_id=req-C"], id="left"),
        pytest.param(
            Counted(request=REQUEST, workload_id="high", joined=True, active=1, total=9, rate_per_s=0.15, generation=4),
            logging.INFO, [], id="counts are detail"),
        pytest.param(
            Admitted(request=REQUEST, context=CONTEXT, score=SCORE, generation=4), logging.INFO,
            ["INFO penstock.router [WA-ROUTING] Request admitted to flow control request_id=req-C workload_id=high "
             "criticality=5 policy_generation=4"], id="admitted; its score is detail"),
        pytest.param(
            Admitted(request=REQUEST, context=CONTEXT, score=SCORE, generation=4), logging.DEBUG,
            ["INFO penstock.router [WA-ROUTING] Request admitted to flow control request_id=req-C workload_id=high "
             "criticality=5 policy_generation=4",
             "DEBUG penstock.router [WA-ROUTING] Priority score computed workload_id=high criticality=5 "
             "avg_wait_time_sec=0.0 request_rate=0.0166666667 normalized_wait=0.208333333 normalized_crit=1.0 "
             "normalized_rate=0.0163934426 final_score=0.480054645 policy_generation=4 request_id=req-C "
             "own_wait_sec=12.5"], id="admitted, in detail"),
        pytest.param(
            dispatch(lane=True), logging.INFO,
            ["INFO penstock.router [WA-ROUTING] Priority score computed workload_id=high criticality=5 "
             "avg_wait_time_sec=0.0 request_rate=0.0166666667 normalized_wait=0.208333333 normalized_crit=1.0 "
             "normalized_rate=0.0163934426 final_score=0.480054645 policy_generation=4 request_id=req-C "
             "own_wait_sec=12.5 endpoint=10.0.0.7:8000 lane=true",
             "INFO penstock.router [WA-ROUTING] Request dispatched request_id=req-C workload_id=high "
             "queue_size_before=3 policy_generation=4 own_wait_sec=12.5 endpoint=10.0.0.7:8000 lane=true"],
            id="dispatched by the lane"),
        pytest.param(
            dispatch(score=None), logging.INFO,
            ["INFO penstock.router [WA-ROUTING] Request dispatched request_id=req-C workload_id=high "
             "queue_size_before=3 policy_generation=4 own_wait_sec=12.5 endpoint=10.0.0.7:8000"],
            id="dispatched without a score"),
        pytest.param(
            Reject(request=REQUEST, context=CONTEXT, status=429, reason=RejectReason.SATURATED, retry_after_s=3,
                   message="full", waited_s=0.0, generation=4), logging.INFO,
            ["INFO penstock.router [WA-ROUTING] Request rejected request_id=req-C workload_id=high criticality=5 "
             "reason=rejected-saturated status=429 policy_generation=4 own_wait_sec=0.0"], id="rejected"),
    ],
)  # fmt: skip
async def test_lines_in_text(fact: Fact, level: int, expected: list[str]) -> None:
    assert await printed(fact, level) == [f"{STAMP} {line}" for line in expected]


async def test_json_has_the_same_keys_in_the_same_order() -> None:
    text = await printed(dispatch())
    keys = [[pair.split("=")[0] for pair in line.split() if "=" in pair] for line in text]

    lines = [json.loads(line) for line in await printed(dispatch(), style="json")]

    assert [list(line)[4:] for line in lines] == keys
    assert lines[1]["msg"] == "[WA-ROUTING] Request dispatched"


async def test_the_printed_score_equals_the_formula_on_the_printed_parts() -> None:
    line = json.loads((await printed(dispatch(), style="json"))[0])

    computed = 0.4 * line["normalized_wait"] + 0.4 * line["normalized_crit"] - 0.2 * line["normalized_rate"]

    assert line["final_score"] == pytest.approx(computed, abs=1e-9)


async def test_hostile_request_ids_stay_one_value_on_one_line() -> None:
    hostile = Request(ticket=1, request_id='a b"\nrequest_id=forged', context=CONTEXT)

    lines = await printed(Extracted(request=hostile, generation=0))

    assert len(lines) == 1
    assert 'request_id="a b\\"\\nrequest_id=forged"' in lines[0]


async def test_lines_are_written_in_batches_without_being_asked() -> None:
    written: list[str] = []
    done = asyncio.Event()
    loop = asyncio.get_running_loop()

    def sink(text: str) -> None:
        written.append(text)
        loop.call_soon_threadsafe(done.set)

    journal = Journal(logs.text_line, logging.INFO, sink, lambda: WALL_S)
    for _ in range(3):
        journal.add(Extracted(request=REQUEST, generation=0))
    await asyncio.wait_for(done.wait(), 5)

    assert [text.count("\n") for text in written] == [3]
    await journal.close()


async def test_a_full_buffer_drops_and_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "MOST_FACTS", 2)
    written: list[str] = []
    journal = Journal(logs.text_line, logging.INFO, written.append, lambda: WALL_S)

    for _ in range(5):
        journal.add(Extracted(request=REQUEST, generation=0))
    await journal.close()

    assert (journal.dropped, "".join(written).count("\n")) == (3, 2)


async def test_a_slow_reader_holds_up_one_batch_and_never_the_loop() -> None:
    loop, written = asyncio.get_running_loop(), []
    entered, release = asyncio.Event(), threading.Event()

    def stuck(text: str) -> None:
        loop.call_soon_threadsafe(entered.set)
        release.wait(5)
        written.append(text)

    journal = Journal(logs.text_line, logging.INFO, stuck, lambda: WALL_S)
    journal.add(Extracted(request=REQUEST, generation=0))
    await asyncio.wait_for(entered.wait(), 5)
    journal.add(Extracted(request=REQUEST, generation=1))
    release.set()
    await journal.close()

    assert [text.rsplit("=", 1)[1] for text in written] == ["0\n", "1\n"]


async def test_a_closed_pipe_costs_the_lines_and_nothing_else() -> None:
    def broken(text: str) -> None:
        raise BrokenPipeError(text)

    journal = Journal(logs.text_line, logging.INFO, broken, lambda: WALL_S)
    journal.add(Extracted(request=REQUEST, generation=0))
    await asyncio.sleep(0)

    await journal.close()

    assert journal.dropped == 0


async def test_a_level_above_info_keeps_nothing() -> None:
    assert await printed(dispatch(), logging.WARNING) == []
