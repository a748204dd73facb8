"""A query is read once, into a value that nobody can change."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from data.records import Item
from towers.indexes.lexical_index import LexicalIndex
from towers.text.parsed_query import ParsedQuery
from towers.text.query_rewriter import QueryRewriter, parsed_as_typed
from towers.text.understood import QueryConditions, Understood, UnderstoodKind, UnderstoodUse

COUNTS = {"brass": 9, "hinge": 8, "door": 7, "lightbulb": 5, "post": 4, "4": 6, "2": 6, "2x4": 3}
COUNTS |= {"in": 9, "x": 6, "手机": 4, "手": 4, "机": 4, "壳": 4}


def rewriter() -> QueryRewriter:
    """A rewriter with a synthetic vocabulary of given item counts."""
    found = QueryRewriter(
        COUNTS,
        lambda stem: COUNTS.get({"hing": "hinge"}.get(stem, stem), 0),
        lambda stem: float(len(stem)),
    )
    found.translations = {"phone": {"手机": 1.0}}
    return found


def test_everything_that_is_asked_of_a_query_is_read_at_once() -> None:
    query = rewriter().parse("Brasss 2 in. x 4 in. Posts DCD-771")
    assert query.text == "Brasss 2 in. x 4 in. Posts DCD-771"
    assert query.normalised == "brasss 2 in. x 4 in. posts dcd-771"
    assert query.surface_words == (
        "brasss",
        "2",
        "in",
        "x",
        "4",
        "in",
        "posts",
        "dcd",
        "771",
        "2x4",
    )
    assert query.stems == ("brasss", "2", "in", "x", "4", "in", "post", "dcd", "771", "2x4")
    assert query.sizes == ("2x4",)
    assert "dcd771" in query.product_codes and not query.has_chinese
    assert query.corrections == {"brasss": "brass"} and query.translations == {}
    # The tower reads corrections behind what was typed, and sizes at the end.
    assert query.corrected_stems == (*query.stems[:-1], "brass", "2x4")
    typed = [stem for stem, weight in query.stem_weights.items() if weight == 1.0]
    assert typed == list(dict.fromkeys(query.stems))
    assert 0 < query.stem_weights["brass"] < 1
    assert query.rarities == tuple(float(len(stem)) for stem in query.stem_weights)


def test_a_term_says_what_will_do_for_it_and_what_it_may_be_a_typo_for() -> None:
    query = rewriter().parse("hinges for the phone lihgtbulb")
    terms = {term.word: term for term in query.terms}
    assert list(terms) == ["hinges", "for", "the", "phone", "lihgtbulb"]
    assert [word for word, term in terms.items() if not term.is_required] == ["for", "the"]
    assert terms["hinges"].alternatives[0] == ("hing",) and terms["hinges"].corrections == ()
    assert ("手机",) in terms["phone"].alternatives
    # Items have the translation: nobody has to guess what else "phone" may be.
    assert terms["phone"].corrections == ()
    assert query.translations == {"phone": "手机"}
    assert [one.words for one in terms["lihgtbulb"].corrections] == [("lightbulb",)]
    assert [("lightbulb",) in alternatives for alternatives in query.requirements] == [0, 0, 1]


def test_words_of_the_other_language_reach_the_tower_as_a_text_of_their_own_would() -> None:
    query = rewriter().parse("phone door")
    assert query.corrected_stems == ("phone", "door", "手机")


def test_without_a_vocabulary_a_query_is_taken_as_typed() -> None:
    query = parsed_as_typed("Brasss hinges 2x4 智能")
    assert query.has_chinese and query.corrections == query.translations == {}
    assert query.corrected_stems == query.stems
    assert set(query.stem_weights) == set(query.stems)
    assert set(query.stem_weights.values()) == set(query.rarities) == {1.0}
    assert not any(term.corrections or term.translations for term in query.terms)


@pytest.mark.parametrize("text", ["", "   ", "!?"])
def test_a_text_without_words_asks_for_nothing(text: str) -> None:
    for query in (parsed_as_typed(text), rewriter().parse(text)):
        assert query.surface_words == query.stems == query.terms == query.requirements == ()
        assert query.stem_weights == {} and query.corrected_stems == ()


def mutable_parts(value: object, name: str) -> list[str]:
    if isinstance(value, Mapping):
        inside = [part for key in value for part in mutable_parts((key, value[key]), name)]
        return inside + ([] if type(value) is MappingProxyType else [name])
    if dataclasses.is_dataclass(value):
        assert type(value).__dataclass_params__.frozen  # type: ignore[attr-defined]
        value = tuple(getattr(value, field.name) for field in dataclasses.fields(value))
    if isinstance(value, tuple | frozenset):
        return [part for one in value for part in mutable_parts(one, name)]
    return [] if isinstance(value, str | int | float | bool | None) else [name]


def test_a_parsed_query_is_frozen_all_the_way_down() -> None:
    reading = rewriter()
    part = Understood(UnderstoodKind.PRICE, "cheap", "low", UnderstoodUse.PREFERENCE)
    reading.conditions_in = lambda text: QueryConditions(text.removeprefix("cheap "), (part,))
    reading.names_in = lambda words: (Understood(UnderstoodKind.BRAND, words[0]),)
    query = reading.parse("cheap brasss 2 in. x 4 in. phone hinges")
    for field in dataclasses.fields(ParsedQuery):
        assert mutable_parts(getattr(query, field.name), field.name) == []
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(query, field.name, "")


def test_conditions_are_no_words_of_a_query_unless_it_is_literal() -> None:
    reading = rewriter()
    part = Understood(UnderstoodKind.PRICE, "under 9", "up to 9", UnderstoodUse.FILTER)
    reading.conditions_in = lambda text: QueryConditions(
        text.replace("Under 9", "").strip(), (part,)
    )
    query = reading.parse("Brass Hinge Under 9")
    assert query.text == "Brass Hinge Under 9" and query.normalised == "brass hinge under 9"
    assert query.surface_words == ("brass", "hinge") and query.understood == (part,)
    assert query.searched_text == "Brass Hinge" and not query.is_condition_only
    assert "under" not in query.stem_weights and query.corrected_stems == ("brass", "hing")
    literal = reading.parse("Brass Hinge Under 9", is_literal=True)
    assert literal.surface_words == ("brass", "hinge", "under", "9") and literal.understood == ()
    assert reading.parse("Under 9").is_condition_only
    part_as_text = dataclasses.replace(part, use=UnderstoodUse.TEXT)
    reading.conditions_in = lambda text: QueryConditions(text, (part_as_text,))
    assert reading.parse("Hinge Under 9").surface_words == ("hinge", "under", "9")


def test_a_query_is_kept_until_the_catalogue_changes(tmp_path: Path) -> None:
    index = LexicalIndex.build([Item("1", "Rostoks")], tmp_path)
    before = index.parse("vostoks")
    assert index.parse("vostoks") is before and before.corrections == {"vostoks": "rostoks"}
    index.put([(row, Item(f"{row}", "Vostok")) for row in range(1, 4)])
    after = index.parse("vostoks")
    assert after is not before and after.corrections == {}


def test_what_was_read_before_a_change_answers_nobody_after_it(tmp_path: Path) -> None:
    """A request that was under way while the catalogue changed must not fill the new caches."""
    index = LexicalIndex.build([Item("1", "Rostoks")], tmp_path)
    before = index.parse("vostoks")
    index.put([(row, Item(f"{row}", "Vostok")) for row in range(1, 4)])
    for query in (before, index.parse("vostoks"), before):
        rostok_matches = query is before
        assert (0 in index.search(query, 9)[0].tolist()) == rostok_matches
        assert (0 in index.matching_rows(query).tolist()) == rostok_matches


def test_the_items_are_asked_about_their_words_beforehand() -> None:
    asked = []

    def stem_count(stem: str) -> int:
        asked.append(stem)
        return 10 * COUNTS.get(stem, 0)

    rewriter = QueryRewriter(COUNTS, stem_count, lambda stem: 1.0)
    rewriter.warm_up()
    asked.clear()
    known = rewriter.parse("brass door post")
    assert asked == []
    # After a change of the items they are asked again.
    rewriter.forget()
    assert rewriter.parse("brass door post") == known
    assert set(asked) == {"brass", "door", "post"}
