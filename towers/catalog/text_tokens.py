"""Token numbers of many texts, by the pieces of them that are alike."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

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
_SIGNS = 2
"""Position of the names of signs among the kinds behind the words."""


class _Others(NamedTuple):
    """Token numbers of a piece's other kinds of words, and whether other pieces may change them."""

    kinds: tuple[tuple[int, ...], ...]
    is_open: bool


_Piece = tuple[tuple[int, ...], _Others | None]
"""Token numbers of a piece's words, and the others; None: it has none."""


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
        others: list[_Others] = []
        known = self._pieces
        is_special = _SPECIAL.search(text) is not None
        for piece in _pieces(text) if is_special else text.split(" "):
            words, of_piece = known.get(piece) or self._read(piece)
            found += words
            if of_piece is not None:
                others.append(of_piece)
        if not others:
            return found
        if sum(one.is_open for one in others) > 1:
            # Of a word that is spelt in two ways the last one counts, and signs have their own order.
            return list(self._numbers(item_words(text).words))
        for kinds in zip(*(one.kinds for one in others), strict=True):
            for of_kind in kinds:
                found += of_kind
        return found

    def _read(self, piece: str) -> _Piece:
        kinds, is_respelt = word_kinds(piece)
        words, *others = map(self._numbers, kinds)
        read: _Piece = (words, None)
        if is_respelt or any(others):
            read = (words, _Others(tuple(others), is_respelt or bool(others[_SIGNS])))
        self._pieces[piece] = read
        return read

    def _numbers(self, words: Iterable[str]) -> tuple[int, ...]:
        return tuple(token("w:" + stem(word), self._bucket_count) for word in words)


def _pieces(text: str) -> list[str]:
    """A text cut at those blanks that no rule of ``item_words`` looks across.

    Rules look across blanks only beside digits: a number and the unit behind it, of up to two words
    ("2 sq ft"); a name and the model number behind it; a fraction ("1 1/2"); a size ("2 ft x 4 ft").
    Characters beyond ASCII count as all of these, since they may become them.
    """
    if "  " in text:
        # Some rules skip any number of blanks, others only one.
        return [text]
    chunks = text.split(" ")
    # Whether a chunk belongs to the one before it.
    joined = [False] * (len(chunks) + 2)
    for at, chunk in enumerate(chunks):
        # Letters first, which is what most are: a search takes ten times as long.
        is_ascii = chunk.isascii()
        if is_ascii and (chunk.isalpha() or _SPECIAL.search(chunk) is None):
            continue
        first, last = chunk[0], chunk[-1]
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
    found = [chunks[0]]
    for chunk, is_joined in zip(chunks[1:], joined[1:], strict=False):
        if is_joined:
            found[-1] += " " + chunk
        else:
            found.append(chunk)
    return found
