"""Nearest items: approximate against exact search, updates against a rebuild, bad vectors refused."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import InputError
from towers.config import IndexConfig
from towers.indexes import item_index
from towers.indexes.background_rebuild import BackgroundRebuild
from towers.indexes.item_index import ItemIndex, checked_embeddings, exact_top

DIM = 16
EXACT = IndexConfig()
APPROXIMATE = IndexConfig(exact_item_limit=1_000, recall_target=0.975, neighbours_checked=50)


def clustered(count: int, seed: int, dim: int = DIM, cluster_count: int = 200) -> np.ndarray:
    """Unit rows round random centres, as trained embeddings lie."""
    centres = np.random.default_rng(1).normal(size=(cluster_count, dim))
    rng = np.random.default_rng(seed)
    rows = centres[rng.integers(0, cluster_count, count)] + 0.4 * rng.normal(size=(count, dim))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def items() -> np.ndarray:
    return clustered(10_000, 2)


@pytest.fixture(scope="module")
def approximate(items: np.ndarray) -> ItemIndex:
    """A ScaNN tree over all items, not to be changed."""
    return ItemIndex.build(items, APPROXIMATE, clustered(100, 3))


@pytest.fixture
def small() -> ItemIndex:
    """Three hundred items, every one scored."""
    return ItemIndex.build(clustered(300, 4), EXACT, clustered(20, 5))


def by_full_sort(embeddings: np.ndarray, query: np.ndarray, count: int) -> list[int]:
    scores = embeddings @ query
    return sorted(range(len(scores)), key=lambda row: (-scores[row], row))[:count]


@settings(max_examples=50)
@given(st.integers(0, 40), st.integers(0, 50), st.integers(0, 10**6))
def test_the_exact_top_is_the_front_of_a_full_sort(size: int, count: int, seed: int) -> None:
    embeddings = np.random.default_rng(seed).integers(-2, 3, (size, 3)).astype(np.float32)
    query = np.array([1, 2, -1], np.float32)
    assert exact_top(embeddings, query, count).tolist() == by_full_sort(embeddings, query, count)


def test_recall_beside_an_exact_search_is_what_the_shape_says(
    items: np.ndarray, approximate: ItemIndex
) -> None:
    assert approximate.shape.leaf_count == 100
    queries = clustered(300, 6)
    found = [
        len(set(approximate.search(query, 50).tolist()) & set(by_full_sort(items, query, 50))) / 50
        for query in queries
    ]
    assert np.mean(found) >= 0.97
    assert approximate.shape.recall == pytest.approx(np.mean(found), abs=0.015)


def test_what_is_found_stands_in_order_of_its_score(approximate: ItemIndex) -> None:
    for query in clustered(30, 7):
        rows = approximate.search(query, 50)
        assert len(set(rows.tolist())) == 50 and rows.dtype == np.int64
        assert (np.diff(approximate.embeddings[rows] @ query) <= 1e-6).all()


def test_ten_thousand_items_find_themselves(items: np.ndarray, approximate: ItemIndex) -> None:
    """No id is ever another item's: every row asked for its own vector answers with itself."""
    first = [int(approximate.search(item, 1)[0]) for item in items]
    wrong = [row for row, found in enumerate(first) if found != row]
    # The tree may miss a row; it may never give another at this row's very score.
    assert len(wrong) <= 50
    for row in wrong:
        assert items[first[row]] @ items[row] < 1.0 - 1e-5


def test_a_small_shop_is_searched_exactly(small: ItemIndex) -> None:
    assert small.shape.leaf_count == 0 and small.shape.recall == 1.0
    for query in clustered(50, 8):
        assert small.search(query, 20).tolist() == by_full_sort(small.embeddings, query, 20)


@pytest.mark.parametrize("item_count", [1, 2, 7])
def test_a_tiny_shop_gives_all_it_has(item_count: int) -> None:
    index = ItemIndex.build(clustered(item_count, 9), EXACT, clustered(5, 10))
    assert sorted(index.search(clustered(1, 11)[0], 100).tolist()) == list(range(item_count))


