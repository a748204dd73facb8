"""What follows a purchase, worked out by hand on a shop of few visitors."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from data.records import Event, EventType, Item
from towers.after_sales.after_sales import AfterSales
from towers.after_sales.approval import approval_of
from towers.after_sales.next_purchases import NextPurchases
from towers.after_sales.purchase_visits import PurchaseVisits
from towers.after_sales.repurchase_gaps import repurchase_days
from towers.catalog.items import Catalog
from towers.config import TextConfig

DAY = 86_400.0
PHONE, CASE, TEA = 0, 1, 2
PHONES, CASES = ("Phones",), ("Cases",)


def catalog(*names: str) -> Catalog:
    paths = {"phone": PHONES, "case": CASES}
    found = [
        Item(name, name.title(), category=paths.get(name.partition(" ")[0], ())) for name in names
    ]
    return Catalog.of(found, TextConfig(bucket_count=64))


def bought(*purchases: tuple[str, int, float]) -> tuple[list[Event], list[int]]:
    """Events of ``(visitor, row, day)`` in order of time, and their rows."""
    events = [
        Event(f"e{number}", EventType.PURCHASE, visitor, day * DAY, f"i{row}")
        for number, (visitor, row, day) in enumerate(purchases)
    ]
    order = sorted(range(len(events)), key=lambda number: events[number].time)
    return [events[number] for number in order], [purchases[number][1] for number in order]


def test_a_visit_ends_where_nothing_is_bought_for_half_an_hour() -> None:
    minute = 1 / 1440
    events, rows = bought(
        ("a", PHONE, 1.0),
        ("a", CASE, 1.0 + 20 * minute),
        ("a", TEA, 1.0 + 51 * minute),
        ("b", TEA, 1.0),
    )
    visits = PurchaseVisits.of(events, rows)
    assert visits.count == 3
    assert visits.visits.tolist() == [0, 0, 1, 2] and visits.rows.tolist() == [
        PHONE,
        CASE,
        TEA,
        TEA,
    ]
    assert [one.tolist() for one in visits.followers(5, 60.0)] == [[0], [1]]


def test_later_visits_count_up_to_a_limit_of_visits_and_of_days() -> None:
    events, rows = bought(*(("a", TEA, day) for day in (0.0, 10.0, 20.0, 90.0)))
    visits = PurchaseVisits.of(events, rows)
    pairs = {*zip(*(one.tolist() for one in visits.followers(2, 60.0)), strict=True)}
    assert pairs == {(0, 1), (0, 2), (1, 2)}


def test_the_lift_is_that_of_the_shrunk_share_over_what_follows_anything() -> None:
    # Four buy a phone and then a case; six buy tea, and then tea again.
    log = [(f"p{n}", row, day) for n in range(4) for row, day in ((PHONE, 0.0), (CASE, 3.0))]
    log += [(f"t{n}", TEA, day) for n in range(6) for day in (0.0, 7.0)]
    visits = PurchaseVisits.of(*bought(*log))
    found = NextPurchases.of(visits, visits.rows, 3)
    # Ten visits are followed by another, four of them by a case: all four of those with a phone.
    rows, lifts = found.after(PHONE)
    assert rows.tolist() == [CASE]
    assert lifts[0] == pytest.approx(math.log((4 + 5 * 0.4) / (4 + 5) / 0.4))
    rows, lifts = found.after(TEA)
    assert rows.tolist() == [TEA]
    assert lifts[0] == pytest.approx(math.log((6 + 5 * 0.6) / (6 + 5) / 0.6))
    # What was bought before, or on the same visit, does not follow.
    assert not len(found.after(CASE)[0]) and not len(found.after(99)[0])


def test_a_visitors_habit_counts_as_five_visits_at_most() -> None:
    # One visitor's thirty visits, each with a phone, against six visitors who go on to tea.
    log = [("habit", PHONE, float(day)) for day in range(30)]
    log += [(f"t{n}", row, day) for n in range(6) for row, day in ((PHONE, 0.0), (TEA, 9.0))]
    visits = PurchaseVisits.of(*bought(*log))
    rows, lifts = NextPurchases.of(visits, visits.rows, 3).after(PHONE)
    found = dict(zip(rows.tolist(), lifts.tolist(), strict=True))
    # Of 35 visits with a later one 29 are the habit's, which count as five.
    base = 6 / 35
    assert found[TEA] == pytest.approx(math.log((6 + 5 * base) / (11 + 5) / base), abs=1e-5)
    assert PHONE not in found


def test_an_item_is_bought_again_after_its_median_gap_else_its_categorys_else_the_shops() -> None:
    leaf = np.array([0, 0, 1], np.int32)
    often = [("a", PHONE, day) for day in (0.0, 4.0, 10.0, 18.0, 20.0, 30.0)]
    visits = PurchaseVisits.of(*bought(*often, ("b", TEA, 0.0), ("b", TEA, 100.0)))
    of_items, of_categories, shop = repurchase_days(visits, leaf)
    # Gaps 4, 6, 8, 2 and 10; the shop also has the one of 100.
    assert of_items.tolist() == [6.0, 6.0, 7.0]
    assert of_categories.tolist() == [6.0, 7.0] and shop == 7.0
    nothing = PurchaseVisits.of(*bought(("a", PHONE, 0.0)))
    assert repurchase_days(nothing, leaf)[2] == float("inf")


def test_approval_is_the_share_of_good_verdicts_shrunk_to_category_and_shop() -> None:
    def verdict(row: int, rating: float | None, text: str = "") -> tuple[Event, int]:
        type_ = EventType.RETURN if rating is None and not text else EventType.REVIEW
        return Event("e", type_, "v", 0.0, f"i{row}", rating=rating, text=text), row

    log = [verdict(0, 5.0), verdict(0, 4.0), verdict(1, 1.0), verdict(1, None), verdict(1, 3.0)]
    log.append((Event("u", EventType.REVIEW, "v", 0.0, "gone", rating=1.0), -1))
    log.append((Event("x", EventType.VIEW, "v", 0.0, "i0"), 0))
    events, rows = zip(*log, strict=True)
    found = approval_of(events, rows, np.array([0, 0, 1], np.int32))
    shop = (2.5 + 2.5) / (5 + 5)
    category = (2.5 + 5 * shop) / (5 + 5)
    expected = [(2 + 5 * category) / 7, (0.5 + 5 * category) / 8, shop]
    assert found.tolist() == pytest.approx(expected)
    assert approval_of([], [], np.array([0], np.int32)).tolist() == [0.5]


def test_what_was_saved_is_read_again_and_moves_with_items_and_categories(tmp_path: Path) -> None:
    old = catalog("phone", "case", "tea")
    log = [(f"p{n}", row, day) for n in range(6) for row, day in ((PHONE, 0.0), (CASE, 3.0))]
    log += [(f"t{n}", TEA, day) for n in range(6) for day in (0.0, 7.0)]
    events, rows = bought(*log)
    measured = AfterSales.of(events, rows, old)
    # Tea has no category, so that nothing is known of what follows it but by item.
    leaf = {name: int(old.leaf[old.row_of[name]]) for name in old.item_ids}
    assert measured.by_category.after(leaf["phone"])[0].tolist() == [leaf["case"]]
    assert not len(measured.by_category.after(leaf["tea"])[0])
    measured.save(tmp_path)
    loaded = AfterSales.load(tmp_path)
    for name in ("days_of_items", "days_of_categories", "approval"):
        assert np.array_equal(getattr(loaded, name), getattr(measured, name))
    new = catalog("case", "phone 2", "tea", "phone")
    moved = loaded.rebased(old, new)
    assert moved.by_item.after(new.row_of["phone"])[0].tolist() == [new.row_of["case"]]
    assert not len(moved.by_item.after(new.row_of["phone 2"])[0])
    phones, cases = (int(new.leaf[new.row_of[name]]) for name in ("phone 2", "case"))
    assert moved.by_category.after(phones)[0].tolist() == [cases]
    of_tea = moved.days_until_again(new.rows(["tea"]), new)
    assert of_tea == measured.days_until_again(old.rows(["tea"]), old) == [7.0]
    # An item that came later, in a catalogue that has grown.
    new.upsert(Item("case 2", "Case 2", category=CASES))
    row = np.array([new.row_of["case 2"]])
    assert moved.approval_at(row) == [0.5] and moved.days_until_again(row, new) == [7.0]
    # Without the phone nothing leads to a case any more.
    less = loaded.rebased(old, catalog("case", "tea"))
    assert not (less.by_item.next_keys == 0).any()


def test_an_empty_log_knows_nothing() -> None:
    shop = catalog("phone", "tea")
    known = AfterSales.of([], [], shop)
    assert not len(known.by_item.after(0)[0]) and not len(known.by_category.after(0)[0])
    assert not len(AfterSales.none().by_item.after(0)[0])
    assert AfterSales.none().days_until_again(np.array([0]), shop) == [float("inf")]
