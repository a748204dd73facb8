"""What models read of items without the field to predict: words, tokens and vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy import sparse

from data.predicted.fields import BRAND, CATEGORY, field_of, value_of, with_value
from data.records import Item
from towers.attributes.nested_classes import with_finer_classes
from towers.attributes.picture_features import PictureFeatures
from towers.catalog.dictionary import Dictionary
from towers.catalog.item_tokens import price_step, token_numbers
from towers.config import TextConfig
from towers.text.tokens import token
from towers.text.words import words

TOKEN_SLOTS = 48
"""Tokens of one item that the networks read."""

VECTOR_DIMS = 64
"""Main components of the candidate tower's vectors that models read, where it has more."""

_PICTURE_WEIGHT = 2.0
"""Of a picture's vector beside the candidate tower's: it says what words do not."""

_TEXT, _FACTS = "", "\x1f"
"""Origin of features: title and description; price. Others are of the field they are named after."""


class Hidden(NamedTuple):
    """What models must not read: the field to predict, and what the items to be filled lack."""

    field: str
    text: bool = False
    pictures: bool = False


@dataclass(frozen=True, eq=False)
class View:
    """Features of all items without what is hidden.

    Args:
        words: ``[items, features] float32`` TF-IDF rows of length 1, zero where an item has no words.
        tokens: ``[items, TOKEN_SLOTS] int32`` numbers into ``token_vectors``, 0 for none.
        token_vectors: ``[vocabulary, dim] float32`` of the bundle.
        vectors: ``[items, dims] float32``: the candidate tower's vector, and the picture's where
            there are pictures.
        head: ``[items, classes] float32`` scores of the hidden field by the image encoder's own classes,
            zeros without a picture; None where it has none.
        head_classes: Their values.
        head_unseen: ``[items] bool``, whether what scored it has not seen the picture.
    """

    words: sparse.csr_matrix
    tokens: np.ndarray
    token_vectors: np.ndarray
    vectors: np.ndarray
    head: np.ndarray | None = None
    head_classes: tuple[str, ...] = ()
    head_unseen: np.ndarray | None = None


