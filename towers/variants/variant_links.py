"""Groups of items of which every two may be variants: no chain of likenesses makes a group.

Items of one key are compared in pairs, all of a key or slices of it, and joined by complete linkage: an
item joins the group whose members are all linked to it, of several the one with the nearest vectors. So
time grows with the items, not with their pairs, and memory beyond the items' own is some megabytes.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from towers.variants.link_rules import NO_KEY, LinkRules

ALONE = -1
"""Group of an item without variants."""

GROUP_LIMIT = 100
"""Most items of a group: ten colours in ten sizes."""
SLICE = 1_024
"""Items of one key that are compared in pairs."""


def item_keys(rules: LinkRules, report: Callable[[int], object] | None = None) -> np.ndarray:
    """The key of each item, ``[count] uint64``; ``NO_KEY`` where it has no variants.

    Args:
        report: Receives the number of items read so far.
    """
    catalog, own = rules.catalog, rules.own_words()
    keys = np.zeros(catalog.count, np.uint64)
    nothing: frozenset[str] = frozenset()
    for row in range(catalog.count):
        if catalog.titles[row]:
            keys[row] = rules.parts(row, own.get(row, nothing)).key
        if report is not None and row % SLICE == 0:
            report(row)
    return keys


def linked_groups(rules: LinkRules, keys: np.ndarray, embeddings: np.ndarray) -> np.ndarray:
    """The group of each item, ``[count] int32`` from 0 in the order of their first rows, or ``ALONE``.

    Args:
        keys: As by ``item_keys``.
        embeddings: ``[count, dim] float32`` unit rows.
    """
    groups = np.full(len(keys), ALONE, np.int32)
    own, columns = rules.own_words(), rules.columns()
    nothing: frozenset[str] = frozenset()
    found: list[np.ndarray] = []
    order = np.argsort(keys, kind="stable")
    ends = np.flatnonzero(np.diff(keys[order])) + 1
    for rows in np.split(order, ends) if len(order) else []:
        if len(rows) < 2 or keys[rows[0]] == NO_KEY:
            continue
        for begin in range(0, len(rows), SLICE):
            part = rows[begin : begin + SLICE]
            parts = [rules.parts(row, own.get(row, nothing)) for row in part.tolist()]
            vectors = embeddings[part]
            linked = rules.linked(part, parts, vectors, columns[:, part])
            found += [part[members] for members in complete_links(linked, vectors)]
    found.sort(key=lambda members: int(members[0]))
    for number, members in enumerate(found):
        groups[members] = number
    return groups


def complete_links(linked: np.ndarray, vectors: np.ndarray) -> list[np.ndarray]:
    """Groups of two items or more in which every two are linked, as positions.

    Args:
        linked: ``[n, n] bool``, symmetric.
        vectors: ``[n, dim] float32`` unit rows, which tell the nearest of several groups.
    """
    groups: list[list[int]] = []
    sums: list[np.ndarray] = []
    group_of = np.full(len(linked), ALONE, np.int64)
    for place in np.flatnonzero(np.count_nonzero(linked, axis=1) > 1).tolist():
        row = linked[place]
        nearest, best = ALONE, -np.inf
        of_linked = group_of[:place][row[:place]]
        for number in np.unique(of_linked[of_linked != ALONE]).tolist():
            members = groups[number]
            if len(members) < GROUP_LIMIT and row[members].all():
                likeness = float(sums[number] @ vectors[place]) / len(members)
                if likeness > best:
                    nearest, best = number, likeness
        if nearest == ALONE:
            nearest = len(groups)
            groups.append([])
            sums.append(np.zeros_like(vectors[place]))
        groups[nearest].append(place)
        sums[nearest] += vectors[place]
        group_of[place] = nearest
    return [np.array(members, np.int64) for members in groups if len(members) > 1]


def joined_group(rows: np.ndarray, linked: np.ndarray, groups: np.ndarray) -> tuple[int, int]:
    """The group that a further item joins, and the row that it is linked to; both −1 for none.

    Args:
        rows: ``[n] int64`` of the other items of its key.
        linked: ``[n] bool``, which of them it is linked to.
        groups: ``[count] int32``, the group of each item.
    """
    of_rows = groups[rows]
    for number in np.unique(of_rows[linked & (of_rows != ALONE)]).tolist():
        is_member = of_rows == number
        if linked[is_member].all() and np.count_nonzero(groups == number) < GROUP_LIMIT:
            return number, int(rows[is_member][0])
    alone = rows[linked & (of_rows == ALONE)]
    return (ALONE, int(alone[0])) if len(alone) else (ALONE, -1)
