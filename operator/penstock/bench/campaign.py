"""The whole comparison in stages: bounds and ours, rivals at their defaults, tuning, and the best on all seeds."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from penstock.bench import sweep
from penstock.bench.jobs import BOUND, MIX, OURS, QUOTA, WVA, Job, Outcome
from penstock.bench.plans import Plan
from penstock.bench.play import shapes_of
from penstock.bench.runner import Runner
from penstock.bench.sweep import Track
from penstock.peers.all import rival
from penstock.sim.workloads import Workload, workload

STATIC: Final = "B0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A workload as the comparison tells of it."""

    name: str
    title: str
    credit: str
    law: str
    level: float
    ttft_s: float
    tpot_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """All outcomes on one workload: ours and the bounds by seed, every point of every rival on the first seed.

    `finals` holds the points that were chosen, each on all seeds; `quota` is everything the mix's quota allows.
    `tracks` holds every point that could be tried.
    """

    subject: Subject
    ours: tuple[Outcome, ...]
    bounds: tuple[Outcome, ...]
    quota: Outcome
    swept: tuple[Outcome, ...]
    finals: tuple[tuple[Outcome, ...], ...]
    tracks: tuple[Track, ...]

    @property
    def bar(self) -> float:
        """The attainment at which money is compared: the workload's level, or ours where we miss it."""
        return min(self.subject.level, mean(one.attainment for one in self.ours))


def mean(values: Iterable[float]) -> float:
    """Return the mean of some numbers, one at least."""
    known = list(values)
    return sum(known) / len(known)


class _Field:
    """The comparison on one workload as it goes on: what was asked, what came of it, what to ask next."""

    def __init__(self, plan: Plan, made: Workload) -> None:
        self._plan, self._level = plan, made.level
        self.subject = Subject(
            name=made.name,
            title=made.title,
            credit=made.credit,
            law=made.law,
            level=made.level,
            ttft_s=made.scene.slo.ttft_s,
            tpot_s=made.scene.slo.tpot_s,
        )
        self._tracks = [
            sweep.track(code, shape, rival(code).points(made.alone.get(shape, made.scene)), rival(code).defaults)
            for code in plan.rivals
            for shape in shapes_of(code, made)
        ]
        self._standing = [one for one in self._tracks if one.policy == STATIC][-1:]  # on the mix, where there is one
        self._found: dict[Job, Outcome] = {}

    def take(self, outcomes: Iterable[Outcome]) -> None:
        """Take in what came of this workload's jobs."""
        self._found |= {one.job: one for one in outcomes if one.job.workload == self.subject.name}

    # --- what to ask

    def frame(self) -> list[Job]:
        """Return ours and the bounds on every seed, and all that the quota allows."""
        return [*self._frame(OURS), *self._frame(BOUND), self._frame(QUOTA)[0]]

    def begin(self) -> list[Job]:
        """Return every rival in every shape at its defaults, and a few points spread over its grid."""
        return [self._point(one, point) for one, point in sweep.first(self._tracks, self._plan.spread)]

    def further(self) -> list[Job]:
        """Return the points to try next; a fleet that never changes takes none from the laws."""
        seen: dict[tuple[str, str], list[Outcome]] = {}
        for one in self._swept():
            seen.setdefault((one.job.policy, one.job.shape), []).append(one)
        laws = [one for one in self._tracks if one.policy != STATIC]
        steps = sweep.further(laws, seen, self._bar(), self._plan.steps)
        for still in self._standing:
            point = sweep.halfway(still, seen[still.policy, still.shape], self._bar())
            steps += [(still, point)] if point is not None else []
        return [self._point(*step) for step in steps]

    def finals(self) -> list[Job]:
        """Return the chosen points on all seeds."""
        return [job.at(seed) for job in self._chosen() for seed in range(self._plan.seeds)]

    def _frame(self, policy: str) -> list[Job]:
        blank = Job(workload=self.subject.name, seed=0, policy=policy, shape=MIX, quick=self._plan.quick)
        return [blank.at(seed) for seed in range(self._plan.seeds)]

    def _point(self, one: Track, point: sweep.Point) -> Job:
        return one.job(point, self.subject.name, quick=self._plan.quick)

    def _chosen(self) -> list[Job]:
        """Return the best point of each rival, and of those whom targets name: reactive ones alone, WVA on a mix."""
        swept, bar = self._swept(), self._bar()
        groups = [[one for one in swept if one.job.policy == code] for code in self._plan.rivals]
        groups.append([one for one in swept if one.job.single and reactive(one.job.policy)])
        groups += [[one for one in swept if one.job.policy == code and not one.job.single] for code in WVA]
        leaders = (sweep.best(group, bar) for group in groups)
        return list(dict.fromkeys(one.job for one in leaders if one is not None))

    # --- what came of it

    def findings(self) -> Findings:
        """Return everything."""
        return Findings(
            subject=self.subject,
            ours=self._all(self._frame(OURS)),
            bounds=self._all(self._frame(BOUND)),
            quota=self._found[self._frame(QUOTA)[0]],
            swept=tuple(self._swept()),
            finals=tuple(self._all([job.at(seed) for seed in range(self._plan.seeds)]) for job in self._chosen()),
            tracks=tuple(self._tracks),
        )

    def _all(self, jobs: Sequence[Job]) -> tuple[Outcome, ...]:
        return tuple(self._found[job] for job in jobs)

    def _swept(self) -> list[Outcome]:
        own = {OURS, BOUND, QUOTA}
        return [one for job, one in sorted(self._found.items()) if job.policy not in own and job.seed == 0]

    def _bar(self) -> float:
        return min(self._level, mean(one.attainment for one in self._all(self._frame(OURS))))


Ask = Callable[[_Field], list[Job]]


def reactive(policy: str) -> bool:
    """Tell whether a rival follows what it measures, and neither foresees nor stands still."""
    return policy != STATIC and rival(policy).reactive


def campaign(plan: Plan, runner: Runner, traces: Path | None) -> tuple[Findings, ...]:
    """Run a plan and return what was found, workload by workload."""
    fields = [_Field(plan, workload(name, 0, traces, quick=plan.quick)) for name in plan.workloads]
    begin = sum(len(field.begin()) for field in fields)
    finals = len(fields) * (plan.seeds - 1) * (len(plan.rivals) + len(WVA))
    stages: list[tuple[str, Ask, int]] = [
        ("bounds and ours", _Field.frame, 0),
        ("rivals as they come", _Field.begin, begin),
    ]
    for number in range(plan.rounds):
        name = f"tuning rivals, round {number + 1} of {plan.rounds}"
        stages.append((name, _Field.further, (plan.steps + 1) * len(fields)))
    stages.append(("the best on all seeds", _Field.finals, finals))
    for place, (name, ask, _) in enumerate(stages, start=1):
        later = sum(jobs for *_, jobs in stages[place:])
        outcomes = runner.run(name, [job for field in fields for job in ask(field)], later)
        for field in fields:
            field.take(outcomes)
    return tuple(field.findings() for field in fields)
