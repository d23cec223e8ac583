"""A served admin API, somebody who knows tokens, and a client."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from tests.integration.router.routers import ENDPOINT, NAMESPACE, Admin, Fixed, running, settings

from penstock.domain.errors import Unreachable
from penstock.router.process import Router

OPERATOR = f"system:serviceaccount:{NAMESPACE}:penstock-operator"
VIEWER = f"system:serviceaccount:{NAMESPACE}:penstock-viewer"


class Reviewer:
    """Knows tokens by heart; counts how often it is asked, and may be out of reach."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.reachable = True
        self.subjects = {
            "operator": OPERATOR,
            "viewer": VIEWER,
            "stranger": "system:serviceaccount:llm:penstock-operator",
        }

    async def review(self, token: str, audience: str) -> str | None:
        self.asked.append((token, audience))
        if not self.reachable:
            raise Unreachable("Kubernetes API", "timeout", "it is tried again")
        return self.subjects.get(token)


@pytest.fixture
def reviewer() -> Reviewer:
    return Reviewer()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        yield session


@pytest.fixture
def source() -> Fixed:
    return Fixed(ENDPOINT)


@pytest.fixture
async def served(tmp_path: Path, reviewer: Reviewer, source: Fixed) -> AsyncIterator[tuple[Router, str]]:
    given = settings(tmp_path, local=False, secure_serving=True)
    async with running(given, source, reviewer) as (router, ports):
        yield router, f"https://127.0.0.1:{ports.admin}"


@pytest.fixture
def admin(http: aiohttp.ClientSession, served: tuple[Router, str]) -> Admin:
    return Admin(http, served[1], "operator")


@pytest.fixture
def router(served: tuple[Router, str]) -> Router:
    return served[0]
