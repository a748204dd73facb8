"""Raw data to tables: read, sample, clean, sessionize, split, write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data.atomic import check_replaceable
from data.clean import EARLIEST_TIME, Loss, clean, clean_items, source_losses
from data.errors import ConfigError, InputError
from data.impression_tables import clean_impressions, joined
from data.media.columns import absolute, extracted, with_media_of
from data.offers.clean_offers import clean_offers
from data.offers.offer_tables import OfferTables, extended
from data.predicted.predictions import PredictedValue
from data.predicted.usable_values import read_predicted, usable, write_predicted
from data.predicted.values import read_values
from data.records import ItemChange
from data.report import quality_report
from data.sample import newest_days, sampled
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


@dataclass(frozen=True)
class Source:
    """A kind of raw data.

    Args:
        read: Reads it; takes the path, and the path of the column map or None.
        path_is: Description of the path; empty if the source takes none.
        takes_map: Whether it accepts a column map.
        is_export: Whether its items are a snapshot whose time only the shop knows.
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
"""The kinds of raw data, by their name on the command line."""


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
    predicted: Path | None = None,
    progress: Callable[[str], object] = lambda stage: None,
) -> dict[str, Any]:
    """Reads raw data, cleans it and writes it as a folder of tables.

    Args:
        source: A name in ``SOURCES``.
        path: Path of the raw data; None for a source that takes none.
        out: The folder to write; older tables are replaced.
        now: Seconds since 1970, UTC; later events are dropped.
        map_file: TOML file that renames columns; for the source ``files``.
        days: Keep the events of this many newest days; None for all.
        visitor_share: Share of visitors to keep, above 0 to 1; a deterministic choice by id.
        test_days: Length of the test part; None for the default in ``data.split``.
        gap_minutes: Inactivity after which a visitor's next event begins a new session.
        base: Earlier tables to extend: their events and judgments precede the new ones, and their
            items are used if the source has none.
        items_time: When an export of items was made, seconds since 1970, up to ``now``: live
            changes made later override it. None: unknown, so all live changes do. Never the
            modification time of a file, which a plain copy changes.
        predicted: A file of predicted values, which training uses if its settings say so. None: those
            of ``base``, if any.
        progress: Called with the name of each stage when it begins.

    Returns:
        The quality report, which is also written to the folder.

    Raises:
        ConfigError: An invalid source or option.
        InputError: The raw data is malformed, or ``out`` is not a folder of tables.
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
    predicted_rows = _predicted(predicted, base)
    raw = chosen.read(path or Path(), map_file)
    if items_time is not None:
        raw = replace(raw, items_time=items_time)
    if base is not None:
        raw = _extended(read_tables(base), raw)
    if raw.events is not None and days is not None:
        raw = replace(raw, events=newest_days(raw.events, days, now))
    if visitor_share < 1:
        raw = sampled(raw, visitor_share)
    progress("cleaning")
    shop = clean(raw, now=now)
    offers, offer_losses = _clean_offers(raw.offers, shop.items, now)
    if shop.items.num_rows == 0:
        raise InputError(f"{source}: expected at least one item, received none that is clean")
    progress("finding sessions")
    events = sort_events(sessionize(shop.events, gap_minutes=gap_minutes))
    impressions = raw.impressions
    if impressions is not None:
        since = float(event_micros(events).min(initial=np.iinfo(np.int64).max)) / 1e6
        impressions = clean_impressions(impressions, since=since, until=now)
    progress("splitting")
    split = split_by_time(
        event_micros(events) / 1e6, text_codes(events["session_id"]), test_days=test_days
    )
    items, newest_items = _known_when_training_ends(shop.items, raw, split.test_from)
    # Items made from ids alone have no time, so every live change is newer.
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
            losses=(*source_losses(raw), *shop.losses, *offer_losses),
        ),
    }
    if offers is not None:
        report["offers"] = offers.counts
    if impressions is not None:
        report["impressions"] = impressions.num_rows
    writers: list[Callable[[Path], object]] = []
    if predicted_rows:
        rows, counts = usable(predicted_rows, items["item_id"].to_pylist())
        report["predicted"] = counts.report()
        writers.append(lambda folder: write_predicted(folder, rows))
    progress("writing")
    writers += [column.write for column in raw.media]
    if base is not None and not raw.media:
        items, newest_items, copies = with_media_of(base, items, newest_items)
        writers += copies
    write_tables(
        out,
        items=items,
        events=events,
        judgments=shop.judgments,
        split=split,
        report=report,
        items_time=known_time,
        newest_items=newest_items,
        log_positions=raw.log_positions,
        offers=offers,
        impressions=impressions,
        writers=writers,
    )
    return report


def _predicted(path: Path | None, base: Path | None) -> list[PredictedValue]:
    if path is not None:
        return read_values(path)
    return [] if base is None else read_predicted(base)


def _clean_offers(
    offers: OfferTables | None, items: pa.Table, now: float
) -> tuple[OfferTables | None, list[Loss]]:
    if offers is None:
        return None, []
    cleaned, losses = clean_offers(offers, items, earliest=EARLIEST_TIME, now=now)
    return cleaned, [Loss(**vars(one)) for one in losses]


def _known_when_training_ends(
    newest: pa.Table, raw: RawShop, time: float
) -> tuple[pa.Table, pa.Table | None]:
    """The clean items as known before ``time``; and the newest state, or None if it is the same."""
    if raw.items_at is None:
        return newest, None
    known, _ = clean_items(raw.items_at(time))
    return (newest, None) if known.equals(newest) else (known, newest)


def _extended(base: Tables, raw: RawShop) -> RawShop:
    """The source's tables appended to earlier ones; cleaning drops repeated rows."""
    if raw.items is None:
        raw = _items_with_changes(base, raw)
    return replace(
        raw,
        events=_joined(base.events, raw.events),
        # Cleaning keeps the first of two grades, which should be the newer one.
        judgments=_joined(raw.judgments, base.judgments),
        # Earlier positions stay: they may be of another server's log.
        log_positions=tuple(dict.fromkeys(base.log_positions + raw.log_positions)),
        offers=extended(base.offers, raw.offers),
        impressions=joined(base.impressions, raw.impressions),
    )


