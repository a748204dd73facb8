"""Lexical index: plain text, misspellings, product codes, Chinese, and live updates."""

from __future__ import annotations

import gc
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.records import Item
from tests.towers import shelf
from towers.indexes.lexical_index import CODE_SCORE, LexicalIndex
from towers.text.words import stem, words

GOODS = (
    Item("sku-1001", "Whole milk", category=("Dairy", "Milk"), brand="Farm"),
    Item("sku-1002", "Oat drink", category=("Dairy", "Milk"), brand="Oaty"),
    Item("sku-1003", "Rye bread", category=("Bakery",), brand="Mill", description="no milk in it"),
    Item("sku-1004", "Windbreaker jacket", category=("Clothes",), attributes={"colour": "red"}),
    Item("sku-1005", "智能手机 128GB", category=("手机",), brand="云帆"),
    Item("sku-1006", "老人手机", category=("手机",), brand="青竹"),
    Item("sku-1007", "Drill", category=("Tools",), attributes={"Model Number": "DCD-777/B"}),
    Item("sku-1008", "Light bulb #A19-60", category=("Tools",)),
    Item("sku-1009", ""),
    Item("sku-1010", "Round light bulb, a pair"),
)


def index_of(items: Sequence[Item], folder: Path) -> LexicalIndex:
    return LexicalIndex.build(items, folder)


@pytest.fixture(scope="module")
def goods(tmp_path_factory: pytest.TempPathFactory) -> LexicalIndex:
    return index_of(GOODS, tmp_path_factory.mktemp("goods"))


def found(index: LexicalIndex, text: str, count: int = 20) -> list[int]:
    return index.search(index.parse(text), count)[0].tolist()


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("milk", {0, 1, 2}),
        ("farm", {0}),
        ("bakery", {2}),
        ("red", {3}),
        ("MILKS", {0, 1, 2}),
        ("drink for oats", {1}),
        ("手机", {4, 5}),
        ("智能手机", {4, 5}),
        ("云帆", {4}),
        ("128 gb", {4}),
        ("nothing at all like it", {2}),
    ],
)
def test_items_are_found_by_the_words_of_every_field(
    goods: LexicalIndex, text: str, rows: set[int]
) -> None:
    assert set(found(goods, text)) == rows


def test_the_item_with_all_words_in_its_title_comes_first(goods: LexicalIndex) -> None:
    assert found(goods, "whole milk")[0] == 0
    assert found(goods, "智能手机")[0] == 4


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("windbraeker", 3),
        ("wimdbreaker", 3),
        ("windbreker jaket", 3),
        ("wind breaker", 3),
        ("lightbulb", 7),
        ("windbre", 3),
    ],
)
def test_a_typo_a_cut_or_a_beginning_finds_the_item(
    goods: LexicalIndex, text: str, row: int
) -> None:
    assert found(goods, text)[0] == row


@pytest.mark.parametrize("text", ["DCD-777/B", "dcd777b", "drill dcd 777/b", "DCD 777 B"])
def test_a_model_number_finds_its_item_first_however_it_is_written(
    goods: LexicalIndex, text: str
) -> None:
    assert found(goods, text)[0] == 6


def test_a_key_outweighs_all_words(goods: LexicalIndex) -> None:
    rows, scores = goods.search(goods.parse("whole milk sku-1003"), 20)
    assert rows[0] == 2 and scores[0] > CODE_SCORE > scores[1]


def test_a_short_number_is_a_word_and_no_key(goods: LexicalIndex) -> None:
    assert (goods.search(goods.parse("128"), 20)[1] < CODE_SCORE).all()


@pytest.mark.parametrize(
    "text",
    [
        'title:"whole milk"',
        "+milk -oat",
        "milk AND NOT oat",
        "milk~2 whole^10",
        "(milk OR",
        "[a TO z]",
        "mil*",
        "/milk/",
        "row:3",
        "\\milk\\",
        "milk\x00",
        '"',
        "' OR 1=1 --",
    ],
)
def test_every_character_is_plain_text(goods: LexicalIndex, text: str) -> None:
    """A sign means no more than a blank would."""
    plain = "".join(c if c.isalnum() else " " for c in text)
    if any(c.isdigit() for c in text):
        goods.search(goods.parse(text), 20)
        return
    assert found(goods, text) == found(goods, plain)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=60))
def test_no_text_breaks_the_search(text: str) -> None:
    rows, scores = shelf.lexical().search(shelf.lexical().parse(text), 10)
    assert rows.dtype == np.int64 and scores.dtype == np.float32
    assert len(rows) == len(scores) <= 10
    assert len(set(rows.tolist())) == len(rows)
    assert (np.diff(scores) <= 0).all() and np.isfinite(scores).all()


@pytest.mark.parametrize("text", ["", "   ", "!?", "zzzzzzzz"])
def test_nothing_asked_or_known_is_nothing_found(goods: LexicalIndex, text: str) -> None:
    assert found(goods, text) == []


@pytest.mark.parametrize("count", [0, -1])
def test_a_count_of_zero_finds_nothing(goods: LexicalIndex, count: int) -> None:
    assert found(goods, "milk", count) == []


def test_the_count_is_a_limit() -> None:
    lexical = shelf.lexical()
    everything = found(lexical, "espresso", 240)
    assert len(everything) > 5
    assert found(lexical, "espresso", 5) == everything[:5]


