"""What holds for every test of the project."""

import asyncio

from hypothesis import HealthCheck, settings

# a busy machine is no failure: no example is timed
settings.register_profile("penstock", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("penstock")


def pytest_configure() -> None:
    """Say that the main thread has no event loop.

    pytest-asyncio asks for the current one before it sets its own; Python before 3.14 would then make one that
    nobody closes, and an unclosed loop is a warning, which is an error here.
    """
    asyncio.set_event_loop(None)
