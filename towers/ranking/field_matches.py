"""Which words of a query each candidate has in its title, category and brand.

Fields are told apart, since a word in the title or the category says more of what an item is than the
same word in its description (BM25F: Robertson, Zaragoza and Taylor 2004).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np

from towers.catalog.items import Catalog
from towers.catalog.name_tokens import NAME_SLOT_COUNT
from towers.catalog.title_columns import TITLE_SLOT_COUNT
from towers.text.parsed_query import Alternatives, ParsedQuery, Term
from towers.text.tokens import PADDING, token

_FIELD_WEIGHT, _TITLE_WEIGHT, _HEAD_WEIGHT = np.float32(1.5), np.float32(0.5), 0.4
"""Weights in ``score`` beside a lexical score of at most 1; tuned on a hardware shop's judged queries."""

_FIELD_OF_SLOT = np.repeat(
    np.arange(4), (TITLE_SLOT_COUNT, NAME_SLOT_COUNT, NAME_SLOT_COUNT, NAME_SLOT_COUNT)
)
"""Title, narrowest category, category path, brand: the slots that ``FieldMatches`` puts side by side."""

_TERM_LIMIT = 16
"""Longer queries are compared by their last words only, to bound the cost."""


class FieldMatches:
    """The required terms of a query against the fields of its candidates.

    A term counts as present where the field has all stems of one of its alternatives or corrections.

    Args:
        query: The parsed query.
        catalog: The items.
        rows: ``[n] int64`` the candidates.

    Attributes:
        weights: ``[terms] float32`` inverse document frequency of each term, which sum to 1.
        in_title, in_leaf, in_path, in_brand: ``[terms, n] bool``.
    """

    def __init__(self, query: ParsedQuery, catalog: Catalog, rows: np.ndarray) -> None:
        terms = [term for term in query.terms if term.is_required] or [*query.terms]
        terms = terms[-_TERM_LIMIT:]
        self._head = terms.index(query.head_term) if query.head_term in terms else len(terms) - 1
        alternatives = [_alternatives(term) for term in terms]
        stems = dict.fromkeys(s for one in alternatives for phrase in one for s in phrase)
        position = {stem: number for number, stem in enumerate(stems)}
        buckets = catalog.text.bucket_count
        numbers = np.array([token("w:" + stem, buckets) for stem in stems], np.int32)
        self.weights = _weights(
            alternatives, dict(zip(query.stem_weights, query.rarities, strict=True))
        )
        leaf = catalog.leaf[rows]
        fields = (
            catalog.title_tokens[rows],
            catalog.leaf_tokens.of(leaf),
            catalog.path_tokens.of(leaf),
            catalog.brand_tokens.of(catalog.brand[rows]),
        )
        self._rows, self._catalog, self._title, self._leaf = rows, catalog, fields[0], fields[1]
        tokens = np.concatenate(fields, axis=1)
        # Matches are few: their positions are faster to work with than flags of all slots.
        matches = np.flatnonzero(tokens == numbers[:, None, None])
        self._stem, place = np.divmod(matches, tokens.size)
        self._item, self._slot = np.divmod(place, tokens.shape[1])
        count = len(rows)
        has_stem = np.zeros((len(stems), len(fields), count), bool)
        has_stem[self._stem, _FIELD_OF_SLOT[self._slot], self._item] = True
        present = np.zeros((len(terms), len(fields), count), bool)
        for of_term, of_one in zip(present, alternatives, strict=True):
            for phrase in of_one:
                of_term |= _all(has_stem, [position[stem] for stem in phrase])
        self.in_title, self.in_leaf = present[:, 0], present[:, 1]
        self.in_path, self.in_brand = present[:, 2], present[:, 3]
        self._head_stems = np.zeros(len(stems), bool)
        for phrase in alternatives[self._head] if alternatives else ():
            self._head_stems[[position[stem] for stem in phrase]] = True

    @cached_property
    def title_share(self) -> np.ndarray:
        """Weighted share of the terms in the title, ``[n] float32``."""
        return self.weights @ self.in_title

    @property
    def leaf_share(self) -> np.ndarray:
        """The same of the narrowest category."""
        return self.weights @ self.in_leaf

    @cached_property
    def field_share(self) -> np.ndarray:
        """The same of title, category path and brand together."""
        return self.weights @ (self.in_title | self.in_path | self.in_brand)

    @property
    def brand_share(self) -> np.ndarray:
        """The same of the brand."""
        return self.weights @ self.in_brand

    @property
    def title_coverage(self) -> np.ndarray:
        """Share of the title's words that are in the query."""
        return self._coverage(self._title, 0)

    @property
    def leaf_coverage(self) -> np.ndarray:
        """Share of the narrowest category's words that are in the query."""
        return self._coverage(self._leaf, TITLE_SLOT_COUNT)

    @cached_property
    def _head_places(self) -> tuple[np.ndarray, np.ndarray]:
        """Items and title slots where the head term stands, the last slots first."""
        is_head = self._head_stems[self._stem] & (self._slot < TITLE_SLOT_COUNT)
        items, slots = self._item[is_head], self._slot[is_head]
        order = np.argsort(-slots, kind="stable")
        return items[order], slots[order]

    @property
    def head_in_title(self) -> np.ndarray:
        """Whether the title has the head term of the query."""
        return self._of_head(self.in_title)

    @property
    def head_in_leaf(self) -> np.ndarray:
        """Whether the narrowest category has the head term."""
        return self._of_head(self.in_leaf)

    @cached_property
    def head_is_title_head(self) -> np.ndarray:
        """Whether the head term is a head noun of the title: a "camera", not a "camera bag"."""
        items, slots = self._head_places
        is_head = np.zeros(len(self._rows), bool)
        is_head[items[self._catalog.title_heads[self._rows[items], slots]]] = True
        return is_head

    @property
    def head_position(self) -> np.ndarray:
        """Reciprocal position of the head term in the title, 0 where it is absent."""
        items, slots = self._head_places
        reciprocal = np.zeros(len(self._rows), np.float32)
        # The first slot is written last.
        reciprocal[items] = 1.0 / (1.0 + slots)
        return reciprocal

    @property
    def score(self) -> np.ndarray:
        """How well the fields match, for ``FeatureContext.search_score``, ``[n] float32``."""
        head = self.head_in_title.astype(np.float32) + self.head_is_title_head
        # Squares, since half of the words is less than half of what was asked for.
        of_words = _FIELD_WEIGHT * self.field_share**2 + _TITLE_WEIGHT * self.title_share**2
        # Of several words the others say as much as the head does.
        share = np.float32(_HEAD_WEIGHT / max(1, len(self.weights))) * self.field_share
        return of_words + share * head

    def _coverage(self, tokens: np.ndarray, first_slot: int) -> np.ndarray:
        """Share of the filled slots of a field, ``tokens [n, slots]``, that hold a word of the query."""
        slots = self._slot - first_slot
        inside = (slots >= 0) & (slots < tokens.shape[1])
        is_hit = np.zeros(tokens.shape, bool)
        is_hit[self._item[inside], slots[inside]] = True
        filled = (tokens != PADDING).sum(axis=1)
        shares: np.ndarray = is_hit.sum(axis=1) / np.maximum(filled, 1)
        return shares

    def _of_head(self, flags: np.ndarray) -> np.ndarray:
        """The row of the head term in ``[terms, n] bool``; none for a query without words."""
        return flags[self._head] if len(flags) else np.zeros(flags.shape[1], bool)


def _all(has_stem: np.ndarray, positions: list[int]) -> np.ndarray:
    """Whether all stems of a phrase are in one field, ``[fields, n] bool``."""
    if len(positions) == 1:
        return has_stem[positions[0]]
    return np.asarray(has_stem[positions].all(axis=0))


def _alternatives(term: Term) -> Alternatives:
    corrected = (other.stems for other in term.corrections)
    return tuple(dict.fromkeys((*term.alternatives, *corrected)))


def _weights(of_terms: Sequence[Alternatives], rarity_of: Mapping[str, float]) -> np.ndarray:
    weights = np.array(
        [
            max((rarity_of.get(s, 0.0) for one in of_one for s in one), default=0.0)
            for of_one in of_terms
        ],
        np.float32,
    )
    # A word that no item has is as telling as the rarest one.
    weights[weights <= 0] = weights.max(initial=1.0)
    return weights / max(float(weights.sum()), 1e-6)
