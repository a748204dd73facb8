"""Rules shape the answers of the engine, and an answer says which, and what it gave up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from data.synthetic import END_TIME, category_of
from serving.api.answers import Answer, EmptyReason, RelaxationKind
from serving.api.requests import Filter, Placement, RecommendRequest, SearchRequest
from serving.engine import Engine

ASKED = SearchRequest("espresso", page_size=10)
COFFEE = ("Kitchen", "Coffee")


@pytest.fixture
def opened(shop_bundle: Path, tmp_path: Path) -> Iterator[Callable[[str], Engine]]:
    """Opens the shop with the rules of a text."""
    engines = []

    def opened(text: str) -> Engine:
        path = tmp_path / f"rules{len(engines)}.toml"
        path.write_text('version = "spring"\n' + text, encoding="utf-8")
        engines.append(Engine.open(shop_bundle, rules=path, clock=lambda: END_TIME + 60))
        return engines[-1]

    yield opened
    for engine in engines:
        engine.close()


def ids(answer: Answer) -> list[str]:
    return [result.item_id for result in answer.results]


def all_pages(engine: Engine, request: SearchRequest) -> list[str]:
    found, offset = [], 0
    while offset is not None:
        answer = engine.search(replace(request, offset=offset))
        found += ids(answer)
        offset = answer.next_offset  # type: ignore[assignment]
    return found


def test_pins_stand_in_their_places_and_every_other_item_comes_once(
    opened: Callable[[str], Engine],
) -> None:
    plain = all_pages(opened(""), replace(ASKED, page_size=100))
    first, second = plain[30], plain[150]
    engine = opened(
        f"""
[[pin]]
name = "one"
query = "espresso"
item = "{first}"
position = 1
[[pin]]
name = "four"
query = "espresso"
item = "{second}"
position = 4
"""
    )
    pinned = all_pages(engine, replace(ASKED, page_size=7))
    assert (pinned[0], pinned[3]) == (first, second)
    assert sorted(pinned) == sorted(plain)
    answer = engine.search(ASKED)
    assert answer.results[0].rules == ("one",) and answer.results[3].rules == ("four",)
    assert answer.results[0].sources[0].source == "pinned"
    assert answer.rules == ("one", "four") and answer.rules_version == "spring"
    scores = [result.score for result in answer.results]
    assert scores == sorted(scores, reverse=True)
    assert engine.search(replace(ASKED, query="beans")).rules == ()


def test_a_pin_yields_to_the_filter_and_closes_up_beyond_the_end(
    opened: Callable[[str], Engine],
) -> None:
    cheap = Filter(COFFEE, max_price=12.0)
    plain = ids(opened("").search(replace(ASKED, filter=cheap)))
    assert 0 < len(plain) < 10
    outside = next(f"p{n:04}" for n in range(240) if category_of(f"p{n:04}") != COFFEE)
    engine = opened(
        f"""
[[pin]]
item = "{outside}"
position = 1
[[pin]]
item = "{plain[0]}"
position = 90
[[pin]]
item = "nowhere"
position = 2
"""
    )
    shown = ids(engine.search(replace(ASKED, filter=cheap)))
    assert sorted(shown) == sorted(plain) and shown[-1] == plain[0]


def test_what_is_hidden_is_nowhere_and_the_page_is_full(opened: Callable[[str], Engine]) -> None:
    plain = opened("").search(ASKED)
    brand, path = plain.results[0].brand, " > ".join(plain.results[0].category)
    engine = opened(f'[[hide]]\ncontains = "espresso"\nbrands = ["{brand}"]\n')
    answer = engine.search(ASKED)
    assert len(answer.results) == 10
    assert brand not in {result.brand for result in answer.results}
    engine = opened(f'[[hide]]\ncategories = ["{path}"]\n')
    home = engine.recommend(RecommendRequest(Placement.HOME, page_size=100))
    assert path not in {" > ".join(result.category) for result in home.results}
    category = RecommendRequest(Placement.CATEGORY, filter=Filter(plain.results[0].category))
    emptied = engine.recommend(category)
    assert emptied.results == () and emptied.empty_reason is EmptyReason.NO_ITEM_LEFT


def test_a_boost_lifts_and_a_burial_sinks(opened: Callable[[str], Engine]) -> None:
    plain = ids(opened("").search(replace(ASKED, page_size=30)))
    rule = '[[{}]]\nname = "r"\nitems = ["{}"]\nstrength = 10\n'
    lifted = opened(rule.format("boost", plain[9])).search(replace(ASKED, explain=True))
    assert ids(lifted)[0] == plain[9]
    assert lifted.results[0].rules == ("r",) and lifted.results[1].rules == ()
    sunk = opened(rule.format("bury", plain[0])).search(replace(ASKED, page_size=30))
    assert ids(sunk)[0] == plain[1] and plain[0] not in ids(sunk)[:20]


def test_what_rules_have_shaped_is_explained_by_the_models_own_scores(
    opened: Callable[[str], Engine],
) -> None:
    asked = replace(ASKED, explain=True, page_size=30)
    plain = {result.item_id: result for result in opened("").search(asked).results}
    engine = opened('[[boost]]\nbrands = ["Moccado"]\nstrength = 3\n')
    for result in engine.search(asked).results:
        if result.item_id in plain:
            assert result.feature_effects == plain[result.item_id].feature_effects


def test_a_redirect_is_told_beside_the_results(opened: Callable[[str], Engine]) -> None:
    answer = opened('[[redirect]]\nquery = "espresso"\nuri = "/coffee-week"\n').search(ASKED)
    assert answer.redirect_uri == "/coffee-week" and answer.results


def test_a_synonym_finds_what_the_shop_calls_otherwise(opened: Callable[[str], Engine]) -> None:
    asked = SearchRequest("ristretto", page_size=5)
    assert [one.kind for one in opened("").search(asked).relaxations] == [
        RelaxationKind.MEANING_ONLY
    ]
    answer = opened('[[synonym]]\nwords = ["ristretto"]\nfinds = ["espresso"]\n').search(asked)
    assert answer.relaxations == ()
    assert any("espresso" in result.title for result in answer.results)


def test_an_answer_says_what_of_the_query_it_gave_up(opened: Callable[[str], Engine]) -> None:
    engine = opened("")

    def told(query: str, condition: Filter | None = None) -> list[tuple[str, str]]:
        answer = engine.search(SearchRequest(query, filter=condition or Filter()))
        assert answer.results
        return [(one.kind.name, one.text) for one in answer.relaxations]

    assert told("espresso") == []
    assert told("esprseso") == [("TYPO_CORRECTED", "espresso")]
    assert told("espresso zzyzx") == [("WORD_DROPPED", "zzyzx")]
    assert told("zzyzx") == [("MEANING_ONLY", "")]
    assert told("espresso", Filter(("Garden",))) == [("MEANING_ONLY", "")]


def test_an_empty_page_says_why(opened: Callable[[str], Engine]) -> None:
    engine = opened("")
    answer = engine.search(replace(ASKED, filter=Filter(brands=("nobody",))))
    assert answer.results == () and answer.relaxations == ()
    assert answer.empty_reason is EmptyReason.NO_ITEM_PASSES_FILTER
    beyond = engine.search(replace(ASKED, offset=5_000))
    assert beyond.empty_reason is EmptyReason.NO_ITEM_LEFT
    assert engine.search(ASKED).empty_reason is EmptyReason.UNSPECIFIED


def test_status_tells_the_version_of_the_rules(opened: Callable[[str], Engine]) -> None:
    assert opened("").status().rules_version == "spring"
