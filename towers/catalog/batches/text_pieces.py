"""Texts cut at those blanks that no rule of ``item_words`` looks across.

Rules look across blanks only beside digits: a number and the unit behind it, of up to two words
("2 sq ft"); a name and the model number behind it; a fraction ("1 1/2"); a size ("2 ft x 4 ft").
Characters beyond ASCII count as all of these, since they may become them.
"""

from __future__ import annotations

import re

import numpy as np

from towers.compiled import BOOL, I32, NONE, compiled, inlined, read, written
from towers.text.writing.units import UNIT_NAMES

_SPECIAL = re.compile(r"[^\x00-\x7f]|\d")
_SPACED_UNIT_STARTS = tuple({name.split(" ")[0] for name in UNIT_NAMES if " " in name})
_UNIT_START = re.compile(
    "|".join(sorted(map(re.escape, (*UNIT_NAMES, *_SPACED_UNIT_STARTS)), key=len, reverse=True))
)

IS_SPECIAL = 1
"""A chunk with digits, or with characters beyond ASCII."""
IS_FOREIGN = 2
IS_EMPTY = 4
_BEGINS_WITH_LETTER = 8
_ENDS_WITH_TIMES = 16
_IS_ONE_CHARACTER = 32
_HAS_SLASH = 64
_IS_DASHES = 128
_HAS_DIGIT_BEFORE_DASHES = 256
_ENDS_WITH_SPACED_UNIT = 512
_ENDS_WITH_DIGIT = 1_024
_BEGINS_WITH_UNIT = 2_048
_BEGINS_WITH_SPACED_UNIT = 4_096


def chunk_marks(chunk: str) -> int:
    """What the rules ask of a chunk between two blanks, as bits."""
    undashed = chunk.rstrip("-")
    unit = _UNIT_START.match(chunk.lower())
    is_foreign = not chunk.isascii()
    asked = {
        IS_SPECIAL: _SPECIAL.search(chunk) is not None,
        IS_FOREIGN: is_foreign,
        IS_EMPTY: not chunk,
        _BEGINS_WITH_LETTER: is_foreign or chunk[:1].isalpha(),
        _ENDS_WITH_TIMES: chunk[-1:] in ("x", "X", "*"),
        _IS_ONE_CHARACTER: len(chunk) == 1,
        _HAS_SLASH: "/" in chunk,
        _IS_DASHES: not chunk.strip("-"),
        _HAS_DIGIT_BEFORE_DASHES: undashed[-1:].isdigit(),
        _ENDS_WITH_SPACED_UNIT: chunk.lower().endswith(_SPACED_UNIT_STARTS),
        _ENDS_WITH_DIGIT: chunk[-1:].isdigit(),
        _BEGINS_WITH_UNIT: unit is not None,
        _BEGINS_WITH_SPACED_UNIT: unit is not None and unit[0] in _SPACED_UNIT_STARTS,
    }
    return sum(bit for bit, is_so in asked.items() if is_so)


def pieces(text: str) -> list[str]:
    """The pieces of one text."""
    chunks = text.split(" ")
    if "  " in text and _SPECIAL.search(text) is not None:
        # Some rules skip any number of blanks, others only one.
        return [text]
    is_joined = np.zeros(len(chunks), bool)
    _join(np.array([chunk_marks(chunk) for chunk in chunks], np.int32), is_joined)
    found = [chunks[0]]
    for chunk, to_last in zip(chunks[1:], is_joined[1:].tolist(), strict=True):
        if to_last:
            found[-1] += " " + chunk
        else:
            found.append(chunk)
    return found


@inlined
def join_chunks(marks: np.ndarray, is_joined: np.ndarray) -> None:
    """Marks the chunks of a text that belong to the one before them.

    Args:
        marks: ``[n] int32`` by ``chunk_marks``.
        is_joined: ``[n] bool``, all false; written.
    """
    count = len(marks)
    for at in range(count):
        own = marks[at]
        if not own & IS_SPECIAL:
            continue
        before = marks[at - 1] if at else 0
        if own & _BEGINS_WITH_LETTER:
            is_joined[at] = True
        if before & _ENDS_WITH_TIMES:
            is_joined[at] = True
            if before & _IS_ONE_CHARACTER:
                is_joined[at - 1] = True
        elif own & _HAS_SLASH:
            begin = at
            while begin and marks[begin - 1] & _IS_DASHES:
                begin -= 1
            if begin and marks[begin - 1] & _HAS_DIGIT_BEFORE_DASHES:
                is_joined[begin : at + 1] = True
        if own & IS_FOREIGN:
            is_joined[at + 1 : at + 3] = True
        elif own & _ENDS_WITH_SPACED_UNIT:
            is_joined[at + 1 : at + 2] = True
        elif own & _ENDS_WITH_DIGIT and at + 1 < count and marks[at + 1] & _BEGINS_WITH_UNIT:
            is_joined[at + 1] = True
            if marks[at + 1] & _BEGINS_WITH_SPACED_UNIT:
                is_joined[at + 2 : at + 3] = True


@compiled(NONE, read(I32), written(BOOL))
def _join(marks: np.ndarray, is_joined: np.ndarray) -> None:
    join_chunks(marks, is_joined)
