"""Searches tell how many items match, and from which result on all are only related."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data.records import Item
from data.synthetic import END_TIME
from serving.answering.rank_request_builders import search_rank_request
from serving.api.answers import Answer, RelaxationKind
from serving.api.requests import (
    FacetRequest,
    Filter,
    Placement,
    RecommendRequest,
    SearchRequest,
    SortOrder,
)
from serving.engine import Engine
from serving.paging import relevance
from tests.towers import shelf
from towers.ranking.feature_context import FeatureContext
from towers.sessions.session import Session
from towers.text.tokens import token
from towers.text.words import stem, words

ASKED = SearchRequest("espresso", page_size=20, record=False)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine.open(shelf.bundle_folder(), tmp_path / "state", clock=lambda: END_TIME + 60)
    yield engine
    engine.close()


def pages(engine: Engine, request: SearchRequest) -> list[Answer]:
    found = [engine.search(request)]
    while (offset := found[-1].next_offset) is not None:
        key = found[-1].order_key
        found.append(engine.search(replace(request, offset=offset, order_key=key)))
    return found


def listed(engine: Engine, request: SearchRequest) -> list[str]:
    return [one.item_id for answer in pages(engine, request) for one in answer.results]


def all_words(item: Item) -> set[str]:
    texts = [item.title, item.brand, item.description, *item.category, *item.attributes.values()]
    return {word for text in texts for word in words(text)}


def holders(query: str, conditions: Filter | None = None) -> set[str]:
    """By hand: the items that hold every word of a query, under a highest price."""
    wanted = set(words(query))
    top = float("inf") if conditions is None else conditions.max_price or float("inf")
    return {
        item.item_id
        for item in shelf.items()
        if wanted <= all_words(item) and (item.price or 0.0) <= top
    }


def nearly(engine: Engine, query: str) -> set[str]:
    """By hand: reranked items with two thirds of the words' weight and the last word, or that the
    fixed rule scores as high as the median holder; with fewer than three holders, as the best quarter
    of the others.
    """
    ranker = engine.bundle.ranker
    request = search_rank_request(
        SearchRequest(query), Session.empty(""), END_TIME + 60, engine.bundle.catalog
    )
    encoded = ranker.read(request)
    candidates = ranker.candidates(encoded)
    context = FeatureContext(encoded, candidates, ranker.sources)
    listed = [engine.bundle.catalog.item_ids[row] for row in candidates.rows.tolist()]
    by_rule = dict(zip(listed, context.search_score.tolist(), strict=True))
    held = sorted(by_rule[item_id] for item_id in holders(query))
    least = held[len(held) // 2]
    if len(held) < 3:
        others = sorted(by_rule[item_id] for item_id in {*listed} - holders(query))
        least = max(least, others[3 * len(others) // 4])
    near = {item_id for item_id in listed if by_rule[item_id] >= least}
    # By hashed words: of the few buckets of this shelf, "espresso" and "roasted" have the same.
    weights = {
        bucket(word): weight * rarity
        for (word, weight), rarity in zip(
            encoded.query.stem_weights.items(), encoded.query.rarities, strict=True
        )
    }
    by_id = {item.item_id: {bucket(stem(one)) for one in all_words(item)} for item in shelf.items()}
    named_by = {
        item.item_id: {bucket(one) for one in words(f"{item.title} {item.category[-1]}")}
        for item in shelf.items()
    }
    return near | {
        item_id
        for item_id in listed
        if sum(weights[one] for one in weights.keys() & by_id[item_id])
        >= 0.65 * sum(weights.values())
        and bucket(words(query)[-1]) in named_by[item_id]
    }


def bucket(of_word: str) -> int:
    return token("w:" + of_word, shelf.CONFIG.text.bucket_count)


@pytest.mark.parametrize("query", ["espresso", "running shoes", "moccado espresso", "智能手机"])
@pytest.mark.parametrize("conditions", [Filter(), Filter(max_price=60.0)])
def test_the_match_count_is_on_every_answer_whether_facets_are_asked_for_or_not(
    engine: Engine, query: str, conditions: Filter
) -> None:
    request = replace(ASKED, query=query, filter=conditions)
    count = len(holders(query, conditions))
    assert count
    for one in (
        request,
        replace(request, facets=(FacetRequest("brand"),)),
        replace(request, sort_by=SortOrder.PRICE_LOW),
    ):
        answers = pages(engine, one)
        assert {answer.match_count for answer in answers} == {count}
        assert not any(answer.is_match_count_lower_bound for answer in answers)


def test_a_browse_page_counts_what_passes_its_filter(engine: Engine) -> None:
    conditions = Filter(category=("Kitchen",))
    kitchen = [item for item in shelf.items() if item.category[:1] == ("Kitchen",)]
    category = RecommendRequest(Placement.CATEGORY, filter=conditions)
    assert engine.recommend(category).match_count == len(kitchen)
    # The item of the page is not on it.
    page = RecommendRequest(Placement.ITEM, item_ids=(kitchen[0].item_id,), filter=conditions)
    answer = engine.recommend(page)
    assert (answer.match_count, answer.relevant_count) == (len(kitchen) - 1, None)


def test_deleted_items_are_not_counted(engine: Engine) -> None:
    before = engine.search(ASKED)
    assert before.match_count == len(holders("espresso"))
    engine.delete_items([before.results[0].item_id])
    assert engine.search(ASKED).match_count == len(holders("espresso")) - 1


def test_where_no_item_has_all_words_the_count_is_a_lower_bound_unless_facets_need_it(
    engine: Engine,
) -> None:
    request = replace(ASKED, query="espresso quetzalcoatl running")
    answer = engine.search(request)
    kept = {one.text for one in answer.relaxations if one.kind is RelaxationKind.WORD_DROPPED}
    left = " ".join(word for word in ("espresso", "running") if word not in kept)
    assert answer.is_match_count_lower_bound and answer.match_count == len(holders(left))
    exact = engine.search(replace(request, facets=(FacetRequest("brand"),)))
    either = holders("espresso") | holders("running")
    assert (exact.match_count, exact.is_match_count_lower_bound) == (len(either), False)


def test_by_meaning_only_the_nearest_count_and_none_is_relevant(engine: Engine) -> None:
    answer = engine.search(replace(ASKED, query="zzyzx qqqq"))
    assert [one.kind for one in answer.relaxations] == [RelaxationKind.MEANING_ONLY]
    assert (answer.match_count, answer.relevant_count) == (100, 0)
    narrow = Filter(max_price=5.0)
    cheap = [item for item in shelf.items() if item.price is not None and item.price <= 5.0]
    answer = engine.search(replace(ASKED, query="zzyzx", filter=narrow))
    assert answer.match_count == min(100, len(cheap))


@pytest.mark.parametrize("query", ["espresso", "running shoes", "velox shoes", "dark beans"])
def test_what_holds_the_words_comes_before_what_is_only_related(engine: Engine, query: str) -> None:
    request = replace(ASKED, query=query)
    answers = pages(engine, request)
    found = [one.item_id for answer in answers for one in answer.results]
    (end,) = {answer.relevant_count for answer in answers}
    assert end is not None and len(holders(query)) <= end < len(found) == 240
    assert holders(query) <= set(found[:end])
    assert set(found[:end]) == holders(query) | nearly(engine, query)
    results = [one for answer in answers for one in answer.results]
    scores = [one.score for one in results]
    assert scores == sorted(scores, reverse=True)
    pushed = [any(p.name == "related_only" for p in one.adjustments) for one in results]
    assert not any(pushed[:end])


def test_most_of_the_words_without_the_head_noun_are_only_related(engine: Engine) -> None:
    engine.update_items(
        [
            Item("blade", "Zebrano quagga blade", category=("Tools",), price=1.0),
            Item("desk", "Quagga desk", category=("Home",), price=1.0),
            *(Item(f"d{n}", f"Oak desk {n}", category=("Home",), price=1.0) for n in range(30)),
            Item("whole", "Zebrano quagga desk", category=("Home",), price=1.0),
        ]
    )
    answer = engine.search(replace(ASKED, query="zebrano quagga desk"))
    found = [one.item_id for one in answer.results]
    assert found[0] == "whole" and answer.relevant_count is not None
    assert "blade" in found[answer.relevant_count :]


def test_where_more_items_match_than_are_reranked_they_come_before_what_is_only_related(
    engine: Engine,
) -> None:
    names = ["amber", "birch", "cedar", "dune", "ember", "fjord", "grove", "heath"]
    many = [
        Item(f"q{n:03}", f"zebrawood {names[n % 8]} {n}", category=("Kitchen",), price=1.0 + n)
        for n in range(330)
    ]
    engine.update_items(many)
    request = replace(ASKED, query="zebrawood", page_size=60)
    answers = pages(engine, request)
    found = [one.item_id for answer in answers for one in answer.results]
    assert {answer.match_count for answer in answers} == {330}
    (end,) = {answer.relevant_count for answer in answers}
    # None of the items that lack the word is as good by the fixed rule.
    assert end == 330
    assert {item.item_id for item in many} <= set(found[:end])
    assert len(found) == len(set(found)) == 570
    # By rank alone the order is the same while nothing happens.
    again: list[str] = []
    while page := engine.search(replace(request, offset=len(again))).results:
        again += [one.item_id for one in page]
    assert again == found


def test_a_pin_right_behind_what_is_relevant_belongs_to_it(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text('version = "1"\n', encoding="utf-8")

    def asked(rules: str) -> Answer:
        path.write_text(f'version = "1"\n{rules}', encoding="utf-8")
        engine = Engine.open(shelf.bundle_folder(), rules=path, clock=lambda: END_TIME + 60)
        answer = engine.search(replace(ASKED, query="running shoes", page_size=100))
        engine.close()
        return answer

    end = asked("").relevant_count
    assert end is not None and 0 < end < 99
    related = asked("").results[end].item_id
    for position, count in ((1, end + 1), (end + 1, end + 1), (end + 2, end)):
        rule = f'[[pin]]\nname = "p"\nitem = "{related}"\nposition = {position}\n'
        answer = asked(rule)
        assert (answer.results[position - 1].item_id, answer.relevant_count) == (related, count)


def test_a_code_leads_and_all_else_is_only_related(engine: Engine) -> None:
    answer = engine.search(replace(ASKED, query="p0033"))
    assert answer.results[0].item_id == "p0033"
    assert answer.relevant_count is not None and answer.relevant_count >= 1


def test_without_the_lexical_index_nothing_is_said_of_relevance(engine: Engine) -> None:
    engine.bundle.ranker.sources.lexical = None
    answer = engine.search(ASKED)
    assert (answer.relevant_count, answer.match_count) == (None, 100)
    assert "lexical" in answer.missing and len(answer.results) == 20


@pytest.mark.parametrize("count", [1, 2, 3, 7, 40, 256])
def test_a_quantile_is_the_value_at_that_place_of_the_sorted_ones(count: int) -> None:
    rng = np.random.default_rng(count)
    for values in (rng.normal(size=count), rng.integers(0, 3, count), np.zeros(count)):
        listed = values.astype(np.float32)
        for share in (0.0, 0.5, 0.75):
            expected = np.sort(listed)[int(share * count)]
            assert relevance._quantile(listed.copy(), share) == expected


def test_what_has_only_the_word_that_was_given_up_never_leads(engine: Engine) -> None:
    engine.update_items([Item("pad", "Wireless touchpad", description="For use in a hammock")])
    answer = engine.search(replace(ASKED, query="dark hammock"))
    assert [(one.kind, one.text) for one in answer.relaxations] == [
        (RelaxationKind.WORD_DROPPED, "dark")
    ]
    assert answer.results[0].item_id == "pad" and answer.relevant_count == 1
    assert "dark" in answer.results[1].title.lower()


@pytest.mark.parametrize("length", [0, 1, 7, 300])
def test_rows_of_a_list_are_told_from_others_as_by_brute_force(length: int) -> None:
    rng = np.random.default_rng(length)
    listed = np.sort(rng.choice(400, length, replace=False))
    for rows in (rng.integers(0, 420, 90), listed, np.zeros(0, np.int64)):
        known, wanted = {*rows.tolist()}, {*listed.tolist()}
        left = [row for row in listed.tolist() if row not in known]
        assert relevance.others_than(rows, listed).tolist() == left
        found = [row in wanted for row in rows.tolist()]
        assert relevance.is_among(rows, listed).tolist() == found
        flags = np.array(found, bool)
        last = max((place for place, one in enumerate(found) if one), default=-1)
        assert relevance.end_of(flags) == last + 1
