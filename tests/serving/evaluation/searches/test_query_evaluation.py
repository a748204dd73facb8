"""Queries with slips: one word of each, and a fall worked out by hand."""

from __future__ import annotations

import pytest

from serving.evaluation.searches.query_evaluation import misspelling_report, misspelt
from serving.evaluation.system_rankings import SystemRankings

QUERIES = [("cordless drill", ["d"]), ("12 v", ["x"]), ("手机", ["p"]), ("garden hose", ["h"])]


def is_one_slip(word: str, other: str) -> bool:
    """Whether one letter less, more or other, or two neighbours swapped, make the one the other."""
    if len(word) == len(other):
        places = [place for place in range(len(word)) if word[place] != other[place]]
        first, last = places[0], places[-1]
        is_swap = last == first + 1 and word[first : last + 1] == other[first : last + 1][::-1]
        return len(places) == 1 or (len(places) == 2 and is_swap)
    longer, shorter = sorted((word, other), key=len, reverse=True)
    return shorter in {longer[:place] + longer[place + 1 :] for place in range(len(longer))}


def test_one_slip_is_in_one_word_of_those_queries_that_have_a_long_one() -> None:
    first_letters = set()
    for seed in range(60):
        numbers, slipped = misspelt(QUERIES, limit=10, seed=seed)
        assert numbers == [0, 3]
        for number, (slip, wanted) in zip(numbers, slipped, strict=True):
            text, good = QUERIES[number]
            pairs = zip(text.split(), slip.split(), strict=True)
            ((word, other),) = [(word, other) for word, other in pairs if word != other]
            assert is_one_slip(word, other) and wanted is good
            first_letters.add(other[0] == word[0])
    # A hand slips at the first letter as well.
    assert first_letters == {True, False}


def test_no_more_queries_are_misspelt_than_were_asked_for() -> None:
    numbers, slipped = misspelt([("garden hose", ["h"])] * 9, limit=3, seed=1)
    assert len(numbers) == len(slipped) == 3
    assert misspelt(QUERIES, limit=0, seed=1) == ([], [])


def test_a_part_of_what_was_asked_keeps_every_system_beside_its_request() -> None:
    asked = SystemRankings()
    for number in range(4):
        asked.add([f"w{number}"], {"engine": [f"e{number}"], "lexical": [f"l{number}"]})
    part = asked.part([3, 1])
    assert part.relevant == [{"w3": 1}, {"w1": 1}]
    assert part.rankings == {"engine": [["e3"], ["e1"]], "lexical": [["l3"], ["l1"]]}


def test_the_fall_is_the_mean_of_the_recalls_that_were_lost() -> None:
    as_typed, slipped = SystemRankings(), SystemRankings()
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
