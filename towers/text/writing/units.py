"""Normalises numbers and units: ``3/4"``, ``.75 in.`` and ``0.75-inch`` give the same words."""

from __future__ import annotations

import re

_UNITS = {
    "in": ("inch", "inches", '"', "''", "”", "″", "英寸", "吋", "寸", "zoll", "дюйм", "дюймов"),
    "ft": ("foot", "feet", "'", "′", "’", "英尺"),
    "yd": ("yard", "yards"),
    "mm": ("millimeter", "millimeters", "millimetre", "millimetres", "毫米", "мм"),
    "cm": ("centimeter", "centimeters", "centimetre", "centimetres", "厘米", "公分", "см"),
    "m": ("meter", "meters", "metre", "metres", "米"),
    "mm2": (),
    "cm2": (),
    "m2": ("sqm", "sq m", "sq. m", "square meter", "square meters", "square metres", "平方米"),
    "m3": ("cbm", "cubic meter", "cubic meters", "cubic metres", "立方米"),
    "cuft": ("cu. ft", "cu ft", "cubic feet", "cubic foot"),
    "sqft": ("sq. ft", "sq ft", "square feet", "square foot"),
    "gal": ("gallon", "gallons", "加仑"),
    "qt": ("quart", "quarts"),
    "pt": ("pint", "pints"),
    "l": ("liter", "liters", "litre", "litres", "升"),
    "ml": ("milliliter", "milliliters", "millilitre", "millilitres", "毫升", "мл"),
    "oz": ("ounce", "ounces", "盎司"),
    "lb": ("lbs", "pound", "pounds", "磅"),
    "kg": ("kilogram", "kilograms", "公斤", "千克", "кг"),
    "g": ("gram", "grams", "克"),
    "mg": ("milligram", "milligrams", "毫克", "мг"),
    "μg": ("ug", "mcg", "microgram", "micrograms", "微克"),
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
    "mb": (),
    "gb": (),
    "tb": (),
    "hz": (),
    "khz": (),
    "mhz": (),
    "ghz": (),
    "kw": ("kilowatt", "kilowatts", "千瓦"),
    "wh": (),
    "kwh": (),
    "ah": (),
    "mp": ("megapixel", "megapixels", "万像素"),
    "rpm": (),
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

_CODE = re.compile(r"0\d{3,}")
"""A number that is part of a code where it has no unit; it keeps its zeros: ``0707-60``."""

_DIGIT = re.compile(r"\d")
_VULGAR = re.compile("([¼½¾⅐-⅞])")
_TIMES = re.compile(r"(?<=[\d\"'.tn])\s*[x×*]\s*(?=\.?\d)")
_NUMBER = (
    r"\d+[ -]+\d+/\d+|\d+/\d+"
    # Thousands set apart, in the English and in the continental way; then decimals in both.
    r"|[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?(?!,?\d)|\d{1,3}(?:\.\d{3})+,\d{1,2}(?![,.]?\d)"
    r"|(?<!\d,)\d+,\d{1,2}(?![,.]?\d)|(?<!\d,)0,\d+(?![,.]?\d)"
    r"|\d*\.\d+|\d+"
)
_THOUSANDS = re.compile(r"[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?")
_UNIT = "|".join(sorted(map(re.escape, _UNIT_OF), key=len, reverse=True))
# Not a whole number with other letters behind it, which is a word: 4k, 1080p.
_QUANTITY = re.compile(
    rf"(?<![a-z0-9/.])({_NUMBER})(?![0-9/])"
    rf"(?:[ -]?({_UNIT})(?![a-z0-9а-я])\.?|(?<=\.\d)|(?<=\.\d\d)|(?![a-z]))"
)
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
        value = match[1] if not match[2] and _CODE.fullmatch(match[1]) else _value(match[1])
        if not value:
            return match[0]
        if last_value and text[last_end : match.start()] == " x ":
            sizes.append(f"{last_value}x{value}")
        last_value, last_end = value, match.end()
        return f" {value} {_UNIT_OF[match[2]]} " if match[2] else f" {value} "

    return _QUANTITY.sub(plain, text), sizes


def is_quantity(text: str) -> bool:
    """Whether a case-folded text is a number, with a unit or without."""
    return _QUANTITY.fullmatch(text) is not None


def plain_unit(word: str) -> str:
    """The short name of a unit without a number; any other word unchanged."""
    return _ALONE.get(word, word)


def _value(number: str) -> str:
    if "," in number:
        if _THOUSANDS.fullmatch(number):
            number = number.replace(",", "")
        else:
            number = number.replace(".", "").replace(",", ".")
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
