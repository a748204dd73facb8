"""Groups of results, of variants or of equal attribute values: each is shown once, by its best member.

A group stands where its best-placed member in stock stands, or its best-placed one where none is in
stock. Where some of its members match the request and others are only related, the former alone count.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from serving.api.requests import NO_GROUPS, VARIANT
from serving.api.result_columns import Variants
from towers.bundle.bundle import Bundle
from towers.ranking.shortlist import Shortlist
from towers.variants.variant_groups import attribute_codes
from towers.variants.variant_links import ALONE

NAMED_COUNT = 10
"""Further members of a group that a result names."""


def group_codes(bundle: Bundle, name: str) -> np.ndarray | None:
    """The group of each item, ``[count] int32``, negative where it stands alone.

    Args:
        name: ``variant``, the name of an attribute, or ``none``, or nothing: then None.

    Raises:
        LookupError: The bundle has no such groups.
    """
    if name in ("", NO_GROUPS):
        return None
    if name == VARIANT and bundle.variants is not None:
        # As of now: live changes write into the array.
        return bundle.variants.codes.copy()
    if name == VARIANT or bundle.catalog.attributes.names.get(name) < 0:
        raise LookupError(f"group_by: expected groups of the bundle, received {name!r}")
    return attribute_codes(bundle.catalog, name)


def first_of_groups(codes: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Which of some rows are the first of their groups, ``[n] bool``.

    Args:
        codes: ``[count] int32`` group of each item, negative where it stands alone.
    """
    of_rows = codes[rows]
    found = of_rows < 0
    places = np.flatnonzero(~found)
    found[places[np.unique(of_rows[places], return_index=True)[1]]] = True
    return np.asarray(found)


