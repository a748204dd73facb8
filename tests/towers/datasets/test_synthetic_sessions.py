"""Synthetic sessions: views of similar items, often after an intent shift, and relevant items."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from data.records import Event, EventType, Item
from data.synthetic import END_TIME
from tests.towers import shelf
from towers.catalog.items import Catalog
from towers.config import TextConfig
from towers.datasets.examples import synthetic_session_examples
from towers.datasets.ranking_lists import query_lists
from towers.datasets.synthetic_sessions import (
    SYNTHETIC_TYPES,
    SyntheticSession,
    SyntheticSessionsReport,
    synthetic_sessions,
)
from towers.ranking.features import FEATURE_NAMES
from towers.sessions.feedback import feedback
from towers.sessions.query_input import GENERIC_TYPE, PADDING_TYPE


@cache
def visits(search_share: float = 0.25) -> list[SyntheticSession]:
    catalog = shelf.catalog()
    rows = np.arange(catalog.count)
    generated, _ = synthetic_sessions(
        catalog, rows, count=1_500, search_share=search_share, time=END_TIME, seed=5
    )
    return generated


def categories(events: tuple[Event, ...]) -> list[tuple[str, ...]]:
    catalog = shelf.catalog()
    return [catalog.category(catalog.row_of[one.item_id]) for one in events if one.item_id]


def test_what_is_relevant_is_of_the_kind_of_the_newest_view() -> None:
    catalog = shelf.catalog()
    browsing = [session for session in visits() if not session.text]
    for session in browsing:
        kinds = {catalog.category(row) for row in session.relevant.tolist()}
        assert len(kinds) == 1
        if session.session.events[-1].type is EventType.VIEW:
            assert categories(session.session.events)[-1] in kinds
    assert len(browsing) > 1_000


def test_a_good_part_of_the_sessions_turns_after_one_search_or_a_few_views() -> None:
    catalog = shelf.catalog()
    turned_by_search = turned_by_looks = 0
    for session in visits():
        wanted = catalog.category(int(session.relevant[0]))
        seen = categories(session.session.events)
        is_turned = bool(seen) and any(category != wanted for category in seen)
        if session.session.pending_search:
            turned_by_search += is_turned
        elif is_turned:
            newest = next(n for n, category in enumerate(reversed(seen)) if category != wanted)
            assert 1 <= newest <= 3
            turned_by_looks += 1
    assert turned_by_search > 0.2 * len(visits())
    assert turned_by_looks > 0.2 * len(visits())


def test_a_visit_that_searches_wants_the_item_that_its_words_were_made_of() -> None:
    searching = [session for session in visits() if session.text]
    assert 0.2 < len(searching) / len(visits()) < 0.3
    for session in searching:
        assert session.session.pending_search == session.text and len(session.relevant) == 1
    assert not any(session.text for session in visits(search_share=0.0))


def test_some_sessions_review_the_earlier_kind_badly() -> None:
    catalog = shelf.catalog()
    reviewed = [
        session for session in visits() if any(feedback(one) < 0 for one in session.session.events)
    ]
    assert 0.05 < len(reviewed) / len(visits()) < 0.15
    for session in reviewed:
        assert session.session.disliked
        disliked = catalog.rows(list(session.session.disliked))
        assert not np.isin(session.relevant, disliked).any()


def test_items_reviewed_badly_are_not_relevant_where_both_intents_are_alike() -> None:
    catalog = Catalog.of(
        [Item(f"l{n}", "Lumo lamp", category=("Lamps",)) for n in range(6)], TextConfig()
    )
    generated, _ = synthetic_sessions(
        catalog, np.arange(6), count=400, search_share=0.3, time=0.0, seed=5
    )
    reviewed = 0
    for session in generated:
        disliked = catalog.rows(list(session.session.disliked)).tolist()
        assert len(session.relevant) and not set(session.relevant.tolist()) & set(disliked)
        reviewed += bool(disliked)
    assert reviewed


def test_a_visit_starts_at_its_time_and_is_one_session() -> None:
    for session in visits():
        times = [event.time for event in session.session.events]
        assert times == sorted(times) and times[0] > END_TIME
        assert session.session.at(session.time) is session.session and session.time == times[-1]
        assert times[-1] < END_TIME + 1_800


def test_only_the_rows_given_are_viewed_and_relevant() -> None:
    catalog, rows = shelf.catalog(), np.arange(0, 240, 2)
    generated, _ = synthetic_sessions(catalog, rows, count=200, search_share=0.2, time=0.0, seed=5)
    for session in generated:
        seen = catalog.rows([one.item_id for one in session.session.events if one.item_id])
        assert np.isin(session.relevant, rows).all() and np.isin(seen, rows).all()


@pytest.mark.parametrize(
    "items", [[], [Item("a", "lamp")], [Item(name, f"{name}{name}") for name in "abcdef"]]
)
def test_where_nothing_is_like_anything_nobody_comes(items: list[Item]) -> None:
    catalog = Catalog.of(items, TextConfig())
    rows = np.arange(catalog.count)
    generated, report = synthetic_sessions(
        catalog, rows, count=50, search_share=0.2, time=0.0, seed=5
    )
    # Each item is asked eight times, and not more than 50 visits are asked for.
    assert generated == [] and report == SyntheticSessionsReport(50, 0, min(50, 8 * len(items)))


def test_items_without_their_like_are_counted_and_the_others_come_as_often_as_asked() -> None:
    lamps = [Item(f"l{n}", f"Lumo lamp {n}", category=("Lamps",)) for n in range(30)]
    odd = [Item(f"o{n}", f"{n}thing", category=(f"Odd {n}",)) for n in range(10)]
    catalog = Catalog.of([*lamps, *odd], TextConfig())
    generated, report = synthetic_sessions(
        catalog, np.arange(40), count=120, search_share=0.0, time=0.0, seed=5
    )
    assert report == SyntheticSessionsReport(asked_count=120, made_count=90, alone_count=30)
    assert len(generated) == 90


def test_the_same_seed_makes_the_same_sessions() -> None:
    catalog, rows = shelf.catalog(), np.arange(240)
    first, second, other = (
        [
            (session.session, session.relevant.tolist())
            for session in synthetic_sessions(
                catalog, rows, count=60, search_share=0.2, time=0.0, seed=seed
            )[0]
        ]
        for seed in (1, 1, 2)
    )
    assert first == second != other


def test_examples_of_sessions_hold_the_views_by_type_and_what_is_relevant() -> None:
    catalog, some = shelf.catalog(), visits()[:200]
    examples = synthetic_session_examples(some, catalog, shelf.CONFIG)
    assert examples.count == 200
    types = examples.inputs["event_types"]
    assert GENERIC_TYPE not in types
    assert set(types[types != PADDING_TYPE].tolist()) == SYNTHETIC_TYPES
    for row, session in enumerate(some):
        newest = session.session.events[-1]
        assert examples.inputs["event_rows"][row, 0] == catalog.row_of.get(newest.item_id, -1)
        wanted = examples.targets[row]
        assert wanted[wanted >= 0].tolist() == session.relevant[: len(wanted)].tolist()


def test_lists_of_sessions_browse_and_search_among_the_queries_of_anonymous_visitors() -> None:
    queries = [("espresso", [2])] * 30
    some = visits()[:90]
    lists, report = query_lists(shelf.ranker(), queries, some, time=END_TIME, seed=7)
    assert report.request_count == 120
    is_search = lists.features[:, 0, FEATURE_NAMES.index("is_search")] == 1
    has_looks = lists.features[:, 0, FEATURE_NAMES.index("session_event_count")] > 0
    assert 0 < (~is_search).sum() <= sum(not session.text for session in some)
    assert (is_search & has_looks).any() and (~is_search & has_looks).any()
    # The reranker is checked by the last lists: both kinds are to be among them.
    assert 0 < is_search[-30:].sum() < 30
