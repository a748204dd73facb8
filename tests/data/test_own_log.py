"""The log as a file: every record comes back, page after page, and what is no record is named."""

from __future__ import annotations

import dataclasses
import sqlite3
import zlib
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import InputError, RequestError
from data.records import RECORDABLE_TYPES, Event, EventType, Impression
from data.sources.own_log import (
    EVENT,
    LOG_NAME,
    SCHEMA,
    LogRow,
    event_row,
    impression_row,
    iter_events,
    iter_impressions,
    open_log,
    read_entries,
    read_own_log,
)
from data.tables import iter_events as table_events

INSERT = "INSERT INTO entries (kind, entry_id, time, body, features, checksum) VALUES (?,?,?,?,?,?)"
VIEW = Event("e", EventType.VIEW, "v", 5.5, "手机-1")
SHOWN = Impression("t", "v", 6.5, "search", "智能手机", "b1", ("手机-1", "p2"), offset=20)


def log_of(path: Path, *rows: LogRow) -> Path:
    with closing(open_log(path, read_only=False)) as log:
        log.execute("BEGIN")
        log.executemany(INSERT, rows)
        log.execute("COMMIT")
    return path


def numbered(count: int) -> list[LogRow]:
    return [event_row(replace(VIEW, event_id=str(number))) for number in range(count)]


text = st.text(max_size=6)
events = st.builds(
    Event,
    event_id=text,
    type=st.sampled_from(RECORDABLE_TYPES),
    visitor_id=text,
    time=st.floats(-1e9, 4e9),
    item_id=text,
    query=text,
    session_id=text,
    quantity=st.integers(-(10**9), 10**9),
    price=st.none() | st.floats(allow_nan=False),
    rating=st.none() | st.floats(1, 5),
    text=text,
    surface=text,
    attribution_token=text,
)


@given(st.lists(events, max_size=4, unique_by=lambda event: event.event_id))
def test_any_event_comes_back(rows: list[Event]) -> None:
    with closing(sqlite3.connect(":memory:")) as log:
        log.execute(SCHEMA)
        log.executemany(INSERT, [event_row(event) for event in rows])
        assert [entry.record for entry in read_entries(log, "memory")] == rows


def test_propensities_come_back_and_a_log_without_them_has_none(tmp_path: Path) -> None:
    drawn = replace(SHOWN, attribution_token="u", propensities=(1.0, 0.0125))
    rows = impression_row(SHOWN), impression_row(drawn)
    log_of(tmp_path / LOG_NAME, *rows)
    assert [one.propensities for one in iter_impressions(tmp_path)] == [(), (1.0, 0.0125)]
    # Nothing is written where there are none: as before the field was.
    assert "propensities" not in rows[0].body
    with pytest.raises(RequestError, match="propensities: expected 2 numbers, received"):
        impression_row(replace(SHOWN, propensities=(1.0,)))


def test_a_time_below_nothing_does_not_spoil_the_log(tmp_path: Path) -> None:
    log_of(tmp_path / LOG_NAME, event_row(replace(VIEW, time=-0.0)))
    assert list(iter_events(tmp_path)) == [replace(VIEW, time=0.0)]


@given(st.integers(0, 4), st.integers(0, 3))
def test_features_of_any_shape_come_back(shown: int, count: int) -> None:
    features = np.arange(shown * count, dtype=np.float32).reshape(shown, count) / 3
    impression = replace(
        SHOWN, item_ids=tuple(str(place) for place in range(shown)), features=features
    )
    with closing(sqlite3.connect(":memory:")) as log:
        log.execute(SCHEMA)
        log.execute(INSERT, impression_row(impression))
        (entry,) = read_entries(log, "memory")
    found = entry.record
    assert isinstance(found, Impression)
    assert found.item_ids == impression.item_ids
    if features.size:
        assert found.features is not None
        np.testing.assert_array_equal(found.features, features)
    else:
        assert found.features is None


def test_what_was_asked_comes_back_with_the_answer(tmp_path: Path) -> None:
    asked = replace(
        SHOWN, context_item_ids=("p1", "手机-1"), filter={"brand": ["星河"], "price_max": 9.5}
    )
    rows = [asked, replace(SHOWN, attribution_token="u")]
    log_of(tmp_path / LOG_NAME, *map(impression_row, rows))
    fields = [field.name for field in dataclasses.fields(Impression)]
    found = [[getattr(one, name) for name in fields] for one in iter_impressions(tmp_path)]
    assert found == [[getattr(one, name) for name in fields] for one in rows]


