"""Which addresses are Services of the cluster, and so reachable through the API server."""

import pytest

from penstock.cluster.proxy import Place, place_of


def place(**changed: object) -> Place:
    fields = {"namespace": "monitoring", "service": "prom", "port": 9090, "scheme": "http", "path": ""} | changed
    return Place(**fields)  # type: ignore[arg-type] - a row names what differs


@pytest.mark.parametrize(
    ("url", "found"),
    [
        pytest.param("http://prom.monitoring.svc:9090", place(), id="short"),
        pytest.param("http://prom.monitoring.svc.cluster.local:9090/", place(), id="long"),
        pytest.param("https://prom.monitoring.svc", place(scheme="https", port=443), id="https without port"),
        pytest.param("http://prom.monitoring.svc", place(port=80), id="http without port"),
        pytest.param("http://prom.monitoring.svc:9090/select/0/", place(path="/select/0"), id="path"),
        pytest.param("http://user:secret@prom.monitoring.svc:9090", place(), id="password"),
        pytest.param("http://prom.example.com:9090", None, id="another host"),
        pytest.param("http://prom.monitoring:9090", None, id="two labels could be anything"),
        pytest.param("http://127.0.0.1:9090", None, id="address"),
        pytest.param("http://prom.monitoring.svc:port", None, id="no port"),
        pytest.param("", None, id="empty"),
    ],
)
def test_place_of(url: str, found: Place | None) -> None:
    assert place_of(url) == found
