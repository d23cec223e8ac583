"""A policy as it is in force, for people: what it says, which routers run it, and why the others do not."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from penstock.doctor.facts import PodSight, PolicyFacts
from penstock.doctor.findings import Examination

_WIDTH: Final = 10
_WEIGHTS: Final = (("waitTime", "+", "wait"), ("criticality", "+", "criticality"), ("requestRate", "-", "request rate"),
                   ("service", "+", "service"))  # fmt: skip

Json = Mapping[str, Any]


def policy_story(facts: PolicyFacts, examined: Examination, routers: Iterable[Json] | None) -> str:
    """Return the lines about a policy that is there.

    `routers` are the operator's rows of what each router says that it runs; None where the operator does not answer,
    so that only the status can tell.
    """
    body: Json = facts.body or {}
    said: Json = body.get("status") or {}
    meta: Json = body.get("metadata") or {}
    where = said.get("programmed", "nowhere")
    head = (
        f"{facts.key.name}  generation {meta.get('generation')}, programmed {where} ({said.get('reason', 'unknown')})"
    )
    lines = [("target", facts.target), *_order(said.get("effective") or {})]
    lines += _runs(facts.routers or (), _rows(said, routers), meta)
    lines += [line for one in examined.findings if one.is_problem for line in _amiss(one.check, one.text, one.fix)]
    return "\n".join([head, *(f"  {name:{_WIDTH}}{text}" for name, text in lines)]) + "\n"


def _order(effective: Json) -> Iterator[tuple[str, str]]:
    if "ordering" in effective:
        yield "order", f"{effective['ordering']}{_formula(effective.get('weights') or {})}{_lane(effective)}"


def _formula(weights: Json) -> str:
    terms = [f"{sign} {weights[key]:g} {name}" for key, sign, name in _WEIGHTS if weights.get(key)]
    return f" by {' '.join(terms).removeprefix('+ ')}" if terms else ""


def _lane(effective: Json) -> str:
    share, bound = str(effective.get("laneShare", "0%")), effective.get("starvationBound")
    lane = "" if share == "0%" else f"; {share} go to the oldest"
    return lane + (f", so that none waits above {bound}" if bound else "")


def _rows(said: Json, routers: Iterable[Json] | None) -> dict[str, Json]:
    """Return what is known of each router: what it says now, else what the operator saw last."""
    before = {
        str(row.get("pod")): {**row, "generation": row.get("appliedGeneration")} for row in said.get("routers", ())
    }
    return before | {str(row["pod"]): row for row in routers or ()}


def _runs(pods: Iterable[PodSight], rows: Mapping[str, Json], meta: Json) -> Iterator[tuple[str, str]]:
    for pod in pods:
        row = rows.get(pod.name, {})
        own = row.get("uid", meta.get("uid")) == meta.get("uid")
        right = own and row.get("generation") == meta.get("generation") and not row.get("error")
        yield ("runs" if right else "lacks"), f"{pod.name}: {', '.join(_what(row, own=own)) or 'unknown'}"


def _what(row: Json, *, own: bool) -> Iterator[str]:
    if row.get("generation"):
        yield f"generation {row['generation']}{'' if own else ' of another policy'} ({row.get('hash', '?')})"
    elif "revision" in row:
        yield "its built-in defaults"
    if "revision" in row:
        yield f"revision {row['revision']}, {row['source']}"
    if row.get("appliedAt"):
        yield f"since {row['appliedAt']}"
    if row.get("error"):
        yield str(row["error"])


def _amiss(check: str, text: str, fix: str) -> Iterator[tuple[str, str]]:
    yield "amiss", f"{check}: {text}"
    if fix:
        yield "", f"fix: {fix}"
