"""Next-basket baselines against scores worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from data.records import Event, EventType
from tests.towers import shelf
from towers.datasets.replayed_log import ReplayedLog
from towers.retrieval.rank_request import RankRequest
from towers.sessions.session import Session
from towers.training.baselines.baskets import VisitorBaskets
from towers.training.baselines.next_basket import NextBasket
from towers.training.baselines.tifu_knn import TifuKnn, personal_vector
from towers.training.baselines.up_cf import UpCf, recent_shares

_DAY = 86_400.0
_START = 1_600_000_000.0


def baskets(*rows: list[int]) -> list[np.ndarray]:
    return [np.array(one, np.int64) for one in rows]


def visits(*bought: tuple[str, list[int]], of_type: EventType = EventType.PURCHASE) -> list[Event]:
    """One session a day: a visitor, and the rows bought, all at one time."""
    ids = [item.item_id for item in shelf.items()]
    return [
        Event(f"{day}-{row}", of_type, visitor, _START + _DAY * day, ids[row], session_id=f"s{day}")
        for day, (visitor, rows) in enumerate(bought)
        for row in rows
    ]


def log_of(events: list[Event], learn_from: float = -np.inf) -> ReplayedLog:
    return ReplayedLog.of(events, shelf.catalog().row_of, learn_from_time=learn_from)


def test_a_basket_is_what_one_session_bought_once_each() -> None:
    events = visits(("a", [3, 1, 3]), ("b", [2]), ("a", [1])) + visits()
    looked = visits(("a", [5]), of_type=EventType.VIEW)
    known = VisitorBaskets.of(log_of([*looked, *events]))
    of_a = known.of_visitor("a", 10)
    assert [basket.tolist() for basket in of_a] == [[1, 3], [1]]
    assert known.of_visitor("nobody", 10) == []


def test_baskets_of_later_sessions_are_not_known_yet() -> None:
    events = visits(("a", [1, 2]), ("b", [2]), ("a", [4]))
    log = log_of(events)
    known = VisitorBaskets.of(log)
    third = int(log.sessions[-1])
    assert [one.tolist() for one in known.of_visitor("a", third)] == [[1, 2]]
    before = known.before(3)
    assert {visitor: len(of_visitor) for visitor, of_visitor in before.items()} == {"a": 1, "b": 1}
    assert known.before(0) == {}


def test_a_log_without_purchases_has_no_baskets() -> None:
    assert VisitorBaskets.of(log_of(visits(("a", [1]), of_type=EventType.VIEW))).by_visitor == {}


def test_newer_baskets_weigh_more_within_a_group_and_among_groups() -> None:
    two = personal_vector(baskets([0, 1], [1]), 3).toarray()[0]
    assert two == pytest.approx([0.9 / 2, 0.9 / 2 + 1 / 2, 0.0])
    # Eight baskets: the newest seven are one group, the oldest is one of its own.
    eight = personal_vector(baskets([2], *[[0]] * 7), 3).toarray()[0]
    full = (1 - 0.9**7) / (1 - 0.9) / 7
    assert eight == pytest.approx([full / 2, 0.0, 0.7 / 2])
    assert not personal_vector([], 3).toarray().any()


def test_tifu_knn_adds_the_mean_of_the_neighbours_but_not_the_visitor() -> None:
    method = TifuKnn({"a": baskets([0]), "b": baskets([1]), "c": baskets([1, 2])}, 3)
    assert method.scores("a", baskets([0])) == pytest.approx([0.7, 0.3 * 2 / 2, 0.3 / 2])
    # A visitor whom the method never saw has all three as neighbours.
    assert method.scores("new", []) == pytest.approx([0.3 / 3, 0.3 * 2 / 3, 0.3 / 3])


def test_tifu_knn_takes_the_nearest_where_there_are_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("towers.training.baselines.tifu_knn.NEIGHBOUR_COUNT", 1)
    method = TifuKnn({"far": baskets([1, 2]), "near": baskets([0, 1])}, 3)
    assert method.scores("new", baskets([0])) == pytest.approx([0.7 + 0.3, 0.3, 0.0])


def test_methods_without_any_visitor_know_only_the_visitors_own() -> None:
    own = baskets([0])
    assert TifuKnn({}, 2).scores("a", own) == pytest.approx([0.7, 0.0])
    assert UpCf({}, 2).scores("a", own) == pytest.approx([1.0, 0.0])


def test_up_cf_weighs_like_visitors_by_what_they_have_in_common() -> None:
    method = UpCf({"a": baskets([0], [0, 1]), "b": baskets([1, 2])}, 3)
    # Half of the items of each: 1 / (2^¼ · 2^¾), to the tenth power.
    like = 0.5**10
    assert method.scores("a", baskets([0], [0, 1])) == pytest.approx([1.0, 0.5 + like, like])


def test_up_cf_counts_only_the_newest_baskets() -> None:
    shares = recent_shares(baskets([1], *[[0]] * 25), 2).toarray()[0]
    assert shares == pytest.approx([1.0, 0.0])


def test_rankings_leave_out_the_basket_and_are_filled_with_popular_items() -> None:
    events = visits(("a", [1, 2]), ("a", [2, 3]), ("a", [2, 9]), ("b", [7]))
    log = log_of(events, _START + 2 * _DAY)
    ranker = shelf.ranker()
    excluded = np.array([2], np.int64)
    request = RankRequest(Session.empty("a"), _START + 2 * _DAY, excluded=excluded)
    encoded = ranker.read(request)
    found = NextBasket(log, 240).rankings(log.learn_from, encoded, ranker.sources, 5)
    assert set(found) == {"tifu_knn", "up_cf"}
    for rows in found.values():
        # 9 is of the basket that is being filled, 7 of the future.
        assert len(rows) == len(set(rows.tolist())) == 5 and 2 not in rows
        assert {*rows[:2].tolist()} == {1, 3}
    assert found["tifu_knn"][0] == 3
