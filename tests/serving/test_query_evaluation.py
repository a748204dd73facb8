"""Queries with slips: one word of each, and a fall worked out by hand."""

from __future__ import annotations

import pytest

from serving.asked import Asked
from serving.query_evaluation import misspelling_report, misspelt

QUERIES = [("cordless drill", ["d"]), ("12 v", ["x"]), ("手机", ["p"]), ("garden hose", ["h"])]


def test_a_slip_is_in_one_word_of_those_queries_that_have_a_long_one() -> None:
    for seed in range(30):
        as_typed, slipped = misspelt(QUERIES, limit=10, seed=seed)
        assert all(query in (QUERIES[0], QUERIES[3]) for query in as_typed)
        for (text, wanted), (slip, same) in zip(as_typed, slipped, strict=True):
            pairs = list(zip(text.split(), slip.split(), strict=True))
            assert sum(word != other for word, other in pairs) == 1 and wanted is same


def test_no_more_queries_are_misspelt_than_were_asked_for() -> None:
    as_typed, slipped = misspelt([("garden hose", ["h"])] * 9, limit=3, seed=1)
    assert len(as_typed) == len(slipped) == 3
    assert misspelt(QUERIES, limit=0, seed=1) == ([], [])


def test_the_fall_is_the_mean_of_the_recalls_that_were_lost() -> None:
    as_typed, slipped = Asked(), Asked()
    for found_before, found_after in ((["a", "b"], ["a"]), (["a", "b"], []), (["b"], ["b"])):
        as_typed.add(["a", "b"], {"engine": found_before})
        slipped.add(["a", "b"], {"engine": found_after})
    report = misspelling_report(as_typed, slipped, seed=3)
    engine = report["systems"]["engine"]
    assert report["query_count"] == 3
    assert engine["as_typed"]["mean"] == pytest.approx((1 + 1 + 0.5) / 3)
    assert engine["misspelt"]["mean"] == pytest.approx((0.5 + 0 + 0.5) / 3)
    assert engine["fall"]["mean"] == pytest.approx((0.5 + 1 + 0) / 3)
    assert 0 <= engine["fall"]["low"] <= engine["fall"]["mean"] <= engine["fall"]["high"] <= 1
