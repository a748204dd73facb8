"""Which fields can be learnt, and the sentence for those that cannot."""

from __future__ import annotations

import numpy as np
import pytest

from towers.attributes.targets import Target, is_number, target_of


def test_shared_values_are_classes_and_rare_ones_count_as_errors() -> None:
    values = ["red"] * 12 + ["blue"] * 9 + ["teal"] * 2 + [""] * 4
    target = target_of("colour", values)
    assert isinstance(target, Target)
    assert target.classes == ("red", "blue")
    assert target.labels.tolist() == [0] * 12 + [1] * 9 + [-2] * 2 + [-1] * 4
    assert target.missing.tolist() == [23, 24, 25, 26]
    assert np.array_equal(target.filled, np.arange(23))


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (["red"] * 30, "every item has it"),
        (["red", "blue"] * 5 + [""], "10 items have it, of the 20 that are needed"),
        (["red"] * 30 + [""], "1 values are shared by 3 items, of the 2 that are needed"),
        ([f"{n} mm" for n in range(60)] * 3 + [""], "numbers of 60 distinct values, of 50"),
        (
            ["red"] * 4 + ["blue"] * 4 + [f"model {n}x" for n in range(30)] + [""],
            "free text: 21% of its values are shared by 3 items, of the 50%",
        ),
    ],
)
def test_what_cannot_be_learnt_is_told(values: list[str], reason: str) -> None:
    found = target_of("field", values)
    assert isinstance(found, str) and found.startswith(reason)


def test_numbers_of_few_distinct_values_are_classes() -> None:
    assert isinstance(target_of("pack", [f"{n} pc" for n in range(40)] * 3 + [""]), Target)


@pytest.mark.parametrize("value", ["3", "1.5 m", "10 - 35", "-20 - 60", "28.5 x 22.1 x 83", '10"'])
def test_numbers_units_ranges_and_sizes_are_numbers(value: str) -> None:
    assert is_number(value)


@pytest.mark.parametrize("value", ["red", "USB 2.0", "A4", "CE, FCC"])
def test_names_are_no_numbers(value: str) -> None:
    assert not is_number(value)
