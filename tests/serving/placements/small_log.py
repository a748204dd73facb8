"""The shop of the shelf with what follows a purchase counted on a small log, known by hand.

Forty buy a phone and three days later a case, ten of them a week later another phone, which all review
well; twelve others buy coffee every ten days, and then another one, and review a third phone badly.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from data.records import Event, EventType
from tests.towers import shelf
from towers.after_sales.after_sales import AfterSales
from towers.bundle.bundle import write_after_sales
from towers.bundle.layout import Layout
from towers.bundle.manifest import sign
from towers.catalog.items import Catalog
from towers.retrieval.sources.repurchase import Repurchase

NOW = float(int(time.time()))
DAY = 86_400.0
CATALOG: Catalog = shelf.catalog()
PATHS = sorted({CATALOG.category(row) for row in range(CATALOG.count)})


def of(path: tuple[str, ...]) -> list[str]:
    """The items of a category, in stock."""
    return [one.item_id for one in shelf.items() if one.category == path and one.in_stock]


# Phones are bought once; a case follows days later. Coffee is bought every ten days.
PHONES, CASES, COFFEE, FILTERS = (of(path) for path in PATHS[:4])
PHONE, OTHER_PHONE, BAD_PHONE = PHONES[:3]
CASE, OTHER_CASE = CASES[:2]
BEANS, OTHER_BEANS = COFFEE[:2]
BUY, REVIEW, RETURN = EventType.PURCHASE, EventType.REVIEW, EventType.RETURN


def did(
    visitor: str, type_: EventType, item_id: str, days_ago: float, rating: float | None = None
) -> Event:
    moment = NOW - 60.0 - days_ago * DAY
    id_ = f"{visitor}-{type_.label}-{item_id}-{days_ago}"
    return Event(id_, type_, visitor, moment, item_id, rating=rating)


def history() -> list[Event]:
    """What happened, by time."""
    events = []
    for number in range(40):
        visitor = f"p{number}"
        events += [did(visitor, BUY, PHONE, 300.0), did(visitor, BUY, CASE, 297.0)]
        if number < 10:
            events.append(did(visitor, BUY, OTHER_PHONE, 290.0))
        events.append(did(visitor, REVIEW, OTHER_PHONE, 280.0, 5.0))
    for number in range(12):
        visitor = f"c{number}"
        events += [did(visitor, BUY, BEANS, 200.0 - 10.0 * visit) for visit in range(4)]
        events.append(did(visitor, BUY, OTHER_BEANS, 165.0))
        events.append(did(visitor, REVIEW, BAD_PHONE, 290.0, 1.0))
    return sorted(events, key=lambda event: event.time)


def small_log_bundle(folder: Path) -> Path:
    """A copy of the shelf's bundle with the after-sales and repurchase tables of the small log."""
    shutil.copytree(shelf.bundle_folder(), folder)
    events = history()
    rows = CATALOG.rows([event.item_id for event in events]).tolist()
    layout = Layout(folder)
    shutil.rmtree(layout.after_sales)
    write_after_sales(layout, AfterSales.of(events, rows, CATALOG))
    Repurchase.of(events, rows, CATALOG).save(layout.sources / Repurchase.name)
    sign(folder, NOW)
    return folder
