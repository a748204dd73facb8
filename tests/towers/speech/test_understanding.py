"""Hypotheses rescored by the words of a shop, on transcripts made by hand."""

from __future__ import annotations

import math

import pytest

from towers.speech.speech_model import Hypothesis
from towers.speech.understanding import Understanding

pytest.importorskip("jellyfish", reason="the extra voice is not installed")

CAFE = Understanding(
    [
        f"{size} {drink}, {roast} roast, {milk} milk, {shots} shot"
        for size in ("small", "medium", "large", "16 oz")
        for drink in ("caffe latte", "iced mocha", "cappuccino", "espresso")
        for roast in ("light", "dark")
        for milk in ("soy", "whole", "almond")
        for shots in ("double", "triple")
    ]
)


def heard(understanding: Understanding, *texts: str) -> str:
    """What is searched for where these are equally probable."""
    return understanding.transcripts([Hypothesis(text, -3.0) for text in texts])[0].query


@pytest.mark.parametrize(
    ("sentence", "query"),
    [
        ("cafe lotte", "caffe latte"),
        ("Give me a dark rose espresso.", "dark roast espresso"),
        ("Can I have a triple short cappuccino?", "triple shot cappuccino"),
        ("an ice mocha", "iced mocha"),
        ("Can I get a media cappuccino with soy milk?", "medium cappuccino with soy milk"),
        ("I want a triple shot late roast espresso", "triple shot light roast espresso"),
        # Words of the shop stay, and so do ordinary words that sound like none of them.
        ("large espresso, whole milk", "large espresso, whole milk"),
        ("espresso in a paper cup", "espresso in a paper cup"),
        ("16 ounce iced mocha", "16 ounce iced mocha"),
    ],
)
def test_a_word_is_taken_for_one_of_the_shop_that_sounds_alike(sentence: str, query: str) -> None:
    assert heard(CAFE, sentence) == query


@pytest.mark.parametrize(
    ("sentence", "query"),
    [
        ("a dark roast espresso with whole milk and sugar", "dark roast espresso with whole milk"),
        ("espresso with some sweetener and a bit of soy milk", "espresso and soy milk"),
        # What comes first is searched for by meaning.
        ("a flat white with soy milk", "flat white with soy milk"),
        ("green tea and an umbrella", "green tea"),
    ],
)
def test_what_is_added_to_a_request_and_not_sold_is_left_out(sentence: str, query: str) -> None:
    assert heard(CAFE, sentence) == query


def test_words_that_only_the_whole_catalogue_has_are_kept() -> None:
    shop = Understanding(["espresso", "latte"], is_sold=lambda word: word == "sugar")
    assert heard(shop, "espresso with sugar and cream") == "espresso with sugar"


def test_a_hint_begins_with_names_that_sound_like_what_was_heard() -> None:
    names = {"Milk": 90, "Bread": 80, "Caffe latte": 3, "Latte glasses": 2, "Tea": 70}
    shop = Understanding([*names, *names], names)
    hint = shop.hint([Hypothesis("I want a cafe lotte", -3.0)])
    assert hint.split(", ")[0] == "Caffe latte"
    assert set(hint.split(", ")) == {*names}


def test_words_of_another_shop_are_left_alone() -> None:
    florist = Understanding([f"dark rose {what}" for what in ("bouquet", "bush", "seeds")] * 3)
    assert heard(florist, "dark rose bush") == "dark rose bush"
    assert heard(CAFE, "dark rose") == "dark roast"


def test_what_the_shop_has_decides_between_equally_probable_hypotheses() -> None:
    assert heard(CAFE, "I scream mocker", "Iced mocha") == "Iced mocha"
    first, second = CAFE.transcripts([Hypothesis("I scream", -2.0), Hypothesis("espresso", -2.5)])
    assert (first.text, second.text) == ("espresso", "I scream")
    assert first.probability > 0.5 and math.isclose(first.probability + second.probability, 1.0)


def test_a_much_more_probable_hypothesis_wins_whatever_the_shop_has() -> None:
    best = CAFE.transcripts([Hypothesis("green tea", -1.0), Hypothesis("espresso", -30.0)])[0]
    assert best.query == "green tea" and best.probability > 0.99


def test_hypotheses_of_the_same_words_are_one_reading() -> None:
    readings = CAFE.transcripts([Hypothesis("Espresso.", -1.0), Hypothesis("an espresso", -2.0)])
    assert [(one.text, one.query, one.probability) for one in readings] == [
        ("Espresso.", "Espresso", 1.0)
    ]
    assert CAFE.transcripts([]) == ()


def test_a_homophone_in_chinese_is_taken_for_the_word_of_the_shop() -> None:
    shop = Understanding([f"{colour}色蓝牙耳机" for colour in "黑白红"] * 3)
    # 兰亚 and 蓝牙 are both lán yá, but for the tone.
    assert heard(shop, "我想要兰亚耳机") == "蓝牙耳机"


@pytest.mark.parametrize("text", [".", "...", "♪", "!?", "。", ", ,"])
def test_what_has_no_word_is_no_reading(text: str) -> None:
    assert CAFE.transcripts([Hypothesis(text, -0.1)]) == ()
    readings = CAFE.transcripts([Hypothesis(text, -0.1), Hypothesis("espresso", -5.0)])
    assert [(one.query, one.probability) for one in readings] == [("espresso", 1.0)]