def test_some_rows_only_are_searched_exactly(approximate: ItemIndex) -> None:
    rows = np.random.default_rng(1).choice(10_000, 700, replace=False)
    for query in clustered(20, 12):
        scores = approximate.embeddings[rows] @ query
        expected = rows[np.argsort(-scores)][:30]
        assert approximate.search_among(query, rows, 30).tolist() == expected.tolist()
    assert approximate.search_among(query, rows[:0], 5).tolist() == []


def test_scores_are_products(approximate: ItemIndex) -> None:
    query, rows = clustered(1, 13)[0], np.array([5, 9_999, 5, 0])
    expected = [float(np.dot(approximate.embeddings[row], query)) for row in rows]
    assert approximate.scores(query, rows).tolist() == pytest.approx(expected, abs=1e-6)
    assert approximate.scores(query, rows).dtype == np.float32
    assert approximate.scores(query, rows[:0]).tolist() == []
    with pytest.raises(IndexError, match="rows: expected below 10000, received 10000"):
        approximate.scores(query, np.array([3, 10_000]))


@pytest.mark.parametrize("config", [EXACT, APPROXIMATE])
def test_changes_are_found_as_if_the_index_had_been_built_with_them(config: IndexConfig) -> None:
    rows, rng = clustered(2_000, 14), np.random.default_rng(15)
    index = ItemIndex.build(rows.copy(), config, clustered(50, 16))
    fresh = clustered(400, 17)
    changed = [*rng.choice(2_000, 150, replace=False).tolist(), *range(2_000, 2_250)]
    whole = np.concatenate([rows, np.zeros((250, DIM), np.float32)])
    for row, vector in zip(changed, fresh, strict=True):
        index.put(row, vector)
        whole[row] = vector
    assert index.overlay_count == 400
    hits = []
    for query in clustered(100, 18):
        found = index.search(query, 30)
        assert len(set(found.tolist())) == len(found) == 30
        hits.append(len(set(found.tolist()) & set(by_full_sort(whole, query, 30))) / 30)
    assert np.mean(hits) >= (1.0 if config is EXACT else 0.97)
    for row in changed:
        assert index.search(whole[row], 1)[0] == row


def test_an_item_put_twice_is_found_at_its_newest_vector_only(small: ItemIndex) -> None:
    first, second = clustered(2, 19)
    small.put(7, first)
    small.put(7, second)
    assert small.overlay_count == 1
    assert small.search(second, 1)[0] == 7
    assert small.search(first, 300).tolist().count(7) == 1


def test_rows_may_be_put_far_beyond_the_end(small: ItemIndex) -> None:
    vector = clustered(1, 20)[0]
    small.put(5_000, vector)
    found = small.search(vector, 400)
    assert found[0] == 5_000
    # The rows between are no items: they are never found.
    assert set(found.tolist()) == {*range(300), 5_000}


POISON = {
    "NaN": (np.full(DIM, np.nan), "length nan"),
    "one NaN": (np.eye(DIM)[0] * np.nan, "length nan"),
    "infinity": (np.where(np.arange(DIM) == 3, np.inf, 0.0), "length inf"),
    "zero": (np.zeros(DIM), "length 0"),
    "long": (np.eye(DIM)[0] * 1.01, "length 1.01"),
    "huge": (np.eye(DIM)[0] * 1e38, "length 1e[+]38"),
}


@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
@pytest.mark.parametrize("kind", POISON)
def test_poison_is_refused_by_put_and_changes_nothing(small: ItemIndex, kind: str) -> None:
    vector, length = POISON[kind]
    before = small.embeddings.copy()
    for row in (3, 299, 300, 10_000):
        with pytest.raises(
            InputError,
            match=f"^item embedding: expected finite rows of length 1, received {length}.* in row 0$"
            if kind != "huge"
            else "^item embedding: expected finite rows of length 1",
        ):
            small.put(row, vector)
    assert np.array_equal(small.embeddings, before) and small.overlay_count == 0
    assert [int(small.search(one, 1)[0]) for one in before] == list(range(300))


