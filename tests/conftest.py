"""What holds for every test of the project."""

import asyncio
from collections import Counter

import pytest
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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name once what is missing on this machine, with the number of tests that wait for it."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = Counter(str(report.longrepr[2]).removeprefix("Skipped: ") for report in skipped)
    for reason, count in reasons.most_common():
        terminalreporter.write_line(f"{count} tests did not run. {reason}", yellow=True)
