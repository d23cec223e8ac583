"""What of a request's head becomes the scheduler's request."""

import pytest

from penstock.domain.requests import WorkloadContext
from penstock.router import heads
from penstock.router.ports import RequestHead

GOOD = b'{"workload_id":"chat","criticality":5}'


def head(*repeated: bytes, **headers: bytes) -> RequestHead:
    named = {name.replace("_", "-").encode(): value for name, value in headers.items()}
    return RequestHead(headers=named, repeated=frozenset(repeated), size_bytes=12, subset=frozenset({"10.0.0.1"}))


def test_everything_that_a_request_says() -> None:
    given = head(x_workload_context=GOOD, x_request_id=b"req-1", x_tenant=b"acme", x_llm_d_inference_ttl=b"1m30s")

    request, causes = heads.read(given, 7, b"x-tenant")

    assert (request.ticket, request.request_id, request.tenant, request.ttl_s) == (7, "req-1", "acme", 90.0)
    assert request.context == WorkloadContext("chat", 5, declared=True)
    assert (request.size_bytes, request.subset, causes) == (12, frozenset({"10.0.0.1"}), ())


def test_a_tenant_counts_only_where_the_policy_names_its_header() -> None:
    request, _ = heads.read(head(x_tenant=b"acme"), 1, b"")

    assert request.tenant == ""


def test_requests_without_an_id_get_one_each() -> None:
    ids = {heads.read(head(), ticket, b"")[0].request_id for ticket in range(3)}

    assert len(ids) == 3


@pytest.mark.parametrize(
    ("given", "causes"),
    [
        pytest.param(head(x_workload_context=b"{invalid-json}"), ("not-json",), id="no JSON"),
        pytest.param(head(b"x-workload-context", x_workload_context=GOOD), ("duplicate",), id="twice"),
        pytest.param(head(x_llm_d_inference_ttl=b"soon"), ("bad-ttl",), id="no duration"),
        pytest.param(head(x_llm_d_inference_ttl=b"\xff\xfe"), ("bad-ttl",), id="no text"),
        pytest.param(head(x_workload_context=b"[", x_llm_d_inference_ttl=b"-1s"), ("not-json", "bad-ttl"), id="both"),
    ],
)
def test_what_cannot_be_read_is_counted_and_takes_its_default(given: RequestHead, causes: tuple[str, ...]) -> None:
    request, found = heads.read(given, 1, b"")

    assert (found, request.context, request.ttl_s) == (causes, WorkloadContext(), None)


def test_endless_ids_are_cut() -> None:
    request, _ = heads.read(head(x_request_id=b"r" * 9999, x_tenant=b"t" * 9999), 1, b"x-tenant")

    assert (len(request.request_id), len(request.tenant)) == (128, 64)


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        pytest.param(None, {"10.0.0.1"}, id="not there: the proxy's hint"),
        pytest.param(b"10.0.0.2, 10.0.0.3:8000", {"10.0.0.2", "10.0.0.3:8000"}, id="addresses and endpoints"),
        pytest.param(b" , ", set(), id="nobody"),
    ],
)
def test_a_conformance_suite_chooses_endpoints(named: bytes | None, expected: set[str]) -> None:
    given = head() if named is None else head(test_epp_endpoint_selection=named)

    assert heads.chosen(given).subset == expected
