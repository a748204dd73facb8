"""Words of titles and of names as token numbers."""

from __future__ import annotations

import numpy as np
import pytest

from towers.catalog.dictionary import Dictionary
from towers.catalog.name_tokens import NameTokens
from towers.catalog.title_columns import TITLE_SLOT_COUNT, slots, title_columns
from towers.text.tokens import PADDING, token

_BUCKETS = 1 << 20


def number(stem: str) -> int:
    return token(f"w:{stem}", _BUCKETS)


def heads(title: str, brand: str = "") -> list[int]:
    """Numbers of the words that the item is said to be."""
    (numbers,), (is_head,) = title_columns([title], [brand], _BUCKETS)
    return numbers[is_head].tolist()


def test_words_of_a_title_are_numbered_in_order_by_their_stems() -> None:
    numbers, is_head = title_columns(["Oak tables", ""], ["", ""], _BUCKETS)
    assert numbers.dtype == np.int32 and is_head.dtype == bool
    assert numbers.shape == is_head.shape == (2, TITLE_SLOT_COUNT)
    assert numbers[0].tolist() == [number("oak"), number("tabl")] + [PADDING] * 26
    assert is_head[0].tolist() == [False, True] + [False] * 26
    assert not numbers[1].any() and not is_head[1].any()


@pytest.mark.parametrize(
    ("title", "stems"),
    [
        ("Compact camera black", ["camera"]),
        ("Camera bag", ["bag"]),
        ("Bag for cameras", ["bag"]),
        ("Bags, cases for cameras and lenses", ["bag", "case"]),
        ("白色折叠雨伞", ["雨伞"]),
    ],
)
def test_the_nouns_that_an_item_is_are_told_from_what_goes_with_it(
    title: str, stems: list[str]
) -> None:
    assert heads(title) == list(map(number, stems))


def test_a_brand_is_not_what_an_item_is() -> None:
    assert heads("Kettle Norwell", "Norwell") == [number("kettl")]


def test_of_a_long_title_the_first_words_are_kept() -> None:
    words = [f"w{letter}x" for letter in "abcdefghijklmnopqrstuvwxyzäöü"]
    (numbers,), _ = title_columns([" ".join(words)], [""], _BUCKETS)
    assert len(words) > TITLE_SLOT_COUNT and numbers.all()
    assert numbers[0] == number("wax")


def test_rows_are_padded_and_cut_to_the_slots() -> None:
    assert slots([[1, 2, 3], [], [4]], 2).tolist() == [[1, 2], [0, 0], [4, 0]]
    assert slots([], 2).shape == (0, 2)


def names_of(codes: Dictionary) -> NameTokens:
    return NameTokens(codes, _BUCKETS, lambda name: tuple(name.split(">")) if name else ())


def filled(rows: np.ndarray) -> list[list[int]]:
    return [[one for one in row if one != PADDING] for row in rows.tolist()]


def test_names_have_their_words_the_last_part_first() -> None:
    codes = Dictionary(["", "home garden>lamps", "tools"])
    found = names_of(codes).table()[np.array([1, 0, 2, 1])]
    lamps = [number("lamp"), number("home"), number("garden")]
    assert filled(found) == [lamps, [], [number("tool")], lamps]


def test_of_a_long_name_the_last_part_is_kept() -> None:
    codes = Dictionary(["a b c d e f g h>lamps"])
    (row,) = names_of(codes).table()[np.array([0])].tolist()
    assert row[0] == number("lamp") and PADDING not in row


def test_names_that_come_later_are_read_at_their_first_use() -> None:
    codes = Dictionary(["lamps"])
    names = names_of(codes)
    assert filled(names.table()[np.array([0])]) == [[number("lamp")]]
    later = codes.add("rugs")
    assert filled(names.table()[np.array([later, 0])]) == [[number("rug")], [number("lamp")]]
