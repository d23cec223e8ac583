"""One emulated server without its sockets: settings, the engine, and what can be changed while it runs."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

from penstock.emulator import fakes
from penstock.emulator.exposition import Page
from penstock.emulator.meters import Meters
from penstock.emulator.runner import Runner
from penstock.engine.latency import Latencies
from penstock.engine.model import EngineModel
from penstock.settings.engine import EngineSettings, Faults
from penstock.settings.fakemetrics import FakeMetrics


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """Time as the process has it: monotonic seconds, and Unix time."""

    monotonic: Callable[[], float]
    wall: Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tunables:
    """What `/admin/config` can change; replaced whole."""

    latencies: Latencies
    faults: Faults
    fakes: FakeMetrics | None


class Host:
    """One rank: an engine with its metrics, on one port."""

    def __init__(self, settings: EngineSettings, rank: int, clocks: Clocks, dice: random.Random) -> None:
        self.settings, self.clocks, self.dice = settings, clocks, dice
        self.port = settings.port + rank if settings.port else 0
        self.tunables = Tunables(
            latencies=settings.engine.latencies, faults=settings.faults, fakes=settings.fake_metrics
        )
        self.stopping = False
        self._meters = Meters(settings.max_model_len, as_vllm=settings.step_model)
        self.runner = Runner(EngineModel(settings.engine, dice), self._meters, clocks.monotonic)
        self._started_s = self._fakes_since_s = clocks.monotonic()
        self._adapters: tuple[str, str] = ("", "")
        self._adapters_since_s = clocks.wall()
        self._bases = {module.name: module.base for module in settings.adapters}

    @property
    def starting(self) -> bool:
        """Whether the model is, as it were, still being loaded."""
        return self.clocks.monotonic() - self._started_s < self.settings.startup_s

    def serves(self, model: str) -> bool:
        """Tell whether a name is one of the model's or an adapter's."""
        return model in self.settings.names or model in self._bases

    def adapter(self, model: str) -> str:
        """Return the adapter that a name means, or nothing for the model itself."""
        return model if model in self._bases else ""

    def shown_model(self, model: str) -> str:
        """Return the name in answers: aliases give way to the first one."""
        return self.adapter(model) or self.settings.names[0]

    def tune(self, tunables: Tunables) -> None:
        """Use other latencies, faults or made-up metrics from now on; functions among these begin anew."""
        if tunables.fakes != self.tunables.fakes:
            self._fakes_since_s = self.clocks.monotonic()
        self.tunables = tunables
        self.runner.use(tunables.latencies)

    def metrics(self) -> str:
        """Return the page of metrics as of now."""
        page, model, made_up = Page(), self.settings.names[0], self.tunables.fakes
        labels = {"block_size": str(self.settings.engine.block_tokens),
                  "num_gpu_blocks": str(self.settings.reported_kv_blocks)}  # fmt: skip
        page.add("vllm:cache_config_info", "gauge", labels, 1)
        if made_up is None:
            gauges = self.runner.gauges()
            self._meters.show(page, model, gauges)
            self._show_adapters(page, gauges.running_adapters, gauges.waiting_adapters)
            return page.text()
        fakes.show(page, made_up, model, self.settings.max_model_len, self._fakes_age_s())
        for sample in made_up.adapters:
            self._show_adapter(page, sample.running, sample.waiting, sample.timestamp_s)
        if not made_up.adapters:
            self._show_adapters(page, (), ())
        return page.text()

    def models(self) -> list[dict[str, object]]:
        """Return what `/v1/models` lists: every name, then every adapter."""
        common = {"object": "model", "created": int(self.clocks.wall()), "owned_by": "vllm"}
        length = self.settings.max_model_len
        bases: list[dict[str, object]] = [
            {"id": name, **common, "root": name, "parent": None, "max_model_len": length}
            for name in self.settings.names
        ]
        parent = self.settings.names[0]
        return bases + [{"id": name, **common, "root": name, "parent": parent} for name in self._bases]

    def _fakes_age_s(self) -> float:
        """Return the age of the made-up metrics, in whole refresh intervals."""
        age_s, every_s = self.clocks.monotonic() - self._fakes_since_s, self.settings.fake_refresh_s
        return math.floor(age_s / every_s + 1e-9) * every_s if every_s > 0 else age_s

    def _show_adapters(self, page: Page, running: tuple[str, ...], waiting: tuple[str, ...]) -> None:
        names = (",".join(running), ",".join(waiting))
        if names != self._adapters:
            self._adapters, self._adapters_since_s = names, self.clocks.wall()
        self._show_adapter(page, *names, float(int(self._adapters_since_s)))

    def _show_adapter(self, page: Page, running: str, waiting: str, value: float) -> None:
        limit = str(self.settings.engine.max_adapters)
        labels = {"max_lora": limit, "running_lora_adapters": running, "waiting_lora_adapters": waiting}
        page.add("vllm:lora_requests_info", "gauge", labels, value)
