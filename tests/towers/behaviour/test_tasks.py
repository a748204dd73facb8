"""Moments and labels of the three tasks, worked out by hand."""

from __future__ import annotations

from data.records import EventType
from tests.towers.behaviour.tiny_log import event, tables
from towers.behaviour.tasks import (
    PARTS,
    Limits,
    Task,
    next_item,
    next_type,
    visit_buys,
    visit_parts,
)
from towers.behaviour.visit_log import VisitLog

VIEW, CART, BUY = EventType.VIEW, EventType.ADD_TO_CART, EventType.PURCHASE
PLENTY = Limits(100, 100, 100)


def visit(name: str, start: float, *steps: tuple[EventType, str]) -> list:
    return [
        event(type_, start + 10 * at, item, visit=name, visitor=name)
        for at, (type_, item) in enumerate(steps)
    ]


LOG = VisitLog.of(
    tables(
        [
            *visit("buys", 0, (VIEW, "tea"), (VIEW, "cup"), (CART, "cup"), (BUY, "cup")),
            *visit("looks", 100, (VIEW, "tea"), (VIEW, "tea"), (VIEW, "mate")),
            *visit("looks2", 200, (VIEW, "pot"), (CART, "pot")),
            *visit("buys2", 300, (VIEW, "pot"), (BUY, "pot"), (VIEW, "tea")),
            *visit("late", 400, (VIEW, "cup"), (BUY, "cup"), (VIEW, "mate"), (VIEW, "pot")),
            *visit("astride", 995, (VIEW, "tea"), (BUY, "tea")),
            *visit("new", 1_000, (VIEW, "tea"), (VIEW, "cup"), (BUY, "tea")),
            *visit("new2", 2_000, (VIEW, "pot"), (EventType.SEARCH, ""), (VIEW, "mate")),
        ],
        test_from=1_000.0,
    ),
    seed=0,
)


def asked(task: Task, part: str) -> list[tuple[float, int]]:
    moments = task.moments[part].tolist()
    return [
        (float(LOG.times[moment]), int(label))
        for moment, label in zip(moments, task.labels[part].tolist(), strict=True)
    ]


def test_visits_on_both_sides_of_the_split_belong_to_no_part() -> None:
    parts = dict(zip(LOG.times.tolist(), visit_parts(LOG).tolist(), strict=True))
    # The newest of the five visits before the split validates.
    assert [parts[time] for time in (0.0, 130.0 - 10, 210.0, 310.0)] == [0, 0, 0, 0]
    assert parts[420.0] == 1
    assert parts[995.0] == parts[1_005.0] == -1
    assert parts[1_010.0] == parts[2_000.0] == 2


def test_whether_a_visit_buys_is_asked_until_it_has_bought() -> None:
    task = visit_buys(LOG, PLENTY, seed=0)
    assert asked(task, "training") == [
        (0.0, 1), (10.0, 1), (20.0, 1), (100.0, 0), (110.0, 0), (120.0, 0),
        (200.0, 0), (210.0, 0), (300.0, 1),
    ]  # fmt: skip
    assert asked(task, "test") == [(1_000.0, 1), (1_010.0, 1), (2e3, 0), (2_010.0, 0), (2_020.0, 0)]


def test_a_part_of_one_class_is_refused_by_name() -> None:
    # The only validation visit buys.
    task = visit_buys(LOG, PLENTY, seed=0)
    assert task.skipped == "the validation part holds one class only: buys"


def test_a_log_of_purchases_or_of_one_type_a_visit_asks_nothing_trivial() -> None:
    steps = [
        visit(f"n{number}", 100.0 * number, *[(type_, item) for item in ("tea", "cup")])
        for number in range(20)
        for type_ in [BUY if number % 2 else EventType.RETURN]
    ]
    log = VisitLog.of(tables([one for each in steps for one in each], test_from=1_500.0), seed=0)
    unchanging = next_type(log, PLENTY, seed=0)
    assert unchanging.skipped == "the type of event never changes within a visit"
    only_bought = [one for each in steps[1::2] for one in each]
    log = VisitLog.of(tables(only_bought, test_from=1_500.0), seed=0)
    assert visit_buys(log, PLENTY, seed=0).skipped == "every visit buys with its first event"


def test_the_next_type_is_that_of_the_next_event() -> None:
    task = next_type(LOG, PLENTY, seed=0)
    assert task.classes == ("view", "add_to_cart", "purchase")
    assert asked(task, "training") == [
        (0.0, 0), (10.0, 1), (20.0, 2), (100.0, 0), (110.0, 0), (200.0, 1), (300.0, 2), (310.0, 0),
    ]  # fmt: skip
    # The view before the search is left out: no training visit searches.
    assert asked(task, "test") == [(1_000.0, 0), (1_010.0, 2), (2_010.0, 0)]


def test_the_next_item_is_another_than_the_newest() -> None:
    task = next_item(LOG, PLENTY, seed=0)
    tea, mate, cup, pot = range(4)
    assert asked(task, "training") == [(0.0, cup), (110.0, mate), (310.0, tea)]
    assert asked(task, "validation") == [(410.0, mate), (420.0, pot)]
    # After the search the newest item is still the pot.
    assert asked(task, "test") == [(1_000.0, cup), (1_010.0, tea), (2_010.0, mate)]


def test_more_moments_than_allowed_are_sampled() -> None:
    task = next_type(LOG, Limits(3, 1, 2), seed=0)
    assert len(task.moments["training"]) == 3
    # Moments of a class that the three do not hold are left out.
    assert len(task.moments["test"]) <= 2
    assert all(task.labels[part].max(initial=0) < len(task.classes) for part in PARTS)
    assert task.available_counts["training"] == 8
    assert Limits.of(10) == Limits(10, 3, 5)
