"""A changed catalogue in a new bundle: same models, new vectors, and every row moved right."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data.errors import BundleError, InputError
from data.prepare import prepare_items
from data.records import Item
from data.synthetic import END_TIME
from data.tables import iter_items
from tests.towers import shelf
from tests.towers.decayed_counts import decayed
from towers.bundle.bundle import Bundle, load_bundle
from towers.bundle.candidate_tables import CandidateTables
from towers.bundle.golden import check_golden
from towers.bundle.layout import Layout
from towers.bundle.manifest import sign, verify
from towers.catalog.items import Catalog
from towers.retrieval.rank_request import RankRequest
from towers.sessions.session import Session
from towers.training.item_embedding import embed_items, reembed

NEW = Item("new", "dark roasted espresso", category=("Kitchen", "Coffee"), brand="Moccado")


def changed_items() -> list[Item]:
    """Every third item gone, the rest backwards, one reworded, one new in front."""
    kept = [item for row, item in enumerate(shelf.items()) if row % 3][::-1]
    kept[5] = replace(kept[5], title="altogether different")
    return [NEW, *kept]


def generated(out: Path, items: list[Item]) -> Bundle:
    reembed(shelf.bundle_folder(), items, out, items_time=END_TIME + 4, created_time=END_TIME + 5)
    return load_bundle(out)


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return generated(tmp_path_factory.mktemp("embed") / "changed", changed_items())


def test_the_same_catalogue_gives_the_same_answers(tmp_path: Path) -> None:
    stages: list[str] = []
    report = reembed(
        shelf.bundle_folder(),
        list(shelf.items()),
        tmp_path / "again",
        items_time=END_TIME,
        created_time=END_TIME,
        progress=stages.append,
    )
    assert (report.item_count, report.new_item_count) == (240, 0)
    assert report.seconds > 0 and report.items_per_second == pytest.approx(240 / report.seconds)
    assert stages == ["reading the bundle", "embedding", "building the index", "signing"]
    old, new = load_bundle(shelf.bundle_folder()), load_bundle(tmp_path / "again")
    assert old.facts == new.facts
    check_golden(new.ranker, old.facts.golden)
    session = Session.empty("v").after(shelf.view("p0004", END_TIME - 9))
    for rank_request in (RankRequest(session, END_TIME), RankRequest(Session.empty("v"), END_TIME)):
        one, other = old.ranker.rank(rank_request), new.ranker.rank(rank_request)
        assert one.rows.tolist() == other.rows.tolist()
        assert one.scores.tolist() == pytest.approx(other.scores.tolist(), abs=1e-4)


def test_the_catalogue_is_the_new_one_and_signed(changed: Bundle) -> None:
    assert changed.catalog.item_ids == [item.item_id for item in changed_items()]
    assert changed.manifest.created_time == END_TIME + 5
    assert changed.facts.items_time == END_TIME + 4
    assert changed.manifest.bundle_id != verify(shelf.bundle_folder()).bundle_id


def test_an_item_that_stayed_has_the_vector_it_had(changed: Bundle) -> None:
    old = shelf.catalog().row_of
    for row, item in enumerate(changed_items()):
        if item.item_id != "new" and item.title != "altogether different":
            before = shelf.models().embeddings[old[item.item_id]]
            after = changed.ranker.sources.index.embeddings[row]
            assert after.tolist() == pytest.approx(before.tolist(), abs=1e-5)


def test_a_new_item_lies_with_its_like_and_is_found_by_its_words(changed: Bundle) -> None:
    embeddings = changed.ranker.sources.index.embeddings
    nearest = np.argsort(-(embeddings @ embeddings[0]))[1:4].tolist()
    assert [changed.catalog.category(row) for row in nearest] == [("Kitchen", "Coffee")] * 3
    lexical = changed.ranker.sources.lexical
    assert 0 in lexical.search(lexical.parse("moccado espresso"), 5)[0].tolist()


def test_companions_and_sessions_are_those_of_before_less_what_is_gone(changed: Bundle) -> None:
    before = load_bundle(shelf.bundle_folder()).ranker.sources
    after = changed.ranker.sources
    old_ids = [item.item_id for item in shelf.items()]
    new_ids = changed.catalog.item_ids
    for row, item_id in enumerate(new_ids):
        pairs = {
            (new_ids[other], float(score), float(follow))
            for other, score, follow in zip(
                after.cooccurrence.companions[row],
                after.cooccurrence.scores[row],
                after.cooccurrence.follow_shares[row],
                strict=True,
            )
            if other >= 0
        }
        if item_id == "new":
            assert pairs == set()
            continue
        old = old_ids.index(item_id)
        expected = {
            (old_ids[other], float(score), float(follow))
            for other, score, follow in zip(
                before.cooccurrence.companions[old],
                before.cooccurrence.scores[old],
                before.cooccurrence.follow_shares[old],
                strict=True,
            )
            if other >= 0 and old_ids[other] in new_ids
        }
        assert pairs == expected
    logs = []
    for sources, ids in ((before, old_ids), (after, new_ids)):
        log = sources.session_knn.log
        sessions = [
            [ids[row] for row in log.rows[log.offsets[at] : log.offsets[at + 1]]]
            for at in range(log.session_count)
        ]
        logs.append([s for one in sessions if (s := [i for i in one if i in new_ids])])
    assert logs[0] == logs[1]


def test_counts_move_with_their_items(changed: Bundle) -> None:
    counts = changed.ranker.sources.popularity.at(np.arange(161), END_TIME)
    for row, item_id in enumerate(changed.catalog.item_ids):
        expected = decayed(shelf.events(), item_id, END_TIME, 30.0)
        assert counts[row] == pytest.approx(expected)


def test_what_follows_a_purchase_moves_with_its_items(changed: Bundle) -> None:
    old = load_bundle(shelf.bundle_folder())
    old_ids, new_ids = old.catalog.item_ids, changed.catalog.item_ids
    told = 0
    for row, item_id in enumerate(new_ids):
        if item_id not in old.catalog.row_of:
            assert not len(changed.after_sales.by_item.after(row)[0])
            continue
        before, _ = old.after_sales.by_item.after(old.catalog.row_of[item_id])
        after, _ = changed.after_sales.by_item.after(row)
        kept = [old_ids[one] for one in before if old_ids[one] in changed.catalog.row_of]
        assert [new_ids[one] for one in after] == kept
        told += len(kept)
    assert told > 50


def test_golden_answers_are_those_of_the_new_catalogue(changed: Bundle) -> None:
    check_golden(changed.ranker, changed.facts.golden)
    for entry in changed.facts.golden:
        assert set(entry["item_ids"]) <= set(changed.catalog.item_ids)


def test_variants_are_found_anew_and_reported(tmp_path: Path) -> None:
    sizes = [
        replace(NEW, item_id=f"new{size}", title=f"dark roasted espresso {size}g")
        for size in (250, 500)
    ]
    report = reembed(
        shelf.bundle_folder(),
        [*sizes, *shelf.items()],
        tmp_path / "new",
        items_time=END_TIME,
        created_time=END_TIME,
    )
    variants = load_bundle(tmp_path / "new").variants
    assert variants is not None
    assert variants.codes[:2].tolist() == [0, 0]
    metrics = json.loads((tmp_path / "new" / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["variants"]["groups"] == report.variant_group_count == len(variants.counts)
    assert {"title": "dark roasted espresso 250g", "items": 2} in metrics["variants"]["largest"]


def test_an_item_without_any_word_has_a_fixed_direction() -> None:
    catalog = Catalog.of([Item("bare")], shelf.CONFIG.text)
    (vector,) = embed_items(shelf.tables(), catalog, shelf.CONFIG)
    assert vector.tolist() == pytest.approx([0.25] * 16)


def test_own_vectors_belong_to_their_ids_and_not_to_their_rows() -> None:
    own = np.random.default_rng(1).normal(size=(240, 16)).astype(np.float32)
    tables = replace(shelf.tables(), item_table=own)
    items = [shelf.items()[9], NEW, shelf.items()[3]]
    catalog = Catalog.of(items, shelf.CONFIG.text)
    found = embed_items(tables, catalog, shelf.CONFIG)
    for row, known in ((0, 9), (1, None), (2, 3)):
        numbers = catalog.tokens[row][catalog.tokens[row] > 0]
        vector = tables.token_table[numbers].mean(axis=0)
        vector = vector if known is None else vector + own[known]
        expected = vector / np.linalg.norm(vector)
        assert found[row].tolist() == pytest.approx(expected.tolist(), abs=1e-5)


def test_no_items_have_no_embeddings() -> None:
    empty = Catalog.of([], shelf.CONFIG.text)
    assert embed_items(shelf.tables(), empty, shelf.CONFIG).shape == (0, 16)


def test_tables_are_read_as_they_were_written(tmp_path: Path) -> None:
    # Quotes, commas, blanks and U+2028 are legal in an id; only line breaks end one in the file.
    odd = ["a", "智能手机", "a\u2028b", "a\u2029b", "a b", 'say "a, b"', "a\\nb"]
    item_ids = odd + [item.item_id for item in shelf.items()[len(odd) :]]
    tables = replace(shelf.tables(), item_ids=item_ids)
    tables.save(tmp_path)
    read = CandidateTables.load(tmp_path)
    assert read.item_ids == tables.item_ids
    assert np.array_equal(read.item_table, tables.item_table)
    assert np.array_equal(read.token_table, tables.token_table)
    replace(tables, item_ids=[], item_table=tables.item_table[:0]).save(tmp_path)
    assert CandidateTables.load(tmp_path).item_ids == []


@pytest.mark.parametrize("bad", ["two\nlines", "carriage\rreturn", "next\x85line"])
def test_an_id_that_would_end_early_in_the_file_is_refused(tmp_path: Path, bad: str) -> None:
    tables = replace(shelf.tables(), item_ids=[bad, *shelf.tables().item_ids[1:]])
    with pytest.raises(InputError, match="^item id: expected no control characters, received "):
        tables.save(tmp_path)


def test_tables_with_more_ids_than_vectors_are_refused(tmp_path: Path) -> None:
    tables = shelf.tables()
    tables.save(tmp_path)
    # What an older version wrote for an id with a line break.
    encoded = "\n".join(["two\nlines", *tables.item_ids[1:]]).encode()
    np.save(tmp_path / "item_ids.npy", np.frombuffer(encoded, np.uint8))
    with pytest.raises(BundleError, match=r"^item_ids\.npy: expected 240 ids, received 241$"):
        CandidateTables.load(tmp_path)


def test_odd_ids_keep_their_own_vectors_from_a_file_to_a_bundle(tmp_path: Path) -> None:
    odd = ["a\u2028b", "a\u2029b", "a b", 'say "a, b"', "a;b", "#1", "a\\nb", "界" * 128]
    titles = [f"item number {number}" for number in range(len(odd))]
    with (tmp_path / "items.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([("item_id", "title"), *zip(odd, titles, strict=True)])
    table, _ = prepare_items(tmp_path / "items.csv", now=END_TIME)
    items = list(iter_items(table))
    assert [(item.item_id, item.title) for item in items] == list(zip(odd, titles, strict=True))
    # The vectors that training gave them, so that a shift by one id is seen.
    own = np.random.default_rng(1).normal(size=(240, 16)).astype(np.float32)
    trained = replace(shelf.tables(), item_ids=[*odd, *shelf.tables().item_ids[len(odd) :]])
    trained = replace(trained, item_table=own)
    source = tmp_path / "source"
    shutil.copytree(shelf.bundle_folder(), source)
    trained.save(Layout(source).training)
    sign(source, END_TIME)
    reembed(source, items[::-1], tmp_path / "out", items_time=END_TIME, created_time=END_TIME)
    bundle = load_bundle(tmp_path / "out")
    assert bundle.catalog.item_ids == odd[::-1]
    for item_id, title in zip(odd, titles, strict=True):
        row = bundle.catalog.row_of[item_id]
        assert bundle.catalog.titles[row] == title
        numbers = bundle.catalog.tokens[row][bundle.catalog.tokens[row] > 0]
        vector = trained.token_table[numbers].mean(axis=0) + own[odd.index(item_id)]
        expected = vector / np.linalg.norm(vector)
        found = bundle.ranker.sources.index.embeddings[row]
        assert found.tolist() == pytest.approx(expected.tolist(), abs=1e-5)


def test_an_older_bundle_is_replaced_and_anything_else_is_not(tmp_path: Path) -> None:
    out = tmp_path / "out"
    generated(out, list(shelf.items()[:60]))
    assert generated(out, list(shelf.items()[:50])).catalog.count == 50
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_bytes(b"meow")
    with pytest.raises(InputError, match="photos"):
        reembed(
            shelf.bundle_folder(),
            list(shelf.items()),
            tmp_path / "photos",
            items_time=0.0,
            created_time=0.0,
        )
    assert (tmp_path / "photos" / "cat.jpg").read_bytes() == b"meow"


def test_a_damaged_bundle_makes_no_new_one(tmp_path: Path) -> None:
    with pytest.raises(BundleError):
        reembed(
            tmp_path / "none",
            list(shelf.items()),
            tmp_path / "out",
            items_time=0.0,
            created_time=0.0,
        )
    assert not (tmp_path / "out").exists()
