"""Parts of a shortlist, and the list with one more adjustment, against the list sorted anew."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.towers import shelf
from tests.towers.ranking.test_ranker import QUESTIONS
from towers.ranking.shortlist import Shortlist


@pytest.fixture(scope="module")
def shortlist() -> Shortlist:
    plain = shelf.ranker().rank(QUESTIONS[2])
    odd = np.where(plain.rows % 2, np.float32(-0.25), np.float32(0))
    return replace(plain, adjustments={"odd": odd}).merchandised({"boost": odd * 2})


def assert_same(one: Shortlist, other: Shortlist) -> None:
    for name in ("rows", "model_scores", "features", "ranks"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
        assert not getattr(one, name).flags.writeable
    # The columns are added up in another order.
    assert one.scores == pytest.approx(other.scores, rel=1e-6)
    for columns, others in (
        (one.adjustments, other.adjustments),
        (one.merchandising, other.merchandising),
    ):
        assert {name: column.tolist() for name, column in columns.items()} == {
            name: column.tolist() for name, column in others.items()
        }
    assert one.encoded is other.encoded and one.source_scores is other.source_scores


def test_the_first_of_a_list_are_those_that_a_flag_keeps(shortlist: Shortlist) -> None:
    kept = np.arange(len(shortlist.rows)) < 5
    assert_same(shortlist.first(5), shortlist.only(kept, shortlist.encoded))
    assert shortlist.first(5).rows.tolist() == shortlist.rows[:5].tolist()
    assert shortlist.first(9_999) is shortlist
    assert len(shortlist.first(0).rows) == 0


def test_an_adjusted_list_is_the_one_sorted_anew(shortlist: Shortlist) -> None:
    is_last = np.arange(len(shortlist.rows)) % 3 == 0
    column = np.where(is_last, np.float32(-100), np.float32(0))
    order = np.concatenate([np.flatnonzero(~is_last), np.flatnonzero(is_last)])
    expected = replace(shortlist, adjustments={**shortlist.adjustments, "last": column})
    assert_same(shortlist.adjusted("last", column, order), expected)
