"""Caches of parsed queries and lexical results."""

from __future__ import annotations

import numpy as np

from towers.indexes.result_cache import ResultCache
from towers.text.parsed_query import Alternatives, ParsedQuery, Synonym

_FOUND_BYTES = _MATCHING_BYTES = 64_000_000
_HOLDERS_BYTES = 16_000_000


class LexicalCaches:
    """Caches of parsed queries and results; replaced as one at every change of the index.

    So no result of the old index can enter the new caches: a thread still on the old index fills the
    old caches, which nobody reads any more.
    """

    def __init__(self) -> None:
        self.parsed: dict[str, ParsedQuery] = {}
        self.parsed_literally: dict[str, ParsedQuery] = {}
        # Rows, scores, and how many were asked for.
        self.found: ResultCache[tuple[str, tuple[Synonym, ...]], tuple[np.ndarray, ...]] = (
            ResultCache(_FOUND_BYTES)
        )
        self.complete: ResultCache[str, np.ndarray] = ResultCache(_MATCHING_BYTES // 2)
        self.partial: ResultCache[str, np.ndarray] = ResultCache(_MATCHING_BYTES // 2)
        self.holders: ResultCache[tuple[tuple[Alternatives, ...], int | None, bool], np.ndarray] = (
            ResultCache(_HOLDERS_BYTES)
        )

    def has_parsed(self, query: ParsedQuery) -> bool:
        """Whether the current index parsed the query, so that its text identifies it."""
        text = query.text
        return self.parsed.get(text) is query or self.parsed_literally.get(text) is query
