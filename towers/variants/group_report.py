"""Counts of variant groups, and the largest ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from towers.catalog.items import Catalog
from towers.variants.variant_groups import VariantGroups
from towers.variants.variant_links import ALONE

_SHOWN_COUNT = 5


def group_report(groups: VariantGroups, catalog: Catalog) -> dict[str, Any]:
    """Groups of two listed items or more: how many, how many items, and the largest by their first title.

    Returns:
        For JSON: ``groups``, ``items``, ``item_share``, ``largest`` with ``title`` and ``items``,
        ``attribute`` (empty where the groups are learnt), ``colour_words``, the words learnt, and
        ``look_alikes``, items that look like another one of their group.
    """
    codes = groups.codes.copy()
    codes[~catalog.listed[: len(codes)]] = ALONE
    rows = np.flatnonzero(codes != ALONE)
    counts = np.bincount(codes[rows]) if len(rows) else np.zeros(0, np.int64)
    largest = np.argsort(-counts, kind="stable")[:_SHOWN_COUNT]
    item_count = int(counts[counts > 1].sum())
    return {
        "attribute": groups.attribute,
        "groups": int(np.count_nonzero(counts > 1)),
        "items": item_count,
        "item_share": item_count / max(1, catalog.listed_count),
        "largest": [
            {
                "title": catalog.titles[int(rows[codes[rows] == number][0])],
                "items": int(counts[number]),
            }
            for number in largest.tolist()
            if counts[number] > 1
        ],
        "colour_words": sorted(groups.learnt),
        "look_alikes": groups.look_alike_count,
    }
