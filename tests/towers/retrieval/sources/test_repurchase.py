"""Repurchase rates, and past purchases that are not recommended again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.records import Event, EventType, Item
from tests.towers import shelf
from towers.catalog.items import Catalog
from towers.config import IndexConfig, TextConfig
from towers.retrieval.rank_request import RankRequest
from towers.retrieval.source import Rebase
from towers.retrieval.sources.repurchase import Repurchase
from towers.sessions.session import Session

DAY = 86_400.0
ITEMS = [
    Item("milk", "milk", category=("Food",)),
    Item("rye", "rye bread", category=("Food",)),
    Item("tv", "television", category=("Screens",)),
]


def bought(item_id: str, visitor: str, day: float) -> Event:
    return Event(f"{visitor}{day}", EventType.PURCHASE, visitor, day * DAY, item_id)


def learnt(events: list[Event]) -> tuple[Repurchase, Catalog]:
    catalog = Catalog.of(ITEMS, TextConfig())
    events = sorted(events, key=lambda event: event.time)
    rows = [catalog.row_of.get(event.item_id, -1) for event in events]
    return Repurchase.of(events, rows, catalog), catalog


def test_shares_are_those_who_came_back_shrunk_towards_the_category() -> None:
    # Of 20 buyers of milk 15 came back, of 20 of televisions none; nobody bought rye bread.
    events = [bought("milk", f"v{n}", 1) for n in range(20)]
    events += [bought("milk", f"v{n}", 5) for n in range(15)]
    events += [bought("tv", f"v{n}", 2) for n in range(20)]
    repurchase, catalog = learnt(events)
    shop = 15 / 40
    food, screens = (15 + 10 * shop) / 30, (0 + 10 * shop) / 30
    expected = [(15 + 10 * food) / 30, food, (0 + 10 * screens) / 30]
    assert repurchase.at(np.arange(3), catalog).tolist() == pytest.approx(expected, rel=1e-6)


def test_twice_in_one_visit_or_after_a_return_is_no_rebuying() -> None:
    at_once = [bought("tv", "a", 1), bought("tv", "a", 1 + 60 / DAY)]
    exchanged = [
        bought("tv", "b", 1),
        Event("r", EventType.RETURN, "b", 2 * DAY, "tv"),
        bought("tv", "b", 3),
    ]
    assert learnt(at_once)[0].of_shop == learnt(exchanged)[0].of_shop == 0.0
    assert learnt([bought("tv", "a", 1), bought("tv", "a", 2)])[0].of_shop == 1.0


def test_a_bundle_keeps_the_shares_and_another_catalogue_takes_them_over(tmp_path: Path) -> None:
    repurchase, catalog = learnt(
        [bought("milk", "a", 1), bought("milk", "a", 9), bought("tv", "b", 1)]
    )
    repurchase.save(tmp_path)
    again = Repurchase.load(tmp_path, catalog)
    assert again.at(np.arange(3), catalog).tolist() == repurchase.at(np.arange(3), catalog).tolist()
    other = Catalog.of([ITEMS[2], Item("new", "new"), ITEMS[0]], TextConfig())
    none = np.zeros((0, 2), np.float32)
    rebase = Rebase(other, (), other.rows(catalog.item_ids), none, none, IndexConfig())
    moved = again.rebased(rebase).at(np.arange(3), other)
    before = repurchase.at(np.arange(3), catalog)
    assert moved.tolist() == pytest.approx([before[2], repurchase.of_shop, before[0]])


def test_a_browse_page_leaves_out_what_was_bought_unless_people_rebuy_it() -> None:
    ranker = shelf.ranker()
    catalog = ranker.sources.catalog
    shares = np.zeros(catalog.count, np.float32)
    ranker.sources.repurchase = Repurchase(shares, np.zeros(0, np.float32))
    staple, gadget = catalog.row_of["p0000"], catalog.row_of["p0016"]
    shares[staple] = 0.4
    session = Session.empty("v")
    for item_id in ("p0000", "p0016"):
        session = session.after(Event(item_id, EventType.PURCHASE, "v", 0.0, item_id))
    shown = ranker.rank(RankRequest(session.at(DAY), DAY)).rows
    assert staple in shown
    assert gadget not in shown
    # A search for its name still shows it: the visitor may need a spare.
    searched = ranker.rank(RankRequest(session.at(DAY), DAY, catalog.titles[gadget])).rows
    assert gadget in searched
    sent_back = session.after(Event("r", EventType.RETURN, "v", 9.0, "p0016"))
    assert not len(ranker.read(RankRequest(sent_back.at(DAY), DAY)).rank_request.excluded)
