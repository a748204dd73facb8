"""Token numbers of many texts, by the pieces of them that are alike."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from towers.catalog.batches.text_pieces import pieces
from towers.text.tokens import token
from towers.text.word_forms import item_words, word_kinds
from towers.text.words import stem

_PIECE_LIMIT = 400_000
_SIGNS = 3
"""Position of the names of signs among the kinds."""


KIND_COUNT = 7
"""Kinds of ``word_kinds``."""


class Piece(NamedTuple):
    """Token numbers of a piece of a text.

    Args:
        kinds: By kind of word, the words themselves first.
        is_open: Whether other pieces may change those behind the words.
    """

    kinds: tuple[tuple[int, ...], ...]
    is_open: bool


class TextTokens:
    """Token numbers of the words of texts, equal to those of ``item_words``.

    Most texts are new, but their pieces are not: words without digits, and numbers with their
    neighbours, since a unit or a model number belongs to the word beside it. Each piece is read once.

    Args:
        bucket_count: As in ``TextConfig``.
    """

    def __init__(self, bucket_count: int) -> None:
        self._bucket_count = bucket_count
        self._pieces: dict[str, Piece] = {}

    def of(self, text: str) -> list[int]:
        """Token numbers of a text's words, in order, repetitions included."""
        if len(self._pieces) > _PIECE_LIMIT:
            self._pieces.clear()
        found = [self.piece(piece) for piece in pieces(text)]
        if sum(piece.is_open for piece in found) > 1:
            # Of a word that is spelt in two ways the last one counts, and signs have their own order.
            return self.whole(text)
        return [
            number for kind in range(KIND_COUNT) for piece in found for number in piece.kinds[kind]
        ]

    def whole(self, text: str) -> list[int]:
        """The same of a text that is not cut."""
        return list(self._numbers(item_words(text).words))

    def piece(self, text: str) -> Piece:
        """Token numbers of a piece; kept."""
        known = self._pieces.get(text)
        if known is None:
            kinds, is_respelt = word_kinds(text)
            read = tuple(map(self._numbers, kinds))
            known = self._pieces[text] = Piece(read, is_respelt or bool(read[_SIGNS]))
        return known

    def _numbers(self, words: Iterable[str]) -> tuple[int, ...]:
        return tuple(token("w:" + stem(word), self._bucket_count) for word in words)
