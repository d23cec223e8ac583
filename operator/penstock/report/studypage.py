"""A comparison as a page that stands alone: no script at all, charts as SVG, everything foreign escaped."""

from html import escape

from penstock.report.pages import document, fact, key, listed, tabled
from penstock.report.parts import Table
from penstock.report.study import SWEPT, Goal, Panel, Study, Sweep
from penstock.report.studychart import plane, tracks


def page(study: Study) -> str:
    """Return the page; losses come before wins."""
    body = "\n".join([
        f"<header><h1>{escape(study.title)}</h1><p class=lead>{escape(study.lead)}</p></header>",
        f"<dl class=facts>{''.join(map(fact, study.facts))}</dl>",
        _table("Lost, even, or below the level", "bad", study.losses),
        _table("Won", "good", study.wins),
        f"<section><h2>Targets</h2>{''.join(map(_goal, study.goals))}</section>",
        *map(_panel, study.panels),
        f"<section><h2>{SWEPT}</h2>{''.join(map(_sweep, study.sweeps))}</section>" if study.sweeps else "",
        f"<section><h2>How this was made</h2>{listed(study.notes)}</section>",
        "<footer>Made by Penstock.</footer>",
    ])  # fmt: skip
    return document(study.title, body)


def _table(title: str, tone: str, table: Table) -> str:
    return f"<section><h2 class={tone}>{title}</h2>{tabled(table)}</section>"


def _goal(goal: Goal) -> str:
    tone = {True: "good", False: "bad", None: "soft"}[goal.met]
    tones = {True: "fine", False: "bad", None: "soft"}
    checks = "".join(f"<li class={tones[met]}>{escape(text)}" for met, text in goal.checks)
    return (
        f"<details{' open' if goal.met is False else ''}><summary><b class={tone}>{escape(goal.told)}</b> "
        f"<span>{escape(goal.wanted)}</span></summary><ul>{checks}</ul></details>"
    )


def _sweep(one: Sweep) -> str:
    return (
        f"<details><summary><b>{escape(one.name)}</b> <span>{escape(one.say)}</span></summary>"
        f"{tabled(one.table)}</details>"
    )


def _panel(panel: Panel) -> str:
    keys = "".join(key(line.label, line.colour, dashed=line.dashed) for line in panel.lines)
    return (
        f"<section><h2>{escape(panel.name)}: {escape(panel.title)}</h2><p class='lead say'>{escape(panel.say)}</p>"
        f"<div class=two><figure>{plane(panel)}<figcaption>{_KEY}</figcaption></figure>"
        f"<figure>{tracks(panel)}<figcaption>{keys}</figcaption>{listed(panel.notes)}</figure></div></section>"
    )


_KEY = (
    "<span><b class='dot ours'></b>ours, default</span><span><b class='dot best'></b>a rival's best point, on all seeds"
    "</span><span><b class='dot swept'></b>every other point tried</span><span><b class='dot quota'></b>the whole quota"
    "</span><span><b class='dot still'></b>B0, the best fleet that never changes</span>"
)
