"""Decoding what Prometheus says, its refusals, and what is not its voice at all."""

import json
import math
from typing import Any

import pytest

from penstock.domain.errors import Refused
from penstock.telemetry.answers import decode


def body(**more: Any) -> bytes:
    vector = {"resultType": "vector", "result": [{"metric": {"a": "ü"}, "value": [1.5, "2"]}]}
    return json.dumps({"status": "success", "data": vector, **more}).encode()


def test_samples_and_hints() -> None:
    answer = decode("q", 200, body(infos=["hint"], isPartial=False), 0.25)

    (sample,) = answer.samples
    assert (sample.labels, sample.value, sample.at_s) == ({"a": "ü"}, 2.0, 1.5)
    assert (answer.warnings, answer.infos, answer.duration_s) == ((), ("'hint'",), 0.25)


@pytest.mark.parametrize("text", ["NaN", "+Inf", "-Inf"])
def test_what_is_no_number_arrives_as_such(text: str) -> None:
    raw = body().replace(b'"2"', json.dumps(text).encode())

    assert not math.isfinite(decode("q", 200, raw, 0.0).samples[0].value)


def test_warnings_are_kept_short() -> None:
    answer = decode("q", 200, body(warnings=["x" * 1000] * 100), 0.0)

    assert len(answer.warnings) == 20
    assert max(map(len, answer.warnings)) <= 300


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        pytest.param(b'{"status":"error","errorType":"timeout","error":"slow"}', "timeout", id="error"),
        pytest.param(b'{"status":"error"}', "error", id="error without a class"),
        pytest.param(b'{"status":"success"}', "error", id="success without data"),
        pytest.param(
            b'{"status":"success","data":{"resultType":"matrix","result":[]}}', "unexpected answer", id="matrix"
        ),
        pytest.param(body().replace(b'"2"', b'"two"'), "unexpected answer", id="a number that is none"),
        pytest.param(body().replace(b'"value"', b'"histogram"'), "unexpected answer", id="native histogram"),
    ],
)
def test_refusals(raw: bytes, message: str) -> None:
    with pytest.raises(Refused) as caught:
        decode("q", 200, raw, 0.0)

    assert (caught.value.peer, caught.value.message) == ("q", message)


@pytest.mark.parametrize("raw", [b"", b"<html>", b"[]", b"{}", b'{"message":"nope"}', b"\xff\xfe"])
def test_another_voice(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode("q", 200, raw, 0.0)
