"""Answers of a made-up Prometheus for tests: one model on one workload, as plain as can be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from penstock.advise.past import Answers
from penstock.advise.tracks import Grid
from penstock.telemetry.pastqueries import Ask

MODEL = "meta-llama/Llama-3.1-8B-Instruct"
MINUTE_S, MEANS_S, HOUR_S = 60.0, 300.0, 3600.0


@dataclass(frozen=True, slots=True)
class Made:
    labels: Mapping[str, str]
    points: Sequence[tuple[float, float]]


def grid(days: float) -> Grid:
    return Grid(start_s=0.0, step_s=MINUTE_S, count=round(days * 1440) + 1)


@cache
def history(
    days: float = 1.0, *, pods: int = 2, per_s: float = 0.5, model: str = MODEL, gpu: str = "NVIDIA-L40S",
    seen_ratio: float = 1.0, lengths: bool = True, ttft_s: float = 0.2, tpot_s: float = 0.03, met: float = 0.99,
    pod: str = "chat-7c9d5f8b6d-x2k4{}",
) -> Answers:  # fmt: skip
    """Return steady traffic; of each hour the first `seen_ratio` was scraped."""
    end_s = days * 86_400
    made: dict[Ask, list[Made]] = {ask: [] for ask in Ask}

    def times(step_s: float) -> list[float]:
        return [at for at in _steps(end_s, step_s) if at % HOUR_S <= seen_ratio * HOUR_S]

    def add(ask: Ask, labels: Mapping[str, str], value: float, step_s: float) -> None:
        made[ask].append(Made(labels, [(at_s, value) for at_s in times(step_s)]))

    each = per_s / pods
    for letter in "bcdfghjk"[:pods]:
        place = {"namespace": "llm", "pod": pod.format(letter)}
        labels = {**place, "model_name": model}
        for ask, value in ((Ask.RUNNING, 4.0), (Ask.WAITING, 0.0)):
            add(ask, labels, value, MINUTE_S)
        made[Ask.COMPLETED].append(Made(labels, [(at_s, each * at_s) for at_s in times(MINUTE_S)]))
        for ask, value in (_means(each, ttft_s, tpot_s) if lengths else {}).items():
            add(ask, labels, value, MEANS_S)
        add(Ask.GPU_OF_NODE, {**place, "label_nvidia_com_gpu_product": gpu}, 1.0, HOUR_S)
    scope = {"namespace": "llm", "model_name": model}
    for le, share in (("0.05", met), ("0.1", met), ("2", met), ("+Inf", 1.0)):
        add(Ask.TTFT_BUCKETS, {**scope, "le": le}, share * per_s * HOUR_S, HOUR_S)
        add(Ask.TPOT_BUCKETS, {**scope, "le": le}, share * per_s * HOUR_S, HOUR_S)
    return made


def _steps(end_s: float, step_s: float) -> list[float]:
    return [step * step_s for step in range(int(end_s / step_s) + 1)]


def _means(per_s: float, ttft_s: float, tpot_s: float) -> dict[Ask, float]:
    totals: dict[Ask, Any] = {
        Ask.INPUT_SUM: 500.0, Ask.OUTPUT_SUM: 100.0, Ask.TTFT_SUM: ttft_s, Ask.TPOT_SUM: tpot_s,
        Ask.INPUT_COUNT: 1.0, Ask.OUTPUT_COUNT: 1.0, Ask.TTFT_COUNT: 1.0, Ask.TPOT_COUNT: 1.0,
    }  # fmt: skip
    return {ask: per_s * value for ask, value in totals.items()}
