"""What a refusal of the API server tells people to do."""

import pytest

from penstock.cluster.client import refusal


@pytest.mark.parametrize(
    ("status", "body", "remedy"),
    [
        pytest.param(403, {"message": "forbidden"}, "grant the right in RBAC", id="no right"),
        pytest.param(404, "404 page not found\n", "install the definition of the kind", id="no such API"),
        pytest.param(404, {"message": 'pools "a" not found'}, "see the message", id="no such object"),
    ],
)
def test_a_refusal_tells_what_helps(status: int, body: object, remedy: str) -> None:
    assert str(refusal(status, body, "/apis")).endswith(remedy)
    assert "\n" not in str(refusal(status, body, "/apis"))
