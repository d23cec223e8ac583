"""What a person sees in the terminal: a live table, or plain lines where there is no terminal."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from penstock.domain.decisions import Outcome
from penstock.domain.errors import PenstockError
from penstock.domain.policies import PolicyDocument
from penstock.local.fleet import Fleet

NEWS_KEPT: Final = 8
COLUMNS: Final = ("variant", "now", "ready", "wanted", "need/s", "one serves/s", "TTFT", "TPOT", "why")


@dataclass(slots=True)
class View:
    """Shows each pass as it comes; `headline` gives the line on top. Use it as a context manager."""

    console: Console
    headline: Callable[[], str]
    clock: Callable[[], float] = time.monotonic
    live: Live | None = None
    news: list[str] = field(default_factory=list)
    outcomes: tuple[Outcome, ...] = ()
    _began_s: float = 0.0
    _shown: dict[str, str] = field(default_factory=dict)

    def __enter__(self) -> "View":
        self._began_s = self.clock()
        if self.console.is_terminal:
            self.live = Live(console=self.console, refresh_per_second=4, get_renderable=self._page)
            self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.live is not None:
            self.live.stop()

    def passed(self, outcomes: tuple[Outcome, ...], fleet: Fleet) -> None:
        """Show one pass; without a terminal only what changed."""
        del fleet
        self.outcomes = outcomes
        for outcome in outcomes:
            line = _line(outcome)
            if self._shown.get(outcome.decision.key.name) != line:
                self._shown[outcome.decision.key.name] = line
                self.tell(line)

    def programmed(self, document: PolicyDocument) -> None:
        """Show that the router runs another policy."""
        weights = document.policy.weights
        self.tell(
            f"policy {document.name or 'built in'} generation {document.generation} in force: "
            f"{document.policy.ordering}, wait {weights.wait_time:g}, criticality {weights.criticality:g}, "
            f"rate {weights.request_rate:g}"
        )

    def troubled(self, error: PenstockError) -> None:
        """Show what a person has to mend."""
        self.tell(f"not taken over, the last good state goes on: {error}")

    def tell(self, line: str) -> None:
        """Show one line of news."""
        stamped = f"{self.clock() - self._began_s:5.1f} s  {line}"
        self.news = [*self.news, stamped][-NEWS_KEPT:]
        if self.live is None:
            self.console.print(stamped, markup=False, highlight=False, soft_wrap=True)

    def _page(self) -> Group:
        return Group(Text(self.headline(), style="bold"), _table(self.outcomes), Text("\n".join(self.news)))


def _line(outcome: Outcome) -> str:
    decision = outcome.decision
    wanted = "-" if decision.desired is None else decision.desired
    return f"{decision.key.name}: {decision.reason}, wants {wanted} ({decision.summary})"


def _table(outcomes: Iterable[Outcome]) -> Table:
    table = Table(expand=True, show_edge=False)
    for column in COLUMNS:
        table.add_column(column, justify="left" if column in {"variant", "why"} else "right", no_wrap=column != "why")
    for outcome in outcomes:
        decision, alloc = outcome.decision, outcome.decision.alloc
        table.add_row(
            decision.key.name,
            _number(outcome.current),
            _number(outcome.ready),
            _number(decision.desired),
            _number(decision.need_per_s, ".1f"),
            _number(decision.capacity_per_s, ".2f"),
            _number(alloc.ttft_s, ".2f", " s"),
            _number(None if alloc.itl_s is None else alloc.itl_s * 1000, ".0f", " ms"),
            f"{decision.reason}: {decision.summary}",
        )
    return table


def _number(value: float | None, spec: str = "d", unit: str = "") -> str:
    """Return a number as text; unknown is a dash, never a zero."""
    return "–" if value is None else f"{value:{spec}}{unit}"
