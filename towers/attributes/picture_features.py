"""The items' pictures, or their sounds, as vectors, and which the encoder was not trained on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from data.records import Item
from towers.modalities.item_vectors import ContentVectors, ItemVectors, encoded_contents
from towers.modalities.picture_heads import EncoderClasses, PictureHead


@dataclass(frozen=True, eq=False)
class PictureFeatures:
    """Pictures of items in row order; sounds, where a shop has more of those.

    Args:
        vectors: ``[items, dim] float32`` unit rows, zero where an item has no picture.
        is_unseen: ``[items] bool``, pictures that the encoder was not trained on: models are measured
            on these, since those that it has seen are told apart too well.
        heads: The encoder's own classes by field.
        refused_count: Items whose picture could not be read.
        unseen_scores: By field, of pictures that some networks of the encoder have seen and one has not:
            ``[items] bool``, which these are, and that one's scores, ``[k, classes] float32``.
    """

    vectors: np.ndarray
    is_unseen: np.ndarray
    heads: Mapping[str, PictureHead] = field(default_factory=dict)
    refused_count: int = 0
    unseen_scores: Mapping[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        items: Sequence[Item],
        known_rows: np.ndarray,
        bundle_pictures: ItemVectors[Any],
        classes: EncoderClasses,
        progress: Callable[[int], object] = lambda done: None,
    ) -> PictureFeatures:
        """Reads the pictures of items, and takes those of the bundle from there.

        Args:
            items: Those of the shop's file first, then the bundle's.
            known_rows: ``[bundle's items] int64``: the bundle's row of each of the latter.
            classes: What the bundle's encoder was trained on.
        """
        known = bundle_pictures.contents
        own = items[: len(items) - len(known_rows)]
        read = encoded_contents(own, bundle_pictures.encoder, known=known, progress=progress)
        of_bundle, keys_of_bundle = _of_rows(known, known_rows)
        vectors = np.vstack([read.of_all(len(own)), of_bundle])
        keys = np.concatenate([_keys_of(read, len(own)), keys_of_bundle])
        is_unseen = vectors.any(axis=1) & ~np.isin(keys, classes.learnt_keys)
        unseen_scores = {name: classes.unseen_scores(name, keys) for name in classes.heads}
        refused_count = sum(read.refused.values())
        return cls(vectors, is_unseen, classes.heads, refused_count, unseen_scores)

    def head_scores(self, name: str) -> tuple[np.ndarray, np.ndarray] | None:
        """The encoder's scores of a field's classes, and which are of pictures it has not seen.

        A picture that one of its networks has not seen is scored by that one alone.

        Returns:
            ``[items, classes] float32``, zeros without a picture, and ``[items] bool``; None where the
            encoder knows no classes of the field.
        """
        head = self.heads.get(name)
        if head is None:
            return None
        scores = head.scores(self.vectors) * self.vectors.any(axis=1, keepdims=True)
        is_unseen = self.is_unseen.copy()
        if name in self.unseen_scores:
            is_own, own = self.unseen_scores[name]
            scores[is_own] = own
            is_unseen |= is_own
        return scores, is_unseen


def _of_rows(pictures: ContentVectors, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    count = int(max(pictures.rows.max(initial=-1), rows.max(initial=-1))) + 1
    return pictures.of_all(count)[rows], _keys_of(pictures, count)[rows]


def _keys_of(pictures: ContentVectors, count: int) -> np.ndarray:
    keys = np.zeros(count, np.uint64)
    keys[pictures.rows] = pictures.keys
    return keys
