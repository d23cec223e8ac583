"""A recorded Prometheus answers as it did, about the time that was recorded, and refuses everything else."""

import math

import pytest

from penstock.domain.errors import Refused
from penstock.settings.prometheus import PrometheusSettings
from penstock.telemetry.history import History
from penstock.telemetry.recording import URL, Playback, Recording, kept

RESULT = [
    {"metric": {"pod": "a"}, "values": [[1060, "1.5"], [1120, "2"], [1240, "NaN"], [1300, "4"]]},
    {"metric": {"pod": "b"}, "values": [[1000, "7"]]},
]


def recording() -> Recording:
    return Recording(told="a test", start_s=1000.0, end_s=1300.0, kept=[kept("up", 1000.0, 60.0, RESULT)])


def history(played: Recording | None = None) -> History:
    return History(PrometheusSettings(url=URL), transport=Playback(played or recording()))


def test_what_was_recorded_is_answered_gaps_included() -> None:
    found = history(Recording.unpack(recording().pack())).range("up", 1000.0, 1300.0, 60.0)

    assert {one.labels["pod"]: one.points for one in found} == {
        "a": ((1060.0, 1.5), (1120.0, 2.0), (1300.0, 4.0)),
        "b": ((1000.0, 7.0),),
    }


def test_a_part_of_the_time_can_be_asked_for() -> None:
    (found,) = history().range("up", 1060.0, 1120.0, 60.0)

    assert found.points == ((1060.0, 1.5), (1120.0, 2.0))


@pytest.mark.parametrize(
    ("query", "start_s", "end_s", "step_s"),
    [
        pytest.param("down", 1000.0, 1300.0, 60.0, id="another query"),
        pytest.param("up", 1000.0, 1300.0, 30.0, id="another step"),
        pytest.param("up", 940.0, 1300.0, 60.0, id="before it"),
        pytest.param("up", 1000.0, 1360.0, 60.0, id="after it"),
    ],
)
def test_what_was_not_recorded_is_refused(query: str, start_s: float, end_s: float, step_s: float) -> None:
    with pytest.raises(Refused, match="not in the recording"):
        history().range(query, start_s, end_s, step_s)


def test_the_same_recording_is_the_same_file() -> None:
    assert recording().pack() == Recording.unpack(recording().pack()).pack()
    assert math.isnan(float(Recording.unpack(recording().pack()).kept[0].lines[0].values[3]))
