"""What is said of an advice in a terminal, and the words that all formats share."""

from datetime import UTC, datetime

from penstock.advise.advice import Advice
from penstock.advise.outcome import Judged, worst
from penstock.report.words import percent


def sure(judged: Judged) -> str:
    """Return how sure it is, and why."""
    on = judged.grounds
    seen = f"{on.days:.1f} days, {_count(on.requests)} requests"
    because = [one for one in judged.sure.because if not one.endswith((" seen", " requests"))]
    return f"{judged.sure.level.word}: {'; '.join([seen, *because])}"


def _count(requests: float) -> str:
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if requests >= size:
            return f"{requests / size:.1f} {letter}"
    return f"{requests:.0f}"


def when(at_s: float) -> str:
    """Return a time, in UTC."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%a %Y-%m-%d %H:%M")


def text(advice: Advice, objects: int, folder: str) -> str:
    """Return the lines for a terminal."""
    rows = [
        (
            one.name,
            f"{one.ran.usd_per_day:.2f}/day  {percent(one.ran_met_ratio)} met",
            f"{one.ours.usd_per_day:.2f}/day  {percent(one.ours.met_ratio)} met",
            sure(one),
        )
        for one in advice.judged
    ]
    heads = ("model", "ran", "with Penstock", "sure")
    widths = [max(len(row[at]) for row in (heads, *rows)) for at in range(3)]
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]])
        for row in (heads, *rows)
    ]
    lines += [f"{one.name}  not judged: {one.why}." for one in advice.not_judged]
    lines += [f"worst hours of {one.name}: {_worst(one)}" for one in advice.judged]
    return "\n".join([*lines, f"Charts, {objects} object{'s' if objects != 1 else ''} to apply: {folder}/"])


def _worst(one: Judged) -> str:
    ran, ours = worst(one.ran_hours), worst(one.ours.hours)
    told = [
        f"{who} {when(hours[0].start_s)} {percent(hours[0].met_ratio)} met" if hours else f"{who} none"
        for who, hours in (("ran", ran), ("with Penstock", ours))
    ]
    return ", ".join(told)