def test_every_item_is_found_by_its_title() -> None:
    for row, item in enumerate(shelf.items()):
        best, scores = shelf.lexical().search(shelf.lexical().parse(item.title), 240)
        # The very words of a title belong to that item; none scores higher.
        assert row in best[scores >= scores[0] * 0.999].tolist(), item.title


def test_what_was_put_is_found_at_once_and_replaces_what_was(tmp_path: Path) -> None:
    index = index_of(GOODS, tmp_path)
    index.put([(0, Item("sku-1001", "Skimmed buttermilk")), (10, Item("new", "Goat cheese"))])
    assert 0 not in found(index, "whole")
    assert found(index, "skimmed") == [0]
    assert found(index, "goat cheese")[0] == 10
    index.put([(10, Item("new", "Sheep cheese"))])
    assert 10 not in found(index, "goat") and found(index, "sheep")[0] == 10


def test_a_put_item_weighs_as_it_would_have_when_built(tmp_path: Path) -> None:
    (tmp_path / "before").mkdir()
    (tmp_path / "whole").mkdir()
    live = index_of(shelf.items()[:-40], tmp_path / "before")
    rows = range(len(shelf.items()) - 40, len(shelf.items()))
    live.put(list(zip(rows, shelf.items()[-40:], strict=True)))
    whole = index_of(shelf.items(), tmp_path / "whole")
    for text in ("espresso", "ferrano skillet", "智能手机", "tomato packet"):
        one, other = live.search(live.parse(text), 300), whole.search(whole.parse(text), 300)
        scores = dict(zip(other[0].tolist(), other[1].tolist(), strict=True))
        assert set(one[0].tolist()) == set(scores)
        expected = [scores[row] for row in one[0].tolist()]
        assert one[1].tolist() == pytest.approx(expected, rel=0.05)


def test_new_words_of_a_put_item_correct_typos_too(tmp_path: Path) -> None:
    index = index_of(GOODS, tmp_path)
    index.put([(10, Item("new", "Trampoline"))])
    assert found(index, "trampolin") == [10] and found(index, "tramploine") == [10]


def test_putting_leaves_the_folder_it_was_loaded_from_untouched(tmp_path: Path) -> None:
    index_of(GOODS, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert not [name for name in before if name.endswith(".lock")]
    index = LexicalIndex.load(tmp_path)
    index.search(index.parse("milk"), 5)
    for number in range(20):
        index.put([(10 + number, Item(f"new{number}", f"thing{number}"))])
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert found(LexicalIndex.load(tmp_path), "thing3") == []


def test_the_folder_that_an_index_works_in_leaves_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "built").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "own"))
    index = index_of(GOODS, tmp_path / "built")
    read = LexicalIndex.load(tmp_path / "built")
    read.put([(10, Item("new", "Goat cheese"))])
    assert len(list((tmp_path / "own").iterdir())) == 2
    gc.disable()
    try:
        del index, read
    finally:
        gc.enable()
    assert list((tmp_path / "own").iterdir()) == []


def test_an_index_is_read_as_it_was_built(tmp_path: Path, goods: LexicalIndex) -> None:
    index_of(GOODS, tmp_path)
    read = LexicalIndex.load(tmp_path)
    for text in ("milk", "windbraeker", "DCD-777/B", "手机"):
        assert np.array_equal(
            read.search(read.parse(text), 20)[0], goods.search(goods.parse(text), 20)[0]
        )


def test_an_empty_shop_finds_nothing_and_takes_items_in(tmp_path: Path) -> None:
    index = index_of([], tmp_path)
    assert found(index, "milk") == []
    index.put([(0, GOODS[0])])
    assert found(index, "milk") == [0]


def test_words_as_typed_weigh_one_and_corrections_less(goods: LexicalIndex) -> None:
    weights = goods.parse("red windbraeker").stem_weights
    assert weights[stem("red")] == weights[stem("windbraeker")] == 1.0
    assert 0 < weights[stem("windbreaker")] < 1.0


@pytest.mark.parametrize(
    ("text", "corrected"),
    [
        ("red windbraeker", "red windbraeker windbreaker"),
        ("red windbreaker", "red windbreaker"),
        ("Milkbread", "Milkbread milk bread"),
        ("zzzzzz", "zzzzzz"),
    ],
)
def test_a_word_that_no_item_has_is_followed_by_its_correction(
    text: str, corrected: str, tmp_path: Path
) -> None:
    index = index_of([*GOODS, Item("b", "milk bread"), Item("w", "windbreaker")], tmp_path)
    assert list(index.parse(text).corrected_stems) == words(corrected)


def test_rarities_are_idf_of_the_field_that_has_the_word_most_often(goods: LexicalIndex) -> None:
    counts = [
        max(
            sum(word in words(" ".join(field(item))) for item in GOODS)
            for field in (
                lambda item: (item.title,),
                lambda item: item.category,
                lambda item: (item.brand,),
                lambda item: (*item.attributes.values(), item.description),
            )
        )
        for word in ("milk", "red", "none")
    ]
    expected = [np.log((len(GOODS) + 1) / count) if count else 0.0 for count in counts]
    assert goods.rarities(["milk", "red", "none"]) == pytest.approx(expected)


def test_the_word_counts_are_plain_json(tmp_path: Path) -> None:
    index_of(GOODS, tmp_path)
    counts = json.loads((tmp_path / "words.json").read_text(encoding="utf-8"))
    assert counts["milk"] == 3 and counts["手机"] == 2
