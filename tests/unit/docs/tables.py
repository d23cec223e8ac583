"""Tables of the documentation that are made of the code; `python -m tests.unit.docs.tables` writes them into the pages.

A table stands between `<!-- table: NAME -->` and `<!-- end of table -->`; everything around it is written by hand.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Final

import click
from tests.unit.docs import exported
from tests.unit.regressions.index import FEBRUARY_2026, OCTOBER_2025, USERS, Row

from penstock.bench.targets import targets
from penstock.cli import operator, router
from penstock.domain.decisions import Verdict
from penstock.domain.reasons import (
    ActiveReason,
    LimitReason,
    MetricsReason,
    OptimizationReason,
    PolicyReason,
    TargetReason,
)
from penstock.domain.series import SERIES, Signal
from penstock.engine.gpus import FACTS
from penstock.engine.steptime import GPUS
from penstock.peers.all import RIVALS
from penstock.settings.engineflags import SECTIONS as ENGINE_SECTIONS
from penstock.settings.operator import SETTINGS
from penstock.sim.scene import PRICES_USD_PER_H
from penstock.status import messages

DOCS: Final = Path(__file__).parents[3] / "docs"
_TABLE: Final = re.compile(r"(<!-- table: ([a-z-]+) -->\n).*?(<!-- end of table -->)", re.DOTALL)


_REASON: Final = re.compile(r"^\| `(\w+)` \|[^|]*\|(?= [^|]+\|$)", re.MULTILINE)
_PLACE: Final = re.compile(r"\{(\w+)\}")
REASONS: Final[dict[str, tuple[type[StrEnum], ...]]] = {
    "variants.md": (TargetReason, MetricsReason, OptimizationReason, ActiveReason, LimitReason),
    "policies.md": (PolicyReason,),
}


def operator_settings() -> str:
    """Return a row for each setting: key, flag, WVA's name, default, meaning."""
    rows = ([f"`{one.name}`", f"`{one.flag}`", _code(one.wva), _code(one.default), one.help] for one in SETTINGS)
    return table(["`penstock-config` key", "flag", "WVA's name", "default", "meaning"], rows)


def operator_process() -> str:
    """Return a row for each flag of the process itself, which no ConfigMap can set."""
    settings = {setting.flag for setting in SETTINGS}
    options = [one for one in operator.command.params if isinstance(one, click.Option) and one.opts[0] not in settings]
    return table(["flag", "default", "meaning"], map(_option, options))


def router_flags() -> str:
    """Return a table for each section of the router's help."""
    parameters = {name: one for one in router.command.params for name in one.opts if isinstance(one, click.Option)}
    return "\n".join(
        f"**{title}**\n\n" + table(["flag", "default", "meaning"], (_option(parameters[flag]) for flag, _ in options))
        for title, options in router.SECTIONS.items()
    )


def engine_flags() -> str:
    """Return a table for each section of the engine's help."""
    return "\n".join(
        f"**{title}**\n\n" + table(["flag", "meaning"], ([_code(f"--{one.name}"), one.help] for one in flags))
        for title, flags in ENGINE_SECTIONS.items()
    )


def operator_metrics() -> str:
    """Return a row for each metric of the operator."""
    return _metrics(exported.operator())


def router_metrics() -> str:
    """Return a row for each metric of a router under our names."""
    return _metrics(exported.router())


def router_aliases() -> str:
    """Return a row for each metric of a router under the names of the Go pickers."""
    return _metrics(exported.aliases())


def engine_metrics() -> str:
    """Return a row for each metric of an engine; vLLM's names explain themselves."""
    return table(["metric", "kind", "labels"], (one.row()[:3] for one in exported.engine()))


def engine_series() -> str:
    """Return a row for each signal: the names under which it is looked for, in their order."""
    names = {signal: ", ".join(f"`{name}`" for name in one.names) for signal, one in SERIES.items()}
    return table(
        ["what", "series, the first that is there"], ([_SIGNALS[signal], found] for signal, found in names.items())
    )


_SIGNALS: Final = {
    Signal.RUNNING: "requests that run",
    Signal.WAITING: "requests that wait in the engine",
    Signal.KV_USAGE: "share of the KV cache in use",
    Signal.COMPLETED: "requests that ended",
    Signal.INPUT_TOKENS: "length of prompts",
    Signal.OUTPUT_TOKENS: "length of answers",
    Signal.TTFT: "time to first token",
    Signal.TPOT: "time between tokens",
    Signal.PREFILL: "time from its first step to a request's first token",
    Signal.KV_CAPACITY: "size of the KV cache",
    Signal.PICKER_QUEUE: "requests that wait in an endpoint picker, by model",
    Signal.PICKER_REQUESTS: "requests that came to an endpoint picker, by model",
}


