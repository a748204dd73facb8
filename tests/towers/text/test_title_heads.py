"""What a title says its item is."""

from __future__ import annotations

import pytest

from towers.text.title_heads import head_keys, title_phrases


@pytest.mark.parametrize(
    ("title", "keys"),
    [
        ("Steel ladder", {"ladder"}),
        ("Steel ladders", {"ladder"}),
        ("Ladder hook for walls", {"hook"}),
        ("Hooks and rails with screws", {"hook", "rail"}),
        ("Battery for phones/tablets", {"batteri"}),
        ("Battery for phones & tablets, spare", {"batteri", "spare"}),
        ("Ladder, painted green", {"ladder"}),
        ("Zed L-300 steel ladder 3 m", {"ladder"}),
        ("Oak ladder - extension", {"ladder", "extens"}),
        ("玻璃水杯 500ml", {"水杯"}),
        ("300 500", set()),
        ("", set()),
    ],
)
def test_head_nouns_of_a_title(title: str, keys: set[str]) -> None:
    assert head_keys(title, "") == keys


def test_a_brand_is_left_out() -> None:
    assert head_keys("Cordless drill Makron", "Makron") == {"drill"}
    assert head_keys("Cordless drill Makron", "") == {"makron"}


def test_phrases_know_what_stands_around_them() -> None:
    first, second, third = title_phrases("zed 300 steel ladder for roofs")
    assert first.words == ("zed",) and first.is_before_model
    assert second.words == ("steel", "ladder") and second.is_behind_number and second.is_own
    assert third.words == ("roofs",) and not third.is_own


def test_a_title_of_signs_is_read_in_part() -> None:
    # Twenty thousand letters and signs: their square would take minutes.
    assert head_keys("Camera bag, " + ".a" * 10_000, "") >= {"bag"}
    assert head_keys("Bag, " + "x, " * 10_000 + "tripod", "") == {"bag"}
