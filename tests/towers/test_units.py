"""Numbers and units, written one way."""

from __future__ import annotations

import pytest

from towers.text import words


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ('3/4" pipe', "0.75 inch pipe"),
        ("3/4 in. pipe", ".75in pipe"),
        ("1½ in. hose", "1-1/2 inches hose"),
        ("1 1/2 in. hose", '1.5" hose'),
        ("5gallon bucket", "5 gal. bucket"),
        ("18v drill", "18-Volt drill"),
        ("21' x 15' rug", "21 ft. x 15 ft. rug"),
        ("2x4 lumber", "2 × 4 lumber"),
        ("1,000 lumens", "1000 lm"),
        ("4.2 cu. ft. washer", "4.2 cubic feet washer"),
        ("500毫升", "500 ml"),
    ],
)
def test_two_ways_to_write_a_quantity_are_the_same_words(left: str, right: str) -> None:
    assert words(left) == words(right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ('3/4"', '3/8"'),
        ("12/2 wire", "6 wire"),
        ("5 gal.", "5 qt."),
        ("18 volt", "18 watt"),
    ],
)
def test_different_quantities_stay_different(left: str, right: str) -> None:
    assert words(left) != words(right)


def test_a_size_is_found_whether_or_not_its_numbers_carry_units() -> None:
    assert "2x4" in words("2x4x8 stud") and "2x4" in words("2 in. x 4 in. x 8 ft. stud")
    assert "4x8" in words("2x4x8 stud") and "4x8" in words("2 in. x 4 in. x 8 ft. stud")


def test_units_alone_fold_but_a_foot_without_a_number_does_not() -> None:
    assert words("gallon bucket") == words("gal bucket")
    assert words("foot stool")[0] == "foot"
