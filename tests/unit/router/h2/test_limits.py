import pytest

from penstock.router.h2.faults import Code, ConnectionFault
from penstock.router.h2.limits import Bucket, Memory


def test_a_bucket_bears_its_burst_and_refills_with_time() -> None:
    bucket = Bucket(burst=2, per_s=1.0)
    bucket.spend(2, now_s=10.0)

    with pytest.raises(ConnectionFault) as raised:
        bucket.spend(1, now_s=10.5)

    assert raised.value.code is Code.ENHANCE_YOUR_CALM
    bucket.spend(1, now_s=12.0)


def test_a_bucket_never_holds_more_than_its_burst() -> None:
    bucket = Bucket(burst=2, per_s=1.0)
    bucket.spend(0, now_s=0.0)

    with pytest.raises(ConnectionFault):
        bucket.spend(3, now_s=1_000.0)


def test_memory_is_refused_beyond_its_limit_and_usable_again_when_given_back() -> None:
    memory = Memory(limit=10)

    assert memory.take(10)
    assert not memory.take(1)
    memory.give(4)
    assert memory.take(4)
    assert memory.held == 10
