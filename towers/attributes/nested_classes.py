"""Classes that are unions of another field's: what is told of the kind of apple tells of apples."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from data.predicted.fields import value_of
from data.records import Item
from towers.attributes.picture_features import PictureFeatures

_NESTED_SHARE = 0.98
"""Of the items that have both values: those whose class is that of most items of the finer class."""
_LEAST = 30
_SMALLEST_SHARE = 1e-12


def with_finer_classes(
    scores: np.ndarray, field: str, items: Sequence[Item], pictures: PictureFeatures
) -> np.ndarray:
    """``[items, classes] float32`` scores of a field by the encoder, and by its classes of finer fields.

    The mean of the field's own probabilities and of the sums over each finer field's classes.

    Args:
        scores: ``[items, classes] float32`` of the field, log probabilities up to a constant.
        items: Whose values say which classes belong together.
    """
    classes = pictures.heads[field].classes
    parts = [_shares(scores)]
    for finer, head in pictures.heads.items():
        if len(head.classes) <= len(classes):
            continue
        belongs = _belonging(items, finer, head.classes, field, classes)
        told = pictures.head_scores(finer)
        if belongs is not None and told is not None:
            parts.append(_shares(told[0]) @ belongs)
    if len(parts) == 1:
        return scores
    mean = np.log(np.maximum(np.mean(parts, axis=0), _SMALLEST_SHARE)).astype(np.float32)
    found: np.ndarray = mean * pictures.vectors.any(axis=1, keepdims=True)
    return found


def _belonging(
    items: Sequence[Item],
    finer: str,
    finer_classes: Sequence[str],
    field: str,
    classes: Sequence[str],
) -> np.ndarray | None:
    """``[finer classes, classes] float32``, 1 where one belongs to the other; None if they do not."""
    values: dict[str, Counter[str]] = defaultdict(Counter)
    for item in items:
        value, fine = value_of(item, field), value_of(item, finer)
        if value and fine:
            values[fine].update([value])
    likeliest = {fine: counts.most_common(1)[0] for fine, counts in values.items()}
    total = sum(counts.total() for counts in values.values())
    alike = sum(count for _, count in likeliest.values())
    if total < _LEAST or alike < _NESTED_SHARE * total:
        return None
    number_of = {value: number for number, value in enumerate(classes)}
    found = np.zeros((len(finer_classes), len(classes)), np.float32)
    for place, fine in enumerate(finer_classes):
        value = likeliest.get(fine, ("", 0))[0]
        if value in number_of:
            found[place, number_of[value]] = 1.0
    return found


def _shares(scores: np.ndarray) -> np.ndarray:
    lifted = np.exp(scores.astype(np.float64) - scores.max(axis=1, keepdims=True))
    shares: np.ndarray = lifted / lifted.sum(axis=1, keepdims=True)
    return shares
