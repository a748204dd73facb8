"""Which items could take the place of others: what a shopper buys one of, not what goes with it.

An item substitutes another of its narrowest category, and of its kind, as titles name it, where that one
has no category.
"""

from __future__ import annotations

import numpy as np

from towers.catalog.items import Catalog
from towers.compiled import BOOL, I32, NONE, compiled, read, written
from towers.text.tokens import PADDING


def substitutes(catalog: Catalog, rows: np.ndarray) -> np.ndarray:
    """Which items could take the place of any of ``rows``, these included.

    Args:
        rows: ``[n] int64``.

    Returns:
        ``[count] bool``.
    """
    count = catalog.count
    # Codes before names, so that a concurrent writer cannot add a code beyond them.
    leaf = catalog.leaf[:count]
    names = catalog.category_codes.names
    of_kind = np.zeros(len(names), bool)
    own = np.unique(leaf[rows])
    named = np.array([bool(names[code]) for code in own.tolist()], bool)
    of_kind[own[named]] = True
    found: np.ndarray = of_kind[np.minimum(leaf, len(names) - 1)]
    found[rows] = True
    nameless = rows[~of_kind[leaf[rows]]]
    if len(nameless):
        # All at once: each pass reads every title.
        heads = np.unique(catalog.title_tokens[nameless][catalog.title_heads[nameless]])
        _add_of_kind(catalog.title_tokens, catalog.title_heads, heads, found)
    return found


@compiled(NONE, read(I32, 2), read(BOOL, 2), read(I32), written(BOOL))
def _add_of_kind(
    tokens: np.ndarray, is_head: np.ndarray, heads: np.ndarray, found: np.ndarray
) -> None:
    """Marks the items that a title calls by any of the nouns, which are ascending."""
    for row in range(len(found)):
        for slot in range(tokens.shape[1]):
            number = tokens[row, slot]
            if number == PADDING or found[row]:
                break
            if is_head[row, slot]:
                place = np.searchsorted(heads, number)
                found[row] = place < len(heads) and heads[place] == number
