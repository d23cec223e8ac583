"""A request's head becomes the scheduler's request: identity, tenant, time to live, size."""

from uuid import uuid4

from penstock.domain.errors import InvalidField
from penstock.domain.goduration import parse_go_duration
from penstock.domain.requests import Request
from penstock.programs.context import parse_context
from penstock.router.headernames import TEST_SELECTION
from penstock.router.ports import RequestHead

WORKLOAD_CONTEXT = b"x-workload-context"
REQUEST_ID = b"x-request-id"
TTL = b"x-llm-d-inference-ttl"
BAD_TTL = "bad-ttl"
MOST_ID_CHARS = 128
MOST_TENANT_CHARS = 64
MOST_SELECTION_CHARS = 4096


def read(head: RequestHead, ticket: int, tenant_header: bytes) -> tuple[Request, tuple[str, ...]]:
    """Return the request, and what was wrong with headers that could not be used as they came.

    Nothing a client writes is an error here: what cannot be read takes its default. `tenant_header` is lower case;
    empty where the policy names none.
    """
    headers = head.headers
    context, cause = parse_context(headers.get(WORKLOAD_CONTEXT), WORKLOAD_CONTEXT in head.repeated)
    ttl_s, is_bad = _ttl_s(headers.get(TTL))
    causes = (*((cause.value,) if cause else ()), *((BAD_TTL,) if is_bad else ()))
    request = Request(
        ticket=ticket,
        request_id=_text(headers.get(REQUEST_ID), MOST_ID_CHARS) or str(uuid4()),
        context=context,
        tenant=_text(headers.get(tenant_header), MOST_TENANT_CHARS) if tenant_header else "",
        size_bytes=head.size_bytes,
        ttl_s=ttl_s,
        subset=head.subset,
    )
    return request, causes


def chosen(head: RequestHead) -> RequestHead:
    """Return a head whose subset is what the conformance suite's header names, where it is there."""
    named = _text(head.headers.get(TEST_SELECTION.encode()), MOST_SELECTION_CHARS)
    if not named:
        return head
    return head._replace(subset=frozenset(part.strip() for part in named.split(",") if part.strip()))


def _ttl_s(raw: bytes | None) -> tuple[float | None, bool]:
    """Return the client's own time to live, and whether it wrote something else."""
    if raw is None:
        return None, False
    try:
        return parse_go_duration(raw.decode("latin-1"), TTL.decode()), False
    except InvalidField:
        return None, True


def _text(raw: bytes | None, most: int) -> str:
    return raw.decode("latin-1")[:most] if raw else ""
