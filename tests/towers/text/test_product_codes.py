"""Product codes, as opposed to counts, years and measures."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.records import Item
from towers.indexes.lexical_index import CODE_SCORE, LexicalIndex
from towers.text.product_codes import numbers_in_query, numbers_of_item

_HEATERS = [
    Item("1500", "Garden hose"),
    Item("2000", "Heater 1500 watt", attributes={"Number of lumens": "1600", "Model year": "2021"}),
    Item("2001", "Heater for the wall, 1500 watt", attributes={"part_number": "HT-90210/X"}),
    Item("100203", "Wall paint"),
]


@pytest.fixture(scope="module")
def heaters(tmp_path_factory: pytest.TempPathFactory) -> LexicalIndex:
    return LexicalIndex.build(_HEATERS, tmp_path_factory.mktemp("heaters"))


@pytest.mark.parametrize(
    "name",
    ["SKU", "Model", "Model Number", "model_no", "part_number", "product_code", "modelNumber"]
    + ["manufacturer_part_number", "Part-No.", "EANCode", "gtin13", "ISBN_13", "MPN", "barcode"],
)
def test_an_attribute_with_the_name_of_a_number_is_one_however_it_is_written(name: str) -> None:
    assert numbers_of_item(Item("key", "", attributes={name: "AB-12"})) == {"key", "ab12"}


@pytest.mark.parametrize(
    "name",
    ["Number of lumens", "number_of_pieces", "numberOfDoors", "No. of lights", "Model year"]
    + ["modelYear", "model_year", "Colour", "Start", "Notes", "partner", "Colour code"],
)
def test_a_count_a_year_and_words_that_only_begin_alike_are_no_numbers(name: str) -> None:
    assert numbers_of_item(Item("key", "", attributes={name: "2021"})) == {"key"}


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("1500 watt heater", {"1500wattheater"}),
        ("1500", {"1500"}),
        ("#1500", {"1500"}),
        ("paint 100203", {"paint100203", "100203"}),
        ("heater ht-90", {"heaterht90", "ht90"}),
        ("DCD 771", {"dcd771"}),
        ("ab 12", {"ab12"}),
        ("128", set()),
        ("wall paint", set()),
    ],
)
def test_a_short_run_of_digits_is_a_number_only_as_the_whole_query(
    query: str, numbers: set[str]
) -> None:
    assert numbers_in_query(query) == numbers


def test_a_power_does_not_bring_the_item_with_that_key_to_the_top(heaters: LexicalIndex) -> None:
    rows, scores = heaters.search(heaters.parse("1500 watt heater"), 5)
    assert set(rows[:2].tolist()) == {1, 2} and scores[0] < CODE_SCORE
    assert sorted(heaters.matching_rows(heaters.parse("1500 watt heater")).tolist()) == [1, 2]
    assert heaters.search(heaters.parse("heater 1600 lumens"), 5)[1][0] < CODE_SCORE
    rows, scores = heaters.search(heaters.parse("1600"), 5)
    assert len(rows) == 1 and scores[0] < CODE_SCORE


@pytest.mark.parametrize(
    ("query", "row"),
    [("1500", 0), ("heater 100203", 3), ("ht90210x", 2), ("wall paint HT-90210/X", 2)],
)
def test_an_exact_number_comes_first(heaters: LexicalIndex, query: str, row: int) -> None:
    rows, scores = heaters.search(heaters.parse(query), 5)
    assert rows[0] == row and scores[0] >= CODE_SCORE


def test_a_live_item_is_asked_for_by_its_numbers_too(tmp_path: Path) -> None:
    index = LexicalIndex.build(_HEATERS, tmp_path)
    index.put([(4, Item("new", "Fan", attributes={"productCode": "FN 77-1"}))])
    assert index.search(index.parse("fan fn77-1"), 5)[0][0] == 4
