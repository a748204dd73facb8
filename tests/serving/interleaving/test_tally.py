"""Wins and losses of a small log, worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.records import Event, EventType, Impression
from serving.api.reports import InterleavingTally, Leader
from serving.interleaving.tally import Tally
from serving.state.event_log import EventLog


def shown(token: str, visitor: str, teams: str, surface: str = "home") -> Impression:
    items = tuple(f"{token}{place}" for place in range(len(teams)))
    parts = (token, visitor, 10.0, surface, "", "one", items)
    return Impression(*parts, interleaved_bundle_id="two", teams=teams)


def act(token: str, place: int, type_: EventType, number: int = 0) -> Event:
    event_id = f"{token}{place}{type_}{number}"
    return Event(event_id, type_, "v", 11.0, f"{token}{place}", attribution_token=token)


LOG: tuple[Event | Impression, ...] = (
    shown("s", "anna", "ab-a", "search"),
    act("s", 1, EventType.VIEW),
    act("s", 1, EventType.VIEW, 1),
    act("s", 1, EventType.PURCHASE),
    act("s", 2, EventType.PURCHASE),
    act("s", 0, EventType.VIEW),
    shown("h", "anna", "bbaa"),
    act("h", 0, EventType.FAVORITE),
    act("h", 1, EventType.ADD_TO_CART),
    act("h", 0, EventType.RETURN),
    shown("i", "bert", "abab"),
    act("i", 0, EventType.ADD_TO_CART),
    act("i", 9, EventType.VIEW),
    shown("j", "", "abab"),
    act("unknown", 0, EventType.VIEW),
)
"""``s``: one item of each bundle is clicked, a tie; other's is bought, a win; the pinned one is
nobody's. ``h``: two of other's are clicked, one put into the cart. ``i``: one of active's, into the
cart. ``j``: nothing."""


def row(tally: Tally, surface: str, action: str) -> InterleavingTally:
    (found,) = [one for one in tally.rows() if (one.surface, one.action) == (surface, action)]
    return found


def counts(one: InterleavingTally) -> tuple[int, ...]:
    visitors = one.preferring_other_count, one.preferring_active_count
    return one.answer_count, one.win_count, one.loss_count, one.tie_count, *visitors


def folded(records: tuple[Event | Impression, ...]) -> Tally:
    tally = Tally("one", "two", 5.0)
    for record in records:
        tally.take_in(record)
    return tally


def test_a_small_log_by_hand() -> None:
    tally = folded(LOG)
    assert tally.visitor_count == 3
    # Answers; wins, losses, ties; visitors for the other and for the active bundle.
    assert counts(row(tally, "", "click")) == (4, 1, 1, 1, 1, 1)
    assert counts(row(tally, "", "cart")) == (4, 2, 1, 0, 1, 1)
    assert counts(row(tally, "", "purchase")) == (4, 1, 0, 0, 1, 0)
    assert counts(row(tally, "search", "click")) == (1, 0, 0, 1, 0, 0)
    assert counts(row(tally, "home", "click")) == (3, 1, 1, 0, 1, 1)
    one = row(tally, "", "click")
    assert (one.p_value, one.leader) == (1.0, Leader.UNSPECIFIED)
    assert one.low < 0.5 < one.high
    assert [(one.surface, one.action) for one in tally.rows()][:4] == [
        ("", "click"),
        ("", "cart"),
        ("", "purchase"),
        ("home", "click"),
    ]


def test_what_is_read_back_from_a_log_gives_the_same_tally(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "log.sqlite")
    for record in LOG:
        if isinstance(record, Event):
            log.append_events([record])
        else:
            log.enqueue_impression(record)
    log.flush()
    again = folded(tuple(entry.record for entry in log.replay()))
    log.close()
    assert again.rows() == folded(LOG).rows()


def test_answers_of_other_bundles_and_of_before_do_not_count() -> None:
    tally = Tally("one", "two", 10.5)
    tally.take_in(shown("early", "v", "ab"))
    other = Tally("one", "three", 5.0)
    other.take_in(shown("foreign", "v", "ab"))
    assert tally.rows() == other.rows() == ()


def test_six_visitors_of_one_mind_make_a_leader_and_five_do_not() -> None:
    found = []
    for count in (5, 6):
        records: list[Event | Impression] = []
        for number in range(count):
            records += [shown(f"t{number}", f"v{number}", "ab")]
            records += [act(f"t{number}", 0, EventType.VIEW)]
        found.append(row(folded(tuple(records)), "", "click"))
    assert [one.p_value for one in found] == pytest.approx([2 / 2**5, 2 / 2**6])
    assert [one.leader for one in found] == [Leader.UNSPECIFIED, Leader.ACTIVE]


def test_many_answers_of_one_visitor_are_one_visitor() -> None:
    records: list[Event | Impression] = []
    for number in range(20):
        records += [shown(f"t{number}", "v", "ab"), act(f"t{number}", 1, EventType.VIEW)]
    found = row(folded(tuple(records)), "", "click")
    assert counts(found) == (20, 20, 0, 0, 1, 0) and found.leader is Leader.UNSPECIFIED


def test_only_the_newest_answers_are_waited_for() -> None:
    tally = Tally("one", "two", 5.0, open_limit=2)
    for number in range(3):
        tally.take_in(shown(f"t{number}", "v", "ab"))
    for number in range(3):
        tally.take_in(act(f"t{number}", 1, EventType.VIEW))
    assert counts(row(tally, "", "click")) == (3, 2, 0, 0, 1, 0)
