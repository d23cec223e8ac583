"""`--fake-metrics`: what is understood, how functions move, what is refused."""

import math

import pytest

from penstock.domain.errors import InvalidField
from penstock.settings.fakemetrics import AdapterSample, Wave, parse_fake_metrics


@pytest.mark.parametrize(
    ("text", "values"),
    [
        pytest.param("oscillate:0:10:4s", {0: 5, 1: 10, 2: 5, 3: 0, 4: 5}, id="oscillate"),
        pytest.param("ramp:10:0:5s", {0: 10, 2.5: 5, 5: 0, 60: 0}, id="ramp stays"),
        pytest.param("rampreset:0:8:4s", {0: 0, 3: 6, 4: 0, 5: 2}, id="rampreset starts anew"),
        pytest.param("squarewave:1:9:2s", {0: 1, 0.9: 1, 1: 9, 1.9: 9, 2: 1}, id="squarewave"),
    ],
)
def test_functions(text: str, values: dict[float, float]) -> None:
    wave = parse_fake_metrics({"running-requests": text}).gauges["running-requests"]

    assert isinstance(wave, Wave)
    assert [wave.at(elapsed_s) for elapsed_s in values] == pytest.approx(list(values.values()))


def test_everything_is_understood() -> None:
    metrics = parse_fake_metrics(
        {
            "running-requests": 7,
            "kv-cache-usage": "ramp:0:1:10s",
            "loras": [{"running": "a,b", "waiting": "c", "timestamp": 1257894567}],
            "ttft-buckets-values": [1, 0, 2],
            "request-success-total": {"stop": 3},
            "total-prompt-tokens": 99,
            "prefix-cache-hits": 5,
            "prefix-cache-queries": 10,
        }
    )

    assert metrics.gauges["running-requests"] == 7
    assert metrics.adapters == (AdapterSample(running="a,b", waiting="c", timestamp_s=1257894567),)
    assert metrics.histograms == {"ttft-buckets-values": (1, 0, 2)}
    assert metrics.finished == {"stop": 3, "length": 0, "tool_calls": 0, "remote_decode": 0}
    assert metrics.totals == {"total-prompt-tokens": 99, "prefix-cache-hits": 5, "prefix-cache-queries": 10}


def test_a_partial_update_leaves_the_rest_alone() -> None:
    before = parse_fake_metrics({"running-requests": 7, "waiting-requests": 2, "ttft-buckets-values": [1]})

    after = parse_fake_metrics({"running-requests": 8, "waiting-requests": None, "ttft-buckets-values": []}, before)

    assert after.gauges == {"running-requests": 8, "waiting-requests": 2}
    assert after.histograms == {}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param([], "fake-metrics=..: write a JSON object", id="no object"),
        pytest.param({"runing": 1}, "fake-metrics.runing=1: write one of running-requests", id="unknown"),
        pytest.param({"running-requests": -1}, "running-requests=-1: write a number, 0 or more", id="negative"),
        pytest.param({"running-requests": True}, "write a number", id="boolean"),
        pytest.param({"kv-cache-usage": 1.5}, "kv-cache-usage=1.5: write a number, 0 to 1", id="ratio"),
        pytest.param(
            {"kv-cache-usage": "ramp:0:2:5s"}, "kv-cache-usage=2.0: write a number, 0 to 1", id="ratio of wave"
        ),
        pytest.param({"running-requests": math.nan}, "write a number", id="NaN"),
        pytest.param({"running-requests": "ramp:0:1"}, "write oscillate.ramp.rampreset.squarewave:start", id="parts"),
        pytest.param({"running-requests": "saw:0:1:5s"}, "write oscillate", id="shape"),
        pytest.param({"running-requests": "ramp:a:1:5s"}, "write oscillate", id="start"),
        pytest.param({"running-requests": "ramp:0:1:0s"}, "write oscillate", id="period"),
        pytest.param({"running-requests": "ramp:0:1:5"}, "write a duration", id="unit"),
        pytest.param({"ttft-buckets-values": 3}, "ttft-buckets-values=3: write a JSON list", id="no list"),
        pytest.param({"ttft-buckets-values": [1.5]}, "write a whole number", id="fraction"),
        pytest.param({"request-success-total": {"lost": 1}}, "='lost': write one of stop", id="reason"),
        pytest.param({"prefix-cache-hits": 3}, "give it with prefix-cache-queries", id="hits alone"),
        pytest.param({"prefix-cache-hits": 3, "prefix-cache-queries": 1}, "not above that", id="more hits"),
    ],
)
def test_nonsense_is_refused(value: object, message: str) -> None:
    with pytest.raises(InvalidField, match=message):
        parse_fake_metrics(value)
