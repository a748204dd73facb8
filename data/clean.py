"""Cleaning: drops rows by named rules, counts them, and normalises text.

Cleaning covers expected flaws, such as events of items that the shop no longer lists. Malformed
files are refused earlier, by the source that reads them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data.markup import SUSPECT, plain_text
from data.records import CONTROL_CHARACTER, ID_LENGTH_LIMIT, PRICE_LIMIT, EventType
from data.tables import (
    EVENT_SCHEMA,
    ITEM_SCHEMA,
    JUDGMENT_SCHEMA,
    RawShop,
    conform,
    event_micros,
)

EARLIEST_TIME = datetime(1990, 1, 1, tzinfo=UTC).timestamp()
"""An earlier event is attributed to an unset clock, and dropped."""

_IDS = ("item_id", "event_id", "visitor_id", "session_id", "attribution_token")
_VERBATIM = (*_IDS, "image", "audio")
"""Columns that are no prose: a blank in the path of a file is part of it."""
_REMOVED = "[\\x{00}-\\x{08}\\x{0E}-\\x{1F}\\x{7F}-\\x{84}\\x{86}-\\x{9F}\\x{FEFF}]"
_BLANKS = "[\\s\\x{0B}\\x{85}\\p{Z}]+"

_MARKED_UP = ("title", "description", "category", "brand", "attributes")
_MARKUP = "HTML tags, entities or web addresses"

_BAD_ID = f"longer than {ID_LENGTH_LIMIT} characters or with control characters"
_BAD_PRICE = f"outside 0 to {PRICE_LIMIT:,.0f}"

Rule = tuple[str, Callable[[pa.Table], pa.ChunkedArray]]
"""A name, and a function that marks the rows to drop."""


@dataclass(frozen=True)
class Loss:
    """Rows that a rule dropped, or in which it cleared a field.

    Args:
        table: ``items``, ``events``, ``judgments``, ``offers``, ``audiences`` or ``redemptions``.
        rule: Name of the rule.
        count: Number of rows affected.
        total: Number of rows before any rule.
        action: What was done with them.
    """

    table: str
    rule: str
    count: int
    total: int
    action: str = "dropped"

    @property
    def sentence(self) -> str:
        """``dropped 1,204 of 90,311 events: unknown item``."""
        return f"{self.action} {self.count:,} of {self.total:,} {self.table}: {self.rule}"


@dataclass(frozen=True, eq=False)
class CleanShop:
    """Clean tables in the schemas of ``data.tables``, and the losses."""

    items: pa.Table
    events: pa.Table
    judgments: pa.Table
    losses: tuple[Loss, ...]


def clean(shop: RawShop, *, now: float) -> CleanShop:
    """Drops the rows that break a rule, and normalises the texts of the others.

    A row is counted for the first rule that it breaks. Of rows with the same id the first is kept.
    If the source has no items, every item id of its events and judgments becomes an item.

    Args:
        shop: The tables read by a source.
        now: Seconds since 1970, UTC; later events are dropped.
    """
    losses: list[Loss] = []
    events = _tidy(_or_empty(shop.events, EVENT_SCHEMA))
    judgments = _tidy(_or_empty(shop.judgments, JUDGMENT_SCHEMA))
    items, lost = clean_items(_items_of(events, judgments) if shop.items is None else shop.items)
    losses += lost
    events = _drop(events, "events", _event_rules(items, now), losses)
    judgments = _drop(judgments, "judgments", _judgment_rules(items), losses)
    return CleanShop(items, events, judgments, tuple(losses))


def clean_items(items: pa.Table) -> tuple[pa.Table, list[Loss]]:
    """The items that break no rule, with plain texts, in ``ITEM_SCHEMA``; and the losses."""
    losses: list[Loss] = []
    items = _tidy(_without_markup(conform(items, ITEM_SCHEMA), losses))
    items = _drop(items, "items", _ITEM_RULES, losses)
    return _clear_bad_prices(items, losses), losses


def tidy_text(texts: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Texts without control characters and with single blanks, otherwise unchanged.

    No Unicode normalisation: full-width letters and Chinese punctuation are kept.
    """
    texts = pc.replace_substring_regex(texts, pattern=_REMOVED, replacement="")
    return pc.utf8_trim(pc.replace_substring_regex(texts, pattern=_BLANKS, replacement=" "), " ")


