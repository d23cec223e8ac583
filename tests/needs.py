"""What a test needs of its machine: it skips by name where that is missing, and fails with CI=true."""

import os
from typing import NoReturn

import pytest


def missing(what: str, remedy: str) -> NoReturn:
    """Skip the test, naming what to install; in CI a missing part is a failure."""
    message = f"{what} is missing: {remedy}"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)
