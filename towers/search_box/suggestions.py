"""What completion suggests: a query, a category or an item, and which of its characters matched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from towers.indexes.prefix_index import highlights


class SuggestionKind(IntEnum):
    """Kinds of suggestions; the numbers are those of the API."""

    UNSPECIFIED = 0
    QUERY = 1
    CATEGORY = 2
    ITEM = 3


KINDS = (SuggestionKind.QUERY, SuggestionKind.CATEGORY, SuggestionKind.ITEM)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One line under the search box.

    Args:
        kind: What it is.
        text: Text to show: a query, the name of a category, the title of an item.
        item_id: Of an item; else empty.
        category: Path of a category, or of an item; else empty.
        highlights: Where the typed words are in ``text``: start and end offsets, the end exclusive.
    """

    kind: SuggestionKind
    text: str
    item_id: str = ""
    category: tuple[str, ...] = ()
    highlights: tuple[tuple[int, int], ...] = ()


def suggestion_of(
    kind: SuggestionKind,
    text: str,
    typed: Sequence[str],
    *,
    item_id: str = "",
    category: tuple[str, ...] = (),
) -> Suggestion:
    return Suggestion(kind, text, item_id, category, tuple(highlights(text, typed)))