def _or_empty(table: pa.Table | None, schema: pa.Schema) -> pa.Table:
    return schema.empty_table() if table is None else conform(table, schema)


def _tidy(table: pa.Table) -> pa.Table:
    for index, column in enumerate(table.schema):
        values = table[column.name]
        if pa.types.is_string(column.type) and column.name not in _VERBATIM:
            table = table.set_column(index, column, tidy_text(values))
        elif pa.types.is_list(column.type):
            path = values.combine_chunks()
            tidied = pa.ListArray.from_arrays(path.offsets, tidy_text(path.values))
            table = table.set_column(index, column, tidied)
    return table


def _without_markup(items: pa.Table, losses: list[Loss]) -> pa.Table:
    is_changed = np.zeros(items.num_rows, bool)
    for index, field in enumerate(items.schema):
        if field.name not in _MARKED_UP:
            continue
        column = items[field.name].combine_chunks()
        if pa.types.is_string(field.type):
            plain, changed_rows = _plain_texts(column)
        else:
            offsets = column.offsets.to_numpy()
            is_map = pa.types.is_map(field.type)
            values = column.items if is_map else column.values
            texts, changed = _plain_texts(values)
            changed_rows = np.searchsorted(offsets, changed, side="right") - 1
            changed_rows = changed_rows[(changed_rows >= 0) & (changed_rows < items.num_rows)]
            plain = (
                pa.MapArray.from_arrays(column.offsets, column.keys, texts)
                if is_map
                else pa.ListArray.from_arrays(column.offsets, texts)
            )
        if len(changed_rows):
            is_changed[changed_rows] = True
            items = items.set_column(index, field, plain)
    count = int(is_changed.sum())
    if count:
        losses.append(Loss("items", _MARKUP, count, items.num_rows, action="stripped the texts of"))
    return items


