"""Normalises numbers and units: ``3/4"``, ``.75 in.`` and ``0.75-inch`` give the same words."""

from __future__ import annotations

import re

_UNITS = {
    "in": ("inch", "inches", '"', "''", "”", "″", "英寸", "吋"),
    "ft": ("foot", "feet", "'", "′", "’", "英尺"),
    "yd": ("yard", "yards"),
    "mm": ("millimeter", "millimeters", "毫米"),
    "cm": ("centimeter", "centimeters", "厘米", "公分"),
    "m": ("meter", "meters", "metre", "metres", "米"),
    "cuft": ("cu. ft", "cu ft", "cubic feet", "cubic foot"),
    "sqft": ("sq. ft", "sq ft", "square feet", "square foot"),
    "gal": ("gallon", "gallons", "加仑"),
    "qt": ("quart", "quarts"),
    "pt": ("pint", "pints"),
    "l": ("liter", "liters", "litre", "litres", "升"),
    "ml": ("milliliter", "milliliters", "millilitre", "millilitres", "毫升"),
    "oz": ("ounce", "ounces", "盎司"),
    "lb": ("lbs", "pound", "pounds", "磅"),
    "kg": ("kilogram", "kilograms", "公斤", "千克"),
    "g": ("gram", "grams", "克"),
    "v": ("volt", "volts", "伏"),
    "w": ("watt", "watts", "瓦"),
    "a": ("amp", "amps", "ampere", "amperes", "安"),
    "mah": ("毫安",),
    "hp": ("horsepower", "马力"),
    "btu": ("btus",),
    "ga": ("gauge",),
    "pk": ("pack", "packs"),
    "pc": ("pcs", "piece", "pieces"),
    "deg": ("degree", "degrees", "°"),
    "lm": ("lumen", "lumens", "流明"),
    "gb": (),
    "tb": (),
    "hz": (),
    "psi": (),
    "cfm": (),
    "gpm": (),
    "gpf": (),
}
_UNIT_OF = {name: unit for unit, names in _UNITS.items() for name in (unit, *names)}
UNIT_NAMES = frozenset(_UNIT_OF)
"""All names of units, short and long."""

_ALONE = {
    name: _UNIT_OF[name]
    for name in (
        *("inch", "inches", "feet", "gallon", "gallons", "quart", "quarts", "pound", "pounds"),
        *("lbs", "ounce", "ounces", "volt", "volts", "watt", "watts", "amp", "amps", "packs"),
        *("liter", "liters", "litre", "litres", "horsepower"),
    )
}
"""Names that are units even without a number; "foot" and "pack" are ambiguous."""

_FRACTION_BASES = (2, 3, 4, 5, 6, 8, 10, 16, 32, 64)

_DIGIT = re.compile(r"\d")
_VULGAR = re.compile("([¼½¾⅐-⅞])")
_TIMES = re.compile(r"(?<=[\d\"'.tn])\s*[x×*]\s*(?=\.?\d)")
_NUMBER = r"\d+[ -]+\d+/\d+|\d+/\d+|\d+(?:,\d{3})+(?:\.\d+)?|\d*\.\d+|\d+"
_UNIT = "|".join(sorted(map(re.escape, _UNIT_OF), key=len, reverse=True))
_QUANTITY = re.compile(rf"(?<![a-z0-9/.])({_NUMBER})(?![0-9/])(?:[ -]?({_UNIT})(?![a-z0-9])\.?)?")
_FRACTION = re.compile(r"(?:(\d+)[ -]+)?(\d+)/(\d+)")


def with_plain_fractions(text: str) -> str:
    """Puts a blank before characters such as ½, so that NFKC does not fold 1½ to 11/2."""
    return _VULGAR.sub(r" \1", text)


def plain_units(text: str) -> tuple[str, list[str]]:
    """Writes numbers as decimals and units by their short names, in case-folded text.

    Fractions are converted only below 1 and with a denominator common on rulers: wire gauge ``12/2``
    stays two numbers.

    Returns:
        The text, and the sizes in it, ``2 in. x 4 in.`` as ``2x4``.
    """
    if _DIGIT.search(text) is None:
        return text, []
    text = _TIMES.sub(" x ", text)
    sizes: list[str] = []
    last_value, last_end = "", -1

    def plain(match: re.Match[str]) -> str:
        nonlocal last_value, last_end
        value = _value(match[1])
        if not value:
            return match[0]
        if last_value and text[last_end : match.start()] == " x ":
            sizes.append(f"{last_value}x{value}")
        last_value, last_end = value, match.end()
        return f" {value} {_UNIT_OF[match[2]]} " if match[2] else f" {value} "

    return _QUANTITY.sub(plain, text), sizes


def plain_unit(word: str) -> str:
    """The short name of a unit without a number; any other word unchanged."""
    return _ALONE.get(word, word)


def _value(number: str) -> str:
    number = number.replace(",", "")
    fraction = _FRACTION.fullmatch(number)
    if fraction is None:
        if number.isdigit():
            return number.lstrip("0") or "0"
        value = float(number)
    else:
        whole, above, below = fraction[1], int(fraction[2]), int(fraction[3])
        if below not in _FRACTION_BASES or above >= below:
            return ""
        value = int(whole or 0) + above / below
    return f"{value:.3f}".rstrip("0").rstrip(".")
