"""Tells over what each rival was tuned: its knobs and their values, how many points were tried where, and the best."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from penstock.bench import sweep
from penstock.bench.campaign import STATIC, Findings, mean
from penstock.bench.jobs import MIX, SPLIT, Job, Knobs, Outcome
from penstock.bench.sweep import Track
from penstock.peers.all import rival
from penstock.peers.rivals import Rival
from penstock.report.parts import Table
from penstock.report.study import Sweep
from penstock.report.words import number, percent

_HEADS = ("workload", "tried", "of", "best: where", "with", "met", "money/h")
_SHAPES: Mapping[str, str] = {MIX: "the mix", SPLIT: "one law each on the mix"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tuned:
    """A rival on one workload: the points that could be tried, those that were, the best, and that on all seeds."""

    tracks: tuple[Track, ...]
    tried: tuple[Outcome, ...]
    best: Outcome
    everywhere: tuple[Outcome, ...]


def sweeps(findings: Sequence[Findings]) -> tuple[Sweep, ...]:
    """Return what was swept, rival by rival, with a row for each workload."""
    return tuple(_sweep(rival(code), findings) for code in _codes(findings))


def data(findings: Sequence[Findings]) -> list[dict[str, object]]:
    """Return the same for programs, with every shape by itself."""
    return [_data(rival(code), findings) for code in _codes(findings)]


def still(found: Findings) -> str:
    """Return what is told of fleets that never change: the best one, and the best of those made for the peak."""
    best = next((row for row in found.finals if row[0].job.policy == STATIC), None)
    peaks = (one for one in found.swept if one.job.policy == STATIC and not one.job.swept)
    peak = sweep.best(peaks, found.bar)
    if best is None or peak is None:
        return "The best fleet that never changes: not run"
    told = f"The best fleet that never changes, as the first seed tells beforehand: {_fleet(best)} on all seeds"
    return told if peak.job == best[0].job else f"{told}; made for the peak: {_fleet([peak])} on the first"


def _fleet(row: Sequence[Outcome]) -> str:
    job, most = row[0].job, {name: max(counts, default=0) for name, counts in row[0].ready.items()}
    told = " and ".join(f"{count} {name}" for name, count in most.items() if count)
    met = percent(mean(each.attainment for each in row))
    return f"{told} ({STATIC} on {where(job)}, {knobs(job.knobs)}), {met} for {_usd_per_h(row):.2f} an hour"


def where(job: Job) -> str:
    """Return what a rival was run on, after the word "on"."""
    return _SHAPES.get(job.shape, job.shape)


def knobs(pairs: Knobs) -> str:
    """Return a point's knobs in words."""
    return ", ".join(f"{name} {number(value, 3)}" for name, value in pairs) or "defaults"


def _codes(findings: Iterable[Findings]) -> list[str]:
    return list(dict.fromkeys(one.policy for found in findings for one in found.tracks))


def _sweep(one: Rival, findings: Iterable[Findings]) -> Sweep:
    rows = tuple(row for found in findings if (row := _row(one.code, found)))
    return Sweep(
        name=f"{one.code} {one.name}",
        say=f"{_grid(one)}; {_defaults(one)}.",
        table=Table(heads=_HEADS, rows=rows, right=frozenset({1, 2, 5, 6})),
    )


def _grid(one: Rival) -> str:
    axes = "; ".join(f"{knob} {_values(values)}{_narrowed(one, knob)}" for knob, values in one.grid.items())
    return f"Swept over {axes}" if axes else "Nothing is swept"


def _defaults(one: Rival) -> str:
    return f"defaults: {knobs(tuple(one.defaults.items()))}" if one.defaults else "it has no knobs"


def _narrowed(one: Rival, knob: str) -> str:
    own = [f"{gpu} {_values(grid[knob])}" for gpu, grid in one.by_accelerator.items() if knob in grid]
    return f" (beside the default, on {', on '.join(own)})" if own else ""


def _values(values: Iterable[float]) -> str:
    if isinstance(values, range):
        return f"{values[0]} to {values[-1]}"
    return ", ".join(number(value, 3) for value in values)


def _row(code: str, found: Findings) -> tuple[str, ...]:
    """Return a rival's row of a workload, none where it was not run."""
    one = _tuned(code, found)
    if one is None:
        return ()
    points = sum(len(track.points) for track in one.tracks)
    told = (found.subject.name, str(len(one.tried)), str(points), where(one.best.job), knobs(one.best.job.knobs))
    return (*told, percent(mean(row.attainment for row in one.everywhere)), f"{_usd_per_h(one.everywhere):.2f}")


def _tuned(code: str, found: Findings) -> _Tuned | None:
    """Return what tuning a rival came to, None where it was not run."""
    tried = tuple(one for one in found.swept if one.job.policy == code)
    best = sweep.best(tried, found.bar)
    if best is None:
        return None
    return _Tuned(
        tracks=tuple(one for one in found.tracks if one.policy == code),
        tried=tried,
        best=best,
        everywhere=next((row for row in found.finals if row[0].job == best.job), (best,)),
    )


def _usd_per_h(outcomes: Iterable[Outcome]) -> float:
    return mean(one.usd_per_h for one in outcomes)


def _data(one: Rival, findings: Iterable[Findings]) -> dict[str, object]:
    return {
        "code": one.code,
        "name": one.name,
        "source": one.source,
        "defaults": dict(one.defaults),
        "grid": {knob: list(values) for knob, values in one.grid.items()},
        "grid_by_accelerator": {
            gpu: {knob: list(values) for knob, values in grid.items()} for gpu, grid in one.by_accelerator.items()
        },
        "workloads": [body for found in findings if (body := _workload(one.code, found))],
    }


def _workload(code: str, found: Findings) -> dict[str, object]:
    one = _tuned(code, found)
    if one is None:
        return {}
    return {
        "workload": found.subject.name,
        "shapes": {
            track.shape: {
                "points": len(track.points),
                "tried": sum(row.job.shape == track.shape for row in one.tried),
            }
            for track in one.tracks
        },
        "best": {**asdict(one.best.job), "knobs": dict(one.best.job.knobs)},
        "attainment": mean(row.attainment for row in one.everywhere),
        "usd_per_h": _usd_per_h(one.everywhere),
        "seeds": len(one.everywhere),
    }