def _plain_texts(texts: pa.Array) -> tuple[pa.Array, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Texts without markup, and the positions of those that had some."""
    is_suspect = pc.fill_null(pc.match_substring_regex(texts, SUSPECT), False)
    positions = np.flatnonzero(is_suspect.to_numpy(zero_copy_only=False))
    if not len(positions):
        return texts, positions
    before = texts.take(pa.array(positions)).to_pylist()
    after = [plain_text(text) for text in before]
    plain = pc.replace_with_mask(texts, is_suspect, pa.array(after, texts.type))
    is_changed = [one != other for one, other in zip(before, after, strict=True)]
    return plain, positions[np.array(is_changed, bool)]


def _items_of(events: pa.Table, judgments: pa.Table) -> pa.Table:
    ids = pa.chunked_array(events["item_id"].chunks + judgments["item_id"].chunks, pa.string())
    ids = pc.unique(ids)
    return conform(pa.table({"item_id": ids.filter(pc.not_equal(ids, ""))}), ITEM_SCHEMA)


def _drop(table: pa.Table, name: str, rules: Iterable[Rule], losses: list[Loss]) -> pa.Table:
    total = table.num_rows
    for rule, is_broken in rules:
        broken = pc.fill_null(is_broken(table), False)
        count = pc.sum(broken).as_py() or 0
        if count:
            table = table.filter(pc.invert(broken))
            losses.append(Loss(name, rule, count, total))
    return table


def _clear_bad_prices(items: pa.Table, losses: list[Loss]) -> pa.Table:
    # An item is useful without its price, so the field is cleared instead of dropping the row.
    bad = pc.fill_null(_is_bad_price(items), False)
    count = pc.sum(bad).as_py() or 0
    if count:
        index = items.schema.get_field_index("price")
        prices = pc.if_else(bad, pa.scalar(None, pa.float64()), items["price"])
        items = items.set_column(index, items.schema.field(index), prices)
        losses.append(
            Loss("items", _BAD_PRICE, count, items.num_rows, action="emptied the price of")
        )
    return items


def _is_bad_price(table: pa.Table) -> pa.ChunkedArray:
    price = table["price"]
    # Negated range check, so that NaN, for which no comparison holds, is bad as well.
    return pc.invert(pc.and_(pc.greater_equal(price, 0), pc.less_equal(price, PRICE_LIMIT)))


def _is_empty(column: str) -> Callable[[pa.Table], pa.ChunkedArray]:
    return lambda table: pc.equal(table[column], "")


def _is_bad_id(column: str) -> Callable[[pa.Table], pa.ChunkedArray]:
    return lambda table: pc.or_(
        pc.greater(pc.utf8_length(table[column]), ID_LENGTH_LIMIT),
        pc.match_substring_regex(table[column], CONTROL_CHARACTER.pattern),
    )


def _is_repeated(*columns: str) -> Callable[[pa.Table], pa.ChunkedArray]:
    def repeated(table: pa.Table) -> pa.ChunkedArray:
        is_repeat = np.ones(table.num_rows, dtype=bool)
        keys = table.select(columns).append_column("row", pa.array(np.arange(table.num_rows)))
        first_rows = keys.group_by(list(columns)).aggregate([("row", "min")])["row_min"]
        is_repeat[first_rows.to_numpy()] = False
        return pa.array(is_repeat)

    return repeated


def _is_unknown(known: pa.ChunkedArray) -> Callable[[pa.Table], pa.ChunkedArray]:
    return lambda table: pc.and_(
        pc.not_equal(table["item_id"], ""), pc.invert(pc.is_in(table["item_id"], value_set=known))
    )


_ITEM_RULES: tuple[Rule, ...] = (
    ("no item id", _is_empty("item_id")),
    (f"item id {_BAD_ID}", _is_bad_id("item_id")),
    ("repeated item id", _is_repeated("item_id")),
)


def _event_rules(items: pa.Table, now: float) -> tuple[Rule, ...]:
    def is_search(events: pa.Table) -> pa.ChunkedArray:
        return pc.equal(events["type"], int(EventType.SEARCH))

    def time_is_out_of_range(events: pa.Table) -> pa.Array:
        micros = pa.array(event_micros(events))
        return pc.or_(pc.less(micros, EARLIEST_TIME * 1e6), pc.greater(micros, now * 1e6))

    def is_unrated(events: pa.Table) -> pa.ChunkedArray:
        rating = events["rating"]
        return pc.invert(pc.and_(pc.greater_equal(rating, 1), pc.less_equal(rating, 5)))

    def dwell_is_out_of_range(events: pa.Table) -> pa.ChunkedArray:
        dwell = events["dwell_seconds"]
        return pc.invert(pc.and_(pc.greater_equal(dwell, 0), pc.less_equal(dwell, 86_400)))

    return (
        ("no event id", _is_empty("event_id")),
        ("no visitor id", _is_empty("visitor_id")),
        (f"event id {_BAD_ID}", _is_bad_id("event_id")),
        (f"visitor id {_BAD_ID}", _is_bad_id("visitor_id")),
        ("time before 1990 or in the future", time_is_out_of_range),
        ("search without a query", lambda t: pc.and_(is_search(t), _is_empty("query")(t))),
        (
            "no item id",
            lambda t: pc.and_(pc.invert(is_search(t)), _is_empty("item_id")(t)),
        ),
        ("unknown item", _is_unknown(items["item_id"])),
        ("quantity below 1", lambda t: pc.less(t["quantity"], 1)),
        (f"price {_BAD_PRICE}", _is_bad_price),
        ("rating outside 1 to 5", is_unrated),
        ("dwell outside 0 to a day", dwell_is_out_of_range),
        ("repeated event id", _is_repeated("event_id")),
    )


def _judgment_rules(items: pa.Table) -> tuple[Rule, ...]:
    return (
        ("no query", _is_empty("query")),
        ("no item id", _is_empty("item_id")),
        ("unknown item", _is_unknown(items["item_id"])),
        ("grade not finite", lambda table: pc.invert(pc.is_finite(table["grade"]))),
        ("repeated query and item", _is_repeated("query", "item_id")),
    )


def source_losses(shop: RawShop) -> tuple[Loss, ...]:
    """Rows that the source itself dropped, as losses."""
    kept: Mapping[str, pa.Table | None] = {
        "items": shop.items,
        "events": shop.events,
        "judgments": shop.judgments,
    }
    totals = {name: 0 if table is None else table.num_rows for name, table in kept.items()}
    for (name, _), count in shop.dropped.items():
        totals[name] += count
    return tuple(
        Loss(name, rule, count, totals[name]) for (name, rule), count in shop.dropped.items()
    )
