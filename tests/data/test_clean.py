"""Each rule takes out the rows it names and no other, and every one is counted."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.clean import CleanShop, Loss, clean, source_losses, tidy_text
from data.records import Event, EventType, Item, Judgment
from data.tables import (
    ITEM_SCHEMA,
    RawShop,
    events_table,
    items_table,
    iter_events,
    iter_items,
    judgments_table,
)

NOW = 1_700_000_000.0
ITEMS = [Item("a", "Apple", price=1.0), Item("b", "Bread")]
VIEW = Event("e", EventType.VIEW, "v", NOW - 60, item_id="a")
SEARCH = Event("s", EventType.SEARCH, "v", NOW - 60, query="apple")
REVIEW = Event("r", EventType.REVIEW, "v", NOW - 60, item_id="a", rating=5.0, text="good")
NAN, INFINITE = float("nan"), float("inf")


def cleaned(
    items: list[Item] | None = None,
    events: list[Event] | None = None,
    judgments: list[Judgment] | None = None,
) -> CleanShop:
    return clean(
        RawShop(
            None if items is None else items_table(items),
            None if events is None else events_table(events),
            None if judgments is None else judgments_table(judgments),
        ),
        now=NOW,
    )


def test_clean_rows_stay_and_cost_nothing() -> None:
    kept = [
        VIEW,
        SEARCH,
        REVIEW,
        replace(VIEW, event_id="priced", type=EventType.PURCHASE, price=0.0, quantity=3),
        replace(VIEW, event_id="dear", price=1e12),
        replace(VIEW, event_id="now", time=NOW),
        replace(VIEW, event_id="old", time=631_152_000.0),  # 1990-01-01
        replace(SEARCH, event_id="of an item", item_id="a"),
        replace(REVIEW, event_id="low", rating=1.0),
    ]
    shop = cleaned(ITEMS, kept, [Judgment("apple", "a", -1.0), Judgment("apple", "b", 0.0)])
    assert list(iter_items(shop.items)) == ITEMS
    assert list(iter_events(shop.events)) == kept
    assert shop.judgments.num_rows == 2
    assert shop.losses == ()


@pytest.mark.parametrize(
    ("rule", "bad"),
    [
        ("no event id", replace(VIEW, event_id="")),
        ("no visitor id", replace(VIEW, event_id="x", visitor_id="")),
        ("time before 1990 or in the future", replace(VIEW, event_id="x", time=NOW + 1e-6)),
        ("time before 1990 or in the future", replace(VIEW, event_id="x", time=631_151_999.9)),
        ("time before 1990 or in the future", replace(VIEW, event_id="x", time=0.0)),
        ("search without a query", replace(SEARCH, event_id="x", query="")),
        ("search without a query", replace(SEARCH, event_id="x", query=" \u3000\t")),
        ("no item id", replace(VIEW, event_id="x", item_id="")),
        ("unknown item", replace(VIEW, event_id="x", item_id="A")),
        ("unknown item", replace(SEARCH, event_id="x", item_id="gone")),
        ("quantity below 1", replace(VIEW, event_id="x", quantity=0)),
        ("price outside 0 to 1,000,000,000,000", replace(VIEW, event_id="x", price=-0.01)),
        ("price outside 0 to 1,000,000,000,000", replace(VIEW, event_id="x", price=NAN)),
        ("price outside 0 to 1,000,000,000,000", replace(VIEW, event_id="x", price=INFINITE)),
        ("price outside 0 to 1,000,000,000,000", replace(VIEW, event_id="x", price=1e39)),
        ("rating outside 1 to 5", replace(REVIEW, event_id="x", rating=0.5)),
        ("rating outside 1 to 5", replace(REVIEW, event_id="x", rating=5.5)),
        ("rating outside 1 to 5", replace(REVIEW, event_id="x", rating=NAN)),
        ("repeated event id", replace(VIEW, item_id="b")),
    ],
)
def test_an_event_that_breaks_a_rule_is_dropped(rule: str, bad: Event) -> None:
    shop = cleaned(ITEMS, [VIEW, bad, SEARCH])
    assert list(iter_events(shop.events)) == [VIEW, SEARCH]
    assert shop.losses == (Loss("events", rule, 1, 3),)


@pytest.mark.parametrize(
    ("rule", "bad"),
    [
        ("no query", Judgment("", "a", 1.0)),
        ("no item id", Judgment("apple", "", 1.0)),
        ("unknown item", Judgment("apple", "gone", 1.0)),
        ("grade not finite", Judgment("pie", "a", NAN)),
        ("grade not finite", Judgment("pie", "a", INFINITE)),
        ("repeated query and item", Judgment("apple", "a", 2.0)),
        ("repeated query and item", Judgment(" apple\n", "a", 1.0)),
    ],
)
def test_a_judgment_that_breaks_a_rule_is_dropped(rule: str, bad: Judgment) -> None:
    good = [Judgment("apple", "a", 1.0), Judgment("apple", "b", 1.0)]
    shop = cleaned(ITEMS, None, [*good, bad])
    assert [Judgment(**row) for row in shop.judgments.to_pylist()] == good
    assert shop.losses == (Loss("judgments", rule, 1, 3),)


def test_an_item_that_breaks_a_rule_is_dropped() -> None:
    shop = cleaned([*ITEMS, Item("", "Nameless"), Item("a", "Second apple"), Item("a")])
    assert list(iter_items(shop.items)) == ITEMS
    assert shop.losses == (
        Loss("items", "no item id", 1, 5),
        Loss("items", "repeated item id", 2, 5),
    )


BAD_ID = "longer than 128 characters or with control characters"


@pytest.mark.parametrize("bad", ["x" * 129, "two\nlines", "nul\0", "next\x85line", "\x7f"])
def test_what_clients_may_not_hand_in_as_an_id_is_dropped_from_any_source(bad: str) -> None:
    events = [
        VIEW,
        replace(VIEW, event_id=bad),
        replace(VIEW, event_id="f", visitor_id=bad),
        replace(VIEW, event_id="g", item_id=bad),
        # A generated session id is a visitor id and a time, and so may be longer.
        replace(VIEW, event_id="h", session_id="s" * 140),
    ]
    shop = cleaned([*ITEMS, Item(bad)], events, [Judgment("q", bad, 1.0), Judgment("q", "a", 1.0)])
    assert list(iter_items(shop.items)) == ITEMS
    assert [event.event_id for event in iter_events(shop.events)] == ["e", "h"]
    assert shop.losses == (
        Loss("items", f"item id {BAD_ID}", 1, 3),
        Loss("events", f"event id {BAD_ID}", 1, 5),
        Loss("events", f"visitor id {BAD_ID}", 1, 5),
        Loss("events", "unknown item", 1, 5),
        Loss("judgments", "unknown item", 1, 2),
    )
    # Where the items are those of the events, an event makes no item that is refused elsewhere.
    assert [item.item_id for item in iter_items(cleaned(None, events).items)] == ["a"]


@pytest.mark.parametrize(
    "odd", ["界" * 128, "a\u2028b", "a\u2029b", "a b", "a,b", 'a"b', "a'b", "a\\nb"]
)
def test_odd_ids_that_clients_may_hand_in_stay(odd: str) -> None:
    event = Event(odd, EventType.VIEW, odd, NOW - 60, item_id=odd)
    shop = cleaned([Item(odd)], [event], [Judgment("q", odd, 1.0)])
    assert shop.losses == ()
    assert [item.item_id for item in iter_items(shop.items)] == [odd]


@pytest.mark.parametrize("price", [-1.0, NAN, INFINITE, -INFINITE, 1.1e12, 1e39])
def test_an_item_loses_a_price_that_is_none_and_stays(price: float) -> None:
    shop = cleaned([*ITEMS, Item("c", "Cake", price=price)])
    assert list(iter_items(shop.items)) == [*ITEMS, Item("c", "Cake")]
    (loss,) = shop.losses
    assert loss.sentence == "emptied the price of 1 of 3 items: outside 0 to 1,000,000,000,000"


def test_a_row_counts_for_the_first_rule_that_it_breaks() -> None:
    bad = Event("", EventType.VIEW, "", -5.0, quantity=-1, price=-1.0, rating=9.0)
    shop = cleaned(ITEMS, [bad, bad, VIEW])
    assert shop.losses == (Loss("events", "no event id", 2, 3),)


def test_a_loss_is_a_sentence() -> None:
    loss = Loss("events", "unknown item", 1_204, 90_311)
    assert loss.sentence == "dropped 1,204 of 90,311 events: unknown item"


def test_without_items_every_id_becomes_one() -> None:
    events = [replace(VIEW, item_id="b"), SEARCH, replace(VIEW, event_id="f", item_id="智能手机")]
    shop = cleaned(None, events, [Judgment("q", "c", 1.0), Judgment("q", "b", 1.0)])
    assert list(iter_items(shop.items)) == [Item("b"), Item("智能手机"), Item("c")]
    assert shop.events.num_rows == 3
    assert shop.losses == ()


def test_a_shop_of_nothing_is_clean() -> None:
    shop = cleaned()
    assert (shop.items.num_rows, shop.events.num_rows, shop.judgments.num_rows) == (0, 0, 0)
    assert shop.losses == ()
    assert shop.items.schema.equals(ITEM_SCHEMA)


def test_texts_are_tidied_and_ids_are_not() -> None:
    dirty = " Ｎo\u00a0 tea\u3000，\u0000please\ufeff\r\n"
    item = Item(
        "a  b ",
        dirty,
        dirty,
        ("  Tee \x07 ", dirty),
        dirty,
        attributes={" k ": "  v"},
        image=" red  shoe .jpg",
    )
    shop = cleaned([item], [Event("e  1", EventType.VIEW, " v ", NOW - 1, item_id="a  b ")])
    tidy = "Ｎo tea ，please"
    expected = replace(item, title=tidy, description=tidy, category=("Tee", tidy), brand=tidy)
    assert list(iter_items(shop.items)) == [expected]
    (event,) = iter_events(shop.events)
    assert (event.event_id, event.visitor_id, event.item_id) == ("e  1", " v ", "a  b ")


def test_the_category_of_a_part_of_a_table_is_its_own() -> None:
    items = [Item(str(place), category=(f"c{place} ", "x")) for place in range(5)]
    shop = clean(RawShop(items_table(items).slice(2, 2), None, None), now=NOW)
    assert [item.category for item in iter_items(shop.items)] == [("c2", "x"), ("c3", "x")]


def tidy_by_hand(text: str) -> str:
    """Control characters but white space go; the others and Unicode's separators are blanks."""
    out = []
    for letter in text:
        kind = unicodedata.category(letter)
        if letter in "\t\n\v\f\r\x85" or kind in ("Zs", "Zl", "Zp"):
            out.append(" ")
        elif kind != "Cc" and letter != "\ufeff":
            out.append(letter)
    return " ".join(word for word in "".join(out).split(" ") if word)


letters = st.text(
    st.sampled_from(
        "a智，Ａ \t\n\v\f\r\x00\x08\x1f\x7f\x85\x9f\u00a0\u2003\u2028\u3000\ufeff\u200d"
    )
    | st.characters(exclude_categories=["Cs"]),
    max_size=20,
)


@given(st.lists(letters, max_size=5))
def test_tidy_text_is_what_a_loop_over_letters_makes(texts: list[str]) -> None:
    tidied = tidy_text(pa.array(texts, pa.string())).to_pylist()
    assert tidied == [tidy_by_hand(text) for text in texts]


def test_what_the_source_left_out_is_counted_of_all_it_had() -> None:
    dropped: dict[tuple[str, str], Any] = {
        ("events", "not a product"): 3,
        ("events", "stock correction"): 2,
        ("judgments", "no grade"): 1,
    }
    shop = RawShop(None, events_table([VIEW]), None, dropped=dropped)
    assert [loss.sentence for loss in source_losses(shop)] == [
        "dropped 3 of 6 events: not a product",
        "dropped 2 of 6 events: stock correction",
        "dropped 1 of 1 judgments: no grade",
    ]