def defects(found: Iterable[Row]) -> str:
    """Return a row for each defect: where it was, what went wrong, and the tests that keep it out."""
    return table(
        ["where", "what went wrong", "what keeps it out"], ([one.source, one.what, _kept(one)] for one in found)
    )


def rivals() -> str:
    """Return a row for each rival: its number, what it is, where it was read, its knobs at their defaults."""
    knobs = (", ".join(f"`{knob}: {value:.9g}`" for knob, value in one.defaults.items()) for one in RIVALS)
    rows = ([f"`{one.code}`", one.name, one.source, told] for one, told in zip(RIVALS, knobs, strict=True))
    return table(["number", "autoscaler", "after", "knobs, at their defaults"], rows)


def bench_targets() -> str:
    """Return a row for each target of the comparison: what is wanted of ours."""
    return table(["target", "wanted"], ([one.code, one.wanted] for one in targets(())))


def accelerators() -> str:
    """Return the names of the accelerators of which something is supposed before anything is learnt."""
    return table(["accelerators"], [[", ".join(f"`{name}`" for name in FACTS)]])


def gpus() -> str:
    """Return a row for each GPU whose step times are known, so that it can be simulated."""
    prices = {name: f"{price:.2f}" for name, price in PRICES_USD_PER_H.items()}
    rows = ([f"`{name}`", prices.get(name, "none"), f"{cost.kv_tokens:,}"] for name, cost in GPUS.items())
    return table(["`gpu`", "list price per hour", "tokens in its KV cache"], rows)


def _kept(row: Row) -> str:
    return "<br>".join([*map(_code, row.tests), *filter(None, [row.not_ours])])


def _metrics(found: Iterable[exported.Exported]) -> str:
    return table(["metric", "kind", "labels", "meaning"], (one.row() for one in found))


TABLES: Final[dict[str, Callable[[], str]]] = {
    "operator-settings": operator_settings,
    "operator-process": operator_process,
    "router-flags": router_flags,
    "engine-flags": engine_flags,
    "operator-metrics": operator_metrics,
    "router-metrics": router_metrics,
    "router-aliases": router_aliases,
    "engine-metrics": engine_metrics,
    "engine-series": engine_series,
    "rivals": rivals,
    "bench-targets": bench_targets,
    "accelerators": accelerators,
    "gpus": gpus,
    "defects-users": partial(defects, USERS),
    "defects-october": partial(defects, OCTOBER_2025),
    "defects-february": partial(defects, FEBRUARY_2026),
}


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table."""
    heads = list(heads)
    lines = [heads, ["---"] * len(heads), *(list(row) for row in rows)]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def refreshed(page: Path) -> str:
    """Return a page with its tables and sentences made anew; an unknown name of a table is a mistake in the page."""
    with_tables = _TABLE.sub(lambda found: f"{found[1]}\n{TABLES[found[2]]()}\n{found[3]}", page.read_text())
    sentences = {reason.value: sentence(reason) for kind in REASONS.get(page.name, ()) for reason in kind}
    return _REASON.sub(lambda found: _row(found, sentences), with_tables)


def _row(found: re.Match[str], sentences: Mapping[str, str]) -> str:
    """Return a row of reasons with the sentence that the condition shows in its second cell."""
    told = sentences.get(found[1])
    return found[0] if told is None else f"| `{found[1]}` | {told} |"


def sentence(reason: StrEnum) -> str:
    """Return the sentence of a reason; what is filled in stands in italics."""
    return _PLACE.sub(r"*\1*", messages._template(Verdict(reason)))


def pages() -> list[Path]:
    """Return every page of the documentation."""
    return sorted(DOCS.glob("*.md"))


def _option(one: click.Option) -> list[str]:
    return [f"`{one.opts[0]}`", "" if one.is_flag else _code(_shown(one.default)), one.help or ""]


def _shown(value: object) -> str:
    """Return a default as one would write it; empty for none (click marks that by a value of its own)."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float | Path) else ""


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


if __name__ == "__main__":
    for file in pages():
        file.write_text(refreshed(file))
