"""Jobs and outcomes: a line of the file is the whole outcome again, and keys tell runs apart."""

import dataclasses

import pytest
from tests.unit.bench.made import job, outcome

from penstock.bench.jobs import OURS, Job, read, version


def test_a_line_is_the_whole_outcome_again() -> None:
    one = outcome(job("B8", 3, target=16.0), facts={"blind_dip": None})
    one = dataclasses.replace(one, ttft_p50_s=0.25, parts=(1.0, None, 0.5))

    found = read(one.line("k"))

    assert found == ("k", one)


@pytest.mark.parametrize("line", ["", "{", "[]", "3", '{"key": "k"}', '{"key": "k", "job": {"knobs": []}}'])
def test_a_line_that_is_not_whole_is_passed_over(line: str) -> None:
    assert read(line) is None


@pytest.mark.parametrize("other", [
    job(seed=1), job(workload="W2"), job("B8"), job(shape="l40s"), job(target=1.0),
    dataclasses.replace(job(), quick=True),
], ids=["seed", "workload", "policy", "shape", "knobs", "extent"])  # fmt: skip
def test_another_run_has_another_key(other: Job) -> None:
    assert other.key() != job().key()


def test_a_key_knows_its_traffic_and_its_code() -> None:
    assert job().key("recorded") != job().key("made up")
    assert version(own=True) != version(own=False)


def test_shapes_tell_how_many_variants_there_are() -> None:
    assert job(shape="l40s").single
    assert not job(shape="split").single
    assert not job(shape="mix").single
    assert job().at(4) == job(seed=4)
    assert job(target=1.0).swept
    assert not job(OURS).swept
