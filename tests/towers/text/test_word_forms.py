"""Forms by which queries and items meet although they cut a word differently."""

from __future__ import annotations

import pytest

from towers.text.word_forms import Compounds, forms, item_words, joined_parts
from towers.text.words import cut_text, surface_words


@pytest.mark.parametrize(
    ("text", "others"),
    [
        ("E-bike", {"ebike"}),
        ("R&B vinyl", {"rb"}),
        ("Vue.js course", {"vuejs"}),
        ("Saw HKS-300B", {"hks300b"}),
        ("Seal 4410-02/7", {"441002"}),
        ("Pump AQ.120-7", {"aq120", "1207", "aq1207"} - {"1207"}),
        ("Phone12 case", {"phone", "12"}),
        ("XR2000B lens, 13pro", {"xr", "2000b", "13", "pro"}),
        ("Galaxy A52", {"galaxya52"}),
        ("Köln poster", {"koeln"}),
        ("C++ and C#", {"cpp", "cplusplus", "csharp"}),
        ("heavy-duty strap", set()),
        ("5-inch tray", set()),
        ("3.5 mm", set()),
        ("3-4 persons", set()),
    ],
)
def test_an_item_has_its_words_and_the_forms_that_people_type(text: str, others: set[str]) -> None:
    assert set(item_words(text).words) - set(surface_words(text)) == others


@pytest.mark.parametrize(
    ("query", "word", "expected"),
    [
        ("xr2000b", "xr2000b", [("xr", "2000", "b")]),
        ("a52", "a52", []),
        ("köln", "koln", [("koeln",)]),
        ("l'eau", "leau", [("eau",), ("l", "eau")]),
        ("洗衣机", "洗衣机", [("~洗衣", "~衣机"), ("洗衣", "~机")]),
        ("床上用品", "床上用品", [("~床上", "~上用", "~用品"), ("床上", "用品")]),
        ("宝", "宝", [("~宝",)]),
        ("カメラ", "カメラ", [("~カメ", "~メラ")]),
        ("카메라", "카메라", [("~카메", "~메라")]),
        ("กล้อง", "กล้อง", [("~กล้", "~ล้อ", "~้อง")]),
        ("camera", "camera", []),
    ],
)
def test_a_word_of_a_query_may_be_met_in_other_forms(
    query: str, word: str, expected: list[tuple[str, ...]]
) -> None:
    cut = cut_text(query)
    assert word in cut.words
    assert [form.stems for form in forms(word, cut)] == expected


@pytest.mark.parametrize("text", ["無線充电宝", "デジタルカメラ", "디지털카메라", "ถุงกล้องสีแดง"])
def test_a_part_of_a_run_without_blanks_has_no_gram_that_the_run_lacks(text: str) -> None:
    grams = set(item_words(text).grams)
    part = text[-5:]
    cut = cut_text(part)
    for word in cut.words:
        assert all(set(form.stems) <= grams for form in forms(word, cut) if not form.is_word)


def test_parts_with_signs_between_are_one_word_too() -> None:
    assert joined_parts(cut_text("e-bike hks-300b")) == [
        (("e", "bike"), "ebike"),
        (("hks", "300b"), "hks300b"),
    ]


GERMAN = {"und": 9, "kinder": 5, "wasser": 4, "kocher": 4, "wasserkocher": 3, "bett": 2}
GERMAN |= {"kinderbett": 1, "kinderbetten": 1, "arbeit": 1, "arbeitsbett": 1, "omlbett": 1}
ENGLISH = {"and": 9, "car": 5, "pet": 4, "carpet": 3, "head": 4, "phones": 2, "headphones": 1}


def test_a_compound_is_found_by_the_word_that_it_ends_in() -> None:
    compounds = Compounds(GERMAN)
    assert compounds.is_usual
    assert {form.stems for form in compounds.forms("bett")} == {
        ("kinderbett",),
        ("kinderbetten",),
        ("arbeitsbett",),
    }
    assert [form.stems for form in compounds.forms("kocher")] == [("wasserkoch",)]
    assert compounds.forms("kinder") == []


def test_short_words_are_no_heads_where_compounds_are_unusual() -> None:
    compounds = Compounds(ENGLISH)
    assert not compounds.is_usual
    assert compounds.forms("pet") == [] and compounds.forms("carpet") == []
    assert [form.stems for form in compounds.forms("phones")] == [("headphon",)]


def test_live_words_are_compounds_and_modifiers_too() -> None:
    compounds = Compounds(GERMAN)
    compounds.take_in(["gaste", "gastebett", "bett"])
    assert ("gastebett",) in {form.stems for form in compounds.forms("bett")}


def test_a_form_that_is_a_word_of_the_text_already_is_not_added_again() -> None:
    assert item_words("cable 512GB usb").words == ("cable", "512", "gb", "usb")
    assert item_words("wi-fi wifi wi-fi").words.count("wifi") == 1
