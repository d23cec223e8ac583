"""Traffic from files and from chance: the same arguments give the same requests."""

import gzip
import random
import statistics
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.domain.errors import InvalidField
from penstock.sim import traces
from penstock.sim.traces import Arrival

HEADER = "TIMESTAMP,ContextTokens,GeneratedTokens\n"
ROWS = [
    "2023-11-16 18:15:50.9951690,396,109",
    "2023-11-16 18:15:46.6805900,374,44",
    "2023-11-16 18:16:46.6805900,1,0",
    "2023-11-16 18:16:47,5,5",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with gzip.open(tmp_path / traces.AZURE_CONV, "wt") as file:
        file.write(HEADER + "\n".join(ROWS))
    return tmp_path


def test_a_trace_begins_at_zero_and_is_in_order(folder: Path) -> None:
    found = traces.read(folder / traces.AZURE_CONV)

    assert [arrival.at_s for arrival in found] == pytest.approx([0, 4.314579, 60, 60.31941], abs=1e-5)
    assert [(arrival.input_tokens, arrival.output_tokens) for arrival in found] == [
        (374, 44),
        (396, 109),
        (1, 1),
        (5, 5),
    ]


def test_a_trace_may_be_unpacked(tmp_path: Path) -> None:
    file = tmp_path / "trace.csv"
    file.write_text(HEADER + ROWS[0])

    assert traces.read(file) == [Arrival(at_s=0.0, input_tokens=396, output_tokens=109)]


@pytest.mark.parametrize(
    ("content", "field"),
    [
        pytest.param(b"a,b\n", "t.csv", id="other columns"),
        pytest.param(b"", "t.csv", id="empty"),
        pytest.param(HEADER.encode() + b"yesterday,1,2", "t.csv:2", id="no time"),
        pytest.param(HEADER.encode() + ROWS[0].encode() + b"\n2023-11-16 18:15:46,many,2", "t.csv:3", id="no number"),
        pytest.param(HEADER.encode() + b"2023-11-16 18:15:46,1", "t.csv:2", id="a column short"),
        pytest.param(HEADER.encode() + b"\xff\xfe", "trace", id="no text"),
        pytest.param(None, "trace", id="no file"),
    ],
)
def test_a_file_that_is_no_trace_is_named(tmp_path: Path, content: bytes | None, field: str) -> None:
    file = tmp_path / "t.csv"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(InvalidField) as caught:
        traces.read(file)

    assert caught.value.field == field


def test_what_only_claims_to_be_packed_is_named(tmp_path: Path) -> None:
    file = tmp_path / "t.csv.gz"
    file.write_text("no gzip")

    with pytest.raises(InvalidField):
        traces.read(file)


times = st.lists(st.floats(0, 1000), max_size=30).map(sorted)


@given(times, st.floats(0, 1000), st.floats(1, 100), st.floats(0.1, 100))
def test_a_slice_played_faster_fits_its_time(at_s: list[float], start_s: float, length_s: float, speed: float) -> None:
    arrivals = [Arrival(at_s=one, input_tokens=1, output_tokens=1) for one in at_s]

    played = traces.faster(traces.window(arrivals, start_s, length_s), speed)

    assert len(played) == sum(start_s <= one < start_s + length_s for one in at_s)
    assert all(0 <= arrival.at_s <= length_s / speed for arrival in played)


def test_thinning_keeps_about_its_share() -> None:
    arrivals = [Arrival(at_s=float(n), input_tokens=1, output_tokens=1) for n in range(10_000)]

    kept = traces.thinned(arrivals, 0.25, random.Random(1))

    assert len(kept) == pytest.approx(2500, rel=0.05)
    assert set(kept) <= set(arrivals)


@pytest.mark.unmeasured
def test_made_up_traffic_has_the_rate_the_hill_and_the_lengths_that_it_should() -> None:
    made = traces.synthetic(6000.0, 5.0, random.Random(1))

    thirds = [sum(start <= arrival.at_s < start + 2000 for arrival in made) for start in (0, 2000, 4000)]
    assert len(made) / 6000 == pytest.approx(5.0, rel=0.2)
    assert thirds[1] > 1.5 * max(thirds[0], thirds[2])
    assert statistics.median(arrival.input_tokens for arrival in made) == pytest.approx(1020, rel=0.05)
    assert statistics.median(arrival.output_tokens for arrival in made) == pytest.approx(129, rel=0.05)
    assert [arrival.at_s for arrival in made] == sorted(arrival.at_s for arrival in made)


@pytest.mark.parametrize("there", [True, False])
def test_traffic_is_recorded_where_there_is_a_recording(folder: Path, tmp_path: Path, *, there: bool) -> None:
    where = folder if there else tmp_path / "nowhere"

    first, second = (
        traces.traffic(where, start_s=0.0, length_s=10.0, speed=10.0, mean_per_s=100.0, seed=7) for _ in range(2)
    )

    assert first == second
    assert (first.credit, first.speed) == ((traces.AZURE_CREDIT, 10.0) if there else (traces.SYNTHETIC_CREDIT, 1.0))
    assert all(0 <= arrival.at_s < 10 for arrival in first.arrivals)
    assert first.arrivals


def test_no_folder_and_a_slice_beyond_the_end(folder: Path) -> None:
    made = traces.traffic(None, start_s=0.0, length_s=10.0, speed=10.0, mean_per_s=5.0)
    beyond = traces.traffic(folder, start_s=1e6, length_s=10.0, speed=10.0, mean_per_s=5.0)

    assert made.credit == traces.SYNTHETIC_CREDIT
    assert beyond.arrivals == ()
