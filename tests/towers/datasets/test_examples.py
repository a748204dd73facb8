"""Training examples: sessions as of their time, and targets that came later."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.records import Event, EventType, Judgment
from tests.towers import shelf
from towers.catalog.items import Catalog
from towers.datasets.examples import (
    FOLDS,
    TEST_FOLD,
    VALIDATION_FOLD,
    Examples,
    ExampleWriter,
    browse_and_search_examples,
    catalogue_examples,
    good_items,
    joined,
    judged_examples,
    query_fold,
    search_input,
)
from towers.datasets.replayed_log import ReplayedLog
from towers.sessions.query_input import QueryInput, query_input
from towers.sessions.replay import replay
from towers.sessions.session import Session

NO_LIMIT = 10**9
EVENT_COUNT = 1_500


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return shelf.catalog()


def log_of(events: tuple[Event, ...], catalog: Catalog, learn_from: float = -np.inf) -> ReplayedLog:
    return ReplayedLog.of(events, catalog.row_of, learn_from_time=learn_from)


def examples_of(log: ReplayedLog, catalog: Catalog, browse: int, searches: int) -> Examples:
    return browse_and_search_examples(
        log, catalog, shelf.CONFIG, browse_limit=browse, search_limit=searches
    )


def same(one: QueryInput, examples: Examples, position: int) -> bool:
    return all(
        np.array_equal(getattr(one, name), column[position])
        for name, column in examples.inputs.items()
    )


def test_a_browse_example_is_the_session_before_the_event_and_what_came_then(
    catalog: Catalog,
) -> None:
    log = log_of(shelf.events()[:EVENT_COUNT], catalog)
    examples = examples_of(log, catalog, NO_LIMIT, 0)
    position = blank_count = left_out_count = 0
    for number, session, event in replay(log.events):
        if not log.targets.is_target[number]:
            continue
        before = session.at(event.time)
        inputs = query_input(
            before, event.time, row_of=catalog.row_of,
            known_types=log.known_types, config=shelf.CONFIG,
        )  # fmt: skip
        relevant = [log.rows[number], *[-1] * 7]
        is_next = (
            position < examples.count
            and same(inputs, examples, position)
            and examples.targets[position].tolist() == relevant
        )
        is_blank = not before.events and not before.bought
        assert is_next or is_blank
        position += is_next
        blank_count += is_blank
        left_out_count += not is_next
    assert position == examples.count
    # Of moments with nothing to go by about an eighth is kept.
    assert 0.7 * blank_count < left_out_count < blank_count


def test_a_search_example_has_the_query_and_what_was_viewed_next_as_its_target(
    catalog: Catalog,
) -> None:
    events = shelf.events()[:EVENT_COUNT]
    log = log_of(events, catalog)
    with_made = examples_of(log, catalog, 0, NO_LIMIT)
    searched = with_made.inputs["text_slot"] == 0
    assert searched.all()
    relevant = {}
    for number, event in enumerate(events):
        later = [
            e for e in events[number + 1 :]
            if (e.visitor_id, e.session_id) == (event.visitor_id, event.session_id)
        ]  # fmt: skip
        if event.type is EventType.SEARCH and later and later[0].type is EventType.VIEW:
            inputs = search_input(event.query, catalog, shelf.CONFIG)
            relevant[inputs.tokens.tobytes(), catalog.row_of[later[0].item_id]] = event
    found = {
        (tokens.tobytes(), int(targets[0]))
        for tokens, targets in zip(with_made.inputs["tokens"], with_made.targets, strict=True)
    }
    assert len(relevant) > 20
    assert set(relevant) <= found


def test_no_example_knows_the_future(catalog: Catalog) -> None:
    """A log that ends earlier gives the very same inputs up to there."""
    events = shelf.events()[:EVENT_COUNT]
    whole = examples_of(log_of(events, catalog), catalog, NO_LIMIT, NO_LIMIT)
    known = log_of(events, catalog).known_types
    for cut in (100, 700, 1_100):
        log = replace(log_of(events[:cut], catalog), known_types=known)
        part = examples_of(log, catalog, NO_LIMIT, NO_LIMIT)
        # Only a search at the very end may lack its target.
        count = part.count - 10
        assert count > cut // 2
        for name, column in part.inputs.items():
            assert np.array_equal(column[:count], whole.inputs[name][:count]), name


def test_earlier_events_build_sessions_and_make_no_examples(catalog: Catalog) -> None:
    events = shelf.events()[:EVENT_COUNT]
    start = events[1_000].time
    late = examples_of(log_of(events, catalog, start), catalog, NO_LIMIT, 0)
    whole = examples_of(log_of(events, catalog), catalog, NO_LIMIT, 0)
    assert 0 < late.count < whole.count
    for name, column in late.inputs.items():
        assert np.array_equal(column, whole.inputs[name][-late.count :]), name
    assert log_of(events, catalog, start).learn_from == 1_000


def test_limits_thin_the_moments_out_evenly(catalog: Catalog) -> None:
    log = log_of(shelf.events(), catalog)
    whole = examples_of(log, catalog, NO_LIMIT, 0).count
    thinned = examples_of(log, catalog, whole // 4, 0)
    assert 0.75 < thinned.count / (whole / 4) < 1.25
    again = examples_of(log, catalog, whole // 4, 0)
    assert np.array_equal(thinned.targets, again.targets)


def test_synthetic_searches_fill_up_what_real_ones_leave(catalog: Catalog) -> None:
    without = tuple(e for e in shelf.events() if e.type is not EventType.SEARCH)
    generated = examples_of(log_of(without, catalog), catalog, 0, 400)
    assert 300 < generated.count < 500
    assert (generated.inputs["text_slot"] == 0).all() and (generated.targets[:, 1:] == -1).all()
    # Some searches are of anonymous visitors, some follow a session.
    has_events = (generated.inputs["event_types"][:, 1:] != 0).any(axis=1)
    assert 0.2 < has_events.mean() < 0.95


def test_baskets_that_share_a_time_want_all_their_items(catalog: Catalog) -> None:
    baskets = tuple(
        Event(
            f"{basket}-{item}", EventType.PURCHASE, "v", 1e9 + 86_400.0 * basket, f"p{item:04}",
            session_id=str(basket),
        )
        for basket in range(5)
        for item in range(10 * basket, 10 * basket + 10)
    )  # fmt: skip
    examples = examples_of(log_of(baskets, catalog), catalog, NO_LIMIT, 0)
    # Counted from the end: the first moment, with nothing to go by, may be left out.
    assert examples.targets[1 - 50].tolist() == list(range(1, 9))
    assert examples.targets[12 - 50].tolist() == list(range(12, 20))
    assert examples.targets[19 - 50].tolist() == [19, *[-1] * 7]


def test_a_log_of_unknown_items_alone_has_no_examples(catalog: Catalog) -> None:
    events = tuple(shelf.view("unknown", 1e9 + number) for number in range(20))
    log = log_of(events, catalog)
    assert examples_of(log, catalog, NO_LIMIT, NO_LIMIT).count == 0
    assert log.session_log().session_count == 0


def test_an_empty_log_has_empty_columns(catalog: Catalog) -> None:
    examples = examples_of(log_of((), catalog), catalog, 10, 10)
    assert examples.count == 0 and examples.targets.shape == (0, 8)
    assert set(examples.inputs) == set(QueryInput.__slots__)


def test_the_companions_of_a_log_are_its_sessions_items(catalog: Catalog) -> None:
    events = shelf.events()[:EVENT_COUNT]
    by_hand: dict[tuple[str, str], list[int]] = {}
    kept = {EventType.VIEW, EventType.FAVORITE, EventType.ADD_TO_CART, EventType.PURCHASE}
    for event in events:
        rows = by_hand.setdefault((event.visitor_id, event.session_id), [])
        if event.type in kept and catalog.row_of[event.item_id] not in rows:
            rows.append(catalog.row_of[event.item_id])
    past = log_of(events, catalog).session_log()
    found = [
        past.rows[past.offsets[at] : past.offsets[at + 1]].tolist()
        for at in range(past.session_count)
    ]
    expected = list(by_hand.values())
    while expected and not expected[-1]:
        expected.pop()
    assert found == expected


def test_queries_made_from_the_catalogue_want_their_item(catalog: Catalog) -> None:
    examples = catalogue_examples(catalog, shelf.CONFIG, limit=2_000)
    assert examples.count == 240 * 8
    counts = np.bincount(examples.targets[:, 0], minlength=240)
    assert (counts == 8).all() and (examples.targets[:, 1:] == -1).all()
    assert (examples.inputs["history_rows"] == -1).all()
    assert catalogue_examples(catalog, shelf.CONFIG, limit=100).count == 100


GRADES = [Judgment("milk", f"p000{n}", grade) for n, grade in enumerate((3.0, 2.67, 2.66, 1.0))]


def test_the_best_sixth_of_the_scale_is_good(catalog: Catalog) -> None:
    assert good_items(GRADES) == {"milk": ["p0000", "p0001"]}
    examples = judged_examples(GRADES, catalog, shelf.CONFIG, folds=FOLDS)
    assert examples.targets.tolist() == [[0, 1, *[-1] * 6]]
    assert same(search_input("milk", catalog, shelf.CONFIG), examples, 0)


def test_where_all_grades_are_the_same_all_are_good() -> None:
    assert good_items([Judgment("a", "x", 1.0), Judgment("b", "y", 1.0)]) == {
        "a": ["x"],
        "b": ["y"],
    }
    assert good_items([]) == {}


def test_a_query_whose_good_items_are_unknown_is_left_out(catalog: Catalog) -> None:
    judged = [Judgment("a", "unknown", 2.0), Judgment("b", "p0003", 2.0), Judgment("b", "p1", 0.0)]
    assert judged_examples(judged, catalog, shelf.CONFIG, folds=FOLDS).targets[:, 0].tolist() == [3]


def test_targets_beyond_the_limit_are_left_out(catalog: Catalog) -> None:
    writer = ExampleWriter(3)
    inputs = search_input("milk", catalog, shelf.CONFIG)
    for targets in ([5], [1, 2, 3, 4, 5], []):
        writer.add(inputs, targets)
    assert writer.finish().targets.tolist() == [[5, -1, -1], [1, 2, 3], [-1, -1, -1]]


def test_joined_examples_are_all_of_them_in_order(catalog: Catalog) -> None:
    whole = catalogue_examples(catalog, shelf.CONFIG, limit=60)
    empty = whole.part(slice(0, 0))
    parts = [empty, whole.part(slice(0, 13)), whole.part(slice(13, 60)), empty]
    again = joined(parts)
    assert np.array_equal(again.targets, whole.targets)
    for name, column in whole.inputs.items():
        assert np.array_equal(again.inputs[name], column)
        assert again.inputs[name].dtype == column.dtype
    assert joined([empty, empty]).count == 0


@pytest.mark.parametrize(("count", "positions"), [(10, [*range(10)]), (4, [0, 3, 6, 9]), (1, [0])])
def test_a_spread_of_examples_is_even_over_all_of_them(count: int, positions: list[int]) -> None:
    numbers = np.arange(10, dtype=np.int32)
    spread = Examples({"text_slot": numbers}, numbers[:, None]).spread(count)
    assert spread.inputs["text_slot"].tolist() == positions
    assert spread.targets[:, 0].tolist() == positions


def test_many_examples_are_gathered_in_blocks_without_losing_one(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = catalogue_examples(catalog, shelf.CONFIG, limit=100)
    monkeypatch.setattr("towers.datasets.examples._BLOCK_SIZE", 7)
    in_blocks = catalogue_examples(catalog, shelf.CONFIG, limit=100)
    assert np.array_equal(in_blocks.targets, whole.targets)
    assert np.array_equal(in_blocks.inputs["tokens"], whole.inputs["tokens"])


@given(st.text(max_size=30))
def test_a_query_is_always_in_the_same_fold(query: str) -> None:
    assert query_fold(query) == query_fold(query) and 0 <= query_fold(query) <= 9


def test_folds_are_about_equal_and_the_two_held_out_differ() -> None:
    rng = random.Random(3)
    counts = np.bincount([query_fold(f"query {rng.random()}") for _ in range(5_000)])
    assert len(counts) == 10 and counts.min() > 400 and counts.max() < 600
    assert TEST_FOLD != VALIDATION_FOLD


def test_an_anonymous_visitors_search_knows_nothing_but_its_words(catalog: Catalog) -> None:
    inputs = search_input("dark espresso", catalog, shelf.CONFIG)
    session = Session.empty("").after(shelf.search("dark espresso", 5.0, ""))
    expected = query_input(
        session, 5.0, row_of={}, known_types=frozenset({EventType.SEARCH}), config=shelf.CONFIG
    )
    for name in QueryInput.__slots__:
        assert np.array_equal(getattr(inputs, name), getattr(expected, name))
