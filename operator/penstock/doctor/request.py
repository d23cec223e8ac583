"""What became of one request at a router, for people: sent where and why there and then, refused, or still in line."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

_WIDTH: Final = 10
_PARTS: Final = (("normalized_wait", "wait"), ("normalized_crit", "criticality"), ("normalized_rate", "request rate"))

Json = Mapping[str, Any]


def request_story(request_id: str, routers: Iterable[Json]) -> str:
    """Return the lines about a request from the operator's rows of routers; empty where none of them knows it."""
    blocks = [block for row in routers for block in _blocks(request_id, row)]
    return "\n".join(blocks)


def _blocks(request_id: str, row: Json) -> Iterator[str]:
    if "waiting" in row:
        head = f"waits for {_span(row['waiting']['waited'])} now"
        yield _block(f"{request_id}  {head} at {row['pod']}", _in_line(row["waiting"]))
    for decision in row.get("decisions") or ():
        yield _block(f"{request_id}  {_outcome(decision)} by {row['pod']}", _facts(decision))


def _outcome(decision: Json) -> str:
    waited_s = round(decision["waited"], 3)
    after = f"at {str(decision['time'])[11:19]} {f'after {_span(waited_s)} in line' if waited_s else 'at once'}"
    if decision["outcome"] == "Rejected":
        return f"refused with {decision['status']} ({decision['reason']}) {after}"
    return f"sent to {decision['endpoint']} {after}"


def _facts(decision: Json) -> list[tuple[str, str]]:
    lines = [("who", _who(decision))]
    if decision["outcome"] == "Dispatched":
        lines.append(("order", _order(decision)))
        if decision["fallbacks"]:
            lines.append(("else", f"{', '.join(decision['fallbacks'])}, had that endpoint failed"))
    return [*lines, ("policy", f"generation {decision['policyGeneration']}")]


def _in_line(waiting: Json) -> list[tuple[str, str]]:
    score = waiting.get("score")
    return [("who", _who(waiting)), *([("order", _score(score))] if score else [])]


def _who(row: Json) -> str:
    return f"workload {row['workloadId']}, criticality {row['criticality']}"


def _order(decision: Json) -> str:
    count, score = int(decision["queueSizeBefore"]), decision.get("score")
    by_score = f" {_score(score)}" if score else ""
    if count <= 1:
        return f"nobody else was in line;{by_score}" if by_score else "nobody else was in line"
    if decision["lane"]:
        return f"the oldest of {count} in line, whatever its score"
    return f"first of {count} in line by{by_score}" if by_score else f"first of {count} in line"


def _score(score: Json) -> str:
    return f"score {score['final_score']:.3f}: {', '.join(f'{name} {score[key]:.2f}' for key, name in _PARTS)}"


def _span(seconds: float) -> str:
    return f"{seconds:.3f}".rstrip("0").rstrip(".") + "s"


def _block(head: str, lines: Iterable[tuple[str, str]]) -> str:
    return "\n".join([head, *(f"  {name:{_WIDTH}}{text}" for name, text in lines)]) + "\n"
