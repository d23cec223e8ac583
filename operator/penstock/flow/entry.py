"""A request inside the scheduler: first waiting, then in flight."""

from typing import NamedTuple

from penstock.domain.requests import Request
from penstock.flow.effective import Effective, Rule
from penstock.flow.server import Server
from penstock.ordering.line import Line, LineKey
from penstock.programs.workload import Workload


class Gate(NamedTuple):
    """What decides whether a request may go: the quota of its rule, and the endpoints that its subset allows."""

    rule: Rule
    subset: frozenset[str] | None


class Entry:
    """One request. While it waits it has a `line` of the queue, in flight a `server`.

    What `bind` sets follows the policy: `context` is the client's after defaults and caps, `key` names the line.
    """

    __slots__ = (
        "answered",
        "arrived_s",
        "context",
        "gate",
        "generation",
        "key",
        "line",
        "request",
        "rule",
        "seq",
        "server",
        "workload",
    )

    def __init__(self, request: Request, seq: int, arrived_s: float, workload: Workload, effective: Effective) -> None:
        self.request = request
        self.seq = seq
        self.arrived_s = arrived_s
        self.workload = workload
        self.line: Line[Entry]
        self.server: Server | None = None
        self.answered = False
        self.bind(effective)

    def bind(self, effective: Effective) -> None:
        """Follow a policy."""
        self.generation = effective.document.generation
        self.rule = effective.rule(self.request)
        self.context = self.rule.context(self.request.context)
        self.gate = Gate(self.rule, self.request.subset)
        self.key = LineKey(self.workload, self.context.criticality, self.rule.terms, self.gate)
