"""Words of a query that state a price or stock condition: "under 100", "cheap", 有货.

By their form alone; ``towers.retrieval.query_reader`` decides which are conditions in a catalogue.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from data.records import PRICE_LIMIT
from towers.catalog import condition_tables as tables
from towers.text.understood import UnderstoodKind, UnderstoodUse

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_LEFT, _RIGHT = rf"(?<![^\W_{_HAN}])", rf"(?![^\W_{_HAN}])"
_NUMBER = r"(?>\d{1,3}(?:[.,]\d{3})+(?!\d)(?:[.,]\d{1,2}(?!\d))?|\d{1,9}(?:[.,]\d{1,2}(?!\d))?)"
_NO_MEASURE = (
    r"(?![\w\"'″′”’/]|\s*[%°]|[.,]\d|\s*[x×*]\s*\d|\s*-\s*\d)"
    rf"(?!\s*-?\s*(?:{tables.MEASURES})(?![a-zа-я0-9]))"
)
_LEAD = rf"(?:(?:{tables.LEAD}) +)?"


def _amount(name: str) -> str:
    """A number with or without a currency."""
    return (
        rf"(?P<{name}_sign>(?:{tables.SIGN})\s*)?(?P<{name}>{_NUMBER})"
        rf"(?P<{name}_thousand>k(?![^\W_]))?"
        rf"(?:\s*(?P<{name}_currency>{tables.CURRENCY})|(?![\dk]))"
    )


def _han_amount(name: str) -> str:
    return (
        rf"(?P<{name}_sign>[¥$]\s*)?(?P<{name}>(?<![\da-z.])\d{{1,9}}(?:\.\d{{1,2}})?[千万萬]?"
        rf"|[{''.join(_HAN_VALUES)}]{{1,9}})\s*(?P<{name}_currency>{tables.HAN_CURRENCY})?"
    )


_HAN_UNITS = {"十": 10, "百": 100, "千": 1_000, "万": 10_000, "萬": 10_000}
_HAN_VALUES = {
    **dict(zip("零一二三四五六七八九", range(10), strict=True)),
    **{"〇": 0, "两": 2, "兩": 2},
    **_HAN_UNITS,
}

_BOUNDS = (
    re.compile(
        rf"{_LEFT}{_LEAD}(?:(?P<lower>{tables.LOWER})|(?P<upper>{tables.UPPER})"
        rf"|(?P<upper_of_money>{tables.UPPER_OF_MONEY})"
        rf"|(?P<lower_of_money>{tables.LOWER_OF_MONEY}))"
        rf"(?:\s+|(?<=[<>=≤≥])|(?=[$€£¥₹])){_amount('one')}{_NO_MEASURE}"
    ),
    re.compile(
        rf"{_LEFT}{_LEAD}{_amount('one')} +(?:(?:{tables.OR}) +(?:(?P<upper>{tables.LESS})"
        rf"|(?P<lower>{tables.MORE}))|(?P<upper_of_money>max(?:imum)?)){_RIGHT}"
    ),
    re.compile(
        rf"(?:(?:{tables.HAN_LEAD})在?)?{_han_amount('one')}\s*[及或]?(?:(?P<upper>{tables.HAN_UPPER})"
        rf"|(?P<lower>{tables.HAN_LOWER})|(?P<lower_of_money>{tables.HAN_LOWER_OF_MONEY}))的?"
    ),
    re.compile(
        rf"(?:(?P<upper>{tables.HAN_UPPER_BEFORE})|(?P<lower>{tables.HAN_LOWER_BEFORE}))\s*"
        rf"{_han_amount('one')}(?:(?<=[元块塊钱錢币幣圆圓円])|(?=[\s的]|$))的?"
    ),
)
_RANGES = (
    re.compile(
        rf"{_LEFT}{_LEAD}?(?:(?:(?P<between>{tables.BETWEEN})|(?P<start>{tables.FROM})"
        rf"|(?P<start_of_money>{tables.FROM_OF_MONEY})) +)?{_amount('one')}"
        rf"\s*(?:(?P<to>{tables.TO})|(?P<and>{tables.AND}))\s*{_amount('two')}{_NO_MEASURE}"
    ),
    re.compile(
        rf"(?:{tables.HAN_LEAD})?(?:在|介于|介於)?{_han_amount('one')}\s*(?P<to>[-–—~到至和])\s*"
        rf"{_han_amount('two')}(?P<between>{tables.HAN_BETWEEN})?的?"
    ),
)
_PHRASES = (
    (
        UnderstoodKind.PRICE,
        UnderstoodUse.SORT,
        re.compile(rf"{_LEFT}(?:{tables.SORTED}){_RIGHT}|(?:{tables.HAN_SORTED})的?"),
    ),
    (
        UnderstoodKind.PRICE,
        UnderstoodUse.PREFERENCE,
        re.compile(
            rf"{_LEFT}(?:{tables.PREFERRED}){_RIGHT}"
            rf"|(?:价格|價格)?(?:{tables.HAN_PREFERRED})(?:一?[点點]儿?|些)?的?"
        ),
    ),
    (
        UnderstoodKind.STOCK,
        UnderstoodUse.FILTER,
        re.compile(
            rf"{_LEFT}(?:{tables.STOCKED}){_RIGHT}"
            rf"|(?<![{tables.HAN_NEGATIONS}])(?:{tables.HAN_STOCKED})的?"
        ),
    ),
)
_NEGATED = re.compile(rf"{_LEFT}(?:{tables.NEGATIONS})[ -]+$")
_HINT = re.compile(
    rf"{_LEFT}(?:"
    + "|".join(
        (
            *(tables.UPPER, tables.LOWER, tables.UPPER_OF_MONEY, tables.LOWER_OF_MONEY),
            *(tables.BETWEEN, tables.FROM, tables.SORTED, tables.PREFERRED, tables.STOCKED),
        )
    )
    + rf")|\d(?: *(?:{tables.CURRENCY}| (?:{tables.OR}|max(?:imum)?) ))|[<>≤≥$€£¥₹]"
    + "|".join(
        (
            *("", tables.HAN_UPPER, tables.HAN_LOWER, tables.HAN_LOWER_OF_MONEY),
            *(tables.HAN_UPPER_BEFORE, tables.HAN_LOWER_BEFORE, tables.HAN_CURRENCY),
            *(tables.HAN_BETWEEN, tables.HAN_SORTED, tables.HAN_PREFERRED, tables.HAN_STOCKED),
        )
    )
)
"""What every text with a condition has; most texts have none of it, and are done after this."""

_QUOTED = re.compile(r'"[^"]*"|“[^”]*”|「[^」]*」|«[^»]*»')
_AGES = re.compile(r"\b(?:kids?|child(?:ren)?|toddlers?|bab(?:y|ies)|boys?|girls?) $")
_MEASURED = re.compile(
    r"\b(?:age[ds]?|sizes?|weight|height|width|length|depth|thickness|diameter|capacity|volume|power"
    r"|speed|voltage|temperature|resolution|rat(?:ed|ings?)|score|years?|number|count|grosse|groesse"
    r"|gewicht|taille|talla|peso) $"
)
"""Words before a bound that name another quantity than the price."""
_YEARS = (1_900.0, 2_100.0)
_AGE_LIMIT = 20.0
_LOOK_BACK = 16
_MODELS = re.compile(r"\b(?:pro|air|note|ultra|plus|mini|mate|redmi|iphone|galaxy) $")
"""Words before "max" that make it part of a product's name."""
_RESOLUTIONS = (4_000.0, 8_000.0)
"""``4k`` and ``8k`` are resolutions unless there is a currency."""
_LEAST_IN_HAN = 100.0
_LEAST_ALONE = 20.0
"""Lowest number without a currency before "or more": "3 and up" is an age."""


