"""Raw data to tables: source, slice, clean, sessionize, split, write."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from data.atomic import check_replaceable
from data.clean import clean, clean_items, source_losses
from data.errors import ConfigError, InputError
from data.records import ItemChange
from data.report import quality_report
from data.sessionize import GAP_MINUTES, sessionize, text_codes
from data.sources.completejourney import read_completejourney
from data.sources.files import read_files, read_items_file
from data.sources.onlineretail import read_onlineretail
from data.sources.session_lines import read_session_lines
from data.split import split_by_time
from data.tables import (
    MANIFEST_NAME,
    RawShop,
    Tables,
    conform,
    event_micros,
    items_table,
    read_tables,
    sort_events,
    write_tables,
)

_DAY_MICROS = 86_400_000_000


@dataclass(frozen=True)
class Source:
    """A kind of raw data.

    Args:
        read: Reads it; gets the path, and the column map where there is one.
        path_is: What the path must be; empty where the source wants none.
        takes_map: Whether it understands a column map.
        is_export: Whether its items are as they were at a time that only the shop can tell.
    """

    read: Callable[[Path, Path | None], RawShop]
    path_is: str
    takes_map: bool = False
    is_export: bool = False


def _read_own_log(path: Path, _: Path | None) -> RawShop:
    from data.sources.own_log import read_own_log

    return read_own_log(path)


SOURCES: Mapping[str, Source] = {
    "files": Source(read_files, "a folder with items.*, and events.* or judgments.*", True, True),
    "sessions": Source(lambda path, _: read_session_lines(path), "a file, one session a line"),
    "completejourney": Source(lambda *_: read_completejourney(), ""),
    "onlineretail": Source(lambda path, _: read_onlineretail(path), "the file, Parquet or CSV"),
    "own_log": Source(_read_own_log, "a log of the service, or its state folder"),
}
"""The kinds of raw data by the name that the command line knows."""


def prepare(
    source: str,
    path: Path | None,
    *,
    out: Path,
    now: float,
    map_file: Path | None = None,
    days: float | None = None,
    visitor_share: float = 1.0,
    test_days: float | None = None,
    gap_minutes: float = GAP_MINUTES,
    base: Path | None = None,
    items_time: float | None = None,
    progress: Callable[[str], object] = lambda stage: None,
) -> dict[str, Any]:
    """Read raw data, clean it and write it as a folder of tables.

    Args:
        source: A name in ``SOURCES``.
        path: Where the raw data is; None for a source that wants none.
        out: The folder to write; older tables are replaced.
        now: Seconds since 1970, UTC; later events are dropped.
        map_file: TOML file that renames columns; for the source ``files``.
        days: Keep the events of the newest so many days; None for all.
        visitor_share: Keep this share of the visitors, above 0 to 1; the same ones every time.
        test_days: Length of the part withheld for testing; None for the rule in ``data.split``.
        gap_minutes: Quiet after which a visitor's next event begins a new session.
        base: Tables to go on from: their events and judgments come before the new ones, and their
            items stand in where the source has none.
        items_time: When the items of an export were as they are, seconds since 1970, up to ``now``:
            what a server was told of an item from then on is newer. None: not known, so all that it
            was ever told is newer. Never the time of a file, which a plain copy changes.
        progress: Called with the name of each stage as it begins.

    Returns:
        The quality report, which is in the folder too.

    Raises:
        ConfigError: A wrong source or option.
        InputError: The raw data is not as the source expects it, or ``out`` is something else.
    """
    chosen = _source(source, path, map_file)
    if days is not None and not days > 0:
        raise ConfigError(f"days: expected more than 0, received {days}")
    if not 0 < visitor_share <= 1:
        raise ConfigError(f"visitor_share: expected above 0 to 1, received {visitor_share}")
    if items_time is not None and not chosen.is_export:
        raise ConfigError(f"{source}: expected no items_time, received {items_time}")
    _check_items_time(items_time, now)
    check_replaceable(out, marker=MANIFEST_NAME)
    progress("reading")
    raw = chosen.read(path or Path(), map_file)
    if items_time is not None:
        raw = replace(raw, items_time=items_time)
    if base is not None:
        raw = _after(read_tables(base), raw)
    if raw.events is not None:
        events = raw.events if days is None else _newest_days(raw.events, days, now)
        if visitor_share < 1:
            events = _visitor_sample(events, visitor_share)
        raw = replace(raw, events=events)
    progress("cleaning")
    shop = clean(raw, now=now)
    if shop.items.num_rows == 0:
        raise InputError(f"{source}: expected at least one item, received none that is clean")
    progress("finding sessions")
    events = sort_events(sessionize(shop.events, gap_minutes=gap_minutes))
    progress("splitting")
    split = split_by_time(
        event_micros(events) / 1e6, text_codes(events["session_id"]), test_days=test_days
    )
    items, newest_items = _known_when_training_ends(shop.items, raw, split.test_from)
    # Of ids alone nothing is known, so whatever a server was told is newer.
    known_time = 0.0 if raw.items is None else min(raw.items_time, now)
    report = {
        "source": source,
        "notes": list(raw.notes),
        **quality_report(
            items=items,
            newest_items=newest_items,
            items_time=known_time,
            events=events,
            judgments=shop.judgments,
            split=split,
            losses=(*source_losses(raw), *shop.losses),
        ),
    }
    progress("writing")
    write_tables(
        out,
        items=items,
        events=events,
        judgments=shop.judgments,
        split=split,
        report=report,
        items_time=known_time,
        newest_items=newest_items,
    )
    return report


def _known_when_training_ends(
    newest: pa.Table, raw: RawShop, time: float
) -> tuple[pa.Table, pa.Table | None]:
    """The clean items as they were known before a time; and as they are, where that is other."""
    if raw.items_at is None:
        return newest, None
    known, _ = clean_items(raw.items_at(time))
    return (newest, None) if known.equals(newest) else (known, newest)


def _after(base: Tables, raw: RawShop) -> RawShop:
    """What a source has read, after what was known before; cleaning drops what comes twice."""
    if raw.items is None:
        raw = _items_after(base, raw)
    return replace(
        raw,
        events=_joined(base.events, raw.events),
        # Of two grades the first stays, and that is to be the newer one.
        judgments=_joined(raw.judgments, base.judgments),
    )


def _items_after(base: Tables, raw: RawShop) -> RawShop:
    """The items of earlier tables with what a server was told since, now and at any time."""
    items, items_time = base.items_known(whole_log=True)
    # An export that was read later has the last word over what was told before it was made.
    changes = {
        item_id: change for item_id, change in raw.item_changes.items() if change.time >= items_time
    }
    base_end = float(event_micros(base.events).max(initial=0)) / 1e6
    newest = _changed(items, changes)

    def items_at(time: float) -> pa.Table:
        # What the base tells of its own test part may lie behind the new boundary.
        known, _ = base.items_known(whole_log=base_end < time)
        known_ids = set(known["item_id"].to_pylist())
        told = {
            item_id: change
            for item_id, change in changes.items()
            if change.time < time or change.item is None
        }
        # Listed only later: its words are what new items come with, its price is not known yet.
        told |= {
            item_id: replace(change, item=replace(change.item, price=None))
            for item_id, change in changes.items()
            if change.time >= time and change.item is not None and item_id not in known_ids
        }
        table = _changed(known, told)
        return table.take(pc.index_in(newest["item_id"], value_set=table["item_id"]))

    if changes:
        items_time = raw.items_time
    return replace(raw, items=newest, items_time=items_time, items_at=items_at)


def _changed(items: pa.Table, changes: Mapping[str, ItemChange]) -> pa.Table:
    """A table of items with what a server was told of some of them."""
    is_changed = pc.is_in(items["item_id"], value_set=pa.array(list(changes), pa.string()))
    news = items_table(change.item for change in changes.values() if change.item is not None)
    return pa.concat_tables([items.filter(pc.invert(is_changed)), news])


def _joined(*tables: pa.Table | None) -> pa.Table:
    parts = [table for table in tables if table is not None]
    return pa.concat_tables(conform(table, parts[-1].schema) for table in parts)


def prepare_items(
    path: Path, *, now: float, map_file: Path | None = None, items_time: float | None = None
) -> tuple[pa.Table, float]:
    """Items alone, cleaned: of a folder of tables, or of a file in the formats of ``files``.

    Args:
        path: The folder or the file.
        now: Seconds since 1970, UTC.
        map_file: TOML file that renames columns.
        items_time: As in ``prepare``; a folder of tables knows its own where None.

    Returns:
        The newest that is known of the items, and when they were so (``RawShop.items_time``).

    Raises:
        InputError: The file is not as the contract says.
        ConfigError: The column map is not one, or ``items_time`` is after ``now``.
    """
    _check_items_time(items_time, now)
    if (path / MANIFEST_NAME).is_file():
        items, known_time = read_tables(path).items_known(whole_log=True)
    else:
        raw = read_items_file(path, map_file)
        items, known_time = clean(raw, now=now).items, raw.items_time
    return items, known_time if items_time is None else items_time


def _check_items_time(items_time: float | None, now: float) -> None:
    if items_time is not None and not 0 <= items_time <= now:
        raise ConfigError(f"items_time: expected 0 to now, {now:.0f}, received {items_time:.0f}")


def _source(name: str, path: Path | None, map_file: Path | None) -> Source:
    if name not in SOURCES:
        raise ConfigError(f"source: expected one of {', '.join(SOURCES)}, received {name!r}")
    source = SOURCES[name]
    if source.path_is and path is None:
        raise ConfigError(f"{name}: expected a path, {source.path_is}, received none")
    if not source.path_is and path is not None:
        raise ConfigError(f"{name}: expected no path, received {str(path)!r}")
    if map_file is not None and not source.takes_map:
        raise ConfigError(f"{name}: expected no column map, received {str(map_file)!r}")
    return source


def _newest_days(events: pa.Table, days: float, now: float) -> pa.Table:
    micros = event_micros(events)
    # A clock that runs ahead must not decide which days are the newest.
    newest = micros[micros <= now * 1e6].max(initial=0)
    return events.filter(pa.array(micros > newest - days * _DAY_MICROS))


def _visitor_sample(events: pa.Table, share: float) -> pa.Table:
    visitors = pc.unique(events["visitor_id"])
    is_chosen = pa.array([_place(visitor) < share for visitor in visitors.to_pylist()], pa.bool_())
    return events.filter(pc.is_in(events["visitor_id"], value_set=visitors.filter(is_chosen)))


def _place(visitor_id: str) -> float:
    """A place in 0 to 1 that depends on nothing but the id."""
    digest = hashlib.blake2b(visitor_id.encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64
