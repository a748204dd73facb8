"""The synthetic shop has the properties its module documents, on which other tests rely."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise

import pytest

from data.clean import clean
from data.errors import ConfigError
from data.records import RECORDABLE_TYPES, Event, EventType, Item
from data.synthetic import (
    END_TIME,
    category_of,
    companion_of,
    favorite_category_of,
    staples_of,
    synthetic_shop,
    weight_of,
)
from data.tables import RawShop, iter_events, iter_items

DAY = 86_400.0


@pytest.fixture(scope="module")
def shop() -> RawShop:
    return synthetic_shop()


@pytest.fixture(scope="module")
def items(shop: RawShop) -> dict[str, Item]:
    return {item.item_id: item for item in iter_items(shop.items)}


@pytest.fixture(scope="module")
def events(shop: RawShop) -> list[Event]:
    return list(iter_events(shop.events))


@pytest.fixture(scope="module")
def visits(events: list[Event]) -> list[list[Event]]:
    by_session = defaultdict(list)
    for event in events:
        by_session[event.session_id].append(event)
    return list(by_session.values())


def words(item: Item) -> set[str]:
    return set(item.title.split())


def test_the_same_seed_makes_the_same_shop(shop: RawShop) -> None:
    again, other = synthetic_shop(seed=7), synthetic_shop(seed=8)
    for name in ("items", "events", "judgments"):
        assert getattr(again, name).equals(getattr(shop, name))
    assert not other.events.equals(shop.events)
    assert other.items.equals(shop.items) and other.judgments.equals(shop.judgments)


def test_nothing_in_it_is_dirty(shop: RawShop) -> None:
    cleaned = clean(shop, now=END_TIME)
    assert cleaned.losses == ()
    assert cleaned.events.equals(shop.events)


def test_eight_categories_one_of_them_chinese(items: dict[str, Item]) -> None:
    counts = Counter(item.category for item in items.values())
    assert len(counts) == 8 and set(counts.values()) == {30}
    assert ("手机", "智能手机") in counts
    assert all(len(path) == 2 for path in counts)
    assert {item.currency for item in items.values() if item.category[0] == "手机"} == {"CNY"}
    assert all(item.category == category_of(item_id) for item_id, item in items.items())


def test_categories_share_no_word_and_pairs_no_brand(items: dict[str, Item]) -> None:
    vocabulary = defaultdict(set)
    for item in items.values():
        vocabulary[item.category] |= words(item)
    every = [word for known in vocabulary.values() for word in known]
    assert len(every) == len(set(every))
    for item_id, item in items.items():
        companion = items[companion_of(item_id)]
        assert companion_of(companion.item_id) == item_id != companion.item_id
        assert companion.category == item.category
        assert companion.brand != item.brand
        # A size is all that the two may share.
        assert len(words(item) & words(companion)) <= 1


def test_titles_are_distinct_in_a_larger_shop() -> None:
    larger = synthetic_shop(item_count=1_440, visitor_count=1, days=1)
    titles = [item.title for item in iter_items(larger.items)]
    assert len(set(titles)) == 1_440


def test_every_type_of_event_happens_within_the_days(events: list[Event]) -> None:
    assert {event.type for event in events} == set(RECORDABLE_TYPES)
    assert events[0].time > END_TIME - 30 * DAY
    assert events[-1].time < END_TIME
    assert [event.time for event in events] == sorted(event.time for event in events)
    assert len({event.event_id for event in events}) == len(events)
    assert len({event.visitor_id for event in events}) == 150


def test_a_look_leads_to_the_same_category_nine_times_in_ten(visits: list[list[Event]]) -> None:
    looks = [[event.item_id for event in visit if event.type is EventType.VIEW] for visit in visits]
    steps = [step for visit in looks for step in pairwise(visit)]
    same = sum(category_of(before) == category_of(after) for before, after in steps)
    companions = sum(companion_of(before) == after for before, after in steps)
    assert same / len(steps) == pytest.approx(0.9, abs=0.03)
    assert companions / len(steps) == pytest.approx(0.3, abs=0.04)


def test_most_visits_are_about_the_favourite_category(visits: list[list[Event]]) -> None:
    shopping = [visit for visit in visits if visit[0].type in (EventType.VIEW, EventType.SEARCH)]
    first = [next(event for event in visit if event.type is EventType.VIEW) for visit in shopping]
    favorite = sum(
        category_of(event.item_id) == favorite_category_of(event.visitor_id) for event in first
    )
    assert favorite / len(first) == pytest.approx(0.8, abs=0.04)


def test_companions_are_bought_together(visits: list[list[Event]]) -> None:
    together = total = 0
    for visit in visits:
        bought = {event.item_id for event in visit if event.type is EventType.PURCHASE}
        together += sum(companion_of(item_id) in bought for item_id in bought)
        total += len(bought)
    assert total > 1_000
    assert 0.8 < together / total < 0.95


def test_first_looks_fall_by_weight(visits: list[list[Event]], items: dict[str, Item]) -> None:
    shelf = [item_id for item_id in items if category_of(item_id) == ("Kitchen", "Cookware")]
    total = sum(map(weight_of, shelf))
    seen: Counter[str] = Counter()
    for seed in range(3):
        for event in iter_events(synthetic_shop(seed=seed).events):
            if event.type is EventType.VIEW and event.item_id in set(shelf):
                seen[event.item_id] += 1
    count = sum(seen.values())
    # The two best-selling pairs, as the weights have it; companions have the same weight.
    for item_id in shelf[:4]:
        assert seen[item_id] / count == pytest.approx(weight_of(item_id) / total, rel=0.15)
    assert weight_of(shelf[0]) == 1.0 and weight_of(shelf[-1]) == 1 / 15


def test_staples_are_bought_again_and_again(events: list[Event]) -> None:
    bought = Counter(
        (event.visitor_id, event.item_id) for event in events if event.type is EventType.PURCHASE
    )
    visitors = {event.visitor_id for event in events}
    staples = {visitor: staples_of(visitor) for visitor in visitors}
    for visitor, ids in staples.items():
        assert len(set(ids)) == 3
        assert {category_of(item_id) for item_id in ids} == {favorite_category_of(visitor)}
    assert {item_id for ids in staples.values() for item_id in ids} == {
        f"p{number:04}" for number in range(0, 240, 2)
    }
    own = sum(bought[visitor, item_id] for visitor, ids in staples.items() for item_id in ids)
    other = sum(
        # The staples of another visitor with the same favourite category.
        bought[visitor, item_id]
        for visitor in visitors
        for item_id in staples.get(f"v{(int(visitor[1:]) + 24) % 144:04}", ())
    )
    assert own > 2.0 * other


def test_staples_are_bought_on_every_second_visit_to_their_category(
    visits: list[list[Event]],
) -> None:
    counts: dict[bool, list[bool]] = {True: [], False: []}
    for visit in visits:
        visitor = visit[0].visitor_id
        bought = {event.item_id for event in visit if event.type is EventType.PURCHASE}
        looks = [event.item_id for event in visit if event.type is EventType.VIEW]
        if looks:
            # What is bought without a look is a staple or a companion.
            unseen = bought - set(looks) - {companion_of(item_id) for item_id in looks}
            is_favorite = category_of(looks[0]) == favorite_category_of(visitor)
            counts[is_favorite].append(bool(unseen & set(staples_of(visitor))))
    assert sum(counts[True]) / len(counts[True]) == pytest.approx(0.4, abs=0.1)
    assert sum(counts[False]) / len(counts[False]) < 0.05


def is_within(query: str, title: str) -> bool:
    """Whether all words of a query, or letters where there are no blanks, come in this order."""
    parts = query.split() if query.isascii() else list(query)
    rest = iter(title.split() if query.isascii() else title)
    return all(part in rest for part in parts)


def test_a_search_is_made_of_words_of_the_next_look(
    visits: list[list[Event]], items: dict[str, Item]
) -> None:
    searches = 0
    for visit in visits:
        for event, after in pairwise(visit):
            if event.type is EventType.SEARCH:
                searches += 1
                assert after.type is EventType.VIEW
                title = items[after.item_id].title.lower()
                assert is_within(event.query, title)
    assert searches > 300


def test_reviews_are_graded_by_number_and_follow_a_purchase(events: list[Event]) -> None:
    bought = set()
    for event in events:
        if event.type is EventType.PURCHASE:
            bought.add((event.visitor_id, event.item_id))
        elif event.type in (EventType.REVIEW, EventType.RETURN):
            assert (event.visitor_id, event.item_id) in bought
        assert (event.rating is None) == (event.type is not EventType.REVIEW)
        if event.rating is not None:
            assert event.rating == 3 + int(event.item_id[1:]) % 3


def test_judgments_grade_brand_and_noun(shop: RawShop, items: dict[str, Item]) -> None:
    rows = shop.judgments.to_pylist() if shop.judgments else []
    assert {row["query"] for row in rows} >= {"ferrano skillet", "星河智能手机"}
    for row in rows:
        item = items[row["item_id"]]
        assert (item.brand.lower() in row["query"]) == (row["grade"] == 2.0)
    skillets = [row for row in rows if row["query"] == "ferrano skillet"]
    assert len(skillets) == sum("skillet" in words(item) for item in items.values())


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"item_count": 46}, "item_count: expected an even number from 48 on, received 46"),
        ({"item_count": 101}, "item_count: expected an even number from 48 on, received 101"),
        ({"visitor_count": 0}, "visitor_count: expected 1 or more, received 0"),
        ({"days": 0}, "days: expected 1 or more, received 0"),
    ],
)
def test_a_shop_that_is_too_small_is_refused(options: dict[str, int], expected: str) -> None:
    with pytest.raises(ConfigError, match=f"^{expected}$"):
        synthetic_shop(**options)
