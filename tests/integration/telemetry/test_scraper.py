"""Direct scraping over real sockets: the same rows as Prometheus would give, and the router's view of load."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from penstock.domain.readings import Absent, Known, Stale, known
from penstock.domain.requests import EndpointLoad
from penstock.telemetry.scraper import LoadReader, Reader, Scraper

BUSY = """\
vllm:num_requests_running{model_name="m",engine="0"} 3
vllm:num_requests_running{model_name="m",engine="1"} 1
vllm:num_requests_waiting{model_name="m",engine="0"} 2
vllm:kv_cache_usage_perc{model_name="m",engine="0"} 0.25
vllm:request_success_total{model_name="m",engine="0",finished_reason="stop"} %d
"""


class Engine:
    def __init__(self) -> None:
        self.text, self.status, self.address = "", 200, ""

    async def answer(self, _: web.Request) -> web.Response:
        return web.Response(status=self.status, text=self.text)


@asynccontextmanager
async def engine(text: str) -> AsyncIterator[Engine]:
    one, app = Engine(), web.Application()
    one.text = text
    app.router.add_get("/metrics", one.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    one.address = f"127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield one
    finally:
        await runner.cleanup()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def test_a_window_of_scrapes_makes_a_row(http: aiohttp.ClientSession) -> None:
    scraper = Scraper(http)

    async with engine(BUSY % 0) as one:
        for step in range(4):
            one.text = BUSY % (step * 3)
            scrape = await scraper.scrape({"p1": one.address}, "local", 100.0 + 2 * step)

    (row,) = scrape.rows
    assert (row.namespace, row.pod, row.model, row.sampled_at_s) == ("local", "p1", "m", 106.0)
    assert (known(row.running), known(row.waiting), known(row.kv_usage_ratio)) == (4, 2, 0.25)
    assert known(row.completed_per_s) == 1.5
    assert (scrape.problem, scrape.warnings) == (None, ())


async def test_an_engine_that_falls_silent_is_named_then_stale_then_forgotten(http: aiohttp.ClientSession) -> None:
    scraper = Scraper(http, stale_after_s=10.0)

    async with engine(BUSY % 0) as one:
        await scraper.scrape({"p1": one.address}, "local", 100.0)
        one.status = 503
        seen = [await scraper.scrape({"p1": one.address}, "local", now_s) for now_s in (105.0, 115.0)]
        gone = await scraper.scrape({}, "local", 120.0)

    assert [scrape.rows[0].running for scrape in seen] == [Known(4, 100.0), Stale(4, 100.0)]
    assert "p1" in seen[0].warnings[0]
    assert "503" in seen[0].warnings[0]
    assert gone.rows == ()


@pytest.mark.parametrize("text", ["vllm:num_requests_running{ 1", "x" * 9 * 2**20])
async def test_nonsense_harms_only_its_engine(http: aiohttp.ClientSession, text: str) -> None:
    scraper = Scraper(http)

    async with engine(BUSY % 0) as good, engine(text) as bad:
        scrape = await scraper.scrape({"good": good.address, "bad": bad.address}, "local", 100.0)

    assert [row.pod for row in scrape.rows] == ["good"]
    assert [warning.partition(":")[0] for warning in scrape.warnings] == ["bad"]


async def test_an_engine_that_does_not_listen_is_a_warning(http: aiohttp.ClientSession) -> None:
    scrape = await Scraper(http).scrape({"p1": "127.0.0.1:9"}, "local", 100.0)

    assert scrape.rows == ()
    assert "127.0.0.1:9" in scrape.warnings[0]


async def test_a_gauge_that_is_no_number_is_absent(http: aiohttp.ClientSession) -> None:
    async with engine('vllm:num_requests_running{model_name="m"} NaN') as one:
        scrape = await Scraper(http).scrape({"p1": one.address}, "local", 100.0)

    assert isinstance(scrape.rows[0].running, Absent)


async def test_the_router_sees_load_where_there_is_one(http: aiohttp.ClientSession) -> None:
    texts: Mapping[str, str] = {"busy": BUSY % 0, "mute": "", "broken": "vllm:num_requests_running{ 1"}

    async with engine(texts["busy"]) as busy, engine(texts["mute"]) as mute, engine(texts["broken"]) as broken:
        addresses = [busy.address, mute.address, broken.address, "127.0.0.1:9"]
        loads = await LoadReader(http).loads(addresses, 42.0)

    assert loads == {busy.address: EndpointLoad(at_s=42.0, running=4, waiting=2, kv_usage_ratio=0.25)}


async def test_a_defect_of_ours_is_not_taken_for_silence(
    http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_: Reader, address: str) -> bytes:
        raise RuntimeError(address)

    monkeypatch.setattr(Reader, "_fetch", broken)

    with pytest.raises(RuntimeError):
        await LoadReader(http).loads(["127.0.0.1:9"], 0.0)
