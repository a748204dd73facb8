"""Spellings of one word are one word, and words that only look alike are not."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towers.text.words import surface_words
from towers.text.writing.folding import fold, has_chinese, normalise, other_spellings, spellings


def folded(text: str) -> str:
    return fold(normalise(text))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Crème Brûlée", "creme brulee"),
        ("piñón", "PINON"),
        ("Weißkohl", "weisskohl"),
        ("Ærø", "aero"),
        ("Żółć", "zolc"),
        ("Đà Lạt", "da lat"),
        ("İzmir Işık", "izmir isik"),
        ("IŞIK", "ışık"),
        ("Полёт", "полет"),
        ("за\u0301мок", "замок"),
        ("Ψωμί", "ΨΩΜΙ"),
        ("δρόμος", "ΔΡΟΜΟΣ"),
        ("كِتَابٌ", "كتاب"),
        ("كتـــاب", "كتاب"),
        ("إبريق", "ابريق"),
        ("مقهى", "مقهي"),
        ("کتاب", "كتاب"),
        ("٣٢ جيجا", "32 جيجا"),
        ("סֵפֶר", "ספר"),
        ("Kaffee\u00admaschine", "kaffeemaschine"),
        ("Lay’s", "lays"),
        ("LAY´S", "lay's"),
        ("Ｃａｆé", "cafe"),
        ("ｶﾞﾗｽ", "ガラス"),
        ("電視機", "电视机"),
        ("e\u0301clair", "\u00e9clair"),
    ],
)
def test_spellings_of_a_word_are_equal(one: str, other: str) -> None:
    assert folded(one) == folded(other)
    assert surface_words(one) == surface_words(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("мой", "мои"),
        ("їж", "іж"),
        ("が", "か"),
        ("パ", "ハ"),
        ("한", "하"),
        ("6'", "6"),
        ("को", "का"),
    ],
)
def test_letters_of_their_own_are_kept_apart(one: str, other: str) -> None:
    assert folded(one) != folded(other)


@given(st.text(max_size=40))
def test_folding_twice_changes_nothing_and_plain_letters_stay(text: str) -> None:
    once = folded(text)
    assert fold(once) == once
    assert folded(text.encode("ascii", "ignore").decode().replace("'", "").replace("`", "")) == (
        text.encode("ascii", "ignore").decode().replace("'", "").replace("`", "").lower()
    )


@given(st.characters(min_codepoint=0xC0, max_codepoint=0x24F))
def test_a_latin_letter_folds_to_its_base_letter(letter: str) -> None:
    base = unicodedata.normalize("NFKD", letter).casefold()
    if base[0].isascii() and base[0].isalpha():
        assert folded(letter)[:1] == base[0]


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("Crème caramel", {"creme": "crème"}),
        ("Lay’s chips", {"lays": "lay's"}),
        ("電視 stand", {"电视": "電視"}),
        ("Disney+ card", {"disney": "disney+"}),
        ("plain text", {}),
    ],
)
def test_what_folding_changes_is_known_as_typed(text: str, typed: dict[str, str]) -> None:
    assert dict(spellings(normalise(text))) == typed


@pytest.mark.parametrize(
    ("typed", "others"),
    [
        ("köln", ("koeln",)),
        ("ålborg", ("aalborg",)),
        ("crème", ()),
        ("d'orange", ("orange",)),
        ("dell'arte", ("arte",)),
        ("jc's", ("jc",)),
        ("电视", ()),
    ],
)
def test_other_forms_that_people_type(typed: str, others: tuple[str, ...]) -> None:
    assert other_spellings(typed) == others


def test_chinese_is_told_from_other_scripts() -> None:
    assert has_chinese("LED 灯") and not has_chinese("ガラス 한글 café")
