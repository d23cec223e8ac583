"""How long less must suffice before replicas go, where somebody says so and where nobody does."""

import pytest

from penstock.scaling.config import Config


@pytest.mark.parametrize(
    ("config", "startup_s", "window_s"),
    [
        pytest.param(Config(), 150.0, 150.0, id="as long as a start"),
        pytest.param(Config(), 900.0, 300.0, id="not for ever"),
        pytest.param(
            Config(), 5.0, 60.0, id="no shorter than what rates are of: half a window tells of half the demand"
        ),
        pytest.param(Config(rate_window_s=10.0), 5.0, 10.0, id="nor where they are of less"),
        pytest.param(Config(scale_down_window_s=30.0), 150.0, 30.0, id="as somebody said"),
    ],
)
def test_how_long_less_must_suffice(config: Config, startup_s: float, window_s: float) -> None:
    assert config.window_s(startup_s) == window_s
