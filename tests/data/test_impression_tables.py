"""Logged answers on their way from the log into the tables."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.errors import InputError
from data.impression_tables import (
    ShownAnswer,
    at_most,
    clean_impressions,
    impressions_table,
    iter_answers,
)
from data.prepare import prepare
from data.records import Event, EventType, Impression
from data.sources.own_log import LOG_NAME, event_row, impression_row, open_log, read_own_log
from data.tables import read_tables

INSERT = "INSERT INTO entries (kind, entry_id, time, body, features, checksum) VALUES (?,?,?,?,?,?)"
NOW = 1_700_000_000.0
SHOWN = Impression("t1", "v1", NOW - 50.25, "search", "手机", "b", ("a", "b"), offset=20)


PLAIN = ShownAnswer("t1", "v1", SHOWN.time, "search", "手机", ("a", "b"), 20, False)


def state_of(folder: Path, *impressions: Impression) -> Path:
    folder.mkdir()
    events = [
        Event(f"{n}", EventType.VIEW, f"v{n % 9}", NOW - 100 + n, "a", session_id="s")
        for n in range(12)
    ]
    with closing(open_log(folder / LOG_NAME, read_only=False)) as log:
        log.execute("BEGIN")
        log.executemany(INSERT, [event_row(one) for one in events])
        log.executemany(INSERT, [impression_row(one) for one in impressions])
        log.execute("COMMIT")
    return folder


def test_answers_come_back_from_the_tables_as_they_were_logged(tmp_path: Path) -> None:
    filtered = replace(SHOWN, attribution_token="t0", filter={"brands": ["x"]})
    home = replace(SHOWN, attribution_token="t2", surface="home", query="")
    of_page = replace(SHOWN, attribution_token="t3", surface="item", context_item_ids=("a",))
    state = state_of(tmp_path / "state", SHOWN, filtered, home, of_page)
    report = prepare("own_log", state, out=tmp_path / "out", now=NOW)
    assert report["impressions"] == 2
    table = read_tables(tmp_path / "out").impressions
    assert table is not None
    found = {one.attribution_token: one for one in iter_answers(table)}
    assert found["t1"] == PLAIN
    assert set(found) == {"t1", "t2"}
    # The same log once more on top: each answer stays one.
    prepare("own_log", state, out=tmp_path / "out", now=NOW, base=tmp_path / "out")
    again = read_tables(tmp_path / "out").impressions
    assert again is not None and again.num_rows == 2


def test_answers_from_before_the_log_or_from_the_future_are_left_out() -> None:
    rows = [
        replace(PLAIN, attribution_token=token, time=time)
        for token, time in (("late", 7.0), ("a", 5.0), ("b", 3.0), ("b", 3.0), ("early", 1.0))
    ]
    kept = clean_impressions(impressions_table(rows), since=2.0, until=6.0)
    assert kept["attribution_token"].to_pylist() == ["b", "a"]


def test_a_sample_of_visitors_has_their_answers_alone(tmp_path: Path) -> None:
    shown = [replace(SHOWN, attribution_token=f"t{n}", visitor_id=f"v{n}") for n in range(9)]
    state = state_of(tmp_path / "state", *shown)
    prepare("own_log", state, out=tmp_path / "out", now=NOW, visitor_share=0.5)
    tables = read_tables(tmp_path / "out")
    assert tables.impressions is not None
    kept = set(tables.events["visitor_id"].to_pylist())
    assert 0 < len(kept) < 9
    assert set(tables.impressions["visitor_id"].to_pylist()) == kept


def test_a_table_of_other_columns_is_refused_by_name(tmp_path: Path) -> None:
    state = state_of(tmp_path / "state", SHOWN)
    prepare("own_log", state, out=tmp_path / "out", now=NOW)
    path = tmp_path / "out" / "impressions.parquet"
    pq.write_table(pa.table({"token": ["t"]}), path)
    with pytest.raises(InputError, match=r"impressions\.parquet: expected the columns attribution"):
        read_tables(tmp_path / "out")
    path.write_bytes(b"no table")
    with pytest.raises(InputError, match="expected a readable table"):
        read_tables(tmp_path / "out")


def test_the_log_gives_its_answers(tmp_path: Path) -> None:
    shop = read_own_log(state_of(tmp_path / "state", SHOWN))
    assert shop.impressions is not None
    assert list(iter_answers(shop.impressions)) == [ShownAnswer.of(SHOWN)]


def test_of_a_long_log_answers_of_all_times_are_taken() -> None:
    rows = [replace(PLAIN, attribution_token=str(number)) for number in range(1_000)]
    kept = at_most(impressions_table(rows), 10)["attribution_token"].to_pylist()
    assert [int(token) // 100 for token in kept] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert at_most(impressions_table(rows), 1_000).num_rows == 1_000
