"""A comparison as Markdown, for terminals, issues and pull requests."""

from collections.abc import Iterator

from penstock.report.markup import bullets, escaped, table, tabled
from penstock.report.study import SWEPT, Goal, Panel, Study


def markdown(study: Study) -> str:
    """Return the text; losses come before wins, and foreign words are escaped."""
    facts = [f"**{escaped(one.label)}**: {escaped(one.value)} {escaped(one.note)}".rstrip() for one in study.facts]
    parts = [f"# {escaped(study.title)}", escaped(study.lead), *bullets("", facts)]
    parts += ["## Lost, even, or below the level", tabled(study.losses), "## Won", tabled(study.wins), "## Targets"]
    parts += bullets("", [line for goal in study.goals for line in _goal(goal)])
    parts += [part for panel in study.panels for part in _panel(panel)]
    parts += [f"## {SWEPT}"] if study.sweeps else []
    for one in study.sweeps:
        parts += [f"### {escaped(one.name)}", escaped(one.say), tabled(one.table)]
    parts += bullets("## How this was made", [escaped(one) for one in study.notes])
    return "\n\n".join(parts) + "\n"


def _goal(goal: Goal) -> Iterator[str]:
    yield f"**{escaped(goal.told)}**: {escaped(goal.wanted)}"
    words = {True: "met", False: "MISSED", None: "open"}
    yield from (f"  {words[met]}: {escaped(text)}" for met, text in goal.checks)


def _panel(panel: Panel) -> Iterator[str]:
    yield f"## {escaped(panel.name)}: {escaped(panel.title)}"
    yield escaped(panel.say)
    yield from bullets("", [escaped(note) for note in panel.notes])
    rows = [
        [escaped(one.told), f"{one.attainment * 100:.2f} %", f"{one.usd_per_h:.2f}"]
        for one in sorted(panel.points, key=lambda one: one.usd_per_h)
        if one.kind != "swept"
    ]
    yield table(["policy", "met", "per hour"], rows, right=(1, 2))
