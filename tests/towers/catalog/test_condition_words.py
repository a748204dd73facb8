"""Which words of a text have the form of a condition: tables worked out by hand."""

from __future__ import annotations

import time

import pytest

from towers.catalog.condition_words import condition_words
from towers.text.understood import UnderstoodKind, UnderstoodUse
from towers.text.words import normalise


def read(text: str) -> list[tuple[str, object]]:
    """The words of each condition with its bounds, or with what else it asks for."""
    plain = normalise(text)
    return [
        (
            plain[one.begin : one.end].strip(),
            "stock"
            if one.kind is UnderstoodKind.STOCK
            else (one.min_price, one.max_price)
            if one.use is UnderstoodUse.FILTER
            else one.use.name.lower(),
        )
        for one in condition_words(plain)
    ]


@pytest.mark.parametrize(
    ("text", "words", "bounds"),
    [
        ("lamp under 80", "under 80", (None, 80)),
        ("lamp below $45", "below $45", (None, 45)),
        ("less than 12.50", "less than 12.50", (None, 12.5)),
        ("rugs up to 70 euro", "up to 70 euro", (None, 70)),
        ("no more than 15 gloves", "no more than 15", (None, 15)),
        ("max 250", "max 250", (None, 250)),
        ("for under £9", "for under £9", (None, 9)),
        ("mower under 1,299.90", "under 1,299.90", (None, 1299.9)),
        ("mower under 2.000 €", "under 2.000 €", (None, 2000)),
        ("tv <= 300", "<= 300", (None, 300)),
        ("tv under 1.5k", "under 1.5k", (None, 1500)),
        ("lamp over 60", "over 60", (60, None)),
        ("at least 35 dollars", "at least 35 dollars", (35, None)),
        ("no less than 25", "no less than 25", (25, None)),
        ("boots 90 or more", "90 or more", (90, None)),
        ("$40 and under", "$40 and under", (None, 40)),
        ("between 15 and 35", "between 15 and 35", (15, 35)),
        ("between $35 and $15", "between $35 and $15", (15, 35)),
        ("15-35 dollars rake", "15-35 dollars", (15, 35)),
        ("$15 - $35", "$15 - $35", (15, 35)),
        ("from 15 to 35", "from 15 to 35", (15, 35)),
        ("price 15-35", "price 15-35", (15, 35)),
        ("Schuhe unter 90 Euro", "unter 90 euro", (None, 90)),
        ("höchstens 40 lampe", "höchstens 40", (None, 40)),
        ("bis zu 60", "bis zu 60", (None, 60)),
        ("zwischen 20 und 40 Euro", "zwischen 20 und 40 euro", (20, 40)),
        ("robe moins de 60 euros", "moins de 60 euros", (None, 60)),
        ("jusqu’à 60 €", "jusqu'à 60 €", (None, 60)),
        ("entre 20 et 40", "entre 20 et 40", (20, 40)),
        ("lámpara menos de 60", "menos de 60", (None, 60)),
        ("más de 60 euros", "más de 60 euros", (60, None)),
        ("lamp budget 90", "budget 90", (None, 90)),
        ("price range 15-35", "price range 15-35", (15, 35)),
        ("luminária até 60 reais", "até 60 reais", (None, 60)),
        ("lamp onder 60 euro", "onder 60 euro", (None, 60)),
        ("ランプ 3000円以下", "3000円以下", (None, 3000)),
        ("램프 30000원 이하", "30000원 이하", (None, 30000)),
        ("不要超过500元的灯", "不要超过500元的", (None, 500)),
        ("价格在500以内的灯", "价格在500以内的", (None, 500)),
        ("两百以内", "两百以内", (None, 200)),
        ("лампа до 900 рублей", "до 900 рублей", (None, 900)),
        ("800以下", "800以下", (None, 800)),
        ("台灯300元以内", "300元以内", (None, 300)),
        ("台灯不到300元", "不到300元", (None, 300)),
        ("三百元以下的灯", "三百元以下的", (None, 300)),
        ("1千元以下", "1千元以下", (None, 1000)),
        ("两千五百元以上", "两千五百元以上", (2500, None)),
        ("150到300元的灯", "150到300元的", (150, 300)),
        ("150元-300元", "150元-300元", (150, 300)),
    ],
)
def test_bounds_of_a_price(text: str, words: str, bounds: tuple[float, float]) -> None:
    assert read(text) == [(words, bounds)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cheap lamp", [("cheap", "preference")]),
        ("inexpensive rug", [("inexpensive", "preference")]),
        ("low-cost printer", [("low-cost", "preference")]),
        ("günstige Lampe", [("günstige", "preference")]),
        ("lampe pas chère", [("pas chère", "preference")]),
        ("budget-friendly lamp", [("budget-friendly", "preference")]),
        ("a lamp that is not too expensive", [("not too expensive", "preference")]),
        ("goedkope lamp", [("goedkope", "preference")]),
        ("便宜的灯", [("便宜的", "preference")]),
        ("cheapest lamp", [("cheapest", "sort")]),
        ("lowest price rug", [("lowest price", "sort")]),
        ("die billigsten Lampen", [("billigsten", "sort")]),
        ("最便宜的灯", [("最便宜的", "sort")]),
        ("rake in stock", [("in stock", "stock")]),
        ("available rakes", [("available", "stock")]),
        ("lieferbar", [("lieferbar", "stock")]),
        ("现货 灯", [("现货", "stock")]),
        ("有货的灯", [("有货的", "stock")]),
        (
            "cheap rake over 10 under 20 in stock",
            [
                ("cheap", "preference"),
                ("over 10", (10, None)),
                ("under 20", (None, 20)),
                ("in stock", "stock"),
            ],
        ),
    ],
)
def test_preferences_orders_and_stock(text: str, expected: list[tuple[str, object]]) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        # No number, or a part of a name.
        *("under desk drawer", "over knee boots", "under shirt", "less noise", "maxi dress"),
        *("phone pro max 512", "max100", "from russia", "between us"),
        # A measure, a count, a time, an age.
        *("shelf under 12 inch", "bag below 7 kg", 'tv over 40"', "bulb under 900 lumens"),
        *(
            "rod up to 3 m",
            "monitor under 4k",
            "pump over 2 hp",
            "drill under 20v",
            "less than 5 %",
        ),
        *("tent for over 4 people", "toys under 6 years", "toys for kids under 6", "toys 5 and up"),
        *(
            "board under 1/2",
            "plank over 2x4",
            "screws 20-40 mm",
            "within 5 miles",
            "under 5 pounds",
        ),
        *("5公斤以下", "12岁以上", "100-200毫升", "十以内"),
        *("rug size under 9", "box weight below 4", "toaster rated over 4", "cable 1 -> 2"),
        *("camera from 2015 to 2020", "between 1990 and 1999"),
        # Ranges without a currency or a word that says so.
        *("wire 2-4", "lego 7 to 9", "bis 40", "batteries 12 or 24"),
        # Negated, or quoted.
        *("lamp not in stock", "nicht lieferbar", "没有货", '"cheap" lamp', '"under 80"'),
        # Too much for a price.
        "under 9999999999",
    ],
)
def test_what_only_looks_like_a_condition_is_none(text: str) -> None:
    assert read(text) == []


def test_inches_and_the_preposition_in_are_told_apart() -> None:
    assert read("shelf under 12 in") == read("shelf under 12 in. wide") == []
    assert read("shelf under 12 in stock") == [("under 12", (None, 12)), ("in stock", "stock")]


@pytest.mark.parametrize(
    "text",
    ["under 1 " * 256, "cheap " * 256, "$1" * 256, "1," * 256, "from 1 " * 256, "100到" * 256],
)
def test_a_hostile_text_takes_no_more_than_linear_time(text: str) -> None:
    def seconds(of: str) -> float:
        begin = time.perf_counter()
        condition_words(of)
        return time.perf_counter() - begin

    short, whole = (min(seconds(one) for _ in range(5)) for one in (text[: len(text) // 4], text))
    # Quadratic would be 16 times.
    assert whole < 12 * short + 0.01