class ItemFeatures:
    """Words and vectors of items, for any field to be predicted from the others.

    Words are those of title and description, pairs of neighbouring title words, the first letters of
    product codes, the other attributes' values with their names, brand, category levels and the price
    step. The vector is the candidate tower's of the item without the hidden field, by its words alone:
    the ID embedding was learnt from all fields, the hidden one among them.

    Args:
        items: In row order.
        text: How the bundle cuts text into tokens.
        token_table: ``[buckets, dim] float32`` of the bundle's candidate tower.
        pictures: Of the same items; None without pictures.
    """

    def __init__(
        self,
        items: Sequence[Item],
        text: TextConfig,
        token_table: np.ndarray,
        pictures: PictureFeatures | None = None,
    ) -> None:
        self.items = items
        self.pictures = pictures
        self._text = text
        self._token_table = token_table
        self._numbers_of: dict[str, tuple[int, ...]] = {}
        self._features = Dictionary()
        self._origins: list[str] = []
        self._matrix = self._counted()
        self._tokens = self._tokens_of(items)
        whole = self._vectors_of(items)
        self._directions = _main_directions(whole)
        self._vectors = whole @ self._directions

    def view(self, hidden: Hidden) -> View:
        """The features without what is hidden."""
        kept = np.array([origin != hidden.field for origin in self._origins], bool)
        if hidden.text:
            kept &= np.array([origin != _TEXT for origin in self._origins], bool)
        matrix = self._matrix[:, kept]
        holders = np.bincount(matrix.indices, minlength=matrix.shape[1])
        matrix = matrix[:, holders >= 2]
        holders = holders[holders >= 2]
        weights = np.log((1.0 + len(self.items)) / (1.0 + holders)) + 1.0
        weighted = matrix.multiply(weights[None, :]).tocsr().astype(np.float32)
        lengths = np.sqrt(weighted.multiply(weighted).sum(axis=1)).A1
        scale = sparse.diags(1.0 / np.maximum(lengths, 1e-9))
        tokens, vectors = self._masked(hidden)
        used, places = np.unique(np.append(tokens, 0), return_inverse=True)
        token_vectors = self._token_table[used]
        token_vectors[0] = 0.0
        parts = [vectors]
        if self.pictures is not None and not hidden.pictures:
            parts.append(_PICTURE_WEIGHT * self.pictures.vectors)
        words_matrix = (scale @ weighted).tocsr().astype(np.float32)
        return View(
            words_matrix,
            places[:-1].reshape(tokens.shape).astype(np.int32),
            token_vectors,
            np.hstack(parts),
            *self._head(hidden),
        )

    def _head(self, hidden: Hidden) -> tuple[np.ndarray | None, tuple[str, ...], np.ndarray | None]:
        """The encoder's scores and classes of the hidden field, and which pictures are unseen."""
        if self.pictures is None or hidden.pictures:
            return None, (), None
        found = self.pictures.head_scores(hidden.field)
        if found is None:
            return None, (), None
        scores, is_unseen = found
        scores = with_finer_classes(scores, hidden.field, self.items, self.pictures)
        return scores, self.pictures.heads[hidden.field].classes, is_unseen

    def _masked(self, hidden: Hidden) -> tuple[np.ndarray, np.ndarray]:
        """Tokens and vectors of all items without what is hidden; most are those of the whole item."""
        changed = [
            row
            for row, item in enumerate(self.items)
            if value_of(item, hidden.field) or (hidden.text and has_text(item))
        ]
        tokens, vectors = self._tokens.copy(), self._vectors.copy()
        masked = [_without(self.items[row], hidden) for row in changed]
        tokens[changed] = self._tokens_of(masked)
        vectors[changed] = self._vectors_of(masked) @ self._directions
        # Words that no other item has teach nothing, and make the networks' tables large.
        numbers, holders = np.unique(tokens, return_counts=True)
        rare = numbers[holders < 2]
        return np.where(np.isin(tokens, rare), 0, tokens), vectors

    def _counted(self) -> sparse.csr_matrix:
        indices: list[int] = []
        offsets = [0]
        for item in self.items:
            found = dict.fromkeys(self._number(*one) for one in _features(item))
            indices.extend(found)
            offsets.append(len(indices))
        values = np.ones(len(indices), np.float32)
        shape = (len(self.items), len(self._origins))
        return sparse.csr_matrix((values, np.array(indices, np.int32), offsets), shape)

    def _number(self, origin: str, feature: str) -> int:
        number = self._features.add(f"{origin}\x1f{feature}")
        if number == len(self._origins):
            self._origins.append(origin)
        return number

    def _tokens_of(self, items: Sequence[Item]) -> np.ndarray:
        slots = np.zeros((len(items), TOKEN_SLOTS), np.int32)
        for row, item in enumerate(items):
            texts = (item.title, item.brand, *item.category, *item.attributes.values())
            found = dict.fromkeys(
                number for text in (*texts, item.description) for number in self._numbers(text)
            )
            numbers = [*found][:TOKEN_SLOTS]
            slots[row, : len(numbers)] = numbers
        return slots

    def _numbers(self, text: str) -> tuple[int, ...]:
        numbers = self._numbers_of.get(text)
        if numbers is None:
            buckets = self._text.bucket_count
            numbers = tuple(token(f"w:{word}", buckets) for word in words(text))
            self._numbers_of[text] = numbers
        return numbers

    def _vectors_of(self, items: Sequence[Item]) -> np.ndarray:
        rows = [token_numbers(item, self._text) for item in items]
        offsets = np.cumsum([0, *map(len, rows)])
        numbers = np.array([number for row in rows for number in row], np.int32)
        shape = (len(items), len(self._token_table))
        bag = sparse.csr_matrix((np.ones(len(numbers), np.float32), numbers, offsets), shape)
        found = np.asarray(bag @ self._token_table, np.float32)
        return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)


def _main_directions(vectors: np.ndarray) -> np.ndarray:
    """``[dim, VECTOR_DIMS]`` along which the rows differ most; the identity up to as many dims."""
    if vectors.shape[1] <= VECTOR_DIMS:
        return np.eye(vectors.shape[1], dtype=np.float32)
    centred = vectors - vectors.mean(axis=0)
    _, directions = np.linalg.eigh(centred.T @ centred)
    return np.ascontiguousarray(directions[:, : -VECTOR_DIMS - 1 : -1], np.float32)


def _without(item: Item, hidden: Hidden) -> Item:
    item = with_value(item, hidden.field, "") if value_of(item, hidden.field) else item
    return replace(item, title="", description="") if hidden.text else item


def _features(item: Item) -> list[tuple[str, str]]:
    """Origin and name of each feature of an item."""
    title, description = words(item.title), words(item.description)
    found = [(_TEXT, word) for word in (*title, *description)]
    found += [(_TEXT, f"{one} {other}") for one, other in pairwise(title)]
    found += [(_TEXT, f"^{word[:3]}") for word in title if any(map(str.isdigit, word))]
    if item.brand:
        found.append((BRAND, item.brand))
    found += [
        (CATEGORY, "\x1f".join(item.category[:depth])) for depth in range(1, len(item.category) + 1)
    ]
    step = price_step(item.price)
    if step is not None:
        found.append((_FACTS, str(step)))
    for name, value in item.attributes.items():
        field = field_of(name)
        found += [(field, f"={value}"), *((field, word) for word in words(value))]
    return found


def has_text(item: Item) -> bool:
    """Whether an item has a title or a description."""
    return bool(item.title.strip() or item.description.strip())
