"""llm-d's published ramp over many seeds, since one seed says little: it hangs on a single crossing of capacity."""

import pytest
from tests.unit.sim.test_ramp import landing


@pytest.mark.bench
def test_the_latency_law_lands_within_three_points_over_sixteen_seeds() -> None:
    attainment, replicas = landing(range(1, 17))

    print(f"{attainment:.3f} within the targets at {replicas:.2f} replicas")
    assert abs(attainment - 0.88) <= 0.03
    assert abs(replicas - 5.97) <= 0.2
