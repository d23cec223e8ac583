"""X-Workload-Context: what is used, what is replaced by a default, what is counted; never an error."""

import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.domain.requests import WorkloadContext
from penstock.programs.context import MAX_HEADER_BYTES, ContextCause, parse_context

NOBODY = WorkloadContext("default", 3, declared=False)


def said(workload_id: str, criticality: int) -> WorkloadContext:
    return WorkloadContext(workload_id, criticality, declared=True)


@pytest.mark.parametrize(
    ("raw", "context", "cause"),
    [
        pytest.param(None, NOBODY, None, id="no header"),
        pytest.param(b'{"workload_id":"a","criticality":5}', said("a", 5), None, id="both"),
        pytest.param(b' {"criticality": 1, "x": [], "workload_id": "a/b.c:d_e-1"} ',
                     said("a/b.c:d_e-1", 1), None, id="order, space and strangers do not matter"),
        pytest.param(b'{"workload_id":"a"}', WorkloadContext("a", 3, declared=False), None, id="no criticality"),
        pytest.param(b'{"criticality":4}', said("default", 4), None, id="no id"),
        pytest.param(b"{}", NOBODY, None, id="empty object"),
        pytest.param(b'{"criticality":6}', said("default", 5), ContextCause.CLAMPED, id="above"),
        pytest.param(b'{"criticality":0}', said("default", 1), ContextCause.CLAMPED, id="below"),
        pytest.param(b'{"criticality":-999999999999999999999999}', said("default", 1),
                     ContextCause.CLAMPED, id="far below"),
        pytest.param(b'{"criticality":5.0}', NOBODY, ContextCause.BAD_CRITICALITY, id="float"),
        pytest.param(b'{"criticality":true}', NOBODY, ContextCause.BAD_CRITICALITY, id="boolean"),
        pytest.param(b'{"criticality":"5"}', NOBODY, ContextCause.BAD_CRITICALITY, id="text"),
        pytest.param(b'{"criticality":null}', NOBODY, ContextCause.BAD_CRITICALITY, id="null"),
        pytest.param(b'{"workload_id":"a b"}', NOBODY, ContextCause.BAD_ID, id="charset"),
        pytest.param(b'{"workload_id":"a*"}', NOBODY, ContextCause.BAD_ID, id="the star is the policy's"),
        pytest.param(b'{"workload_id":""}', NOBODY, ContextCause.BAD_ID, id="empty id"),
        pytest.param(b'{"workload_id":7}', NOBODY, ContextCause.BAD_ID, id="id of another type"),
        pytest.param(b'{"workload_id":"a\\n"}', NOBODY, ContextCause.BAD_ID, id="line break at the end"),
        pytest.param(b'{"workload_id":"%s"}' % (b"x" * 64), WorkloadContext("x" * 64, 3), None, id="64"),
        pytest.param(b'{"workload_id":"%s"}' % (b"x" * 65), NOBODY, ContextCause.BAD_ID, id="65"),
        pytest.param(b'{"workload_id":"a b","criticality":5}', said("default", 5),
                     ContextCause.BAD_ID, id="a bad id does not cost a good criticality"),
        pytest.param(b"{invalid-json}", NOBODY, ContextCause.NOT_JSON, id="no JSON"),
        pytest.param(b"[]", NOBODY, ContextCause.NOT_JSON, id="no object"),
        pytest.param(b"", NOBODY, ContextCause.NOT_JSON, id="empty"),
        pytest.param(b'{"workload_id":"\xff"}', NOBODY, ContextCause.NOT_JSON, id="no UTF-8"),
        pytest.param(b'{"criticality":1e999}', NOBODY, ContextCause.NOT_JSON, id="beyond any number"),
        pytest.param(b'{"criticality":' + b"[" * 1000, NOBODY, ContextCause.NOT_JSON, id="deep"),
        pytest.param(b'{"workload_id":"a"}' + b" " * 1010, NOBODY, ContextCause.TOO_LONG, id="above 1 KiB"),
    ],
)  # fmt: skip
def test_header(raw: bytes | None, context: WorkloadContext, cause: ContextCause | None) -> None:
    assert parse_context(raw) == (context, cause)


def test_repeated_header_counts_for_nothing() -> None:
    assert parse_context(b'{"workload_id":"a","criticality":5}', duplicated=True) == (NOBODY, ContextCause.DUPLICATE)


def test_longest_header_is_read() -> None:
    raw = b'{"workload_id":"a"}'.ljust(MAX_HEADER_BYTES)

    assert parse_context(raw)[0].workload_id == "a"


@given(st.binary(max_size=1100), st.booleans())
def test_never_an_error(raw: bytes, duplicated: bool) -> None:
    context, _ = parse_context(raw, duplicated)

    assert 1 <= context.criticality <= 5
    assert 1 <= len(context.workload_id) <= 64
    assert set(context.workload_id) <= set(string.ascii_letters + string.digits + "._:/-")


@given(st.dictionaries(st.sampled_from(["workload_id", "criticality", "x"]),
                       st.one_of(st.integers(), st.floats(), st.text(max_size=80), st.lists(st.none()))))  # fmt: skip
def test_any_json_object_gives_a_context(header: dict[str, object]) -> None:
    context, cause = parse_context(json.dumps(header).encode())

    unusable = cause in {ContextCause.NOT_JSON, ContextCause.TOO_LONG}
    if not unusable and isinstance(header.get("criticality"), int):
        assert context.criticality == min(5, max(1, int(str(header["criticality"]))))
        assert context.declared