def test_transposed_and_wider_features_are_written_row_by_row() -> None:
    features = np.arange(6, dtype=np.float64).reshape(3, 2).T
    row = impression_row(replace(SHOWN, features=features))
    assert row.features == np.array([[0, 2, 4], [1, 3, 5]], dtype="<f4").tobytes()


@pytest.mark.parametrize("count", [0, 1, 999, 1_000, 1_001, 2_000])
def test_a_log_of_any_length_is_read_to_its_end(tmp_path: Path, count: int) -> None:
    path = log_of(tmp_path / LOG_NAME, *numbered(count))
    found = [event.event_id for event in iter_events(path)]
    assert found == [str(number) for number in range(count)]
    with closing(open_log(path, read_only=True)) as log:
        later = [entry.sequence for entry in read_entries(log, path.name, after_sequence=999)]
    assert later == list(range(1_000, count + 1))


def test_a_log_of_twice_the_length_takes_twice_the_work(tmp_path: Path) -> None:
    steps = []
    for count in (4_000, 8_000):
        path = log_of(tmp_path / f"{count}.sqlite", *numbered(count))
        with closing(open_log(path, read_only=True)) as log:
            done: list[int] = []
            # Called by SQLite after every hundred instructions of its virtual machine.
            log.set_progress_handler(lambda done=done: done.append(1), 100)
            assert sum(1 for _ in read_entries(log, path.name, kinds=(EVENT,))) == count
        steps.append(len(done))
    assert 1.9 * steps[0] < steps[1] < 2.1 * steps[0]


def test_entries_that_are_written_meanwhile_are_met(tmp_path: Path) -> None:
    path = log_of(tmp_path / LOG_NAME, *numbered(1_500))
    found = iter_events(path)
    first = list(islice(found, 1_000))
    log_of(path, event_row(replace(VIEW, event_id="late")))
    assert [event.event_id for event in [*first, *found]][-2:] == ["1499", "late"]


def test_kinds_are_distinguished_and_order_is_kept(tmp_path: Path) -> None:
    path = log_of(
        tmp_path / LOG_NAME,
        impression_row(SHOWN),
        event_row(VIEW),
        impression_row(replace(SHOWN, attribution_token="e")),
    )
    assert list(iter_events(path)) == list(iter_events(tmp_path)) == [VIEW]
    tokens = [impression.attribution_token for impression in iter_impressions(tmp_path)]
    assert tokens == ["t", "e"]
    with closing(open_log(path, read_only=True)) as log:
        assert [entry.sequence for entry in read_entries(log, "log")] == [1, 2, 3]
        assert list(read_entries(log, "log", kinds=())) == []


def test_the_log_as_a_table_is_in_the_order_of_the_log(tmp_path: Path) -> None:
    rows = [replace(VIEW, event_id="2", time=9.0), replace(VIEW, event_id="1", time=3.0)]
    log_of(tmp_path / LOG_NAME, *(event_row(event) for event in rows), impression_row(SHOWN))
    shop = read_own_log(tmp_path)
    assert (shop.items, shop.judgments) == (None, None)
    assert list(table_events(shop.events)) == rows
    empty = tmp_path / "empty"
    empty.mkdir()
    log_of(empty / LOG_NAME)
    assert read_own_log(empty).events.num_rows == 0


def test_a_log_for_reading_only_cannot_be_written(tmp_path: Path) -> None:
    path = log_of(tmp_path / LOG_NAME)
    with (
        closing(open_log(path, read_only=True)) as log,
        pytest.raises(sqlite3.OperationalError, match="readonly"),
    ):
        log.execute(INSERT, event_row(VIEW))


def signed(row: LogRow) -> LogRow:
    """The row with the documented checksum: CRC-32 of its other columns."""
    content = "\0".join([row.kind, row.entry_id, repr(row.time), row.body, ""]).encode()
    return row._replace(checksum=zlib.crc32(content + (row.features or b"")))


def test_the_checksum_is_of_all_other_columns() -> None:
    row = impression_row(replace(SHOWN, features=np.ones((2, 3), np.float32)))
    assert signed(row) == row
    assert signed(event_row(VIEW)) == event_row(VIEW)


