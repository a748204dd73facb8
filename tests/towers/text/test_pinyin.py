"""Chinese brands in Latin letters."""

from __future__ import annotations

import pytest

from data.records import Item
from towers.text.pinyin import romanised_brand


@pytest.mark.parametrize(
    ("item", "names"),
    [
        (Item("a", "手机", brand="红米"), ("hongmi",)),
        (Item("a", "", brand="紅米 Redmi"), ("hongmi",)),
        (Item("a", "", brand="重庆"), ("chongqing",)),
        (Item("a", "红米 手机", brand="Redmi"), ()),
        (Item("a", "【新品】联想 电脑"), ("lianxiang",)),
        (Item("a", "Lenovo 联想 电脑"), ()),
        (Item("a", "Kettle"), ()),
        (Item("a", "！？"), ()),
    ],
)
def test_a_brand_or_the_first_word_of_the_title_is_romanised(
    item: Item, names: tuple[str, ...]
) -> None:
    assert romanised_brand(item) == names
