"""Record what `penstock advise --demo` plays: a simulated fleet's series, as a real Prometheus answers about them.

    python -m tests.integration.advise.record

writes operator/penstock/advise/recording.json.gz, and beside the unit tests what really became of the requests (about
two minutes on one core; needs what the integration tests need of Prometheus). The fleet and its traffic are made up by
the law in `fleet`; what its pods say every 15 s is written to a Prometheus, which is then read by `penstock advise`'s
own code. What it answered is kept, to six digits. To be done again when a test says that the recording lacks what is
asked today.
"""

import json
import math
import re
import tempfile
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from rich.progress import Progress
from tests.integration.advise import fleet
from tests.integration.advise.fleet import SCRAPE_S, START_S, WARM_UP_S
from tests.integration.advise.pods import GAP, Line, Tape
from tests.prometheus import STALE, PrometheusServer, Series

import penstock.advise
from penstock.advise.tracks import Grid
from penstock.settings.prometheus import PrometheusSettings
from penstock.sim.results import RunResult
from penstock.sim.scene import CHAT
from penstock.telemetry.history import History
from penstock.telemetry.pastqueries import LOAD_STEP_S, engines, replicas
from penstock.telemetry.recording import Kept, Recording, kept
from penstock.wiring.advise import read

FILE: Final = Path(penstock.advise.__file__).with_name("recording.json.gz")
TRUTH: Final = Path(__file__).parents[2] / "unit" / "advise" / "recorded.json"
AT_ONCE: Final = 120  # scrapes that are written together
NAMES: Final = frozenset(
    re.findall(r"[a-zA-Z_:][a-zA-Z0-9_:]*", " ".join(one.promql for one in (*engines(), *replicas(["any"]))))
)
"""The words of all queries; whatever series is called by one of them is taken down."""


class Keeping(HTTPAdapter):
    """Carries requests to Prometheus and keeps what it answers."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[Kept] = []

    def send(self, request: PreparedRequest, *args: Any, **more: Any) -> Response:
        answer = super().send(request, *args, **more)
        asked = {name: values[0] for name, values in parse_qs(urlsplit(request.url or "").query).items()}
        result = [{**one, "values": _short(one["values"])} for one in answer.json()["data"]["result"]]
        result.sort(key=lambda one: sorted(one["metric"].items()))
        self.kept.append(kept(asked["query"], float(asked["start"]), float(asked["step"]), result))
        return answer


def _short(values: Sequence[tuple[float, str]]) -> list[tuple[float, str]]:
    return [(at_s, f"{float(text):.6g}" if math.isfinite(float(text)) else text) for at_s, text in values]


def fill(server: PrometheusServer, length_s: float) -> Mapping[str, RunResult]:
    """Let the fleet run, and write what it said; return what became of each model, whatever anybody saw of it."""
    tape = Tape(NAMES)
    results = {one.model: fleet.play(one, length_s, tape) for one in fleet.WORKLOADS}
    for piece in written(tape, round((WARM_UP_S + length_s) / SCRAPE_S)):
        server.write(piece)
    return results


def asked(url: str, length_s: float) -> Recording:
    """Ask as `penstock advise` does."""
    keeping = Keeping()
    grid = Grid(start_s=START_S, step_s=LOAD_STEP_S, count=round(length_s / LOAD_STEP_S) + 1)
    past = read(History(PrometheusSettings(url=url), transport=keeping), grid, "", Progress(disable=True))
    assert not past.notes, past.notes
    return Recording(told=fleet.LAW, start_s=START_S, end_s=START_S + length_s, kept=keeping.kept)


def written(tape: Tape, last: int) -> Iterator[list[Series]]:
    """Yield everything in the order of time, with Prometheus's mark where a series ends."""
    lines = [_ended(line, last) for line in tape.lines.values()]
    by_piece: defaultdict[int, list[Line]] = defaultdict(list)
    for line in lines:
        for piece in range(line.first // AT_ONCE, (line.first + len(line.values) - 1) // AT_ONCE + 1):
            by_piece[piece].append(line)
    for piece in sorted(by_piece):
        yield [_samples(line, piece * AT_ONCE, (piece + 1) * AT_ONCE) for line in by_piece[piece]]


def _ended(line: Line, last: int) -> Line:
    if line.first + len(line.values) > last:
        return line
    return replace(line, values=line.values + type(line.values)("d", [STALE]))


def _samples(line: Line, first: int, last: int) -> Series:
    here = range(max(first, line.first), min(last, line.first + len(line.values)))
    values = ((START_S - WARM_UP_S + SCRAPE_S * scrape, line.values[scrape - line.first]) for scrape in here)
    return Series(line.name, line.labels, [(at_s, value) for at_s, value in values if value != GAP])


def truth(result: RunResult) -> dict[str, float]:
    """Return what really became of the requests after the warm-up."""
    first = bisect_left(result.arrival_s, WARM_UP_S)
    within = result.within(CHAT)[first:]
    return {"requests": len(within), "met": sum(within) / len(within), "usd_per_day": 24 * result.usd_per_h()}


def main() -> None:
    length_s = fleet.DAYS * 86_400.0
    with tempfile.TemporaryDirectory() as home:
        server = PrometheusServer(Path(home))
        try:
            server.open()
            results = fill(server, length_s)
            recording = asked(server.url, length_s)
        finally:
            server.close()
    FILE.write_bytes(recording.pack())
    TRUTH.write_text(json.dumps({model: truth(one) for model, one in results.items()}, indent=2) + "\n")
    print(f"{FILE}: {FILE.stat().st_size:,} bytes, {len(recording.kept)} answers; {TRUTH}")


if __name__ == "__main__":
    main()
