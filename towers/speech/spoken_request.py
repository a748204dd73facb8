"""The part of a spoken sentence that names what is wanted: without "can I get", "please", "some".

People type ``mocha soy milk`` and say "can I have a mocha with a bit of soy milk, please". Words of the
frame would be searched for as if items should have them.
"""

from __future__ import annotations

import re

from towers.text.writing.folding import fold, has_chinese, normalise
from towers.text.writing.units import UNIT_NAMES

_VERB = r"(?:have|get|order|buy|find|see|try|make|give|show|bring|take|brew|pour|grab|pick|send)"
_BEFORE = re.compile(
    r"^(?:(?:hi|hello|hey|please|um+|uh+|ok|okay|so|well|yes|yeah)\b[\s,.!]*)*"
    rf"(?:(?:can|could|may|might|will|would) (?:i|we|you) (?:please )?{_VERB}(?: me| us)?\b"
    rf"|(?:i|we)(?:'d| would|'ll| will)? (?:really |just )?"
    rf"(?:like|want|need|love|{_VERB})(?: (?:to )?{_VERB})?(?: me| us)?\b"
    r"|(?:i'm|i am|we're|we are) (?:looking|searching) for\b"
    r"|(?:do|would) you (?:have|sell|carry)\b|have you got\b|where (?:is|are)\b"
    rf"|(?:please )?(?:let me |let's )?{_VERB}(?: me| us)\b|let me {_VERB}\b"
    r"|(?:search|look) for\b|(?:please )?(?:brew|order|show|find|make|get|give)\b)?"
    r"[\s,]*(?:(?:a|an|the|any|some|one of)\b\s*)?",
    re.IGNORECASE,
)
_BEHIND = re.compile(r"(?:[\s,.!?]*\b(?:please|thanks|thank you(?: very much)?))*[\s.!?,]*$", re.I)
_AMOUNT = re.compile(
    r"\b(?:(?:a )?(?:lots?|little bit|bit|little|plenty|dash|touch|couple) of|some|any)\s+(?=\w)",
    re.I,
)
_CHINESE_BEFORE = re.compile(
    r"^(?:你好|您好|请问|麻烦|请|嗯|呃|那个|[\s,，。])*"
    r"(?:(?:我|我们)?(?:想要买|想要|想买|要买|想找|在找|想|要|需要|找)|"
    r"(?:给|帮)我(?:来|拿|找|买|搜索|搜|看看)?|有没有|搜索|来)?"
    r"(?:一[个杯份件双台条瓶盒包部只把张])?"
)
_CHINESE_BEHIND = re.compile(r"(?:谢谢|吗|呢|吧|[\s,，。？！?!.])*$")

_ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"),
    "nineteen",
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_NUMBERS = {word: number for number, word in enumerate(_ONES)}
_NUMBERS |= {word: 10 * number for number, word in enumerate(_TENS, 2)}
_NUMBERS |= {
    f"{ten} {_ONES[one]}": 10 * number + one
    for number, ten in enumerate(_TENS, 2)
    for one in range(1, 10)
}
_LONG_UNITS = sorted((name for name in UNIT_NAMES if name.isalpha() and len(name) > 1), key=len)
_MEASURE = re.compile(
    rf"\b({'|'.join(sorted(_NUMBERS, key=len, reverse=True)).replace(' ', '[ -]')})"
    rf"[\s-]+({'|'.join(reversed(_LONG_UNITS))})\b",
    re.IGNORECASE,
)


def requested(sentence: str) -> str:
    """What a sentence asks for, as a shopper would type it; the sentence where nothing else is left.

    Numbers before units are written in digits, as catalogues have them: ``16 ounce``.
    """
    text = sentence.strip()
    if has_chinese(text):
        # Simplified characters, in which the frames above are written.
        text = fold(normalise(text))
        left = _CHINESE_BEHIND.sub("", _CHINESE_BEFORE.sub("", text, count=1), count=1)
        return left or text
    text = text.replace("’", "'")
    left = _BEHIND.sub("", _BEFORE.sub("", text, count=1), count=1)
    left = _MEASURE.sub(_in_digits, _AMOUNT.sub("", left))
    return left.strip(" ,.!?") or text


def _in_digits(match: re.Match[str]) -> str:
    return f"{_NUMBERS[match[1].lower().replace('-', ' ')]} {match[2]}"
