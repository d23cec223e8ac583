"""What llm-d-inference-sim really prints, from text to status: no traffic is not missing metrics."""

from pathlib import Path

import pytest
from tests.unit.scaling.scene import NOW, decide_one, handed_over, observe, target, variant

from penstock.domain.observations import PodMetrics
from penstock.status.summary import variant_status
from penstock.telemetry.rows import RowKey, combine
from penstock.telemetry.window import Window, read

DATA = Path(__file__).parents[2] / "data"
SIM = variant("sim", model="unsloth/Meta-Llama-3.1-8B", profiles=())


def scraped(name: str) -> PodMetrics:
    """Return the row of one pod after two scrapes of the same text."""
    window = Window(4)
    text = (DATA / name).read_text()
    for at_s in (NOW - 15, NOW):
        window.add(read(text, at_s))
    ((model, _), shard), *_ = window.shards().items()
    row = combine(RowKey("llm", "sim-0", model), [shard], now_s=NOW, stale_after_s=120)
    assert row is not None
    return row


@pytest.mark.parametrize(
    ("text", "metrics"),
    [
        pytest.param("llm-d-inference-sim-idle.txt", "NoTraffic", id="right after the start: five series"),
        pytest.param("llm-d-inference-sim-busy.txt", "MetricsFound", id="after seven requests"),
    ],
)
def test_an_engine_at_rest_keeps_one_replica(text: str, metrics: str) -> None:
    decision = decide_one(observe(SIM, seen=[scraped(text)]))

    status = variant_status(handed_over(decision, target(SIM)), {}, NOW)

    shown = {row["type"]: (row["status"], row["reason"]) for row in status["conditions"]}
    assert shown["MetricsAvailable"] == ("True", metrics)
    assert shown["Ready"][0] == "True"
    assert status["desiredOptimizedAlloc"]["numReplicas"] == 1
    assert status["currentAlloc"]["load"] == {"arrivalRate": "0.00"}
    assert "ttftAverage" not in status["currentAlloc"]
