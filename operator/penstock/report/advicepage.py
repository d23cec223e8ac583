"""An advice as a page that stands alone: no script at all, charts as SVG, everything foreign escaped."""

from collections.abc import Iterable
from html import escape

from penstock.report.advice import Chart, Model, Page
from penstock.report.advicechart import chart
from penstock.report.pages import document, fact, key, listed, tabled


def page(advice: Page) -> str:
    """Return the page."""
    body = "\n".join([
        f"<header><h1>{escape(advice.title)}</h1><p class=lead>{escape(advice.lead)}</p></header>",
        f"<section><h2>What ran, and what would have</h2>{tabled(advice.summary)}</section>",
        *_not_judged(advice),
        *map(_model, advice.models),
        *_objects(advice.objects),
        f"<section><h2>How this was made</h2>{listed(advice.notes)}</section>",
        "<footer>Made by Penstock.</footer>",
    ])  # fmt: skip
    return document(advice.title, body)


def _not_judged(advice: Page) -> Iterable[str]:
    if advice.not_judged.rows:
        yield f"<section><h2 class=bad>Not judged</h2>{tabled(advice.not_judged)}</section>"


def _model(one: Model) -> str:
    facts = f"<dl class=facts>{''.join(map(fact, one.facts))}</dl>"
    charts = "".join(map(_chart, one.charts))
    return (
        f"<section><h2>{escape(one.name)}</h2><p class='lead say'>{escape(one.say)}</p>{facts}{charts}"
        f"<h3>Worst hours</h3>{tabled(one.worst)}{listed(one.notes)}</section>"
    )


def _chart(one: Chart) -> str:
    keys = "".join(key(curve.label, curve.colour, dashed=curve.dashed) for curve in one.curves)
    return (
        f"<h3>{escape(one.title)}</h3><p class='lead say'>{escape(one.say)}</p>"
        f"<figure>{chart(one)}<figcaption>{keys}</figcaption></figure>"
    )


def _objects(objects: tuple[str, ...]) -> Iterable[str]:
    if objects:
        yield (
            "<section><h2>Objects ready to apply</h2><p class='lead say'>They only recommend, until their "
            f"<code>actuation</code> is removed.</p><pre>{escape('---'.join(objects))}</pre></section>"
        )
