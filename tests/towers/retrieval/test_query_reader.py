"""Which words of a query are conditions in a catalogue, and which stay text."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.records import Item
from towers.catalog.items import Catalog
from towers.config import TextConfig
from towers.indexes.lexical_index import LexicalIndex
from towers.retrieval.query_reader import QueryReader
from towers.text.understood import NO_CONDITIONS, UnderstoodUse

ITEMS = [
    Item("d1", "Cheap Thrills LP", price=20.0),
    Item("d2", "Wool rug", price=90.0),
    Item("d3", "Under 1000 Suns", price=12.0, attributes={"sku": "MAX 250"}),
    Item("d4", "Weekly Budget Planner", price=6.0),
    Item("d5", "Available light meter", brand="Lowcost", price=70.0),
    Item("less than 30", "Board game", category=("Games",), brand="Affordable Fun", price=25.0),
    Item("d7", "便宜坊烤鸭", price=80.0),
]


@pytest.fixture
def read(tmp_path: Path) -> Reading:
    return Reading(ITEMS, tmp_path)


class Reading:
    """A reader over items, and what it makes of a text."""

    def __init__(self, items: list[Item], folder: Path) -> None:
        self.catalog = Catalog.of(items, TextConfig())
        self.index = LexicalIndex.build(items, folder)
        self.reader = QueryReader(self.catalog, self.index)

    def __call__(self, text: str) -> tuple[str, list[tuple[str, str, str]]]:
        """The text that is searched for, and the parts with their values and uses."""
        found = self.reader.conditions(text)
        parts = [(part.text, part.value, part.use.name.lower()) for part in found.parts]
        return found.searched_text, parts


@pytest.mark.parametrize(
    ("text", "rest", "parts"),
    [
        ("Wool RUG under 100", "Wool RUG", [("under 100", "up to 100", "filter")]),
        ("under $100 wool rug", "wool rug", [("under $100", "up to 100", "filter")]),
        ("rugs for less than 100", "rugs", [("for less than 100", "up to 100", "filter")]),
        (
            "rug over 20 and in stock",
            "rug",
            [("over 20", "20 or more", "filter"), ("in stock", "in stock", "filter")],
        ),
        ("Tapis moins de 40 €, beige", "Tapis , beige", [("moins de 40 €", "up to 40", "filter")]),
        ("between 20 and 40", "", [("between 20 and 40", "20 to 40", "filter")]),
        ("cheap rug", "rug", [("cheap", "low", "preference")]),
        ("cheapest rug", "rug", [("cheapest", "lowest first", "sort")]),
        ("100元以内的地毯", "地毯", [("100元以内的", "up to 100", "filter")]),
        ("便宜的地毯", "地毯", [("便宜的", "low", "preference")]),
    ],
)
def test_conditions_are_cut_out_of_the_text(
    read: Reading, text: str, rest: str, parts: list[tuple[str, str, str]]
) -> None:
    assert read(text) == (rest, parts)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        # A title has the words together with the next or the last one.
        ("cheap thrills record", "cheap"),
        ("weekly budget", "budget"),
        ("available light", "available"),
        ("便宜坊", "便宜"),
        # The whole text is a title, an id, or a product code.
        ("under 1000 suns", "under 1000"),
        ("less than 30", "less than 30"),
        ("max 250", "max 250"),
        # A brand or a category.
        ("affordable fun", "affordable"),
    ],
)
def test_what_an_item_is_called_stays_text(read: Reading, text: str, part: str) -> None:
    rest, parts = read(text)
    assert rest == text and [(one[0], one[2]) for one in parts] == [(part, "text")]


def test_the_same_words_elsewhere_are_conditions(read: Reading) -> None:
    for text in ("cheap record", "budget rug", "available rug", "under 1000 rug", "max 250 rug"):
        (part,) = read.reader.conditions(text).parts
        assert part.use is not UnderstoodUse.TEXT


def test_a_title_that_is_gone_no_longer_counts(read: Reading) -> None:
    read.catalog.remove("d1")
    assert read("cheap thrills")[0] == "thrills"


def test_a_catalogue_without_prices_knows_no_price_conditions(tmp_path: Path) -> None:
    items = [Item("a", "Wool rug"), Item("b", "Cotton rug")]
    read = Reading(items, tmp_path)
    assert read("cheap rug under 100")[0] == "cheap rug under 100"
    assert read("rug in stock") == ("rug", [("in stock", "in stock", "filter")])
    read.reader.take_in([Item("c", "Silk rug", price=1.0)])
    assert read("cheap rug under 100")[0] == "rug"


def test_texts_without_a_condition_or_with_too_many_are_words(read: Reading) -> None:
    for text in ("wool rug", "", "cheap " * 5):
        assert read.reader.conditions(text) is NO_CONDITIONS
