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
from requests.adapters import BaseAdapter, HTTPAdapter

from penstock.domain.errors import PenstockError, Refused, Unreachable, shown
from penstock.settings.prometheus import PrometheusSettings
from penstock.telemetry.credentials import Credentials
from penstock.telemetry.promql import checked

TIMEOUT_S: Final = 30
MAX_POINTS: Final = 10_000  # Prometheus refuses more than 11,000 of one series


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """How those who asked call what they may mend: the address, its CA, the token, and how far back is asked."""

    address: str = "prometheusURL"
    authority: str = "CA"
    credential: str = "token"
    reach: str = "the range"


@dataclass(frozen=True, slots=True)
class Track:
    """One series: (Unix seconds, value) in order; what is no number is left out, so there may be gaps."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]


class History:
    """Asks for ranges, in pieces where one answer would be too long. Synchronous.

    `words` are what errors call the settings; `transport` carries the requests, None: HTTP.
    """

    def __init__(
        self, settings: PrometheusSettings, *, words: Words | None = None, transport: BaseAdapter | None = None
    ) -> None:
        self._words = words or Words()
        if not settings.url:
            raise Unreachable(self._words.address, "no URL", f"set {self._words.address}")
        session = requests.Session()
        # never from the environment: the certificate to trust is the one that the settings name
        session.trust_env = False
        session.verify = not settings.insecure_skip_verify and (str(settings.ca_file) if settings.ca_file else True)
        if settings.client_cert_file is not None:
            key = settings.client_key_file or settings.client_cert_file
            session.cert = (str(settings.client_cert_file), str(key))
        session.hooks["response"].append(self._hear)
        self._heard = requests.Response()
        self._peer = settings.url.rpartition("@")[2]
        self._client = PrometheusConnect(
            url=settings.url.rstrip("/"),
            headers=dict(Credentials(settings, time.monotonic).headers()),
            session=session,
            timeout=TIMEOUT_S,
        )
        # theirs tries for seconds before it tells
        session.mount(settings.url.rstrip("/"), transport or HTTPAdapter(max_retries=0))

    def range(self, promql: str, start_s: float, end_s: float, step_s: float) -> list[Track]:
        """Return every series of a query between two Unix times, one value each `step_s` seconds.

        Raises:
            InvalidField: the query does not parse.
            Unreachable: no answer, or 401, 403, or one that is not Prometheus's.
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
            raise self._refused() from error
        except (requests.JSONDecodeError, LookupError, TypeError) as error:
            raise self._stranger("not an answer of Prometheus") from error
        except (requests.RequestException, OSError) as error:
            raise self._unreached(error) from error
        return list(answer)

    def _unreached(self, error: Exception) -> Unreachable:
        words = self._words
        if isinstance(error, requests.exceptions.SSLError):
            return Unreachable(self._peer, "tls", f"check {words.authority}, and that {words.address} names its host")
        cause = "timeout" if isinstance(error, requests.Timeout) else type(error).__name__
        return Unreachable(self._peer, cause, f"check {words.address}, and that it can be reached from here")

    def _stranger(self, cause: str) -> Unreachable:
        return Unreachable(self._peer, cause, f"check {self._words.address}: it names something else than Prometheus")

    def _hear(self, answer: requests.Response, *_: object, **__: object) -> None:
        self._heard = answer

    def _refused(self) -> PenstockError:
        """Return what the last answer, which was not 200, means: theirs keeps no more of it than a line of text."""
        answer = self._heard
        if answer.status_code in {401, 403}:
            return Unreachable(self._peer, str(answer.status_code), f"check {self._words.credential}: who asks may not")
        try:
            told = str(answer.json()["error"])
        except (requests.JSONDecodeError, LookupError, TypeError):
            return self._stranger(str(answer.status_code))
        remedy = f"read Prometheus's log, or ask for less: {self._words.reach}"
        return Refused(self._peer, answer.status_code, shown(told, 200), remedy)
