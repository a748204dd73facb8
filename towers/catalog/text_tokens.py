"""Token numbers of many texts, by the pieces of them that are alike."""

from __future__ import annotations

import re

from towers.text.tokens import token
from towers.text.word_forms import item_words, word_kinds
from towers.text.words import stem
from towers.text.writing.units import UNIT_NAMES

_SPECIAL = re.compile(r"[^\x00-\x7f]|\d")
_SPACED_UNIT_STARTS = tuple({name.split(" ")[0] for name in UNIT_NAMES if " " in name})
_UNIT_START = re.compile(
    "|".join(sorted(map(re.escape, (*UNIT_NAMES, *_SPACED_UNIT_STARTS)), key=len, reverse=True))
)
_PIECE_LIMIT = 400_000
_SPELT = 2
"""Position of the other spellings among the kinds of words."""

_Piece = tuple[tuple[int, ...], tuple[tuple[int, ...], ...] | None]
"""Token numbers of a piece's words, and those of its other kinds of words; None: it has none."""


class TextTokens:
    """Token numbers of the words of texts, equal to those of ``item_words``.

    Most texts are new, but their pieces are not: words without digits, and numbers with their
    neighbours, since a unit or a model number belongs to the word beside it. Each piece is read once.

    Args:
        bucket_count: As in ``TextConfig``.
    """

    def __init__(self, bucket_count: int) -> None:
        self._bucket_count = bucket_count
        self._pieces: dict[str, _Piece] = {}

    def of(self, text: str) -> list[int]:
        """Token numbers of a text's words, in order, repetitions included."""
        if len(self._pieces) > _PIECE_LIMIT:
            self._pieces.clear()
        found: list[int] = []
        others: list[tuple[tuple[int, ...], ...]] = []
        known = self._pieces
        is_special = _SPECIAL.search(text) is not None
        for piece in _pieces(text) if is_special else text.split(" "):
            words, of_piece = known.get(piece) or self._read(piece)
            found += words
            if of_piece is not None:
                others.append(of_piece)
        if not others:
            return found
        if sum(bool(kinds[_SPELT - 1]) for kinds in others) > 1:
            # Of a word that is spelt in two ways the last one counts, wherever it stands.
            return list(self._numbers(item_words(text).words))
        for kinds in zip(*others, strict=True):
            for of_kind in kinds:
                found += of_kind
        return found

    def _read(self, piece: str) -> _Piece:
        words, *others = map(self._numbers, word_kinds(piece))
        read = (words, tuple(others) if any(others) else None)
        self._pieces[piece] = read
        return read

    def _numbers(self, words: object) -> tuple[int, ...]:
        return tuple(token("w:" + stem(word), self._bucket_count) for word in words)  # type: ignore[attr-defined]


def _pieces(text: str) -> list[str]:
    """A text cut at those blanks that no rule of ``item_words`` looks across.

    Rules look across blanks only beside digits: a number and the unit behind it, of up to two words
    ("2 sq ft"); a name and the model number behind it; a fraction ("1 1/2"); a size ("2 ft x 4 ft").
    Characters beyond ASCII count as all of these, since they may become them.
    """
    chunks = text.split(" ")
    # Whether a chunk belongs to the one before it.
    joined = [False] * (len(chunks) + 2)
    for at, chunk in enumerate(chunks):
        if _SPECIAL.search(chunk) is None:
            continue
        first, last, is_ascii = chunk[0], chunk[-1], chunk.isascii()
        before = chunks[at - 1] if at else ""
        if not is_ascii or first.isalpha():
            joined[at] = True
        if before and before[-1] in "xX*":
            joined[at] = True
            joined[at - 1] |= len(before) == 1
        elif "/" in chunk:
            begin = at
            while begin and not chunks[begin - 1].strip("-"):
                begin -= 1
            if begin and chunks[begin - 1].rstrip("-")[-1:].isdigit():
                joined[begin : at + 1] = [True] * (at + 1 - begin)
        if not is_ascii:
            joined[at + 1] = joined[at + 2] = True
        elif chunk.lower().endswith(_SPACED_UNIT_STARTS):
            joined[at + 1] = True
        elif last.isdigit() and at + 1 < len(chunks):
            unit = _UNIT_START.match(chunks[at + 1].lower())
            if unit is not None:
                joined[at + 1] = True
                joined[at + 2] |= unit[0] in _SPACED_UNIT_STARTS
    found: list[str] = []
    begin = 0
    for at in range(1, len(chunks)):
        if not joined[at]:
            found.append(" ".join(chunks[begin:at]))
            begin = at
    found.append(" ".join(chunks[begin:]))
    return found
