"""Which words of a query each candidate has in its title, category and brand.

Fields are told apart, since a word in the title or the category says more of what an item is than the
same word in its description (BM25F: Robertson, Zaragoza and Taylor 2004).
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from towers.catalog.items import Catalog
from towers.text.parsed_query import Alternatives, ParsedQuery, Term
from towers.text.tokens import PADDING, token

_FIELD_WEIGHT, _TITLE_WEIGHT, _HEAD_WEIGHT = np.float32(1.5), np.float32(0.5), 0.4
"""Weights in ``score`` beside a lexical score of at most 1; tuned on a hardware shop's judged queries."""

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
        self._head = terms.index(query.head_term) if query.head_term in terms else -1
        self._alternatives = [_alternatives(term) for term in terms]
        stems = {s for one in self._alternatives for phrase in one for s in phrase}
        self._position = {stem: position for position, stem in enumerate(sorted(stems))}
        buckets = catalog.text.bucket_count
        self._numbers = np.array([token("w:" + stem, buckets) for stem in self._position], np.int32)
        self.weights = _weights(terms, dict(zip(query.stem_weights, query.rarities, strict=True)))
        self._title = catalog.title_tokens[rows]
        self._title_heads = catalog.title_heads[rows]
        self._leaf = catalog.leaf_tokens.of(catalog.leaf[rows])
        # [stems, n, slots]; a handful of stems at most in all but hostile queries.
        self._hits = self._title[None] == self._numbers[:, None, None]
        self.in_title = self._present(self._hits.any(axis=2))
        self.in_leaf = self._present(self._among(self._leaf))
        self.in_path = self._present(self._among(catalog.path_tokens.of(catalog.leaf[rows])))
        self.in_brand = self._present(self._among(catalog.brand_tokens.of(catalog.brand[rows])))

    @property
    def title_share(self) -> np.ndarray:
        """Weighted share of the terms in the title, ``[n] float32``."""
        return self.weights @ self.in_title

    @property
    def leaf_share(self) -> np.ndarray:
        """The same of the narrowest category."""
        return self.weights @ self.in_leaf

    @property
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
        return _share_of_filled(self._hits.any(axis=0), self._title)

    @property
    def leaf_coverage(self) -> np.ndarray:
        """Share of the narrowest category's words that are in the query."""
        return _share_of_filled(np.isin(self._leaf, self._numbers), self._leaf)

    @cached_property
    def _head_hits(self) -> np.ndarray:
        """Where the title has a word of the head term, ``[n, slots] bool``."""
        if not self._alternatives:
            return np.zeros_like(self._title_heads)
        stems = {stem for phrase in self._alternatives[self._head] for stem in phrase}
        return self._hits[[self._position[stem] for stem in sorted(stems)]].any(axis=0)

    @property
    def head_in_title(self) -> np.ndarray:
        """Whether the title has the head term of the query."""
        return self._of_head(self.in_title)

    @property
    def head_in_leaf(self) -> np.ndarray:
        """Whether the narrowest category has the head term."""
        return self._of_head(self.in_leaf)

    @property
    def head_is_title_head(self) -> np.ndarray:
        """Whether the head term is a head noun of the title: a "camera", not a "camera bag"."""
        return (self._head_hits & self._title_heads).any(axis=1)

    @property
    def head_position(self) -> np.ndarray:
        """Reciprocal position of the head term in the title, 0 where it is absent."""
        found = self._head_hits.any(axis=1)
        return np.where(found, 1.0 / (1.0 + self._head_hits.argmax(axis=1)), 0.0)

    @property
    def score(self) -> np.ndarray:
        """How well the fields match, for ``FeatureContext.search_score``, ``[n] float32``."""
        head = self.head_in_title.astype(np.float32) + self.head_is_title_head
        # Squares, since half of the words is less than half of what was asked for.
        of_words = _FIELD_WEIGHT * self.field_share**2 + _TITLE_WEIGHT * self.title_share**2
        # Of several words the others say as much as the head does.
        share = np.float32(_HEAD_WEIGHT / max(1, len(self.weights))) * self.field_share
        return of_words + share * head

    def _of_head(self, flags: np.ndarray) -> np.ndarray:
        """The row of the head term in ``[terms, n] bool``; none for a query without words."""
        return flags[self._head] if len(flags) else np.zeros(flags.shape[1], bool)

    def _among(self, tokens: np.ndarray) -> np.ndarray:
        """``[stems, n] bool``, whether ``tokens [n, slots]`` hold each stem."""
        return (tokens[None] == self._numbers[:, None, None]).any(axis=2)

    def _present(self, has_stem: np.ndarray) -> np.ndarray:
        """``[terms, n] bool`` of ``[stems, n] bool``."""
        present = np.zeros((len(self._alternatives), has_stem.shape[1]), bool)
        for row, alternatives in zip(present, self._alternatives, strict=True):
            for phrase in alternatives:
                row |= has_stem[[self._position[stem] for stem in phrase]].all(axis=0)
        return present


def _alternatives(term: Term) -> Alternatives:
    corrected = (other.stems for other in term.corrections)
    return tuple(dict.fromkeys((*term.alternatives, *corrected)))


def _weights(terms: list[Term], rarity_of: dict[str, float]) -> np.ndarray:
    weights = np.array(
        [
            max((rarity_of.get(s, 0.0) for one in _alternatives(term) for s in one), default=0.0)
            for term in terms
        ],
        np.float32,
    )
    # A word that no item has is as telling as the rarest one.
    weights[weights <= 0] = weights.max(initial=1.0)
    return weights / max(float(weights.sum()), 1e-6)


def _share_of_filled(flags: np.ndarray, tokens: np.ndarray) -> np.ndarray:
    is_filled = tokens != PADDING
    shares: np.ndarray = (flags & is_filled).sum(axis=1) / np.maximum(is_filled.sum(axis=1), 1)
    return shares
