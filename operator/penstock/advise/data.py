"""An advice as values that JSON can hold."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from penstock.advise.advice import Advice
from penstock.advise.outcome import Judged, worst
from penstock.advise.wish import Wish
from penstock.advise.words import when


def data(advice: Advice, wish: Wish, objects: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return everything as JSON could hold it."""
    return {
        "slo": {"ttft_s": wish.slo.ttft_s, "tpot_s": wish.slo.tpot_s, "attainment": wish.slo.attainment_ratio},
        "models": [_data(one) for one in advice.judged],
        "not_judged": [dataclasses.asdict(one) for one in advice.not_judged],
        "objects": list(objects),
    }


def _data(one: Judged) -> dict[str, Any]:
    past = one.plan.past
    return {
        "namespace": past.namespace,
        "model": past.model,
        "ran": _side(one, 0),
        "with_penstock": _side(one, 1),
        "sure": {"level": one.sure.level.word, "because": one.sure.because, **dataclasses.asdict(one.grounds)},
        "variants": [
            {
                "name": each.spec.name,
                "kind": each.past.owner.kind,
                "accelerator": each.spec.accelerator,
                "accelerators_per_replica": each.spec.accelerators_per_replica,
                "usd_per_h": each.spec.usd_per_h,
                "engine": dataclasses.asdict(each.fitted),
            }
            for each in one.plan.variants
        ],
    }


def _side(one: Judged, which: int) -> dict[str, Any]:
    side = (one.ran, one.ours)[which]
    hours = one.ran_hours if which == 0 else side.hours
    return {
        "usd_per_day": side.usd_per_day,
        "met": one.ran_met_ratio if which == 0 else side.met_ratio,
        "met_simulated": side.met_ratio,
        "mean_replicas": side.mean_replicas,
        "worst_hours": [
            {"start": when(hour.start_s), "met": hour.met_ratio, "requests": round(hour.requests)}
            for hour in worst(hours)
        ],
        "hours": [{"start_s": hour.start_s, "met": hour.met_ratio, "requests": round(hour.requests)} for hour in hours],
    }
