"""A scheduler under a virtual clock, driven by names instead of tickets."""

from collections.abc import Sequence
from dataclasses import replace

from penstock.domain.policies import (
    Detector,
    Policy,
    PolicyDocument,
    QueueLimits,
    Saturation,
)
from penstock.domain.requests import Endpoint, Request, WorkloadContext
from penstock.flow.actions import Action, Dispatch, Reject
from penstock.flow.scheduler import Scheduler

POD = "10.0.0.1:8000"


def document(policy: Policy, generation: int = 1) -> PolicyDocument:
    return PolicyDocument(
        schema=1, revision=generation, uid="u", name="p", generation=generation, hash=f"h{generation}", policy=policy
    )


def gated(limit: int, policy: Policy | None = None, **queue: float) -> Policy:
    """A policy whose endpoints take `limit` requests each."""
    limits = QueueLimits(saturation=Saturation(detector=Detector.CONCURRENCY, max_concurrency=limit))
    return replace(policy or Policy(), queue=replace(limits, **queue))


class World:
    """One router. All that the scheduler says is kept in `said`; `dispatched` and `rejected` are request ids."""

    def __init__(self, policy: Policy, pods: Sequence[str] = (POD,), now_s: float = 1000.0) -> None:
        self.now_s = now_s
        self.scheduler = Scheduler(document(policy), now_s)
        self.said: list[Action] = []
        self.running: list[str] = []
        self._tickets: dict[str, int] = {}
        if pods:
            self.pods(*pods)

    @property
    def dispatches(self) -> list[Dispatch]:
        return [action for action in self.said if isinstance(action, Dispatch)]

    @property
    def dispatched(self) -> list[str]:
        return [action.request.request_id for action in self.dispatches]

    @property
    def rejects(self) -> list[Reject]:
        return [action for action in self.said if isinstance(action, Reject)]

    @property
    def rejected(self) -> list[str]:
        return [action.request.request_id for action in self.rejects]

    def hear(self, actions: list[Action]) -> list[Action]:
        self.said += actions
        self.running += [one.request.request_id for one in actions if isinstance(one, Dispatch)]
        return actions

    def send(self, name: str, workload: str = "", criticality: int | None = None, **more: object) -> list[Action]:
        """Submit a request called `name`, of the workload of the same name where none is given."""
        self._tickets[name] = len(self._tickets) + 1
        context = WorkloadContext(workload or name, criticality or 3, declared=criticality is not None)
        request = Request(ticket=self._tickets[name], request_id=name, context=context, **more)  # type: ignore[arg-type]  # as the test says
        return self.hear(self.scheduler.submit(request, self.now_s))

    def finish(self, *names: str) -> None:
        for name in names:
            self.running.remove(name)
            self.hear(self.scheduler.done(self._tickets[name], self.now_s))

    def leave(self, name: str) -> list[Action]:
        return self.hear(self.scheduler.cancel(self._tickets[name], self.now_s))

    def begin(self, name: str, served: str = "") -> list[Action]:
        return self.hear(self.scheduler.first_byte(self._tickets[name], self.now_s, served))

    def pods(self, *addresses: str) -> list[Action]:
        return self.hear(self.scheduler.endpoints([Endpoint(address=one) for one in addresses], self.now_s))

    def obey(self, policy: Policy, generation: int = 2) -> list[Action]:
        return self.hear(self.scheduler.policy(document(policy, generation), self.now_s))

    def wait(self, passed_s: float) -> None:
        """Let time pass, waking the scheduler when it asks for it."""
        until_s = self.now_s + passed_s
        while (wake_s := self.scheduler.next_wake_s) is not None and wake_s <= until_s:
            self.now_s = max(self.now_s, wake_s)
            self.hear(self.scheduler.tick(self.now_s))
        self.now_s = until_s

    def block(self, count: int = 5) -> None:
        """Fill the endpoints with requests that end when told."""
        for number in range(count):
            self.send(f"blocker-{number}", "blocker", 1)

    def run_out(self) -> list[str]:
        """End what runs, one every half second, until nothing does; return what went meanwhile."""
        seen = len(self.dispatches)
        while self.running:
            self.wait(0.5)
            self.finish(self.running[0])
        return self.dispatched[seen:]

    def queue(self) -> list[str]:
        return [row.request_id for row in self.scheduler.queued(self.now_s)]
