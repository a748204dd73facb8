"""Lexical search: misspellings, splits, product codes and matching rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.records import Item
from towers.indexes.lexical_index import LexicalIndex

_ITEMS = [
    Item("100200", "LED light bulb 60-Watt"),
    Item("100201", "Stainless steel refrigerator"),
    Item("100202", "Cordless hammer drill, 18-Volt", attributes={"Model": "DCD-771 C2"}),
    Item("100203", "PVC pipe 3/4 in. x 10 ft."),
    Item("100204", "Fluted wood casing #SC-141"),
    Item("100205", "Painter's bucket, 5 gal.", description="for mixing DCD 771"),
    *(Item(f"2{n}", f"Wall paint colour {n}") for n in range(40)),
]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> LexicalIndex:
    folder: Path = tmp_path_factory.mktemp("lexical")
    LexicalIndex.build(_ITEMS, folder)
    return LexicalIndex.load(folder)


@pytest.mark.parametrize(
    ("query", "row"),
    [
        ("lightbulb", 0),
        ("light bulbs", 0),
        ("refrigirator", 1),
        ("stainl", 1),
        ("hammerdrill", 2),
        ("18v drill", 2),
        ('0.75" pipe', 3),
        ("flutes casings", 4),
        ("5gallon buckets", 5),
        ("dcd771c2", 2),
        ("DCD-771C2 bucket", 2),
        ("sc-141", 4),
        ("100203", 3),
    ],
)
def test_the_item_that_is_meant_comes_first(index: LexicalIndex, query: str, row: int) -> None:
    assert index.search(index.parse(query), 5)[0][0] == row


def test_words_joined_by_the_items_are_found_where_the_query_cuts_them(tmp_path: Path) -> None:
    items = [Item("1", "LED lightbulb"), Item("2", "Garden hose"), Item("3", "Wall paint")]
    index = LexicalIndex.build(items, tmp_path)
    assert index.search(index.parse("light bulb"), 3)[0].tolist() == [0]


def test_a_typo_for_a_word_that_only_a_live_item_has_is_corrected_too(tmp_path: Path) -> None:
    index = LexicalIndex.build(_ITEMS, tmp_path)
    assert len(index.search(index.parse("trampolin"), 5)[0]) == 0
    index.put([(len(_ITEMS), Item("9", "Garden trampoline"))])
    assert index.search(index.parse("trampolene"), 5)[0].tolist() == [len(_ITEMS)]


def test_corrections_weigh_less_than_words_as_typed(index: LexicalIndex) -> None:
    weights = index.parse("refrigirator steel").stem_weights
    assert weights["steel"] == 1.0
    assert 0 < weights["refriger"] < 1.0


def test_a_word_is_rarer_the_fewer_items_have_it_and_nothing_where_none_has(
    index: LexicalIndex,
) -> None:
    rare, common, unknown = index.rarities(["case", "paint", "zzz"])
    assert rare > common > 0
    assert unknown == 0


def test_a_query_without_words_finds_nothing(index: LexicalIndex) -> None:
    assert len(index.search(index.parse(" ?!"), 5)[0]) == 0


def rows_of(index: LexicalIndex, query: str) -> list[int]:
    return sorted(index.matching_rows(index.parse(query)).tolist())


def test_what_matches_has_every_word_as_typed_or_replaced(index: LexicalIndex) -> None:
    assert rows_of(index, "paint") == list(range(6, 46))
    assert rows_of(index, "wall paint") == list(range(6, 46))
    assert rows_of(index, "bucket for the painter") == [5]
    # A misspelling, a prefix, two words that the items join, a number of the item.
    assert rows_of(index, "steel refrigirator") == [1]
    assert rows_of(index, "cordless hamm") == [2]
    assert rows_of(index, "lightbulb") == rows_of(index, "light bulbs") == [0]
    assert rows_of(index, "100203") == [3]
    assert rows_of(index, "sc-141") == [4]


def test_what_matches_lacks_no_word_though_other_words_of_the_query_make_one(
    tmp_path: Path,
) -> None:
    titles = ["Red light bulb", "Green lightbulb", "Red lightbulb", "Redlight bulb"]
    titles += ["45 watt lamp", "Pack of 5 lamps, 4 watt"]
    index = LexicalIndex.build([Item(f"i{n}", title) for n, title in enumerate(titles)], tmp_path)
    assert rows_of(index, "red light bulb") == [0, 2, 3]
    assert rows_of(index, "green light bulb") == [1]
    # Digits side by side are no number of more digits.
    assert rows_of(index, "4 5 watt lamp") == [5]


def test_what_matches_a_word_cut_in_two_has_both_parts(tmp_path: Path) -> None:
    titles = ["Light bulb", "Night light", "Flower bulb", "Bulb that gives warm light"]
    index = LexicalIndex.build([Item(f"i{n}", title) for n, title in enumerate(titles)], tmp_path)
    assert rows_of(index, "lightbulb") == [0, 3]


def test_where_no_item_has_every_word_those_with_any_match(index: LexicalIndex) -> None:
    assert rows_of(index, "wood bucket") == [4, 5]
    assert rows_of(index, "wood zzzzzzzz") == [4]
    assert rows_of(index, "zzzzzzzz") == rows_of(index, "") == []
    # Words that say nothing count where there are no others.
    assert rows_of(index, "for") == [5]


def test_chinese_matches_however_a_title_is_cut(tmp_path: Path) -> None:
    items = [Item("1", "云帆智能手机"), Item("2", "手机壳"), Item("3", "智能手表")]
    index = LexicalIndex.build(items, tmp_path)
    assert rows_of(index, "智能手机") == [0]
    assert rows_of(index, "手机") == [0, 1]
    assert rows_of(index, "智能 手表") == [2]


def test_a_put_item_matches_at_once(tmp_path: Path) -> None:
    index = LexicalIndex.build(_ITEMS, tmp_path)
    assert rows_of(index, "light bulb") == [0]
    index.put([(len(_ITEMS), Item("9", "Light bulb holder")), (0, Item("100200", "Candle"))])
    assert rows_of(index, "light bulb") == [len(_ITEMS)]


def test_a_word_that_items_have_in_another_form_is_not_taken_for_a_typo(tmp_path: Path) -> None:
    items = [Item(f"g{n}", f"Leather vostok {n}") for n in range(5)]
    items += [Item(f"c{n}", f"Ground rostoks {n}") for n in range(40)]
    items += [Item("r", "Wool tichel"), Item("s", "Tichek")]
    index = LexicalIndex.build(items, tmp_path)
    query = index.parse("leather vostoks")
    assert query.corrections == {} and query.corrected_stems == ("leather", "vostok")
    assert query.stem_weights == {"leather": 1.0, "vostok": 1.0}
    assert rows_of(index, "vostoks") == list(range(5))
    # Nor is a rare one beside a word as rare.
    assert index.parse("tichel").stem_weights == {"tichel": 1.0}


def test_a_rare_word_beside_a_frequent_one_may_be_a_typo_in_a_title(tmp_path: Path) -> None:
    items = [Item(f"h{n}", "Wired headphones") for n in range(40)]
    items += [Item("slip", "Wireless hedphones")]
    index = LexicalIndex.build(items, tmp_path)
    query = index.parse("hedphones")
    # Both are found, what was typed first; the text stays, since an item has it.
    assert query.corrections == {} and rows_of(index, "hedphones") == list(range(41))
    assert index.search(query, 9)[0][0] == 40
    assert query.corrected_stems == ("hedphon", "headphon")
    assert index.parse("headphones").stem_weights == {"headphon": 1.0}


def test_a_form_that_comes_in_live_is_no_typo_either(tmp_path: Path) -> None:
    index = LexicalIndex.build([Item(f"c{n}", "Ground rostoks") for n in range(4)], tmp_path)
    assert index.parse("vostoks").corrections == {"vostoks": "rostoks"}
    index.put([(4 + n, Item(f"g{n}", "Leather vostok")) for n in range(3)])
    query = index.parse("vostoks")
    assert query.corrections == {} and set(query.stem_weights) == {"vostok"}


def test_a_word_that_no_item_has_any_more_is_a_typo_and_no_correction(tmp_path: Path) -> None:
    items = [Item(f"g{n}", "Vostok") for n in range(3)] + [Item("c", "Ground rostok")]
    index = LexicalIndex.build(items, tmp_path)
    assert index.parse("vostoks").corrections == {} and rows_of(index, "vostoks") == [0, 1, 2]
    index.put([(n, Item(f"g{n}", "Umbrella")) for n in range(2)])
    assert index.parse("vostoks").corrections == {} and rows_of(index, "vostoks") == [2]
    index.put([(2, Item("g2", "Umbrella"))])
    for text in ("vostok", "vostoks"):
        query = index.parse(text)
        assert query.corrections == {text: "rostok"}
        assert set(query.stem_weights) == {"vostok", "rostok"}
        assert index.search(index.parse(text), 9)[0].tolist() == rows_of(index, text) == [3]
    assert index.rarities(["vostok"]) == [0.0]
    index.put([(n, Item(f"g{n}", "Vostok")) for n in range(3)])
    assert index.parse("vostoks").corrections == {}


def test_a_word_of_items_that_are_put_again_and_again_stays_as_rare_as_it_is(
    tmp_path: Path,
) -> None:
    items = [Item(f"g{n}", f"Vostok {n}") for n in range(10)]
    index = LexicalIndex.build(items, tmp_path)
    rarities = index.rarities(["vostok"])
    for _ in range(3):
        index.put(list(enumerate(items))[1:])
        assert index.rarities(["vostok"]) == rarities


def test_a_search_among_some_rows_finds_them_in_the_order_of_all(tmp_path: Path) -> None:
    titles = ("oat milk", "milk", "milk and oat bread", "rye bread", "oat", "whole milk 1 l")
    items = [
        Item(f"code-{n}77", title * (1 + n // 60)) for n in range(300) for title in [titles[n % 6]]
    ]
    index = LexicalIndex.build(items, tmp_path)
    rng = np.random.default_rng(3)
    for text in ("oat milk", "bread", "wholemilk", "code-12477", "1 liter milk", "rye", "zzyzx"):
        query = index.parse(text)
        all_rows, all_scores = index.search(query, 300)
        for count in (0, 1, 7, 200):
            rows = rng.choice(300, count, replace=False)
            found, scores = index.search_among(query, rows, 300)
            kept = np.isin(all_rows, rows)
            assert found.tolist() == all_rows[kept].tolist(), text
            assert scores.tolist() == pytest.approx(all_scores[kept].tolist())
            assert index.search_among(query, rows, 3)[0].tolist() == found[:3].tolist()


def test_a_search_for_more_serves_one_for_fewer_and_all_hits_serve_any(tmp_path: Path) -> None:
    index, fresh = LexicalIndex.build(_ITEMS, tmp_path), LexicalIndex.build(_ITEMS)
    for text, count, other in (("wall paint", 30, 7), ("refrigerator", 5, 90)):
        query = index.parse(text)
        known, again = index.search(query, count), index.search(query, other)
        expected = fresh.search(fresh.parse(text), other)
        for one, of_again, of_fresh in zip(known, again, expected, strict=True):
            # What was found before is not searched for again.
            assert np.shares_memory(one, of_again)
            assert of_again.tolist() == of_fresh.tolist()
    assert len(index.search(index.parse("wall paint"), 35)[0]) == 35


def test_holders_are_any_items_with_the_words_or_the_best_of_them(tmp_path: Path) -> None:
    # The shorter a title, the better it fits.
    items = [Item(f"p{n}", "Paint" + " thing" * n) for n in range(9)]
    index = LexicalIndex.build(items, tmp_path)
    paint = [(("paint",),)]
    assert index.holders(paint, 3, is_best_first=True).tolist() == [0, 1, 2]
    assert set(index.holders(paint, 3).tolist()) < set(range(9))
    assert len(index.holders(paint, 3)) == 3
    assert sorted(index.holders(paint, None).tolist()) == list(range(9))


def test_more_items_hold_a_word_than_are_fetched_at_first(tmp_path: Path) -> None:
    index = LexicalIndex.build([Item(f"m{n}", "Milk") for n in range(4_100)], tmp_path)
    assert sorted(index.complete_rows(index.parse("milk")).tolist()) == list(range(4_100))


def test_what_was_read_of_a_word_changes_with_the_dictionary_and_the_items(tmp_path: Path) -> None:
    index = LexicalIndex.build([Item("1", "Blue couch"), Item("2", "Sofa")], tmp_path)
    assert index.search(index.parse("sofa"), 5)[0].tolist() == [1]
    index.translate({"sofa": {"couch": 1.0}})
    assert index.search(index.parse("sofa"), 5)[0].tolist() == [1, 0]
    assert index.parse("washing sofa").terms[0].alternatives == (("wash",), ("washingsofa",))
    index.put([(2, Item("3", "Washer")), (3, Item("4", "Washing line"))])
    assert ("washer",) in index.parse("washing sofa").terms[0].alternatives


def test_an_item_with_the_code_of_a_query_does_not_hold_its_words(tmp_path: Path) -> None:
    items = [
        Item("a", "Dress " + "of a long and warm kind " * 9, description="fits xj4410"),
        Item("b", "Kettle", attributes={"SKU": "XJ4410"}),
        Item("c", "Red red"),
        *(Item(f"d{n}", "Dress") for n in range(40)),
    ]
    index = LexicalIndex.build(items, tmp_path)
    # None has all three words. Red things are no answer: what has the others comes behind the code.
    assert index.search(index.parse("red dress xj4410"), 3)[0].tolist()[:2] == [1, 0]