class ConditionWords(NamedTuple):
    """Words that may state a condition.

    Args:
        begin, end: Where they are in the text, in code points.
        kind: ``PRICE`` or ``STOCK``.
        use: ``FILTER``, ``SORT`` or ``PREFERENCE``.
        min_price, max_price: Bounds of a price filter, inclusive; None: no bound.
    """

    begin: int
    end: int
    kind: UnderstoodKind
    use: UnderstoodUse
    min_price: float | None = None
    max_price: float | None = None


def condition_words(text: str) -> tuple[ConditionWords, ...]:
    """The words of a normalised text that have the form of a condition, in order, disjoint.

    A number needs a word of comparison and must not be before a unit of measure; negated words and
    words in quotation marks are left out.
    """
    plain = text if text.isascii() else "".join(map(_without_mark, text))
    if _HINT.search(plain) is None:
        return ()
    quoted = [match.span() for match in _QUOTED.finditer(plain)]
    found = [
        one
        for one in (*_ranges(plain), *_bounds(plain), *_phrases(plain))
        if not any(begin < one.end and one.begin < end for begin, end in quoted)
    ]
    disjoint: list[ConditionWords] = []
    for one in sorted(found, key=lambda one: (one.begin, -one.end)):
        if not disjoint or one.begin >= disjoint[-1].end:
            disjoint.append(one)
    return tuple(disjoint)


