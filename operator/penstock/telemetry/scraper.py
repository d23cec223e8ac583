"""Reads the engines themselves: for scaling where there is no Prometheus, for routing where its news is too old."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

import aiohttp

from penstock.domain.catalogue import ModelScope
from penstock.domain.errors import InvalidField, Unreachable
from penstock.domain.observations import Scrape
from penstock.domain.readings import known
from penstock.domain.requests import EndpointLoad
from penstock.telemetry.rows import RowKey, Shard, combine, rows
from penstock.telemetry.spreads import BucketCounts, spreads
from penstock.telemetry.window import LOAD_NAMES, NAMES, Exposition, Window, read

SCRAPES: Final = 5  # a rate over fewer is mostly chance
DEADLINE_S: Final = 2.0
STALE_AFTER_S: Final = 30.0
MAX_BYTES: Final = 8 * 2**20
_ACCEPT: Final = {"Accept": "text/plain;version=0.0.4"}


class Reader:
    """Fetches and reads expositions over one session."""

    def __init__(self, http: aiohttp.ClientSession, deadline_s: float = DEADLINE_S, max_bytes: int = MAX_BYTES) -> None:
        self._http, self._deadline_s, self._max_bytes = http, deadline_s, max_bytes

    async def read(self, address: str, now_s: float, names: frozenset[str] = NAMES) -> Exposition:
        """Return what the engine at `ip:port` says in the series of these names.

        Raises:
            Unreachable: no exposition in time, or none at all.
            InvalidField: a malformed or an endless one.
        """
        try:
            async with asyncio.timeout(self._deadline_s):
                return read((await self._fetch(address)).decode(errors="replace"), now_s, names)
        except TimeoutError as error:
            raise Unreachable(address, "timeout", "check the engine") from error
        except (aiohttp.ClientError, OSError) as error:
            raise Unreachable(address, type(error).__name__, "check the engine") from error

    async def _fetch(self, address: str) -> bytes:
        url = f"http://{address}/metrics"
        async with self._http.get(url, headers=_ACCEPT, allow_redirects=False) as answer:
            if answer.status != 200:
                raise Unreachable(address, f"status {answer.status}", "check the engine")
            body = bytearray()
            async for chunk in answer.content.iter_chunked(2**16):
                body += chunk
                if len(body) > self._max_bytes:
                    raise InvalidField("exposition", f"more than {self._max_bytes} bytes", "expose fewer series")
            return bytes(body)


class Scraper:
    """Keeps a window per engine; each `scrape` adds one exposition of each and tells what the windows show."""

    def __init__(
        self, http: aiohttp.ClientSession, *, scrapes: int = SCRAPES, stale_after_s: float = STALE_AFTER_S
    ) -> None:
        self._reader, self._scrapes, self._stale_after_s = Reader(http), scrapes, stale_after_s
        self._windows: dict[str, Window] = {}

    async def scrape(self, engines: Mapping[str, str], namespace: str, now_s: float) -> Scrape:
        """Read each engine once (`engines`: pod -> `ip:port`) at Unix time `now_s`; forget those not named.

        An engine that does not answer keeps its last numbers until they are stale, and is named in the warnings.
        """
        self._windows = {pod: self._windows.get(pod) or Window(self._scrapes) for pod in engines}
        warnings = await asyncio.gather(*(self._one(pod, address, now_s) for pod, address in engines.items()))
        return Scrape(
            at_s=now_s,
            rows=rows(self._groups(namespace), now_s=now_s, stale_after_s=self._stale_after_s),
            spreads=spreads(self._buckets(namespace), now_s),
            warnings=tuple(filter(None, warnings)),
        )

    async def _one(self, pod: str, address: str, now_s: float) -> str:
        try:
            self._windows[pod].add(await self._reader.read(address, now_s))
        except (Unreachable, InvalidField) as error:
            return f"{pod}: {error}"
        return ""

    def _groups(self, namespace: str) -> Mapping[RowKey, list[Shard]]:
        groups: defaultdict[RowKey, list[Shard]] = defaultdict(list)
        for pod, window in self._windows.items():
            for (model, _), shard in window.shards().items():
                groups[RowKey(namespace, pod, model)].append(shard)
        return groups

    def _buckets(self, namespace: str) -> BucketCounts:
        found: BucketCounts = {}
        for window in self._windows.values():
            for (model, signal), buckets in window.buckets().items():
                mine = found.setdefault((ModelScope(namespace, model), signal), {})
                for bound, per_s in buckets.items():
                    mine[bound] = mine.get(bound, 0.0) + per_s
        return found


class LoadReader:
    """Tells a router how busy its endpoints are just now."""

    def __init__(self, http: aiohttp.ClientSession, deadline_s: float = DEADLINE_S) -> None:
        self._reader = Reader(http, deadline_s)

    async def loads(self, addresses: Iterable[str], now_s: float) -> dict[str, EndpointLoad]:
        """Return the load of each `ip:port` that answers with its gauges; `now_s` is the router's monotonic clock."""
        asked = list(addresses)
        answers = await asyncio.gather(
            *(self._reader.read(one, now_s, LOAD_NAMES) for one in asked), return_exceptions=True
        )
        found = zip(asked, map(_load, answers), strict=True)
        return {address: load for address, load in found if load is not None}


def _load(answer: Exposition | BaseException) -> EndpointLoad | None:
    """Return the load of all models and engines behind one address; None where a gauge is missing or no number."""
    if isinstance(answer, Unreachable | InvalidField):
        return None
    if isinstance(answer, BaseException):
        raise answer
    window = Window(scrapes=0)
    window.add(answer)
    row = combine(RowKey("", "", ""), list(window.shards().values()), now_s=answer.at_s, stale_after_s=1.0)
    running, waiting = (known(row.running), known(row.waiting)) if row else (None, None)
    if row is None or running is None or waiting is None:
        return None
    return EndpointLoad(at_s=answer.at_s, running=running, waiting=waiting, kv_usage_ratio=known(row.kv_usage_ratio))
