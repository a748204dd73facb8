"""Brands, colours, sizes and categories of a catalogue, recognised in a query."""

from __future__ import annotations

import pytest

from data.records import Item
from towers.catalog.catalog_names import CatalogNames
from towers.catalog.items import Catalog
from towers.config import TextConfig
from towers.text.understood import UnderstoodKind
from towers.text.words import surface_words

LAMPS, RUGS, CARE = ("Home", "Lamps"), ("Home", "Rugs"), ("Home", "Rug Care")


def goods() -> list[Item]:
    lamps = [
        Item(
            f"l{n}",
            f"Luma desk lamp {n}",
            category=LAMPS,
            brand="Luma",
            attributes={"Colour": "Red"},
        )
        for n in range(6)
    ]
    rugs = [
        Item(
            f"r{n}",
            f"Soft rug {n}",
            category=RUGS,
            brand="North Weave",
            attributes={"productColor": "Dark Blue", "size": "L" if n else "140x200"},
        )
        for n in range(6)
    ]
    # "Soft" is a brand of one item, and a word of six titles of another brand.
    odd = [
        Item("o1", "Soft cleaner", category=CARE, brand="Soft"),
        Item(
            "o2",
            "Bag",
            category=("Bags",),
            brand="小米 (Xiaomi)",
            attributes={"color": "Red, Teal"},
        ),
        Item("o5", "Oolong", category=("茶",)),
        Item("o3", "Olive oil", brand="Olive", attributes={"colour": "Olive"}),
        Item(
            "o4", "Lamp", brand="Rare", attributes={"colour temperature": "Warm", "Farbe": "false"}
        ),
    ]
    return lamps + rugs + odd


def names(*items: Item) -> CatalogNames:
    return CatalogNames(Catalog.of(items or goods(), TextConfig()))


def found(of: CatalogNames, text: str) -> list[tuple[str, str, str]]:
    return [
        (part.kind.name.lower(), part.text, part.value) for part in of.find(surface_words(text))
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("luma lamps", [("brand", "luma", "Luma"), ("category", "lamps", "Lamps")]),
        ("Lamp LUMA", [("category", "lamp", "Lamps"), ("brand", "luma", "Luma")]),
        ("north weave rug", [("brand", "north weave", "North Weave"), ("category", "rug", "Rugs")]),
        ("north wind", []),
        # The longest name.
        ("rug care kit", [("category", "rug care", "Rug Care")]),
        ("red lamp", [("colour", "red", "Red"), ("category", "lamp", "Lamps")]),
        ("dark blue", [("colour", "dark blue", "Dark Blue")]),
        # One of a list of values; the spellings of one brand.
        ("teal", [("colour", "teal", "Teal")]),
        ("xiaomi", [("brand", "xiaomi", "小米 (Xiaomi)")]),
        ("小米 包", [("brand", "小米", "小米 (Xiaomi)")]),
        ("home", [("category", "home", "Home")]),
        ("绿 茶", [("category", "茶", "茶")]),
        # Ambiguous: an ordinary word of other titles; a brand as well as a colour.
        ("soft", []),
        ("olive", []),
        # Neither a colour temperature nor a flag is a colour.
        ("warm", []),
        ("false", []),
        # A letter is a size beside the word only.
        ("l", []),
        ("rug size l", [("category", "rug", "Rugs"), ("size", "l", "L")]),
        ("140x200", [("size", "140 x 200 140x200", "140x200")]),
    ],
)
def test_names_of_the_catalogue_in_a_query(text: str, expected: list[tuple[str, str, str]]) -> None:
    assert found(names(), text) == expected


def test_a_name_says_how_to_filter_by_it() -> None:
    colour, category = names().find(surface_words("dark blue rugs"))
    assert (colour.attribute, colour.category) == ("productColor", ())
    assert (category.attribute, category.category) == ("", RUGS)
    twice = names(*goods(), Item("x", "Shade", category=("Garden", "Lamps")))
    (category,) = twice.find(surface_words("lamps"))
    assert category.kind is UnderstoodKind.CATEGORY and category.value == "Lamps"
    # The name of two categories is no path.
    assert category.category == ()


def test_a_category_named_after_a_brand_is_the_brand() -> None:
    items = [
        Item(f"p{n}", f"Phone {n}", category=("Phones", "Acme"), brand="Acme") for n in range(3)
    ]
    assert found(names(*items), "acme phone") == [
        ("brand", "acme", "Acme"),
        ("category", "phone", "Phones"),
    ]


def test_new_names_are_recognised_at_once_and_old_ones_stay() -> None:
    of = names()
    assert found(of, "brightly kite") == []
    of.take_in([Item("k", "Kite", category=("Toys", "Kites"), brand="Brightly")])
    assert found(of, "brightly kite") == [
        ("brand", "brightly", "Brightly"),
        ("category", "kite", "Kites"),
    ]
    assert found(of, "luma") == [("brand", "luma", "Luma")]


def test_an_empty_catalogue_has_no_names() -> None:
    assert CatalogNames(Catalog(TextConfig())).find(surface_words("red lamp")) == ()
