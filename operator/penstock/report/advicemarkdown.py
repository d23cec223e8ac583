"""An advice as Markdown, for terminals, issues and pull requests."""

from collections.abc import Iterator

from penstock.report.advice import Model, Page
from penstock.report.markup import bullets, escaped, tabled, told


def markdown(advice: Page) -> str:
    """Return the text; foreign words are escaped."""
    parts = [f"# {escaped(advice.title)}", escaped(advice.lead), tabled(advice.summary)]
    if advice.not_judged.rows:
        parts += ["## Not judged", tabled(advice.not_judged)]
    parts += [part for one in advice.models for part in _model(one)]
    parts += bullets("## How this was made", [escaped(one) for one in advice.notes])
    return "\n\n".join(parts) + "\n"


def _model(one: Model) -> Iterator[str]:
    yield f"## {escaped(one.name)}"
    yield escaped(one.say)
    yield from bullets("", [told(fact) for fact in one.facts])
    yield "### Worst hours"
    yield tabled(one.worst)
    yield from bullets("", [escaped(note) for note in one.notes])
