"""Nodes: each is read once, a failure is an unknown accelerator and is told once."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from penstock.api.kinds import Kind
from penstock.controller import nodes
from penstock.controller.nodes import SILENT_S, Nodes
from penstock.domain.errors import PenstockError, Refused, Unreachable
from penstock.domain.variants import ObjectKey

DENIED = Refused("api", 403, "no right", "")
OUTAGE = Unreachable("api", "timeout", "")


@dataclass(slots=True)
class Api:
    """Answers for any node, at a time of its own."""

    answer: str | PenstockError | None = "A100"
    exists: bool = True
    now_s: float = 0.0
    read: list[str] = field(default_factory=list)

    async def get(self, kind: Kind, key: ObjectKey) -> Mapping[str, Any] | None:
        assert str(kind) == "nodes"
        self.read.append(key.name)
        if isinstance(self.answer, PenstockError):
            raise self.answer
        labels = {"nvidia.com/gpu.product": self.answer} if self.answer else {}
        return {"metadata": {"labels": labels}} if self.exists else None

    def nodes(self) -> Nodes:
        return Nodes(self.get, lambda: self.now_s)


async def ask(asked: Nodes, *names: str) -> dict[str, str | None]:
    return await asked.products(names, asyncio.Semaphore(1))


async def test_product_is_read_once_for_good() -> None:
    api = Api()
    asked = api.nodes()

    first = await ask(asked, "a", "b")
    api.now_s, api.answer = 10 * SILENT_S, OUTAGE
    second = await ask(asked, "a", "b")

    assert first == second == {"a": "A100", "b": "A100"}
    assert api.read == ["a", "b"]


@pytest.mark.parametrize(
    ("api", "lines", "again_after_s"),
    [
        pytest.param(Api(DENIED), 1, SILENT_S, id="no right"),
        pytest.param(Api(exists=False), 1, SILENT_S, id="no such node"),
        pytest.param(Api(None), 0, SILENT_S, id="no label yet"),
        pytest.param(Api(OUTAGE), 1, 0.0, id="an outage passes over"),
        pytest.param(Api(Refused("api", 500, "", "")), 1, 0.0, id="so does a server's fault"),
    ],
)
async def test_unknown_is_no_failure_and_is_asked_again_later(
    api: Api, lines: int, again_after_s: float, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    asked = api.nodes()

    unknown = [await ask(asked, "a", "b")]
    api.now_s = again_after_s - 1.0 if again_after_s else 0.0
    reads_at_once = len(api.read)
    unknown += [await ask(asked, "a", "b")]
    kept = len(api.read) == reads_at_once
    api.now_s, api.answer, api.exists = again_after_s, "H100", True
    known = await ask(asked, "a", "b")

    assert unknown == [{"a": None, "b": None}] * 2
    assert kept == (again_after_s > 0)
    assert known == {"a": "H100", "b": "H100"}
    assert len(caplog.records) == lines


async def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "KEPT", 2)
    api = Api()
    asked = api.nodes()

    await ask(asked, "a", "b", "c")
    await ask(asked, "c", "b", "a")

    assert api.read == ["a", "b", "c", "a"]
