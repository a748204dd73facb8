"""What in a title says which variant an item is, and what says which product.

Sizes, quantities and colours vary between the variants of one product. Numbers without a unit of size
or quantity, and codes, name the product: a "T480" is no "T490", and 18 V are not 12 V.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import NamedTuple

from towers.text.words import stem, surface_words

_UNITS = """
    in ft yd mm cm m mm2 cm2 m2 m3 cuft sqft gal qt pt l ml oz lb kg g mg μg pk pc mb gb tb
    ct count counts sheet sheets roll rolls dozen fl per pages
"""
_COLOURS = """
    beige black blue bronze brown burgundy charcoal clear cream cyan gold golden gray green grey indigo
    ivory khaki lavender lilac magenta maroon multicolor multicolour multicoloured navy olive orange pink
    purple red rose silver tan teal transparent turquoise violet white yellow
    橙色 灰色 白色 米色 粉色 紫色 红色 绿色 蓝色 金色 银色 黄色 黑色 棕色 深色 浅色 粉红色
    黑 白 红 蓝 绿 灰 粉 紫 金 银
"""
_FOODS = """
    asparagus bean beans beer bread cabbage cheese chocolate corn currant currants curry egg eggs fish
    flour grape grapes grapefruit juice lentil lentils meat mustard olive olives onion onions pasta pea
    peas pepper peppercorn peppercorns peppers potato potatoes raspberries rice rum salmon sauce sugar
    tea teas tequila tuna vinegar wine wines 茶 酒 糖 豆 米 葡萄酒 咖啡
"""
VARYING_UNITS = frozenset(_UNITS.split())
"""Units of what varies: lengths, volumes, weights, counts and storage. Not of what a device is built
for, as volts, watts or megapixels."""
COLOURS = frozenset(_COLOURS.split())
_NAMED_BY_COLOUR = frozenset(_FOODS.split())
"""What a colour makes another thing of: black and green tea, red and white wine."""
_SIZES = frozenset(
    ("small", "medium", "large", "xs", "xl", "xxl", "xxxl", "2xl", "3xl", "4xl", "5xl")
    + ("小号", "中号", "大号", "加大号")
)
_LETTER_SIZES = frozenset(("s", "m", "l"))
"""Sizes at the end of a title; elsewhere such a letter is part of something else."""
_FILLERS = frozenset(("a", "an", "and", "by", "in", "of", "the"))
_SMALLEST_CODE = 5
"""Characters of a code that may have a suffix."""
_SUFFIX = 3
"""Characters of a code in which the codes of variants may differ."""


class TitleParts(NamedTuple):
    """A title in two parts.

    Args:
        core: Stems that say which product it is, in order; of a code all but its last characters.
        varying: Words that say which variant, in order.
        codes: The codes in full, in order.
        is_named: Whether any of ``core`` is a word, and not a number or a code.
    """

    core: tuple[str, ...]
    varying: tuple[str, ...]
    codes: tuple[str, ...]
    is_named: bool


def title_parts(
    title: str, *, brand: str = "", own: Collection[str] = (), learnt: Collection[str] = ()
) -> TitleParts:
    """A title taken apart.

    Args:
        brand: Its words are no colours: Black & Decker.
        own: Words of the item's own values of colours and sizes.
        learnt: Words that the catalogue uses as colours.
    """
    every = surface_words(title)
    in_brand = _words(brand)
    core: list[str] = []
    varying: list[str] = []
    codes: list[str] = []
    is_named = False
    quantities = quantity_places(every)
    for place, word in enumerate(every):
        following = every[place + 1] if place + 1 < len(every) else ""
        if word in _FILLERS and place not in quantities:
            continue
        is_varying = place in quantities
        if not is_varying and word not in in_brand:
            is_colour = word in COLOURS or word in learnt
            is_varying = (is_colour and following not in _NAMED_BY_COLOUR) or (
                word in own or word in _SIZES or (word in _LETTER_SIZES and not following)
            )
        if is_varying:
            varying.append(word)
        elif is_code(word):
            codes.append(word)
            core.append(word[:-_SUFFIX] if len(word) >= _SMALLEST_CODE + _SUFFIX - 1 else word)
        else:
            core.append(stem(word))
            is_named |= not word[0].isdigit()
    return TitleParts(tuple(core), tuple(varying), tuple(codes), is_named)


@lru_cache(maxsize=10_000)
def _words(text: str) -> frozenset[str]:
    return frozenset(surface_words(text))


def is_code(word: str) -> bool:
    """Whether a word is a product code: long, with digits."""
    return len(word) >= _SMALLEST_CODE and word.isascii() and any(map(str.isdigit, word))


def quantity_places(every: list[str]) -> set[int]:
    """Places of numbers with a unit of what varies, of their units, and of sizes such as ``2 x 4``."""
    found: set[int] = set()
    for place, word in enumerate(every):
        if not _is_number(word):
            # Behind all words come the sizes once more, in one word each.
            left, by, right = word.partition("x")
            if by and _is_number(left) and _is_number(right):
                found.add(place)
            continue
        end = place + 1
        while end < len(every) and every[end] in VARYING_UNITS:
            end += 1
        is_count_in = every[place + 1 : end + 1] == ["in", "1"]
        if end == place + 1 or is_count_in:  # "3 in 1" are no three inches.
            continue
        found.update(range(place, end))
        # "8 x 10 in": the unit holds for the numbers before as well.
        begin = place
        while begin >= 2 and every[begin - 1] == "x":
            if not (_is_number(every[begin - 2]) or begin - 2 in found):
                break
            found.update((begin - 2, begin - 1))
            begin -= 2
    return found


def _is_number(word: str) -> bool:
    return word.replace(".", "", 1).isdigit()
