"""Spellings of one value are merged, and what the catalogue keeps apart stays apart."""

from __future__ import annotations

import pytest

from data.records import Item
from towers.attributes.spellings import form, merges_of

ALIKE = [
    ("Black", "BLACK "),
    ("black", " Black"),
    ("Off White", "off-white"),
    ("Off  White", "OffWhite"),
    ("10 in", '10"'),
    ("10in.", "10 inches"),
    ("１２８ GB", "128GB"),
    ("128 gb", "128 GB"),
    ("CE, REACH", "REACH, CE"),
    ("Stainless-Steel", "stainless steel"),
    ("Men's", "mens"),
    ("1.5 L", "1,5 l"),
    ("1.50 m", "1.5m"),
    ("Café", "CAFE"),
    ("6.0", "6"),
    ('1/2"', "0.5 in"),
    ("12 oz.", "12 OZ"),
    ("黑色", "黑色 "),
    ('"Red"', "red"),
    ("X-Large", "x large"),
    ("2,000 ml", "2000ml"),
    ("2.4 GHz", "2.4 Ghz"),
]
APART = [
    ("S", "XS"),
    ("128 GB", "128 MB"),
    ("White", "Off White"),
    ("10", "10.5"),
    ("-20 - 60", "20 - 60"),
    ("0 - 35", "035"),
    ("1.5", "15"),
    ("1 Gb", "1 GB"),
    ("5 mW", "5 MW"),
    ("USB 2.0", "USB 20"),
    ("USB 2.0", "USB 3.0"),
    ("C", "C++"),
    ("A", "A+"),
    ("10 in", "10 cm"),
    ("6", "6 pc"),
    ("10-12", "1012"),
    ("4:3", "43"),
    ("M/F", "MF"),
    ("50%", "50"),
    ("1 x 2", "12"),
    ("36 EU", "36 US"),
    ("2-pack", "2"),
]


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_spellings_of_one_value_have_one_form(one: str, other: str) -> None:
    assert form(one) == form(other)


@pytest.mark.parametrize(("one", "other"), APART)
def test_different_values_have_different_forms(one: str, other: str) -> None:
    assert form(one) != form(other)


def shelf(*rows: tuple[str, str]) -> list[Item]:
    """Items of one brand by title and colour."""
    return [
        Item(str(number), title, brand="Acme", attributes={"colour": colour})
        for number, (title, colour) in enumerate(rows)
    ]


def merged(*rows: tuple[str, str]) -> dict[str, str]:
    return {merge.value: merge.into for merge in merges_of("colour", shelf(*rows))}


def test_the_most_frequent_spelling_stands_for_all() -> None:
    rows = [("lamp one", "Black")] * 3 + [("lamp two", "black"), ("desk", "BLACK "), ("bed", "Blk")]
    assert merged(*rows) == dict.fromkeys(("black", "BLACK ", "Blk"), "Black")


def test_a_merge_says_how_many_items_it_concerns_and_why() -> None:
    found = merges_of("colour", shelf(("a", "Black"), ("b", "Black"), ("c", "Blk"), ("d", "black")))
    assert [(one.value, one.count, one.why) for one in found] == [
        ("Blk", 1, "abbreviation"),
        ("black", 1, "form"),
    ]


def test_a_cut_word_is_merged_only_where_its_items_mention_the_whole_one() -> None:
    burgundy = [("burgundy sofa", "Burgundy")] * 3
    assert merged(*burgundy, ("burgundy chair", "Burg")) == {"Burg": "Burgundy"}
    assert merged(*burgundy, ("plain chair", "Burg")) == {}
    # A word that could be cut of two is left alone.
    burgess = [("burgess lamp", "Burgess")] * 3
    assert merged(*burgundy, *burgess, ("burgundy chair", "Burg")) == {}


def test_a_misspelt_word_is_merged_only_where_its_items_spell_it_right_elsewhere() -> None:
    purple = [("purple sofa", "Purple")] * 3
    assert merged(*purple, ("purple chair", "Purpel")) == {"Purpel": "Purple"}
    assert merged(*purple, ("garden chair", "Purpel")) == {}


def test_a_plural_is_merged_unless_a_product_comes_in_both() -> None:
    assert merged(("red cushion", "Stripe"), ("a rug", "Stripes"), ("b rug", "Stripes")) == {
        "Stripe": "Stripes"
    }
    both = [("vase glass", "Glass"), ("vase glasses", "Glasses"), ("b glasses", "Glasses")]
    assert merged(*both) == {}


def test_brands_are_merged_by_form_alone() -> None:
    items = [Item("1", "Canon ink", brand="Canon"), Item("2", "Canon ink", brand="CANON")]
    items += [Item("3", "Canon ink", brand="Canons"), Item("4", "Canon ink", brand="Canon")]
    assert [(one.value, one.into) for one in merges_of("brand", items)] == [("CANON", "Canon")]
