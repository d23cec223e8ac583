import json

import pytest
from envoy.config.core.v3.base_pb2 import HeaderValueOption
from tests.extproc import kind, read, set_headers

from penstock.domain.reasons import RejectReason
from penstock.router.extproc.answers import CHUNK_BYTES, PickAnswers, chunks, headers_answer, refusal_answer
from penstock.router.ports import Picked, Refusal

PICKED = Picked(
    addresses=("10.0.0.1:80", "10.0.0.2:80"), set_headers=(("x-request-id", b"r-1"),), remove_headers=("x-program-id",)
)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        pytest.param(PickAnswers().in_headers(PICKED), "request_headers", id="headers"),
        pytest.param(PickAnswers().in_body(PICKED), "request_body", id="body"),
    ],
)
def test_a_pick_stands_in_header_and_metadata_and_takes_away_what_engines_must_not_see(
    message: bytes, expected: str
) -> None:
    answer = read(message)
    response = getattr(answer, expected).response

    assert kind(message) == expected
    assert set_headers(message) == {
        "x-gateway-destination-endpoint": b"10.0.0.1:80,10.0.0.2:80",
        "x-request-id": b"r-1",
    }
    assert answer.dynamic_metadata["envoy.lb"]["x-gateway-destination-endpoint"] == "10.0.0.1:80,10.0.0.2:80"
    assert response.clear_route_cache
    assert {"x-workload-context", "x-prefiller-host-port", "x-program-id"} <= set(
        response.header_mutation.remove_headers
    )
    assert {option.append_action for option in response.header_mutation.set_headers} == {
        HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD
    }


def test_equal_picks_are_serialised_once_and_remembered_within_bounds() -> None:
    answers = PickAnswers()

    assert answers.in_headers(Picked(addresses=("a:1",))) is answers.in_headers(Picked(addresses=("a:1",)))
    assert answers.in_body(Picked(addresses=("a:1",))) is answers.in_body(Picked(addresses=("a:1",)))
    for number in range(5_000):
        answers.in_headers(Picked(addresses=(f"a:{number}",)))
    assert len(answers._in_headers) <= 4_096


def test_a_content_length_is_restored_where_the_proxy_has_dropped_it() -> None:
    assert set_headers(headers_answer(Picked(addresses=("a:1",)), 12))["content-length"] == b"12"


@pytest.mark.parametrize(
    ("size", "pieces"), [(0, 1), (1, 1), (CHUNK_BYTES, 1), (CHUNK_BYTES + 1, 2), (3 * CHUNK_BYTES, 3)]
)
def test_bodies_go_back_in_pieces_that_the_proxy_takes(size: int, pieces: int) -> None:
    body = bytes(number % 251 for number in range(size))

    sent = [
        read(one).request_body.response.body_mutation.streamed_response for one in chunks("request", body, end=True)
    ]

    assert b"".join(one.body for one in sent) == body
    assert [one.end_of_stream for one in sent] == [False] * (pieces - 1) + [True]
    assert max(len(one.body) for one in sent) <= CHUNK_BYTES


def test_a_body_that_trailers_end_has_no_end_of_its_own() -> None:
    sent = read(chunks("response", b"x", end=False)[0])

    assert not sent.response_body.response.body_mutation.streamed_response.end_of_stream


@pytest.mark.parametrize(
    ("refusal", "kind_of_error", "code", "headers"),
    [
        pytest.param(
            Refusal(status=429, reason=RejectReason.SATURATED, message="full", retry_after_s=1.2),
            "rate_limit_error",
            "rejected-saturated",
            {"x-llm-d-request-dropped-reason": b"rejected-saturated", "retry-after": b"2"},
            id="saturated",
        ),
        pytest.param(
            Refusal(status=503, reason=RejectReason.NO_ENDPOINTS, message="none", retry_after_s=0.0),
            "server_error",
            "rejected-no-endpoints",
            {"x-llm-d-request-dropped-reason": b"rejected-no-endpoints", "retry-after": b"1"},
            id="no endpoints",
        ),
        pytest.param(
            Refusal(status=413, reason=None, message="big"), "invalid_request_error", None, {}, id="client's fault"
        ),
    ],
)
def test_a_refusal_is_an_answer_that_openai_clients_understand(
    refusal: Refusal, kind_of_error: str, code: str | None, headers: dict[str, bytes]
) -> None:
    message = refusal_answer(refusal)
    immediate = read(message).immediate_response

    assert immediate.status.code == refusal.status
    assert set_headers(message) == {"content-type": b"application/json", **headers}
    assert json.loads(immediate.body) == {
        "error": {"message": refusal.message, "type": kind_of_error, "param": None, "code": code}
    }
