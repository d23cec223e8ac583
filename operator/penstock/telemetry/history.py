"""Series over hours and days, for diagnostics and studies: prometheus-api-client, where waiting harms nobody."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import requests
from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException
from requests.adapters import HTTPAdapter

from penstock.domain.errors import Refused, Unreachable, shown
from penstock.settings.prometheus import PrometheusSettings
from penstock.telemetry.credentials import Credentials
from penstock.telemetry.promql import checked

TIMEOUT_S: Final = 30
MAX_POINTS: Final = 10_000  # Prometheus refuses more than 11,000 of one series
_REMEDY: Final = "check prometheusURL, CA, token"


@dataclass(frozen=True, slots=True)
class Track:
    """One series: (Unix seconds, value) in order; what is no number is left out, so there may be gaps."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]


class History:
    """Asks for ranges, in pieces where one answer would be too long. Synchronous."""

    def __init__(self, settings: PrometheusSettings) -> None:
        if not settings.url:
            raise Unreachable("prometheusURL", "no URL", "set prometheusURL")
        session = requests.Session()
        # never from the environment: the certificate to trust is the one that the settings name
        session.trust_env = False
        session.verify = not settings.insecure_skip_verify and (str(settings.ca_file) if settings.ca_file else True)
        if settings.client_cert_file is not None:
            key = settings.client_key_file or settings.client_cert_file
            session.cert = (str(settings.client_cert_file), str(key))
        self._peer = settings.url.rpartition("@")[2]
        self._client = PrometheusConnect(
            url=settings.url.rstrip("/"),
            headers=dict(Credentials(settings, time.monotonic).headers()),
            session=session,
            timeout=TIMEOUT_S,
        )
        session.mount(settings.url.rstrip("/"), HTTPAdapter(max_retries=0))  # theirs tries for seconds before it tells

    def range(self, promql: str, start_s: float, end_s: float, step_s: float) -> list[Track]:
        """Return every series of a query between two Unix times, one value each `step_s` seconds.

        Raises:
            InvalidField: the query does not parse.
            Unreachable: no answer, or 401, 403.
            Refused: Prometheus could not answer.
        """
        found: dict[frozenset[tuple[str, str]], list[tuple[float, float]]] = {}
        length_s = step_s * MAX_POINTS
        pieces = max(1, math.ceil((end_s - start_s) / length_s))
        for piece in range(pieces):
            begin_s = start_s + piece * length_s
            last_s = min(begin_s + length_s - step_s, end_s)
            for series in self._piece(checked(promql), begin_s, last_s, step_s):
                points = found.setdefault(frozenset(series["metric"].items()), [])
                points += [(float(at_s), float(text)) for at_s, text in series["values"] if math.isfinite(float(text))]
        return [Track(dict(labels), tuple(points)) for labels, points in found.items()]

    def _piece(self, promql: str, start_s: float, end_s: float, step_s: float) -> list[dict[str, Any]]:
        begin, end = datetime.fromtimestamp(start_s, UTC), datetime.fromtimestamp(end_s, UTC)
        try:
            answer = self._client.custom_query_range(promql, begin, end, f"{step_s:g}")
        except PrometheusApiClientException as error:
            raise self._refused(str(error), promql) from error
        except requests.RequestException as error:
            raise Unreachable(self._peer, type(error).__name__, _REMEDY) from error
        return list(answer)

    def _refused(self, message: str, promql: str) -> Refused | Unreachable:
        for status in ("401", "403"):
            if f"Code {status}" in message:
                return Unreachable(self._peer, status, _REMEDY)
        return Refused(self._peer, 0, shown(message, 200), f"correct the query {shown(promql)}")
