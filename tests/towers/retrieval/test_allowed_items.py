"""Allowed items equal a check of every single row, by every method."""

from __future__ import annotations

import random

import numpy as np
import pytest

from data.records import Event, EventType
from data.synthetic import END_TIME
from tests.towers import shelf
from towers.retrieval.allowed_items import AllowedItems
from towers.retrieval.rank_request import RankRequest
from towers.retrieval.sources.repurchase import Repurchase
from towers.retrieval.sparse_scores import SparseScores
from towers.sessions.session import Session

COUNT = 240


@pytest.mark.parametrize("seed", range(20))
def test_every_way_of_asking_agrees_with_a_check_of_each_row(seed: int) -> None:
    rng = random.Random(seed)
    catalog = shelf.catalog()
    gone = rng.sample(range(COUNT), 20)
    for row in gone:
        catalog.remove(shelf.items()[row].item_id)
    mask = rng.choice([None, np.array([rng.random() < 0.5 for _ in range(COUNT)])])
    if mask is not None:
        mask &= catalog.listed[:COUNT]
    # Rules may have been read when there were fewer items, or more.
    hidden_count = rng.choice([COUNT - 7, COUNT, COUNT + 7])
    hidden = rng.choice([None, np.array([rng.random() < 0.2 for _ in range(hidden_count)])])
    outside = rng.choice([None, np.array([rng.random() < 0.3 for _ in range(hidden_count)])])
    excluded = np.array(rng.choices(range(COUNT + 9), k=rng.choice([0, 12])), np.int64)
    already_bought = np.array(rng.choices(range(COUNT), k=rng.choice([0, 9])), np.int64)
    rank_request = RankRequest(
        Session.empty("v"),
        END_TIME,
        mask=mask,
        excluded=excluded,
        hidden=hidden,
        outside=outside,
        already_bought=already_bought,
    )

    def is_allowed(row: int) -> bool:
        return not (
            row >= COUNT
            or row in gone
            or (mask is not None and not mask[row])
            or (hidden is not None and row < len(hidden) and hidden[row])
            # What was not there when a placement chose is not of its choice.
            or (outside is not None and (row >= len(outside) or outside[row]))
            or row in excluded.tolist()
            or row in already_bought.tolist()
        )

    before = None if mask is None else mask.copy()
    expected = [row for row in range(COUNT) if is_allowed(row)]
    allowed = AllowedItems.of(catalog, rank_request)
    asked = np.array(rng.choices(range(COUNT + 20), k=100), np.int64)
    assert allowed.rows().tolist() == expected
    assert allowed.count() == len(expected)
    assert np.flatnonzero(allowed.flags()).tolist() == expected
    assert allowed.only(asked).tolist() == [row for row in asked.tolist() if is_allowed(row)]
    scores = SparseScores(np.arange(COUNT), -np.arange(COUNT, dtype=np.float32))
    assert allowed.top(scores, 10).tolist() == expected[:10]
    if mask is not None:
        assert np.array_equal(mask, before)


def test_a_browse_page_is_done_with_what_was_bought_and_a_search_is_not() -> None:
    ranker = shelf.ranker()
    shares = np.where(np.arange(COUNT) == 30, 0.5, 0.0).astype(np.float32)
    ranker.sources.repurchase = Repurchase(shares, np.zeros(0, np.float32))
    session = Session.empty("v")
    for row in (30, 31):
        bought = Event(f"b{row}", EventType.PURCHASE, "v", END_TIME - 9_000, f"p{row:04}")
        session = session.after(bought)
    for text, left_out in (("", [31]), ("espresso", [])):
        encoded = ranker.read(RankRequest(session, END_TIME, text))
        assert encoded.rank_request.already_bought.tolist() == left_out
        assert ranker.sources.allowed_count(encoded.rank_request) == COUNT - len(left_out)
        assert not np.isin(ranker.sources.nearest(encoded, COUNT), left_out).any()
