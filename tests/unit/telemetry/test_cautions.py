"""What is said of a Prometheus that is read without protection: a word of warning, and no refusal."""

import pytest

from penstock.settings.prometheus import PrometheusSettings
from penstock.telemetry.prometheus import Prometheus


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        pytest.param({"url": "http://prom:9090"}, "over plain http", id="plain http is read, with a warning"),
        pytest.param(
            {"url": "https://prom", "insecure_skip_verify": True}, "certificate is not checked", id="unchecked"
        ),
        pytest.param({"url": "https://prom"}, None, id="https"),
        pytest.param({"url": ""}, None, id="nobody to read"),
    ],
)
async def test_plain_http_is_warned_of_and_not_refused(
    settings: dict[str, str | bool], words: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    """WVA did not start without TLS (#1074)."""
    client = Prometheus(PrometheusSettings(**settings))  # type: ignore[arg-type]  # a table of several fields
    await client.close()

    told = [one.message for one in caplog.records if one.levelname == "WARNING"]
    assert len(told) == (words is not None)
    assert all(words is not None and words in one for one in told)
