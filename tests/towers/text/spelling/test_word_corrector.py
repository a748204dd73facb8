"""What a word is taken for: one edit before splits, ordinary and short words as typed."""

from __future__ import annotations

import pytest

from towers.text.spelling.english_words import FUNCTION_WORDS, common_english_words
from towers.text.spelling.word_corrector import WordCorrector
from towers.text.words import stem

COUNTS = {
    "headphones": 140,
    "hedphones": 1,
    "phones": 300,
    "hed": 2,
    "samsung": 200,
    "sam": 4,
    "snug": 3,
    "bluetooth": 90,
    "chap": 1,
    "bed": 80,
    "watch": 150,
    "light": 200,
    "bulb": 120,
    "stationery": 60,
    "stony": 1,
    "with": 900,
    "width": 4,
    "drill": 70,
    "ancora": 5,
    "anchora": 60,
    "kettle": 40,
}


def corrector(counts: dict[str, int] = COUNTS) -> WordCorrector:
    by_stem: dict[str, int] = {}
    for word, count in counts.items():
        by_stem[stem(word)] = by_stem.get(stem(word), 0) + count
    return WordCorrector(counts, lambda of_word: by_stem.get(of_word, 0), common_english_words())


def meant(word: str, *, is_last: bool = False) -> list[str]:
    found = corrector().corrected(word, is_last=is_last) if corrector().is_rare(word) else ()
    weights = [one.weight for one in found]
    assert all(0 < weight < 1 for weight in weights)
    return [one.text for one in found]


@pytest.mark.parametrize(
    ("word", "first"),
    [
        ("headphnoes", "headphones"),
        ("headphnes", "headphones"),
        ("samsnug", "samsung"),
        ("blutooth", "bluetooth"),
        ("bluetoohh", "bluetooth"),
        ("wwatch", "watch"),
        ("dril", "drill"),
    ],
)
def test_a_slip_is_the_word_one_edit_away(word: str, first: str) -> None:
    assert meant(word)[0] == first


def test_no_word_is_a_slip_of_a_function_word() -> None:
    assert meant("swith") == [] and meant("withh") == []


def test_one_edit_to_a_frequent_word_comes_before_a_split_into_rare_ones() -> None:
    counts = {word: count for word, count in COUNTS.items() if word != "hedphones"}
    found = corrector(counts).corrected("hedphones", is_last=True)
    assert [one.text for one in found] == ["headphones"]
    assert "sam snug" not in meant("samsnug", is_last=True)


def test_a_split_into_frequent_words_stands_where_no_word_is_close() -> None:
    assert meant("lightbulb") == ["light bulb"]
    # And before a close word that is much rarer than both would be together.
    found = corrector(COUNTS | {"lightbulbx": 1}).corrected("lightbulb", is_last=False)
    assert [one.text for one in found] == ["light bulb", "lightbulbx"]


@pytest.mark.parametrize("word", ["cheap", "led", "good", "best", "sony", "tv", "god", "shoes"])
def test_short_and_ordinary_words_are_taken_as_typed(word: str) -> None:
    for is_last in (False, True):
        assert meant(word, is_last=is_last) == []
    assert corrector().distant(word) == () and corrector().prefix_corrections(word) == []


def test_a_long_ordinary_word_may_be_taken_for_a_close_one_but_not_for_a_farther_one() -> None:
    assert {"stationary", "personal"} <= common_english_words()
    assert meant("stationary") == ["stationery"]
    assert corrector({"personnels": 9}).distant("personal") == ()


def test_a_word_in_few_titles_beside_one_far_more_frequent_is_searched_as_both() -> None:
    assert meant("hedphones") == ["headphones"] and corrector().meant("hedphones") == "headphones"
    # Twelve times as frequent is not enough: a name of its own.
    assert meant("ancora") == [] and corrector().meant("ancora") == "ancora"
    assert corrector().meant("kettle") == "kettle" and corrector().meant("zorb") == "zorb"


def test_the_last_word_may_be_incomplete_but_a_slip_comes_first() -> None:
    assert meant("blueto", is_last=True) == ["bluetooth"] and meant("blueto") == []
    assert meant("wattch", is_last=True) == ["watch"]


def test_what_completion_takes_a_word_for_is_first_what_the_search_does() -> None:
    for word in ("samsnug", "blutooth", "headphnoes"):
        assert corrector().prefix_corrections(word)[0] == meant(word)[0]


def test_no_word_is_taken_for_one_that_items_have_lost() -> None:
    lost = WordCorrector({"kettle": 9}, lambda of_word: 0, ())
    assert lost.corrected("ketle", is_last=True) == ()


def test_words_of_the_list_are_lower_case_and_hold_no_slips() -> None:
    words = common_english_words()
    assert 10_000 < len(words) < 40_000 and {"cheap", "watch", "women"} <= words
    assert not {"hedphones", "recieve", "samsung"} & words and FUNCTION_WORDS - words == {"的"}