def _without_mark(character: str) -> str:
    """A Latin letter without its mark, so that positions stay; any other character as it is."""
    base = unicodedata.normalize("NFD", character)[0]
    return base if base.isascii() else character


def _bounds(text: str) -> Iterator[ConditionWords]:
    for pattern in _BOUNDS:
        for match in pattern.finditer(text):
            parts = match.groupdict()
            value, is_money = _value(parts, "one")
            is_upper = bool(parts["upper"] or parts.get("upper_of_money"))
            needs_money = bool(parts.get("upper_of_money") or parts.get("lower_of_money"))
            if (needs_money and not is_money) or not value <= PRICE_LIMIT:
                continue
            if not is_money and _is_other_number(text, match, value):
                continue
            low, high = (None, value) if is_upper else (value, None)
            yield _filter(match, low, high)


def _is_other_number(text: str, match: re.Match[str], value: float) -> bool:
    """Whether a number without a currency is an age, a resolution or part of a product's name."""
    before = _before(text, match)
    return (
        _MEASURED.search(before) is not None
        or (value < _AGE_LIMIT and _AGES.search(before) is not None)
        or (value in _RESOLUTIONS and match["one"] in "48")
        or (match[0].startswith("max") and _MODELS.search(before) is not None)
        or (match.re is _BOUNDS[1] and value < _LEAST_ALONE)
    )


def _ranges(text: str) -> Iterator[ConditionWords]:
    for pattern in _RANGES:
        for match in pattern.finditer(text):
            parts = match.groupdict()
            (one, one_money), (two, two_money) = _value(parts, "one"), _value(parts, "two")
            is_money = one_money or two_money
            is_stated = parts["between"] or (parts["to"] and (is_money or parts.get("start")))
            # From 2015 to 2020 are years.
            are_years = _YEARS[0] <= min(one, two) <= max(one, two) <= _YEARS[1]
            is_measured = _MEASURED.search(_before(text, match)) is not None
            is_other = not is_money and (are_years or is_measured)
            if is_stated and not is_other and max(one, two) <= PRICE_LIMIT:
                yield _filter(match, min(one, two), max(one, two))


def _phrases(text: str) -> Iterator[ConditionWords]:
    for kind, use, pattern in _PHRASES:
        for match in pattern.finditer(text):
            if _NEGATED.search(_before(text, match)) is None:
                yield ConditionWords(*match.span(), kind, use)


def _before(text: str, match: re.Match[str]) -> str:
    """The last characters before a match: enough for one word."""
    return text[max(0, match.start() - _LOOK_BACK) : match.start()]


def _filter(match: re.Match[str], low: float | None, high: float | None) -> ConditionWords:
    return ConditionWords(*match.span(), UnderstoodKind.PRICE, UnderstoodUse.FILTER, low, high)


def _value(parts: dict[str, str | None], name: str) -> tuple[float, bool]:
    """The amount of a match, and whether it has a currency; infinite where it is no price."""
    number, is_money = parts[name] or "", bool(parts[f"{name}_sign"] or parts[f"{name}_currency"])
    factor = 1_000.0 if parts.get(f"{name}_thousand") else 1.0
    if number[-1] in _HAN_UNITS and number[0].isdecimal():
        return float(number[:-1]) * _HAN_UNITS[number[-1]], is_money
    if number[0] in _HAN_VALUES:
        # "One" and "ten" are parts of many words: without a currency they are no price.
        value = _han_number(number)
        return (value if is_money or value >= _LEAST_IN_HAN else float("inf")), is_money
    fraction = re.search(r"[.,]\d{1,2}$", number)
    whole = number[: fraction.start()] if fraction else number
    decimals = f".{fraction[0][1:]}" if fraction else ""
    return float(re.sub("[.,]", "", whole) + decimals) * factor, is_money


def _han_number(text: str) -> float:
    """A number in Chinese characters."""
    total = section = digit = 0
    for character in text:
        value = _HAN_VALUES[character]
        if character not in _HAN_UNITS:
            digit = value
        elif value == 10_000:
            total, section, digit = (total + section + digit) * value, 0, 0
        else:
            section, digit = section + (digit or 1) * value, 0
    return float(total + section + digit)
