"""Folds spellings of one word: case, width, diacritics, marks, apostrophes, Chinese variants."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from importlib import resources

from towers.text.writing.units import with_plain_fractions

HAN = "\u3005\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
"""Chinese characters, as the inside of a character class."""

_HAN_CHARACTER = re.compile(rf"[{HAN}]")
_INNER_APOSTROPHE = re.compile(r"(?<=[^\W\d_])['`](?=[^\W\d_])")
# The acute accent too, of which NFKC makes a blank and a combining mark.
_APOSTROPHES = str.maketrans("’‘ʼ‛´", "'''''")

_LETTERS = {
    "ø": "o", "đ": "d", "ð": "d", "ł": "l", "ħ": "h", "ŧ": "t", "ı": "i", "ŋ": "n", "ə": "e",
    "æ": "ae", "œ": "oe", "þ": "th", "ё": "е", "ѐ": "е", "ѝ": "и",
    "أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ی": "ي", "ئ": "ي", "ؤ": "و", "ة": "ه", "ک": "ك",
    "׳": "'", "״": '"',
}  # fmt: skip
"""Letters that have no decomposition into a base letter and marks, or not the one wanted."""

_DROPPED = (
    (0x0300, 0x036F),  # combining diacritics, where NFKC found no composed letter
    (0x0591, 0x05BD), (0x05BF, 0x05BF), (0x05C1, 0x05C2), (0x05C4, 0x05C5), (0x05C7, 0x05C7),
    (0x0610, 0x061A), (0x0640, 0x0640), (0x064B, 0x065F), (0x0670, 0x0670), (0x06D6, 0x06ED),
    (0x00AD, 0x00AD), (0x200C, 0x200F), (0x202A, 0x202E), (0x2060, 0x2069), (0xFE00, 0xFE0F),
)  # fmt: skip
"""Hebrew points, Arabic marks and tatweel, soft hyphens, joiners, directions, variation selectors."""

_DECOMPOSED = ((0x00C0, 0x024F), (0x0386, 0x03CE), (0x1E00, 0x1FFF))
"""Latin and Greek. In Cyrillic, й and ї are letters of their own."""
_ZEROS = (
    *(0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6),
    *(0x0D66, 0x0DE6, 0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x17E0, 0x1810),
)
"""The digit zero of each script whose digits NFKC keeps."""

_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})
_ELISION = re.compile(r"(?:[a-z]|qu|un|all|del|dal|nel|sul|dell|dall|nell|sull)'([^\W\d_]{3,})")
_POSSESSIVE = re.compile(r"([^\W\d_]{2,})'s")

_SPELLED = re.compile(rf"[^\W_{HAN}]+(?:'[^\W_{HAN}]+)*\+*|[{HAN}]+")


def normalise(text: str) -> str:
    """Folds case, width and compatibility forms: ``ＬＥＤ`` and ``led`` are one word."""
    if text.isascii():
        return text.lower()
    text = with_plain_fractions(text.translate(_APOSTROPHES))
    folded = unicodedata.normalize("NFKC", text).casefold()
    # İ has become i and a dot above; the fraction slash comes from characters such as ½.
    return folded.replace("i\u0307", "i").replace("\u2044", "/")


def fold(normalised: str) -> str:
    """A normalised text without diacritics, marks and inner apostrophes, in simplified Chinese.

    ``café`` and ``cafe``, ``levi's`` and ``levis``, ёлка and елка, 華為 and 华为 are equal then. й, ñ as
    n, and ß as ss by case folding.
    """
    text = normalised
    if not text.isascii():
        text = in_simplified_chinese(text.translate(_TABLE))
    return _INNER_APOSTROPHE.sub("", text) if "'" in text or "`" in text else text


def spellings(normalised: str) -> Iterator[tuple[str, str]]:
    """Words of a normalised text that folding changes, or that end in plus signs: folded, as typed."""
    for match in _SPELLED.finditer(normalised):
        typed = match[0]
        folded = fold(typed).rstrip("+")
        if folded != typed:
            yield folded, typed


def other_spellings(typed: str) -> tuple[str, ...]:
    """Other folded forms of a typed word: ``müsli`` as muesli, ``l'huile`` as huile, ``jc's`` as jc."""
    found = [fold(typed.translate(_UMLAUTS)).rstrip("+")]
    for pattern in (_ELISION, _POSSESSIVE):
        match = pattern.fullmatch(typed)
        if match is not None:
            found.append(fold(match[1]))
    own = fold(typed).rstrip("+")
    return tuple([one for one in dict.fromkeys(found) if one != own])


def in_simplified_chinese(text: str) -> str:
    """Traditional characters as simplified ones, by OpenCC's table; one character stays one."""
    if _HAN_CHARACTER.search(text) is None:
        return text
    return text.translate(simplified_characters())


def has_chinese(text: str) -> bool:
    """Whether any character of a text is Chinese."""
    return not text.isascii() and _HAN_CHARACTER.search(text) is not None


@cache
def simplified_characters() -> dict[int, str]:
    """Simplified by traditional character (opencc, Apache 2.0); the first where there are several."""
    table = resources.files("opencc").joinpath("dictionary", "TSCharacters.txt")
    pairs = (line.split() for line in table.read_text(encoding="utf-8").splitlines())
    return {ord(pair[0]): pair[1] for pair in pairs if len(pair[0]) == 1 and len(pair[1]) == 1}


def _table() -> dict[int, str | None]:
    table: dict[int, str | None] = {}
    for first, last in _DECOMPOSED:
        for code in range(first, last + 1):
            letters = unicodedata.normalize("NFD", chr(code))
            base = "".join(one for one in letters if not unicodedata.combining(one))
            if base != chr(code):
                table[code] = base
    for zero in _ZEROS:
        table.update({zero + digit: str(digit) for digit in range(10)})
    for first, last in _DROPPED:
        table.update(dict.fromkeys(range(first, last + 1)))
    table.update({ord(letter): base for letter, base in _LETTERS.items()})
    return table


_TABLE = _table()
