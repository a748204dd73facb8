"""Which terms are given up: against items as plain sets of words."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towers.text.parsed_query import Replacement, Role, Term
from towers.text.term_relaxation import TermStatistics, leading_terms, relaxed_terms

ROLE_OF = {"red": Role.LOOK, "nice": Role.PRAISE, "5": Role.NUMBER, "acme": Role.BRAND}


class Shelf:
    """Items as sets of stems, and how often it was asked whether some match."""

    def __init__(self, *items: str) -> None:
        self.items = [set(item.split()) for item in items]
        self.asked = 0
        self.statistics = TermStatistics(self.is_matched, self.rarity)

    def holds(self, item: set[str], term: Term) -> bool:
        return any(set(stems) <= item for stems in term.alternatives)

    def is_matched(self, terms: Sequence[Term]) -> bool:
        self.asked += 1
        return any(all(self.holds(item, term) for term in terms) for item in self.items)

    def rarity(self, term: Term) -> float:
        known = set().union(*self.items)
        counts = [
            min(sum(stem in item for item in self.items) for stem in stems)
            for stems in term.alternatives
            if set(stems) <= known
        ]
        return 1.0 / max(counts) if counts else 0.0


def terms(text: str, **corrections: str) -> list[Term]:
    words = text.split()
    return [
        Term(
            word,
            ((word,),),
            corrections=tuple(
                Replacement(tuple(one.split()), tuple(one.split()), 0.9 / at)
                for at, one in enumerate(corrections.get(word, "").split("|"), 1)
                if one
            ),
            role=Role.HEAD if word == words[-1] else ROLE_OF.get(word, Role.OTHER),
        )
        for word in words
    ]


def words(found: Sequence[Term]) -> list[str]:
    return [term.word for term in found]


@pytest.mark.parametrize(
    ("query", "given_up"),
    [
        ("red dress", ["red"]),
        ("nice red dress", ["red"]),
        ("nice 5 dress", ["5"]),
        ("acme dress", ["acme"]),
        ("acme red scarf", ["acme"]),
        ("long red dress", ["red"]),
        ("zzz dress", ["zzz"]),
        ("red acme dress", ["red", "acme"]),
    ],
)
def test_modifiers_go_before_other_words_and_the_head_noun_stays(
    query: str, given_up: list[str]
) -> None:
    shelf = Shelf("nice long dress", "red scarf", "acme hat", "red 5 hat", "dress")
    relaxed = relaxed_terms(terms(query), shelf.statistics)
    assert words(relaxed.given_up) == given_up
    assert words(relaxed.kept) == [word for word in query.split() if word not in given_up]


def test_without_what_names_the_thing_nothing_is_left() -> None:
    shelf = Shelf("red scarf", "5 hats", "velvet cushion")
    for query in ("red unicycle", "5 red unicycle", "unicycle"):
        assert relaxed_terms(terms(query), shelf.statistics).kept == ()
    # Another word may name a thing too.
    kept = relaxed_terms(terms("velvet red unicycle"), shelf.statistics).kept
    assert words(kept) == ["velvet"]


def test_a_mended_word_that_has_to_go_was_not_mended() -> None:
    shelf = Shelf("green hat", "sofa")
    relaxed = relaxed_terms(terms("gren sofa", gren="green"), shelf.statistics)
    assert words(relaxed.kept) == ["sofa"] and relaxed.mended == ()
    relaxed = relaxed_terms(terms("gren hat", gren="green"), shelf.statistics)
    assert words(relaxed.mended) == ["gren"] and relaxed.given_up == ()
    assert relaxed.mended[0].alternatives == (("green",),)


def test_of_several_corrections_the_one_that_stands_beside_the_other_words_is_meant() -> None:
    shelf = Shelf("sign post", "swing set", "sign")
    relaxed = relaxed_terms(terms("swign set", swign="sign|swing"), shelf.statistics)
    assert relaxed.mended[0].corrections[0].text == "swing" and relaxed.given_up == ()


def test_a_known_word_is_mended_before_anything_is_given_up() -> None:
    shelf = Shelf("water heater", "purple heather", "water filter")
    relaxed = relaxed_terms(terms("water heather", heather="heater"), shelf.statistics)
    assert relaxed.given_up == () and words(relaxed.mended) == ["heather"]
    assert relaxed.mended[0].alternatives == (("heater",),)
    # Not where that would not complete the query.
    shelf = Shelf("heater", "purple heather", "water filter")
    relaxed = relaxed_terms(terms("water heather", heather="heater"), shelf.statistics)
    assert relaxed.mended == () and words(relaxed.given_up) == ["water"]


def test_both_parts_of_a_split_must_stand_in_one_item() -> None:
    shelf = Shelf("seal", "parts", "shower door")
    relaxed = relaxed_terms(terms("door sealparts", sealparts="seal parts"), shelf.statistics)
    assert words(relaxed.kept) == ["door"] and words(relaxed.given_up) == ["sealparts"]


@given(st.lists(st.text("abcdefgh", min_size=1, max_size=3), min_size=2, max_size=12, unique=True))
def test_what_is_kept_is_held_by_one_item_and_many_words_are_tried_in_few_steps(
    query: list[str],
) -> None:
    shelf = Shelf("a b c d", "ab cd", "a e g", "gh")
    relaxed = relaxed_terms(terms(" ".join(query)), shelf.statistics)
    assert sorted(words(relaxed.kept + relaxed.given_up)) == sorted(query)
    assert not relaxed.kept or shelf.is_matched(relaxed.kept)


def test_hundreds_of_words_are_relaxed_in_a_few_dozen_tries() -> None:
    names = [f"w{at}" for at in range(256)]
    shelf = Shelf(*names[:-2], f"{names[-2]} {names[-1]}")
    relaxed = relaxed_terms(terms(" ".join(names)), shelf.statistics)
    assert words(relaxed.kept) == names[-2:] and shelf.asked < 40


@pytest.mark.parametrize(
    ("query", "leading"),
    [
        ("red dress", ["dress"]),
        ("nice red dress", ["nice", "dress"]),
        # An item has all words, no word only qualifies, or others had to go: scores decide.
        ("red scarf", []),
        ("acme dress", []),
        ("red acme dress", []),
        ("dress", []),
        ("red unicycle", []),
        ("", []),
    ],
)
def test_items_that_lack_only_modifiers_lead(query: str, leading: list[str]) -> None:
    shelf = Shelf("nice long dress", "red scarf", "acme hat")
    assert words(leading_terms(terms(query), shelf.statistics)) == leading


def test_what_stands_behind_a_preposition_leads_nothing_alone() -> None:
    shelf = Shelf("plain monitor", "gaming mouse")
    monitor, gaming = terms("monitor gaming")
    asked = [monitor._replace(role=Role.HEAD), gaming._replace(role=Role.IN_PHRASE)]
    assert words(leading_terms(asked, shelf.statistics)) == ["monitor"]
