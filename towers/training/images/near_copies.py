"""Which pictures are near-copies of each other, and held-out parts that share none with the rest.

Photographs of one shelf, or a product from several sides, tell each other's class: a network that has
seen one of them tells the others too well. So whole groups of near-copies are held out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from data.media.medium import content_key

LEARNT = -1
"""The part of pictures that are never held out."""

_BINS = 6
"""Levels of a channel in the histogram of colours."""
_WHITE = _BINS**3 - 1
_STEPS = (np.arange(256) * _BINS // 256).astype(np.uint8)
"""The level of the histogram, by level of a channel."""
_NEAR = 0.92
"""Mean overlap of the histograms in a group, at least. On photographs of 81 groceries from several shops,
this leaves a held-out picture without its group as often as a picture from another shop with a nearest
neighbour of its class: 0.24 and 0.29 of the time; with its group left in, 0.95."""
_COMPARED_LIMIT = 2_000
"""Pictures of one class that are compared with each other; of more, parts of so many are."""
_LEAST_PART = 8


def near_copies(levels: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """``[n] int64`` the group of each picture: pictures of one class whose colours are nearly the same.

    Average linkage over the overlap of histograms of colours (Bhattacharyya 1943), class by class, since
    pictures of different classes do not tell each other's.

    Args:
        levels: ``[n, height, width, 3] uint8``, read one by one.
        classes: ``[n] int32``; those of an unknown class, -1, are compared with each other too.
    """
    histograms = np.zeros((len(levels), _BINS**3), np.float32)
    for row, picture in enumerate(levels):
        histograms[row] = _colours(picture)
    groups = np.zeros(len(levels), np.int64)
    count = 0
    for number in np.unique(classes).tolist():
        rows = np.flatnonzero(classes == number)
        for at in range(0, len(rows), _COMPARED_LIMIT):
            part = rows[at : at + _COMPARED_LIMIT]
            of_part = _linked(histograms[part])
            groups[part] = of_part + count
            count += int(of_part.max()) + 1
    return groups


def with_equal_contents(groups: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """``[n] int64`` the groups, those with a picture or sound in common as one.

    Sizes of one product often share a file, whatever their labels are.

    Args:
        groups: ``[n] int64``.
        levels: ``[n, …] uint8``, read one by one.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    contents = np.unique([content_key(one.tobytes()) for one in levels], return_inverse=True)[1]
    first = int(groups.max(initial=-1)) + 1
    size = first + int(contents.max(initial=-1)) + 1
    pairs = groups, first + contents
    graph = coo_matrix((np.ones(len(groups), np.int8), pairs), (size, size))
    joined = connected_components(graph, directed=False)[1][groups]
    numbers: np.ndarray = np.unique(joined, return_inverse=True)[1]
    return numbers.astype(np.int64)


def held_out_parts(
    groups: np.ndarray, classes: np.ndarray, sizes: Sequence[int], rng: np.random.Generator
) -> np.ndarray:
    """``[n] int64`` the part that each picture is held out in, or ``LEARNT``.

    Parts are of whole groups, drawn at random. The largest group of each class is never held out, so
    that every class can be learnt; a part may stay smaller than asked for where groups are few or large.

    Args:
        groups: ``[n] int64`` as ``near_copies`` returns them.
        sizes: Pictures in each part, at most; a part of fewer than 8 is left empty.
    """
    counts = np.bincount(groups)
    kept = {
        int(max(np.unique(groups[classes == number]), key=lambda group: counts[group]))
        for number in np.unique(classes)
    }
    part_of_group = np.full(len(counts), LEARNT, np.int64)
    left = np.array([size if size >= _LEAST_PART else 0 for size in sizes], np.int64)
    for group in rng.permutation(len(counts)).tolist():
        if not len(left) or group in kept:
            continue
        part = int(left.argmax())
        if counts[group] <= left[part]:
            part_of_group[group] = part
            left[part] -= counts[group]
    parts: np.ndarray = part_of_group[groups]
    for part in range(len(sizes)):
        if np.count_nonzero(parts == part) < _LEAST_PART:
            parts[parts == part] = LEARNT
    return parts


def _colours(picture: np.ndarray) -> np.ndarray:
    """``[bins ** 3] float32`` square roots of the shares of colours but white: a unit row.

    In bytes, so that a picture of any size takes only a few times its own memory.
    """
    red, green, blue = np.moveaxis(_STEPS[picture], -1, 0)
    counts = np.bincount(((red * _BINS + green) * _BINS + blue).ravel(), minlength=_BINS**3)
    # A white background is no sign of a near-copy; a picture that is all white keeps it.
    if counts[_WHITE] < counts.sum():
        counts[_WHITE] = 0
    roots: np.ndarray = np.sqrt(counts / counts.sum()).astype(np.float32)
    return roots


def _linked(histograms: np.ndarray) -> np.ndarray:
    """``[n] int64`` groups from 0 on."""
    from scipy.cluster.hierarchy import fcluster, linkage

    if len(histograms) == 1:
        return np.zeros(1, np.int64)
    apart = np.maximum(1.0 - histograms @ histograms.T, 0.0)
    pairs = apart[np.triu_indices(len(apart), 1)]
    found: np.ndarray = fcluster(linkage(pairs, "average"), 1.0 - _NEAR, "distance")
    return found.astype(np.int64) - 1
