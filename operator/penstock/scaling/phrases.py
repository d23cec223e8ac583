"""Words for the summary of a decision: why this number, in a sentence that is true of this pass."""

from collections.abc import Sequence
from statistics import fmean

from penstock.scaling.forecast import Forecast
from penstock.scaling.observe import Gauges


def change(before: int | None, after: int, why: str) -> str:
    """Return `2 -> 3: why`, or `3: why` where nothing was known before; at most 256 characters."""
    moved = f"{after}" if before is None or before == after else f"{before} -> {after}"
    return f"{moved}: {why}"[:256]


def rate(per_s: float) -> str:
    """Return a rate with one decimal, below 1 with two."""
    return f"{per_s:.1f} req/s" if per_s >= 1 else f"{per_s:.2f} req/s"


def asked(ahead: Forecast) -> str:
    """Return what is asked of a model; empty where nothing is."""
    need = ahead.need_per_s
    if not need:
        return ""
    words = f"{rate(need)} expected in {ahead.lead_s:.0f} s"
    if round(ahead.backlog_per_s, 2):
        return f"{words} ({rate(ahead.expected_per_s)} arriving by then, the rest to work off the line)"
    return words


def by_slo(asked: str, capacity_per_s: float, missed: str, *, by_some: bool = False) -> str:
    """Return what is asked of the model, in its words, and what one replica gives; `missed` by all or `by_some`."""
    if not asked:
        return "nothing arrives or waits"
    within = "within the SLO" if not missed else f"at best, {missed} cannot be met"
    if missed and by_some:
        within = f"while some miss {missed} however many there are"
    return f"{asked}, one replica serves {rate(capacity_per_s)} {within}"


def by_outage(stuck: int, accelerator: str | None, late: int) -> str:
    """Return why a variant is asked for fewer although the need did not fall."""
    kind = f"{accelerator} replica" if accelerator else "replica"
    if late:
        return f"{late} {kind}{_s(late)} without a place or not ready for longer than three starts take"
    return f"{stuck} {kind}{_s(stuck)} without a place"


def standing_in(names: Sequence[str], why: str) -> str:
    """Return why a variant takes what others cannot."""
    return f"in place of {', '.join(names)}; {why}"


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def by_saturation(engines: Sequence[Gauges]) -> str:
    """Return how full the engines are on average, as far as they say."""
    kv = [engine.kv_ratio for engine in engines if engine.kv_ratio is not None]
    queue = [engine.queue for engine in engines if engine.queue is not None]
    parts = [f"{fmean(kv):.0%} of the KV cache"] if kv else []
    parts += [f"{fmean(queue):.1f} requests in line"] if queue else []
    return f"{' and '.join(parts)} per engine of the model" if parts else "no engine tells how full it is"


def by_tokens(held: float, ready: int, supply: float) -> str:
    """Return what engines hold and await, and what those that are ready may."""
    return f"{held:.0f} tokens held or waiting, {ready} ready replica{_s(ready)} may hold {supply:.0f}"
