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
from towers.config import IndexConfig, TextConfig
from towers.retrieval.source import Rebase
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


def log_of_visitors(of_sessions: Sequence[tuple[int, Sequence[int]]]) -> SessionLog:
    """From the visitor and the items of each session, oldest first."""
    plain = log_of([rows for _, rows in of_sessions])
    return SessionLog(plain.offsets, plain.rows, np.array([who for who, _ in of_sessions]))


def votes_of(session_knn: SessionKnn, *rows: int) -> dict[int, float]:
    found = session_knn.votes(np.array(rows))
    return dict(zip(found.rows.tolist(), found.values.tolist(), strict=True))


def made_habits(seed: int) -> list[tuple[int, list[int]]]:
    """Sessions of six visitors, of whom the first comes in half of all cases."""
    rng = random.Random(seed)
    return [(rng.choice([0, 0, 0, 0, 0, 1, 2, 3, 4, 5]), rows) for rows in made_sessions(seed, 90)]


def vsknn_of_visitors(
    past: Sequence[tuple[int, Sequence[int]]], current: Sequence[int]
) -> dict[int, float]:
    """The same formula, where an item is held by five newest sessions of each visitor at most."""
    held_by: dict[int, list[int]] = {}
    for item in range(ITEM_COUNT):
        for who in range(6):
            of_visitor = [n for n, (v, rows) in enumerate(past) if v == who and item in rows]
            held_by.setdefault(item, []).extend(of_visitor[-5:])
    count = len({number for numbers in held_by.values() for number in numbers})
    rarity = {item: math.log((1 + count) / (1 + len(held_by[item]))) for item in held_by}
    similarity: dict[int, float] = {}
    for position, item in enumerate(current):
        for number in held_by[item]:
            gain = (1 - position / len(current)) * rarity[item]
            similarity[number] = similarity.get(number, 0.0) + gain
    votes: dict[int, float] = {}
    for number, similar in similarity.items():
        rows = past[number][1]
        for item in rows:
            votes[item] = votes.get(item, 0.0) + similar / math.sqrt(len(rows)) * rarity[item]
    return votes


def test_one_visitors_five_hundred_sessions_do_not_outvote_a_thousand_visitors() -> None:
    bystanders = [(2_000 + number, [3]) for number in range(3_000)]
    crowd = [(number, [0, 2]) for number in range(1_000)]
    session_knn = SessionKnn(log_of_visitors([*bystanders, *crowd, *[(1_000, [0, 1])] * 500]), 4)
    votes = votes_of(session_knn, 0)
    # Of 200 neighbours 5 are the last visitor's; B is the rarer, so each of its votes is larger.
    rarity_ratio = math.log(4_006 / 6) / math.log(4_006 / 1_001)
    assert votes[1] / votes[2] == pytest.approx(5 / 195 * rarity_ratio, rel=1e-3)
    assert votes[1] < votes[2]


@pytest.mark.parametrize("seed", range(6))
def test_an_item_finds_the_five_newest_sessions_of_each_visitor(seed: int) -> None:
    past = made_habits(seed)
    session_knn = SessionKnn(log_of_visitors(past), ITEM_COUNT)
    for current in made_sessions(300 + seed, 10):
        expected = vsknn_of_visitors(past, current)
        votes = votes_of(session_knn, *current)
        assert votes == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_the_limit_is_saved_without_the_visitors(tmp_path: Path) -> None:
    past = made_habits(9)
    plain, odd = (
        log_of_visitors([(who * factor, rows) for who, rows in past]) for factor in (1, 7_919)
    )
    folders = [tmp_path / name for name in ("plain", "odd")]
    for log, folder in zip((plain, odd), folders, strict=True):
        folder.mkdir()
        SessionKnn(log, ITEM_COUNT).save(folder)
    # Other visitor numbers leave the same bytes, so no file can hold them.
    for path in folders[0].iterdir():
        assert path.read_bytes() == (folders[1] / path.name).read_bytes()
    catalog = Catalog.of([Item(f"i{row}") for row in range(ITEM_COUNT)], TextConfig())
    read = SessionKnn.load(folders[0], catalog)
    for row in range(ITEM_COUNT):
        assert votes_of(read, row) == votes_of(SessionKnn(plain, ITEM_COUNT), row)


def test_the_limit_moves_with_the_sessions_to_another_catalogue() -> None:
    past = made_habits(10)
    gone = 4
    kept = [Item(f"i{row}") for row in range(ITEM_COUNT) if row != gone][::-1]
    catalog = Catalog.of(kept, TextConfig())
    moved = np.array([catalog.row_of.get(f"i{row}", -1) for row in range(ITEM_COUNT)])
    no_vectors = np.zeros((0, 2), np.float32)
    rebase = Rebase(catalog, kept, moved, no_vectors, no_vectors, IndexConfig())
    session_knn = SessionKnn(log_of_visitors(past), ITEM_COUNT).rebased(rebase)
    often = next(item for item in range(ITEM_COUNT) if item != gone)
    mine = sum(who == 0 and often in rows for who, rows in past)
    holders = [who for who, rows in past if often in rows]
    expected = sum(min(5, holders.count(who)) for who in set(holders))
    assert mine > 5 and expected < len(holders)
    # Each session that the item finds holds it once and votes for it.
    begin, end = session_knn._item_offsets[moved[often] : moved[often] + 2]
    assert end - begin == expected
