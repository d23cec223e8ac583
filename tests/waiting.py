"""Polls a condition with a deadline: what tests do instead of sleeping."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def eventually(condition: Callable[[], T], what: str = "the condition", timeout_s: float = 60.0) -> T:
    """Return the condition's value as soon as it is true; fail naming what was awaited."""
    loop = asyncio.get_running_loop()
    deadline_s = loop.time() + timeout_s
    while not (value := condition()):
        assert loop.time() < deadline_s, f"{what} did not happen within {timeout_s} s"
        await asyncio.sleep(0.01)
    return value
