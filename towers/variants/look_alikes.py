"""Near-duplicates by their pictures: items of one brand and category that look the same.

Their titles may use other words; their vectors are near all the same, and neither attributes that shops
sort products by nor codes in titles say otherwise. A picture that items of several brands or categories
have, such as "no picture yet", tells nothing.
"""

from __future__ import annotations

import numpy as np

from towers.modalities.item_vectors import ContentVectors
from towers.variants.link_rules import NEAR, LinkRules
from towers.variants.variant_links import ALONE, GROUP_LIMIT, SLICE, complete_links

LEAST_COSINE = 0.97
"""Of the pictures of near-duplicates. Between 296 photographs of groceries that their encoder never saw
and 2,640 that it learnt from, 1 of 257,118 pairs of different products of a group is as near. Of the 296
stored anew, 97 % are as near to themselves at JPEG quality 40, 94 % with 3 % cut off at each side, 45 %
at half the size."""
_APART_SHARE = 0.0001
"""Of pairs of items of different brands or categories that may look the same to an encoder, at most: one
that tells less apart has to be surer."""
_APART_PAIRS = 200_000


def look_alikes(
    rules: LinkRules, pictures: ContentVectors, embeddings: np.ndarray, *, seed: int
) -> list[np.ndarray]:
    """Groups of two items or more of which every two look the same, as rows.

    Args:
        embeddings: ``[count, dim] float32`` unit rows: words, pictures and sounds fused.
        seed: Of the pairs by which the encoder is judged.
    """
    catalog, columns = rules.catalog, rules.columns()
    kinds = catalog.brand.astype(np.int64) * (len(catalog.category_codes.names) + 1) + catalog.leaf
    has_kind = np.array([bool(name) for name in catalog.category_codes.names])[catalog.leaf]
    has_kind |= np.array([bool(name) for name in catalog.brand_codes.names])[catalog.brand]
    told = has_kind[pictures.rows] & ~_of_several(pictures.keys, kinds[pictures.rows])
    rows, vectors = pictures.rows[told], pictures.vectors[told]
    least = _least_cosine(vectors, kinds[rows], np.random.default_rng(seed))
    order = np.argsort(kinds[rows], kind="stable")
    ends = np.flatnonzero(np.diff(kinds[rows][order])) + 1
    own = rules.own_words()
    found: list[np.ndarray] = []
    for places in np.split(order, ends):
        for begin in range(0, len(places), SLICE):
            part = places[begin : begin + SLICE]
            linked = vectors[part] @ vectors[part].T >= least
            linked &= embeddings[rows[part]] @ embeddings[rows[part]].T >= NEAR
            linked &= rules.agreeing(columns[:, rows[part]])
            np.fill_diagonal(linked, True)
            # Only the titles of what looks like something else are read.
            alike = np.flatnonzero(np.count_nonzero(linked, axis=1) > 1)
            codes = [
                rules.parts(row, own.get(row, frozenset())).title.codes
                for row in rows[part[alike]].tolist()
            ]
            linked[np.ix_(alike, alike)] &= _may_be_one(codes)
            found += [rows[part[members]] for members in complete_links(linked, vectors[part])]
    return found


def joined(groups: np.ndarray, found: list[np.ndarray]) -> np.ndarray:
    """The groups ``[count] int32`` with those joined that have items in one of ``found``.

    Those that would be too large together stay as they are.
    """
    grouped = np.flatnonzero(groups != ALONE)
    firsts = np.unique(groups[grouped], return_index=True)[1]
    before = np.stack([grouped, grouped[firsts][groups[grouped]]])
    edges = [np.stack([members, np.full_like(members, members[0])]) for members in found]
    labels = _components(np.concatenate([before, *edges], axis=1), len(groups))
    is_large = np.bincount(labels, minlength=1)[labels] > GROUP_LIMIT
    kept = [edge for edge in edges if not is_large[edge[0, 0]]]
    labels = _components(np.concatenate([before, *kept], axis=1), len(groups))
    counts, first_rows = np.bincount(labels), np.unique(labels, return_index=True)[1]
    numbers = np.full(len(counts), ALONE, np.int32)
    shared = np.flatnonzero(counts > 1)
    numbers[shared[np.argsort(first_rows[shared])]] = np.arange(len(shared), dtype=np.int32)
    return numbers[labels]


def _components(edges: np.ndarray, count: int) -> np.ndarray:
    """``[count]`` numbers of what ``edges [2, n]`` connect."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    graph = coo_matrix((np.ones(edges.shape[1], np.int8), tuple(edges)), (count, count))
    labels: np.ndarray = connected_components(graph, directed=False)[1]
    return labels


def _may_be_one(codes: list[tuple[str, ...]]) -> np.ndarray:
    """Which titles' codes do not differ, ``[n, n] bool``; a title without any may be of each."""
    numbers = {one: number for number, one in enumerate(dict.fromkeys(codes))}
    of_titles = np.array([numbers[one] for one in codes], np.int64)
    has = np.array([bool(one) for one in codes], bool)
    return (of_titles[:, None] == of_titles) | ~has[:, None] | ~has


def _of_several(keys: np.ndarray, kinds: np.ndarray) -> np.ndarray:
    """Which contents items of several kinds have, ``[n] bool``."""
    pairs = np.unique(np.stack([keys, kinds.astype(np.uint64)], axis=1), axis=0)
    contents, counts = np.unique(pairs[:, 0], return_counts=True)
    return np.isin(keys, contents[counts > 1])


def _least_cosine(vectors: np.ndarray, kinds: np.ndarray, rng: np.random.Generator) -> float:
    if len(vectors) < 2:
        return LEAST_COSINE
    one, other = rng.integers(0, len(vectors), (2, _APART_PAIRS))
    one, other = (side[kinds[one] != kinds[other]] for side in (one, other))
    if not len(one):
        return LEAST_COSINE
    cosines = np.einsum("nd,nd->n", vectors[one], vectors[other])
    return max(LEAST_COSINE, float(np.quantile(cosines, 1 - _APART_SHARE)))
