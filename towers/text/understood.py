"""What a query means besides its words to match: conditions, and names of the catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class UnderstoodKind(IntEnum):
    """What a part of a query names; the numbers are those of the API."""

    UNSPECIFIED = 0
    BRAND = 1
    COLOUR = 2
    SIZE = 3
    CATEGORY = 4
    PRICE = 5
    STOCK = 6


class UnderstoodUse(IntEnum):
    """What an answer made of such a part; the numbers are those of the API.

    ``RECOGNISED`` parts are searched for as words. ``FILTER``, ``SORT`` and ``PREFERENCE`` parts are
    conditions instead; ``OVERRIDDEN`` ones would be, but the request's own filter or order holds.
    ``NO_ITEM_LEFT`` ones are dropped because no item would be left. ``TEXT`` ones look like conditions
    but are searched for as words.
    """

    UNSPECIFIED = 0
    RECOGNISED = 1
    FILTER = 2
    SORT = 3
    PREFERENCE = 4
    OVERRIDDEN = 5
    NO_ITEM_LEFT = 6
    TEXT = 7


@dataclass(frozen=True, slots=True)
class Understood:
    """A part of a query and what it names.

    Args:
        kind: The kind of what it names.
        text: The part, case and width folded.
        value: The name as in the catalogue; the condition in words.
        use: What is made of it.
        attribute: Name of the attribute that ``value`` is of; for colours and sizes.
        category: Path of the category; empty where several categories have the name.
        min_price, max_price: Bounds of a price, inclusive; None: no bound.
    """

    kind: UnderstoodKind
    text: str
    value: str = ""
    use: UnderstoodUse = UnderstoodUse.RECOGNISED
    attribute: str = ""
    category: tuple[str, ...] = ()
    min_price: float | None = None
    max_price: float | None = None


@dataclass(frozen=True, slots=True)
class QueryConditions:
    """The parts of a query that are conditions.

    Args:
        searched_text: The text without the parts that are conditions; meaningless without ``parts``.
        parts: All parts that look like conditions, in order; ``TEXT`` ones are words of the query.
    """

    searched_text: str = ""
    parts: tuple[Understood, ...] = ()

    @property
    def applied(self) -> tuple[Understood, ...]:
        """The parts that are no words of the query."""
        if not self.parts:
            return ()
        return tuple(part for part in self.parts if part.use is not UnderstoodUse.TEXT)

    def has(self, use: UnderstoodUse) -> bool:
        """Whether a part is to be used so."""
        return bool(self.parts) and any(part.use is use for part in self.parts)


NO_CONDITIONS = QueryConditions()
