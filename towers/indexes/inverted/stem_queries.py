"""Tantivy's queries for stems, alternatives, spellings and product codes, over one state of the index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import tantivy

from towers.indexes.inverted.item_documents import FIELD_WEIGHTS, NAME_FIELDS
from towers.indexes.inverted.stem_versions import StemCache
from towers.text.parsed_query import Alternatives, ParsedQuery

RESPELT = "~"
"""In front of a stem: the document has it only in words that folding has changed."""

Part = tuple[tantivy.Occur, tantivy.Query]
"""A clause of a boolean query."""

_SPELLING_GAIN = 4.0
"""Score of the spelling of a query of one word, relative to its inverse document frequency: above
what it may add that the word stands in other fields as well."""
KNOWN_LIMIT = 10_000
"""Stems whose queries are kept: some 2 kB each."""


class Spelling(NamedTuple):
    """A word of a query, for a preference of the items that spell it alike.

    Args:
        stem: Its stem.
        typed: As typed, if folding has changed it; else empty.
        score: Constant score of an item that has the word so spelt.
    """

    stem: str
    typed: str
    score: float


def spellings_of(query: ParsedQuery) -> list[Spelling]:
    """The preferences of a query: for each of its words as it is typed."""
    # The more words a query has, the less any other of them may be given up for a spelling.
    gain = _SPELLING_GAIN / max(1, len(query.surface_words)) ** 2
    typed_stems = set(query.stems)
    return [
        Spelling(of_word, query.spellings.get(of_word, ""), gain * rarity)
        for of_word, rarity in zip(query.stem_weights, query.rarities, strict=True)
        if of_word in typed_stems
    ]


class StemQuery(NamedTuple):
    """What is asked of one stem again and again.

    Args:
        frequencies: Documents that have it, by field.
        in_any_field: None if no document has it.
        boosted: A clause for each field that has it, by the weights of the fields.
        is_respelt: Whether a document has it only in words that folding has changed.
    """

    frequencies: Mapping[str, int]
    in_any_field: tantivy.Query | None
    boosted: tuple[Part, ...]
    is_respelt: bool


_OF_UNKNOWN = StemQuery(MappingProxyType(dict.fromkeys(FIELD_WEIGHTS, 0)), None, (), False)


class StemQueries:
    """Builds queries; those of a stem are kept, since the words of new texts are mostly known ones.

    Args:
        schema: Of the index.
        searcher: A state of it.
        known: What other states, too, have kept of stems.
        number: Of the change that this state is after, as by ``StemVersions``.
    """

    def __init__(
        self,
        schema: tantivy.Schema,
        searcher: tantivy.Searcher,
        known: StemCache[str, StemQuery],
        number: int,
    ) -> None:
        self.searcher = searcher
        self._schema = schema
        self._known = known
        self._number = number

    def frequencies(self, stem: str) -> Mapping[str, int]:
        """Documents that have a stem by field, replaced ones included until tantivy merges them."""
        return self._of(stem).frequencies

    def in_any_field(self, stem: str) -> tantivy.Query | None:
        """Documents that have a stem; None if there are none."""
        return self._of(stem).in_any_field

    def any_of(self, stem_weights: Mapping[str, float]) -> list[Part]:
        """Clauses for documents that have any of some stems, each field of its weight."""
        parts: list[Part] = []
        for stem, weight in stem_weights.items():
            known = self._of(stem)
            if weight == 1.0:
                parts += known.boosted
            else:
                parts += self._boosted(stem, known.frequencies, weight)
        return parts

    def together(self, stems: Sequence[str], weight: float) -> Iterator[Part]:
        """Clauses for documents that have all of some stems in one field, for each field."""
        for field, field_weight in FIELD_WEIGHTS.items():
            if all(self._of(stem).frequencies[field] for stem in stems):
                terms = [(tantivy.Occur.Must, self._term(field, stem)) for stem in stems]
                query = tantivy.Query.boolean_query(terms)
                boost = field_weight * weight / len(stems)
                yield tantivy.Occur.Should, tantivy.Query.boost_query(query, boost)

    def all_of(self, requirements: Sequence[Alternatives]) -> tantivy.Query | None:
        """Documents that have one complete alternative of each requirement; None if there are none."""
        found = []
        for alternatives in requirements:
            known = []
            for stems in alternatives:
                # Most alternatives are one word.
                is_one = len(stems) == 1
                query = self._of(stems[0]).in_any_field if is_one else self._all_stems(stems)
                if query is not None:
                    known.append(query)
            if not known:
                return None
            found.append(_joined(tantivy.Occur.Should, known))
        return _joined(tantivy.Occur.Must, found) if found else None

    def spelt(self, spellings: Iterable[Spelling]) -> Iterator[Part]:
        """Clauses for preferences of a spelling."""
        for stem, typed, score in spellings:
            if typed and self.searcher.doc_freq("spelling", typed):
                query = self._basic_term("spelling", typed)
            elif not typed and self._of(stem).is_respelt:
                query = tantivy.Query.boolean_query(
                    [
                        (tantivy.Occur.Must, self._in_any_name(stem)),
                        (tantivy.Occur.MustNot, self._basic_term("spelling", RESPELT + stem)),
                    ]
                )
            else:
                continue
            yield tantivy.Occur.Should, tantivy.Query.const_score_query(query, score)

    def codes(self, code_scores: Mapping[str, float]) -> list[Part]:
        """Clauses for product codes that some document has, of constant scores."""
        found = []
        for code, score in code_scores.items():
            if self.searcher.doc_freq("code", code):
                query = tantivy.Query.const_score_query(self._basic_term("code", code), score)
                found.append((tantivy.Occur.Should, query))
        return found

    def _of(self, stem: str) -> StemQuery:
        # By the number of this state: a search that began before a change must keep nothing as newer.
        return self._known.of(stem, stem, lambda: self._found(stem), self._number)

    def _found(self, stem: str) -> StemQuery:
        doc_freq = self.searcher.doc_freq
        frequencies = {field: doc_freq(field, stem) for field in FIELD_WEIGHTS}
        terms = [self._term(field, stem) for field, count in frequencies.items() if count]
        if not terms:
            # Of two words that stand side by side, one word of both is asked for as well.
            return _OF_UNKNOWN
        return StemQuery(
            frequencies,
            _joined(tantivy.Occur.Should, terms),
            tuple(self._boosted(stem, frequencies, 1.0)),
            doc_freq("spelling", RESPELT + stem) > 0,
        )

    def _boosted(self, stem: str, frequencies: Mapping[str, int], weight: float) -> Iterator[Part]:
        for field, field_weight in FIELD_WEIGHTS.items():
            if frequencies[field]:
                boosted = tantivy.Query.boost_query(self._term(field, stem), field_weight * weight)
                yield tantivy.Occur.Should, boosted

    def _all_stems(self, stems: tuple[str, ...]) -> tantivy.Query | None:
        """Every stem, each in any field; None if some stem is in no document."""
        queries = [self._of(stem).in_any_field for stem in stems]
        known = [query for query in queries if query is not None]
        return _joined(tantivy.Occur.Must, known) if known and len(known) == len(stems) else None

    def _in_any_name(self, stem: str) -> tantivy.Query:
        return tantivy.Query.boolean_query(
            [(tantivy.Occur.Should, self._term(field, stem)) for field in NAME_FIELDS]
        )

    def _basic_term(self, field: str, text: str) -> tantivy.Query:
        return tantivy.Query.term_query(self._schema, field, text, index_option="basic")

    def _term(self, field: str, stem: str) -> tantivy.Query:
        return tantivy.Query.term_query(self._schema, field, stem, index_option="freq")


def _joined(occur: tantivy.Occur, queries: Sequence[tantivy.Query]) -> tantivy.Query:
    """All queries, or any; a single one as it is, since every level of nesting costs time."""
    if len(queries) == 1:
        return queries[0]
    return tantivy.Query.boolean_query([(occur, query) for query in queries])
