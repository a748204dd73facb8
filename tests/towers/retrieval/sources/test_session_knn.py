"""Session-kNN equals VSKNN written out in plain Python, session by session."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from data.records import Item
from towers.catalog.items import Catalog
from towers.config import TextConfig
from towers.retrieval.sources.session_knn import SessionKnn
from towers.sessions.session_log import SessionLog

ITEM_COUNT = 30


def log_of(lists: Sequence[Sequence[int]]) -> SessionLog:
    numbers = [number for number, rows in enumerate(lists) for _ in rows]
    rows = [row for of_session in lists for row in of_session]
    return SessionLog.of(np.array(numbers, np.int64), np.array(rows, np.int64))


def made_sessions(seed: int, count: int) -> list[list[int]]:
    rng = random.Random(seed)
    # Few items occur often, so that the newest sessions of an item are a real choice.
    weights = [1 / (1 + item) for item in range(ITEM_COUNT)]
    return [
        list(dict.fromkeys(rng.choices(range(ITEM_COUNT), weights, k=rng.randint(1, 6))))
        for _ in range(count)
    ]


def vsknn(
    past: Sequence[Sequence[int]],
    current: Sequence[int],
    *,
    sessions_per_item: int,
    neighbour_count: int,
) -> dict[int, float]:
    """Votes for items, ``current`` newest first: position weights, idf, votes by session length."""
    count = len(past)
    held_by = {
        item: [number for number, rows in enumerate(past) if item in rows]
        for item in range(ITEM_COUNT)
    }
    rarity = {item: math.log((1 + count) / (1 + len(held_by[item]))) for item in held_by}
    recent = list(dict.fromkeys(item for item in current if item < ITEM_COUNT))[:10]
    similarity: dict[int, float] = {}
    for position, item in enumerate(recent):
        for number in held_by[item][-sessions_per_item:]:
            gain = (1 - position / len(recent)) * rarity[item]
            similarity[number] = similarity.get(number, 0.0) + gain
    nearest = sorted(similarity, key=lambda number: (-round(similarity[number], 5), -number))
    votes: dict[int, float] = {}
    for number in nearest[:neighbour_count]:
        for item in past[number]:
            gain = similarity[number] / math.sqrt(len(past[number])) * rarity[item]
            votes[item] = votes.get(item, 0.0) + gain
    return votes


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(
    ("sessions_per_item", "neighbour_count"), [(500, 200), (20, 200), (500, 7), (5, 3)]
)
def test_votes_equal_the_formula_written_out(
    seed: int, sessions_per_item: int, neighbour_count: int
) -> None:
    past = made_sessions(seed, 120)
    session_knn = SessionKnn(
        log_of(past),
        ITEM_COUNT,
        sessions_per_item=sessions_per_item,
        neighbour_count=neighbour_count,
    )
    for current in made_sessions(100 + seed, 10):
        expected = vsknn(
            past, current, sessions_per_item=sessions_per_item, neighbour_count=neighbour_count
        )
        found = session_knn.votes(np.array(current, np.int64))
        assert found.rows.tolist() == sorted(expected)
        votes = [expected[row] for row in sorted(expected)]
        assert found.values.tolist() == pytest.approx(votes, rel=1e-4, abs=1e-5)


def test_an_item_seen_twice_counts_at_its_newest_position_only() -> None:
    session_knn = SessionKnn(log_of(made_sessions(1, 50)), ITEM_COUNT)
    once, twice = (session_knn.votes(np.array(rows)) for rows in ([3, 1, 2], [3, 1, 3, 2, 1]))
    assert np.array_equal(once.rows, twice.rows) and np.array_equal(once.values, twice.values)


def test_items_beyond_the_tenth_are_forgotten() -> None:
    session_knn = SessionKnn(log_of(made_sessions(2, 80)), ITEM_COUNT)
    ten = np.arange(10)
    short, long = session_knn.votes(ten), session_knn.votes(np.arange(20))
    assert np.array_equal(short.values, long.values)


@pytest.mark.parametrize("rows", [[], [ITEM_COUNT], [10**6]])
def test_a_session_of_unknown_items_finds_nothing(rows: list[int]) -> None:
    session_knn = SessionKnn(log_of(made_sessions(3, 20)), ITEM_COUNT)
    assert len(session_knn.votes(np.array(rows, np.int64)).rows) == 0


def test_an_empty_log_finds_nothing() -> None:
    session_knn = SessionKnn(log_of([]), ITEM_COUNT)
    assert len(session_knn.votes(np.array([1, 2])).rows) == 0


def test_the_sessions_are_read_as_they_were_written(tmp_path: Path) -> None:
    session_knn = SessionKnn(log_of(made_sessions(4, 60)), ITEM_COUNT)
    session_knn.save(tmp_path)
    catalog = Catalog.of([Item(f"i{row}") for row in range(ITEM_COUNT)], TextConfig())
    read = SessionKnn.load(tmp_path, catalog)
    for row in range(ITEM_COUNT):
        before, after = (index.votes(np.array([row])) for index in (session_knn, read))
        assert np.array_equal(before.rows, after.rows)
        assert np.array_equal(before.values, after.values)
