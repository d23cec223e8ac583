"""The queries about the past: whole, parsed, and never two histograms in one answer."""

import promql_parser
import pytest

from penstock.telemetry.pastqueries import OPTIONAL, Ask, PastQuery, engines, replicas

ALL = (*engines(), *replicas(["chat", "big.1"]))


@pytest.mark.parametrize("query", ALL, ids=lambda one: one.ask.value)
def test_every_query_parses(query: PastQuery) -> None:
    promql_parser.parse(query.promql)


def test_everything_is_asked_once() -> None:
    assert sorted(one.ask for one in ALL) == sorted(Ask)
    assert {one.ask for one in ALL} > OPTIONAL


def test_load_is_asked_for_as_finely_as_wanted() -> None:
    (running,) = (one for one in engines(120.0) if one.ask is Ask.RUNNING)
    (completed,) = (one for one in engines(120.0) if one.ask is Ask.COMPLETED)

    assert running.step_s == 120.0
    assert completed.step_s == 120.0
    assert "rate" not in completed.promql


def test_names_are_matched_as_they_are() -> None:
    assert r"big\\.1|chat" in replicas(["chat", "big.1"])[0].promql


def test_nobody_asks_for_the_replicas_of_nothing() -> None:
    assert replicas([]) == ()


def test_of_several_histograms_one_answers() -> None:
    (buckets,) = (one for one in engines() if one.ask is Ask.TPOT_BUCKETS)

    assert buckets.promql.startswith("sum by")
    assert buckets.promql.count("unless on (namespace, exported_namespace, model_name)") == 2