@pytest.mark.parametrize("size", [DIM - 1, DIM + 1, 0])
def test_a_vector_of_another_size_is_refused_by_put(small: ItemIndex, size: int) -> None:
    message = rf"^item embedding: expected \[n, {DIM}\], received \[1, {size}\]$"
    with pytest.raises(InputError, match=message):
        small.put(0, np.ones(size, np.float32))
    assert small.overlay_count == 0


@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
@pytest.mark.parametrize("config", [EXACT, APPROXIMATE])
@pytest.mark.parametrize("kind", POISON)
def test_one_poisoned_row_among_many_refuses_the_build_and_is_named(
    kind: str, config: IndexConfig
) -> None:
    rows = clustered(2_000, 21)
    rows[1_234] = POISON[kind][0]
    with pytest.raises(
        InputError, match=r"^item embeddings: expected finite rows of length 1.* in row 1,234$"
    ):
        ItemIndex.build(rows, config, clustered(5, 22))


def test_sample_queries_are_checked_as_well() -> None:
    with pytest.raises(InputError, match=r"^sample queries: expected \[n, 16\], received \[5, 8\]"):
        ItemIndex.build(clustered(10, 23), EXACT, clustered(5, 24, dim=8))
    with pytest.raises(InputError, match=r"^sample queries: expected finite rows of length 1"):
        ItemIndex.build(clustered(10, 23), EXACT, np.zeros((1, DIM)))


def test_a_vector_alone_is_no_table() -> None:
    with pytest.raises(InputError, match=r"^x: expected \[n, dim\], received \[16\]$"):
        checked_embeddings(np.ones(16), "x")


def test_checked_rows_are_contiguous_float32() -> None:
    rows = checked_embeddings(np.asfortranarray(clustered(9, 25).astype(np.float64)), "x")
    assert rows.dtype == np.float32 and rows.flags.c_contiguous


@pytest.mark.parametrize("config", [EXACT, APPROXIMATE])
def test_an_index_is_read_as_it_was_written_wherever_the_folder_is(
    tmp_path: Path, config: IndexConfig
) -> None:
    rows = clustered(3_000, 26)
    index = ItemIndex.build(rows, config, clustered(50, 27))
    written = tmp_path / "written"
    written.mkdir()
    index.save(written)
    moved = written.rename(tmp_path / "moved")
    read = ItemIndex.load(moved, rows)
    assert read.shape == index.shape
    for query in clustered(50, 28):
        assert read.search(query, 40).tolist() == index.search(query, 40).tolist()


def test_no_file_of_a_saved_index_can_carry_code(tmp_path: Path) -> None:
    rows = clustered(3_000, 26)
    ItemIndex.build(rows, APPROXIMATE, clustered(50, 27)).save(tmp_path)
    names = {path.suffix for path in tmp_path.rglob("*") if path.is_file()}
    assert names <= {".npy", ".pb", ".pbtxt", ".json"}
    for path in tmp_path.rglob("*.npy"):
        np.load(path, allow_pickle=False)


def test_embeddings_of_another_shape_are_refused_at_load(tmp_path: Path) -> None:
    ItemIndex.build(clustered(50, 29), EXACT, clustered(5, 30)).save(tmp_path)
    with pytest.raises(InputError, match=r"^item embeddings: expected \[n, 16\], received"):
        ItemIndex.load(tmp_path, clustered(50, 29, dim=8))


def test_the_shape_is_plain_json(tmp_path: Path) -> None:
    ItemIndex.build(clustered(50, 29), EXACT, clustered(5, 30)).save(tmp_path)
    shape = json.loads((tmp_path / "shape.json").read_text(encoding="utf-8"))
    assert shape["item_count"] == 50 and shape["dim"] == DIM


@pytest.mark.parametrize("config", [EXACT, APPROXIMATE])
def test_more_than_all_neighbours_may_be_outdated_and_the_next_ones_are_found(
    config: IndexConfig,
) -> None:
    rows, query = clustered(2_000, 31), clustered(1, 32)[0]
    index = ItemIndex.build(rows.copy(), config, clustered(50, 33))
    nearest = by_full_sort(rows, query, 500)
    for row in nearest:
        rows[row] = -query
        index.put(row, rows[row])
    found = index.search(query, 30).tolist()
    assert len(found) == 30 and not set(found) & set(nearest)
    if config is EXACT:
        assert found == by_full_sort(rows, query, 30)