@pytest.mark.parametrize(
    "row",
    [
        event_row(VIEW)._replace(entry_id="f"),
        event_row(VIEW)._replace(time=5.25),
        event_row(VIEW)._replace(body=event_row(VIEW).body.replace("手机-1", "手机-2")),
        event_row(VIEW)._replace(features=b"\0" * 4),
        impression_row(replace(SHOWN, features=np.ones((2, 1), np.float32)))._replace(
            features=np.zeros((2, 1), np.float32).tobytes()
        ),
    ],
)
def test_a_changed_column_is_found(tmp_path: Path, row: LogRow) -> None:
    log_of(tmp_path / LOG_NAME, event_row(replace(VIEW, event_id="before")), row)
    expected = rf"^events\.sqlite, row 2, checksum: expected '{row.checksum}', received \d+$"
    with pytest.raises(InputError, match=expected.replace("'", "'?")):
        [*iter_events(tmp_path), *iter_impressions(tmp_path)]


@pytest.mark.parametrize(
    ("kind", "body", "features"),
    [
        ("event", "{", None),
        ("event", "{}", None),
        ("event", '{"type": "impression", "visitor_id": "v"}', None),
        ("event", '{"type": "view", "visitor_id": "v", "colour": 1}', None),
        ("event", '{"type": "view"}', None),
        ("event", "[]", None),
        ("impression", "{}", None),
        ("impression", '{"item_ids": 3}', None),
        ("impression", impression_row(SHOWN).body, b"\0" * 12),
        ("impression", impression_row(SHOWN).body, b"\0" * 7),
    ],
)
def test_a_body_of_another_version_is_named(
    tmp_path: Path, kind: str, body: str, features: bytes | None
) -> None:
    log_of(tmp_path / LOG_NAME, signed(LogRow(kind, "x", 1.0, body, features, 0)))
    expected = rf"^events\.sqlite, row 1, body: expected 'an {kind} of schema 1', received "
    with pytest.raises(InputError, match=expected.replace("'", "'?")):
        [*iter_events(tmp_path), *iter_impressions(tmp_path)]


def test_what_cannot_be_logged_is_refused() -> None:
    with pytest.raises(RequestError, match="^time: expected a finite number of seconds, rec.* nan"):
        impression_row(replace(SHOWN, time=float("nan")))
    for shape in ((2,), (3, 2), (2, 2, 2)):
        expected = r"^features: expected shape \[2, feature_count\], received \("
        with pytest.raises(RequestError, match=expected):
            impression_row(replace(SHOWN, features=np.zeros(shape, np.float32)))


def test_a_log_of_another_version_is_refused(tmp_path: Path) -> None:
    path = log_of(tmp_path / LOG_NAME)
    with closing(sqlite3.connect(path)) as log:
        log.execute("PRAGMA user_version = 2")
    for read_only in (True, False):
        with pytest.raises(InputError, match=r"schema 1\), received application 0x\w+, schema 2$"):
            open_log(path, read_only=read_only)


def test_a_folder_that_cannot_hold_a_log_is_named(tmp_path: Path) -> None:
    expected = r"^events\.sqlite: expected an event log that can be read, received: unable to open"
    with pytest.raises(InputError, match=expected):
        open_log(tmp_path / "none" / LOG_NAME, read_only=False)
    with pytest.raises(InputError, match=expected):
        read_own_log(tmp_path)


def test_a_page_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = log_of(tmp_path / LOG_NAME, *numbered(3_000))
    content = path.read_bytes()
    page = len(content) // 8_192 * 4_096
    path.write_bytes(content[:page] + b"\xff" * 4_096 + content[page + 4_096 :])
    expected = r"^events\.sqlite: expected an event log that can be read, received: .*malformed"
    with pytest.raises(InputError, match=expected):
        list(iter_events(path))


def test_letters_that_are_none_are_named(tmp_path: Path) -> None:
    path = log_of(tmp_path / LOG_NAME, event_row(VIEW))
    content = path.read_bytes()
    path.write_bytes(content.replace("手".encode(), b"\xff\xff\xff"))
    expected = r"^events\.sqlite: expected an event log that can be read, received: .*UTF-8"
    with pytest.raises(InputError, match=expected):
        list(iter_events(path))
