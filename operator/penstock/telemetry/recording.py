"""A Prometheus that was recorded: what it answered to range queries, packed into one file, and answered again."""

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from io import BytesIO
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter

URL: Final = "http://recording.invalid"
"""Where a recording stands in for a Prometheus: nowhere, since nothing is sent."""

_GAP: Final = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One series: its labels and, from the step `first` on, values as Prometheus wrote them; where it gave none, ''."""

    labels: Mapping[str, str]
    first: int
    values: Sequence[str]

    def points(self, start_s: float, step_s: float) -> list[list[Any]]:
        """Return the values as Prometheus's API does, the first step being at `start_s`."""
        times = (start_s + step_s * step for step in range(self.first, self.first + len(self.values)))
        return [[at_s, value] for at_s, value in zip(times, self.values, strict=True) if value != _GAP]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The answer to one query, a value each `step_s` seconds."""

    query: str
    step_s: float
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """Answers about the time from `start_s` to `end_s` (Unix); `told` says in words what was recorded, and how."""

    told: str
    start_s: float
    end_s: float
    kept: Sequence[Kept]

    def pack(self) -> bytes:
        """Return it as a file; the same recording gives the same bytes."""
        body = asdict(self)
        for answer in body["kept"]:
            for line in answer["lines"]:
                line["values"] = " ".join(line["values"])
        return gzip.compress(json.dumps(body, separators=(",", ":")).encode(), mtime=0)

    @classmethod
    def unpack(cls, packed: bytes) -> "Recording":
        """Return what was packed."""
        body = json.loads(gzip.decompress(packed))
        kept = [
            Kept(
                query=answer["query"],
                step_s=answer["step_s"],
                lines=[Line(**{**line, "values": line["values"].split(" ")}) for line in answer["lines"]],
            )
            for answer in body.pop("kept")
        ]
        return cls(**body, kept=kept)


def kept(query: str, start_s: float, step_s: float, result: Sequence[Mapping[str, Any]]) -> Kept:
    """Return a range query's answer, as Prometheus's API gives it, ready to be packed."""
    return Kept(query=query, step_s=step_s, lines=[_line(series, start_s, step_s) for series in result])


def _line(series: Mapping[str, Any], start_s: float, step_s: float) -> Line:
    known = {round((at_s - start_s) / step_s): value for at_s, value in series["values"]}
    first, last = min(known), max(known)
    return Line(labels=series["metric"], first=first, values=[known.get(step, _GAP) for step in range(first, last + 1)])


class Playback(BaseAdapter):
    """Carries requests to a recording, where others carry them to a server. What was not recorded is refused."""

    def __init__(self, recording: Recording) -> None:
        super().__init__()
        self._start_s, self._end_s = recording.start_s, recording.end_s
        self._kept = {(one.query, one.step_s): one for one in recording.kept}

    def send(self, request: PreparedRequest, *_: object, **__: object) -> Response:
        """Answer a range query as Prometheus's HTTP API does."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(request.url or "").query).items()}
        found = self._kept.get((asked["query"], float(asked["step"])))
        within = self._start_s <= float(asked["start"]) and float(asked["end"]) <= self._end_s
        if found is None or not within:
            return _answer(request, 422, {"status": "error", "errorType": "execution", "error": "not in the recording"})
        result = [self._series(line, found.step_s, float(asked["start"]), float(asked["end"])) for line in found.lines]
        data = {"resultType": "matrix", "result": [one for one in result if one["values"]]}
        return _answer(request, 200, {"status": "success", "data": data})

    def _series(self, line: Line, step_s: float, start_s: float, end_s: float) -> dict[str, Any]:
        points = line.points(self._start_s, step_s)
        return {"metric": line.labels, "values": [one for one in points if start_s <= one[0] <= end_s]}

    def close(self) -> None:
        """Nothing is open."""


def _answer(request: PreparedRequest, status: int, body: Mapping[str, Any]) -> Response:
    answer = Response()
    answer.status_code, answer.request, answer.url = status, request, request.url or URL
    answer.headers["Content-Type"] = "application/json"
    answer.raw = BytesIO(json.dumps(body).encode())
    return answer
