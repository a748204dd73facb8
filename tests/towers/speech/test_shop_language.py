"""How the shoppers of a shop speak, by its texts."""

from __future__ import annotations

import pytest

from data.records import Item
from towers.catalog.items import Catalog
from towers.config import TextConfig
from towers.speech.shop_language import languages_of, shop_names, shop_texts


@pytest.mark.parametrize(
    ("texts", "languages"),
    [
        (
            ["Whole milk", "Cordless drill with battery", "Xyzzy QX-200 stainless steel rack"],
            ("en",),
        ),
        (["小米手机 黑色", "蓝牙耳机", "纯棉短袖衬衫"], ("zh",)),
        (["小米手机 wireless charger", "bluetooth speaker", "whole milk"], ("zh", "en")),
        (["Schrauben verzinkt", "Akkubohrschrauber", "Dübel"], ()),
        ([], ()),
    ],
)
def test_the_languages_of_a_shop_are_told_by_its_texts(
    texts: list[str], languages: tuple[str, ...]
) -> None:
    assert languages_of(texts) == languages


def test_names_are_counted_and_what_nobody_says_is_left_out() -> None:
    items = [
        Item(
            "a", "Latte", category=("Drinks", "Hot"), brand="Lavazza", attributes={"size": "8 oz"}
        ),
        Item("b", "Mocha", category=("Drinks", "Hot"), attributes={"size": "8 oz", "iced": "true"}),
        Item("c", "Tea", category=("Drinks",), attributes={"code": "4711", "note": "x" * 30}),
    ]
    catalog = Catalog.of(items, TextConfig())
    assert shop_names(catalog) == {"Hot": 2, "Drinks": 1, "Lavazza": 1, "8 oz": 2}
    assert set(shop_texts(catalog)) >= {"Latte", "Mocha", "Tea", "Hot", "Drinks", "Lavazza", "8 oz"}
