"""Numbers and units are the same words however they are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towers.text.words import words
from towers.text.writing.units import plain_unit, plain_units


@pytest.mark.parametrize(
    "texts",
    [
        ('3/4"', ".75 in.", "0.75-inch", "¾ inches"),
        ("1 1/2 ft", "1.5 feet", "1-1/2 foot", "1½'"),
        ("1,500 watts", "1500w", "1500 W"),
        ("500 ml", "500毫升", "500 millilitres"),
        ("12 oz", "12 ounces", "12盎司"),
        ("60 lbs", "60 pounds", "60lb"),
        ("6 pack", "6-pk", "6 packs"),
        ("007 psi", "7psi"),
        ("2,5 kg", "2.5kg", "2,50 kg"),
        ("0,125 l", "0.125 litre"),
        ("1.250,5 g", "1,250.5 g", "1250.5g"),
        ("12 Zoll", '12"', "12 дюймов", "12寸", "12吋"),
        ("2,5 mm²", "2.5 mm2"),
        ("40 µg", "40 mcg"),
    ],
)
def test_ways_to_write_a_quantity_are_one(texts: tuple[str, ...]) -> None:
    assert len({tuple(words(text)) for text in texts}) == 1


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("2 in. x 4 in.", "2x4"),
        ("2x4", "2x4"),
        ('2" × 4"', "2x4"),
        ("2 * 4", "2x4"),
        ("1/2 x 3/4", "0.5x0.75"),
    ],
)
def test_two_measures_side_by_side_are_a_size(text: str, size: str) -> None:
    assert plain_units(text)[1] == [size]


def test_three_measures_are_two_sizes() -> None:
    assert plain_units("2 in. x 4 in. x 8 ft.")[1] == ["2x4", "4x8"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sizes 3,4,5", ["size", "3", "4", "5"]),
        ("0404-12", ["0404", "12"]),
        ("8k 720p 10bit", ["8k", "720p", "10bit"]),
        ("1.5x", ["1.5", "x"]),
        ("3,141,592", ["3141592"]),
    ],
)
def test_lists_codes_and_names_are_no_quantities(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize("text", ["12/2", "24/7", "5/4", "1/7", "0/0"])
def test_what_is_no_fraction_of_a_ruler_stays_two_numbers(text: str) -> None:
    assert plain_units(text) == (text, [])


@pytest.mark.parametrize("text", ["milk", "x", "in", "", "手机"])
def test_text_without_digits_is_as_it_was(text: str) -> None:
    assert plain_units(text) == (text, [])


@pytest.mark.parametrize(
    ("word", "plain"),
    [("inches", "in"), ("gallons", "gal"), ("foot", "foot"), ("pack", "pack"), ("milk", "milk")],
)
def test_names_that_may_mean_something_else_stay_alone(word: str, plain: str) -> None:
    assert plain_unit(word) == plain


@given(st.integers(1, 99_999))
def test_thousands_may_be_set_apart(number: int) -> None:
    assert words(f"{number:,} w") == words(f"{number} w") == [str(number), "w"]


@given(st.integers(0, 20), st.sampled_from([2, 4, 8, 16]), st.data())
def test_mixed_numbers_are_decimals(whole: int, below: int, data: st.DataObject) -> None:
    above = data.draw(st.integers(1, below - 1))
    text = f"{whole} {above}/{below} in" if whole else f"{above}/{below} in"
    value = float(words(text)[0])
    assert value == pytest.approx(whole + above / below, abs=6e-4)


@given(st.text(alphabet="0123456789/.,-x×* inft\"'½", max_size=30))
def test_no_text_of_numbers_and_signs_breaks_it(text: str) -> None:
    for word in words(text):
        assert word.strip() == word and word
