"""Words: one reading of text for queries and items, English and Chinese."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towers.text.words import (
    clear_caches,
    cut_text,
    stem,
    surface_words,
    with_word_replaced,
    words,
)
from towers.text.writing.folding import normalise


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Whole Milk, 2%", ["whole", "milk", "2"]),
        ("A4-Notebook_ruled", ["a4", "notebook", "rule"]),
        ("ＬＥＤ Ｌａｍｐｓ", ["led", "lamp"]),
        ("Straße CAFÉ", ["strass", "cafe"]),
        ("½ kg", ["0.5", "kg"]),
        ("1½ inches", ["1.5", "in"]),
        ("2 in. x 4 in.", ["2", "in", "x", "4", "in", "2x4"]),
        ("G++ F# .NET ASP.NET", ["g++", "f#", ".net", "asp", ".net"]),
        ("A#1 C##", ["a#", "1", "c"]),
        ("mesh.network", ["mesh", "network"]),
        ("ガラスPan 2개", ["ガラス", "pan", "2", "개"]),
        ("लाल कमीज़", ["लाल", "कमीज़"]),
        ("   ", []),
        ("!?()", []),
        ("", []),
    ],
)
def test_text_is_cut_into_folded_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_surface_words_are_not_stemmed() -> None:
    assert surface_words("Ruled notebooks") == ["ruled", "notebooks"]


def test_a_chinese_run_gives_its_words_each_once_and_no_character_of_one() -> None:
    found = words("智能手机智能手机")
    assert {"智能", "手机", "智能手机"} <= set(found)
    assert len(found) == len(set(found)) and min(map(len, found)) == 2


def test_chinese_and_latin_runs_are_cut_apart() -> None:
    found = words("云帆X5手机Pro")
    assert {"手机", "x5", "pro", "云帆"} <= set(found)
    assert found.index("x5") < found.index("手机") < found.index("pro")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("berries", "berry"),
        ("running shoes", "Run shoe"),
        ("tomatoes", "tomato"),
        ("enamelled saucepans", "enamel saucepan"),
    ],
)
def test_forms_of_an_english_word_share_a_stem(one: str, other: str) -> None:
    assert words(one) == words(other)


@pytest.mark.parametrize("word", ["256gb", "4k", "手机", "ёлки", "1.5"])
def test_what_is_no_plain_english_word_is_its_own_stem(word: str) -> None:
    assert stem(word) == word


def test_many_threads_with_cold_caches_stem_as_one_does() -> None:
    beginnings = ("run", "relat", "general", "hop", "enamell", "commun", "berr", "industri", "use")
    middles = ("", "ation", "iz", "ful", "ing", "ness", "ment", "abl", "ic", "al", "iv", "ous")
    endings = ("", "s", "ed", "ly", "y", "ies", "e", "er", "ing", "ement")
    generated = ["".join(parts) for parts in product(beginnings, middles, endings)]
    alone = [stem(word) for word in generated]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            for _ in range(20):
                clear_caches()
                together = pool.map(lambda _: [stem(word) for word in generated], range(8))
                assert all(found == alone for found in together)
    finally:
        sys.setswitchinterval(interval)


@given(st.text(max_size=40))
def test_a_second_normalisation_changes_nothing(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@given(st.text(max_size=40))
def test_words_hold_no_blank_and_no_capital(text: str) -> None:
    for word in words(text):
        assert word and not any(character.isspace() for character in word)
        assert word == word.lower() or word == word.casefold()


def test_a_text_is_cut_once_into_what_everybody_asks_of_it() -> None:
    cut = cut_text("Post 2 in. x 4 in., 智能手机 Bolts")
    assert cut.normalised == "post 2 in. x 4 in., 智能手机 bolts"
    assert cut.sizes == ("2x4",)
    assert cut.words[:6] == ("post", "2", "in", "x", "4", "in") and cut.words[-1] == "bolts"
    assert surface_words("Post 2 in. x 4 in., 智能手机 Bolts") == [*cut.words, "2x4"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("red reds red", "blue reds blue"),
        ("手机red_red1", "手机blue_red1"),
        ("infrared", "infrared"),
        ("réd reds", "blue reds"),
    ],
)
def test_only_whole_words_are_replaced(text: str, expected: str) -> None:
    assert with_word_replaced(text, "red", "blue") == expected