class Grouping:
    """The groups of one request.

    Args:
        codes: ``[count] int32`` group of each item, negative where it stands alone.
        allowed: ``[≤ count] bool``, true where an item may be shown.
        matching: ``[≤ count] bool``, true where it matches the request.
        in_stock: ``[count] bool``.
        pinned: ``[n] int64`` rows of pinned items, each of which represents its group.
    """

    def __init__(
        self,
        codes: np.ndarray,
        *,
        allowed: np.ndarray,
        matching: np.ndarray,
        in_stock: np.ndarray,
        pinned: np.ndarray,
    ) -> None:
        count = len(codes)
        self._codes = codes
        self._group_count = int(codes.max(initial=ALONE)) + 1
        is_alone = codes < 0
        fits = _padded(allowed, count) & _padded(matching, count)
        has_match = self._any(fits)[codes]
        self._members = _padded(allowed, count) & (is_alone | fits | ~has_match)
        in_stock = in_stock[:count]
        has_stock = self._any(self._members & in_stock)[codes]
        self._may_lead = self._members & (is_alone | in_stock | ~has_stock)
        self._may_lead &= ~self.closed(pinned)

    @property
    def may_lead(self) -> np.ndarray:
        """``[count] bool``, true where an item may stand for its group; the first such one does."""
        return self._may_lead

    def closed(self, rows: np.ndarray) -> np.ndarray:
        """``[count] bool``, true for some items and all members of their groups."""
        rows = rows[rows < len(self._codes)]
        found = np.zeros(len(self._codes), bool)
        found[rows] = True
        groups = np.zeros(self._group_count + 1, bool)
        groups[self._codes[rows]] = True
        # The last one is that of items that stand alone: their code is −1.
        groups[-1] = False
        return found | groups[self._codes]

    def same(self, rows: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Which of some rows are among others, or of a group with one of them, ``[n] bool``."""
        return np.isin(rows, others) | _at(self.closed(others), rows)

    def represented(self, rows: np.ndarray, shown: np.ndarray) -> np.ndarray:
        """What stands for the groups of some items, each group once, in their order.

        Args:
            rows: ``[n] int64``; those that may not stand for their groups are left out.
            shown: ``[m] int64`` of different groups: these stand for theirs.

        Returns:
            ``[≤ n] int64``.
        """
        inside = shown[_at(self._codes >= 0, shown)]
        row_of = dict(zip(self._codes[inside].tolist(), inside.tolist(), strict=True))
        kept = rows[rows < len(self._codes)]
        of_rows = zip(self._codes[kept].tolist(), kept.tolist(), strict=True)
        found = np.array([row_of.get(code, row) for code, row in of_rows], np.int64)
        return found[self.leads(found)]

    def leads(self, rows: np.ndarray, closed: np.ndarray | None = None) -> np.ndarray:
        """Which of some rows, in the order of the results, stand for their groups, ``[n] bool``.

        Args:
            closed: ``[count] bool``, true where a group has been shown already.
        """
        may = self._may_lead if closed is None else self._may_lead & ~closed
        return self.firsts(rows, _at(may, rows))

    def firsts(self, rows: np.ndarray, may_be: np.ndarray) -> np.ndarray:
        """Which of some rows are the first of their groups among those that ``may_be [n] bool``."""
        inside = rows < len(self._codes)
        found = np.zeros(len(rows), bool)
        places = np.flatnonzero(may_be & inside)
        found[places] = first_of_groups(self._codes, rows[places])
        return found

    def count(self, flags: np.ndarray) -> int:
        """Groups, and items that stand alone, among the items flagged in ``[≤ count] bool``."""
        flags = _padded(flags, len(self._codes))
        alone = np.count_nonzero(flags & (self._codes < 0))
        return int(alone + np.count_nonzero(self._any(flags)[: self._group_count]))

    def result_count(self, closed: np.ndarray | None = None) -> int:
        """Results of the request besides pinned ones, and besides groups that are closed."""
        return self.count(self._may_lead if closed is None else self._may_lead & ~closed)

    def only_leads(self, shortlist: Shortlist) -> Shortlist:
        """The shortlist with each group once."""
        kept = self.leads(shortlist.rows)
        return shortlist if kept.all() else shortlist.only(kept, shortlist.encoded)

    def variants(
        self,
        rows: np.ndarray,
        item_ids: Callable[[int], str],
        ordered: Callable[[np.ndarray], np.ndarray],
    ) -> tuple[Variants, ...]:
        """The further members of the group of each result.

        Args:
            rows: ``[n] int64`` of the results.
            item_ids: The id of a row.
            ordered: Some rows in the order in which they are named.
        """
        members: dict[int, list[int]] = {}
        places = _at(self._codes >= 0, rows)
        shown = self._codes[rows[places]].tolist()
        if shown:
            others = np.flatnonzero(self._members & self.closed(rows[places]))
            for row in ordered(others).tolist():
                members.setdefault(int(self._codes[row]), []).append(row)
        found: list[Variants] = []
        for row, is_grouped in zip(rows.tolist(), places.tolist(), strict=True):
            of_group = members.get(int(self._codes[row]), []) if is_grouped else []
            further = [other for other in of_group if other != row]
            named = tuple(item_ids(other) for other in further[:NAMED_COUNT])
            found.append(Variants(len(further), named))
        return tuple(found)

    def _any(self, flags: np.ndarray) -> np.ndarray:
        """Which groups have a flagged member, ``[groups + 1] bool``; the last: items that stand alone."""
        found = np.zeros(self._group_count + 1, bool)
        found[self._codes[flags]] = True
        return found


def _padded(flags: np.ndarray, count: int) -> np.ndarray:
    """The flags of exactly ``count`` items; those added since they were read are false."""
    if len(flags) >= count:
        return flags[:count]
    return np.concatenate([flags, np.zeros(count - len(flags), bool)])


def _at(flags: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The flag of each row, ``[n] bool``; false beyond the end."""
    inside = rows < len(flags)
    return inside & flags[np.where(inside, rows, 0)] if len(flags) else inside
