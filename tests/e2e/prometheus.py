"""Asks the Prometheus of the stories, through the API server."""

import json
from urllib.parse import quote

from tests.e2e.kube import Kube

_QUERY = "/api/v1/namespaces/monitoring/services/prometheus:9090/proxy/api/v1/query?query="


def values(kube: Kube, name: str, **labels: str) -> list[float]:
    """Return the newest value of every series of that name and these labels."""
    matchers = ",".join(f'{label}="{value}"' for label, value in labels.items())
    answer = json.loads(kube.run("get", "--raw", _QUERY + quote(f"{name}{{{matchers}}}")))
    return [float(row["value"][1]) for row in answer["data"]["result"]]