def _items_with_changes(base: Tables, raw: RawShop) -> RawShop:
    """The items of earlier tables with later live changes, now and as known at any time."""
    items, items_time = base.items_known(whole_log=True)
    # A later export overrides live changes made before it.
    changes = {
        item_id: change for item_id, change in raw.item_changes.items() if change.time >= items_time
    }
    base_end = float(event_micros(base.events).max(initial=0)) / 1e6
    newest = _changed(items, changes)

    def items_at(time: float) -> pa.Table:
        # The test part of the base may lie before the new boundary.
        known, _ = base.items_known(whole_log=base_end < time)
        known_ids = set(known["item_id"].to_pylist())
        known_changes = {
            item_id: change
            for item_id, change in changes.items()
            if change.time < time or change.item is None
        }
        # Items added later: their texts are known when an item is added, their price is not.
        known_changes |= {
            item_id: replace(change, item=replace(change.item, price=None))
            for item_id, change in changes.items()
            if change.time >= time and change.item is not None and item_id not in known_ids
        }
        table = _changed(known, known_changes)
        return table.take(pc.index_in(newest["item_id"], value_set=table["item_id"]))

    if changes:
        items_time = raw.items_time
    return replace(raw, items=newest, items_time=items_time, items_at=items_at)


def _changed(items: pa.Table, changes: Mapping[str, ItemChange]) -> pa.Table:
    """A table of items with live changes applied."""
    is_changed = pc.is_in(items["item_id"], value_set=pa.array(list(changes), pa.string()))
    changed_items = items_table(
        change.item for change in changes.values() if change.item is not None
    )
    return pa.concat_tables([items.filter(pc.invert(is_changed)), changed_items])


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
        items_time: As in ``prepare``; if None, a folder of tables provides its own.

    Returns:
        The newest known state of the items, and its time (``RawShop.items_time``).

    Raises:
        InputError: The file is malformed.
        ConfigError: The column map is invalid, or ``items_time`` is after ``now``.
    """
    _check_items_time(items_time, now)
    if (path / MANIFEST_NAME).is_file():
        items, known_time = read_tables(path).items_known(whole_log=True)
    else:
        raw = read_items_file(path, map_file)
        items, known_time = clean(raw, now=now).items, raw.items_time
        for column in raw.media:
            items = absolute(items, extracted(column), (column.medium,))
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