@pytest.mark.parametrize("config", [EXACT, APPROXIMATE])
def test_a_rebuilt_index_finds_what_the_overlay_found(config: IndexConfig) -> None:
    rows, rng = clustered(2_000, 34), np.random.default_rng(35)
    index = ItemIndex.build(rows.copy(), config, clustered(50, 36))
    whole = np.concatenate([rows, np.zeros((500, DIM), np.float32)])
    for row, vector in zip(
        [*rng.choice(2_000, 300, replace=False).tolist(), *range(2_000, 2_500)],
        clustered(800, 37),
        strict=True,
    ):
        index.put(row, vector)
        whole[row] = vector
    index.rebuild()
    assert index.overlay_count == 0 and index.shape.item_count == 2_500
    hits = [
        len(set(index.search(query, 30).tolist()) & set(by_full_sort(whole, query, 30))) / 30
        for query in clustered(100, 38)
    ]
    assert np.mean(hits) >= (1.0 if config is EXACT else 0.97)


def test_a_row_behind_a_gap_stays_in_the_overlay_of_a_rebuilt_index(small: ItemIndex) -> None:
    near, far = clustered(2, 39)
    small.put(300, near)
    small.put(5_000, far)
    small.rebuild()
    assert small.shape.item_count == 301 and small.overlay_count == 1
    assert small.search(near, 1)[0] == 300 and small.search(far, 1)[0] == 5_000


def test_changes_made_during_rebuilds_are_all_kept() -> None:
    rows = clustered(3_000, 40)
    index = ItemIndex.build(rows.copy(), APPROXIMATE, clustered(50, 41))
    vectors, newest = clustered(6_000, 42), {}
    is_done = threading.Event()

    def change() -> None:
        for number, vector in enumerate(vectors):
            row = (number * 7) % 4_500
            if row < 3_000 or row == 3_000 + sum(one >= 3_000 for one in newest):
                index.put(row, vector)
                newest[row] = vector
        is_done.set()

    writer = threading.Thread(target=change)
    writer.start()
    rebuild_count = 0
    while not is_done.is_set() or not rebuild_count:
        index.rebuild()
        rebuild_count += 1
    writer.join()
    for row, vector in newest.items():
        assert np.array_equal(index.embeddings[row], vector)
        assert index.search(vector, 1)[0] == row


def test_an_index_becomes_due_and_is_rebuilt_in_the_background(
    small: ItemIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(item_index, "_LEAST_OVERLAY", 100)
    background = BackgroundRebuild([small])
    for row, vector in enumerate(clustered(100, 43)):
        small.put(row, vector)
    background.start_if_due()
    background.wait()
    assert small.overlay_count == 100
    small.put(300, clustered(1, 44)[0])
    background.start_if_due()
    background.wait()
    assert small.overlay_count == 0 and small.shape.item_count == 301


def test_a_rebuild_that_fails_is_logged_and_waits_until_the_overlay_has_doubled(
    small: ItemIndex, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(item_index, "_LEAST_OVERLAY", 10)
    background = BackgroundRebuild([small])
    vectors = clustered(40, 45)
    for row, vector in enumerate(vectors[:11]):
        small.put(row, vector)
    # No ScaNN takes a row of no length: as if the memory had been damaged.
    intact = small.embeddings.copy()
    small.embeddings[250] = np.nan
    for expected in (1, 1):
        background.start_if_due()
        background.wait()
        assert len(caplog.records) == expected
    assert "rebuild of an index of 300 rows failed" in caplog.text
    small.embeddings[250] = intact[250]
    for row, vector in enumerate(vectors[11:22], 11):
        small.put(row, vector)
    assert small.search(vectors[21], 1)[0] == 21
    background.start_if_due()
    background.wait()
    assert len(caplog.records) == 1 and small.overlay_count == 0
