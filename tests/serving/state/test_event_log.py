"""An acked event is on disk, once, in order; damage is named and a full disk is survived."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue

import numpy as np
import pytest

from data.errors import InputError, OverloadError, RequestError
from data.records import Event, EventType, Impression
from data.sources.own_log import (
    LOG_NAME,
    event_row,
    impression_row,
    iter_events,
    iter_impressions,
    read_own_log,
)
from data.tables import iter_events as table_events
from serving.state.event_log import EventLog

ROOT = Path(__file__).resolve().parents[3]


def view(number: int) -> Event:
    return Event(f"e{number}", EventType.VIEW, "v", 1_700_000_000.0 + number, item_id=f"i{number}")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / LOG_NAME


@pytest.fixture
def log(path: Path) -> Iterator[EventLog]:
    log = EventLog(path)
    yield log
    log.close()


REVIEW = Event(
    "评论",
    EventType.REVIEW,
    "访客",
    1_700_000_000.123456,
    item_id="牛奶",
    session_id="s",
    quantity=3,
    price=1.25,
    rating=4.5,
    text="很好\0喝\n",
    surface="item",
    attribution_token="t",
)


def test_events_come_back_as_they_went_in_and_in_order(log: EventLog) -> None:
    search = Event("q", EventType.SEARCH, "v", 3.5, query="全脂 牛奶")
    assert log.append_events([view(1), REVIEW]) == [True, True]
    assert log.append_events([search]) == [True]
    entries = list(log.replay())
    assert [entry.record for entry in entries] == [view(1), REVIEW, search]
    assert [entry.sequence for entry in entries] == [1, 2, 3]
    assert [entry.record for entry in log.replay(after_sequence=2)] == [search]


def test_an_id_counts_once_also_within_a_batch_and_after_a_restart(path: Path) -> None:
    log = EventLog(path)
    assert log.append_events([view(1), view(2), view(1)]) == [True, True, False]
    log.close()
    log = EventLog(path)
    assert log.known("e1")
    assert not log.known("e3")
    assert log.append_events([view(2), view(3)]) == [False, True]
    assert log.event_count == 3
    log.close()


def test_impressions_carry_their_features(log: EventLog, path: Path) -> None:
    features = np.arange(6, dtype=np.float32).reshape(2, 3)
    shown = Impression("t", "v", 5.0, "search", "奶", "b", ("i1", "i2"), 20, features)
    bare = Impression("u", "", 6.0, "home", "", "b", ())
    assert log.enqueue_impression(shown)
    assert log.enqueue_impression(bare)
    assert log.enqueue_event(view(1))
    log.flush()
    first, second = iter_impressions(path)
    assert first.features is not None
    np.testing.assert_array_equal(first.features, features)
    assert (first.attribution_token, first.item_ids, first.offset) == ("t", ("i1", "i2"), 20)
    assert (second.item_ids, second.features) == ((), None)
    assert list(iter_events(path.parent)) == [view(1)]
    assert [entry.record for entry in log.replay(kinds=("event",))] == [view(1)]


def test_features_of_another_shape_are_refused() -> None:
    wrong = Impression("t", "v", 5.0, "", "", "b", ("i",), 0, np.zeros((2, 3), np.float32))
    expected = re.escape("features: expected shape [1, feature_count], received (2, 3)")
    with pytest.raises(RequestError, match=expected):
        impression_row(wrong)
    with pytest.raises(RequestError, match="^time: expected a finite number of seconds"):
        event_row(replace(view(1), time=float("inf")))


def test_after_commit_sees_new_events_in_log_order_and_on_disk(path: Path) -> None:
    seen: list[tuple[str, bool]] = []
    log = EventLog(path, after_commit=lambda event: seen.append((event.event_id, on_disk(event))))

    def on_disk(event: Event) -> bool:
        return log.known(event.event_id)

    batches = [[view(10 * thread + part) for part in range(5)] for thread in range(8)]
    threads = [threading.Thread(target=log.append_events, args=(batch,)) for batch in batches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.append_events([view(0)])
    log.enqueue_event(view(999))
    log.flush()
    logged = [entry.record.event_id for entry in log.replay() if isinstance(entry.record, Event)]
    assert [event_id for event_id, _ in seen] == logged[:-1]
    assert all(was_on_disk for _, was_on_disk in seen)
    log.close()


def test_a_failing_callback_is_told_to_its_caller_and_not_to_the_next(path: Path) -> None:
    def fail_once(event: Event) -> None:
        if event.event_id == "e1":
            raise LookupError("e1")

    log = EventLog(path, after_commit=fail_once)
    with pytest.raises(LookupError, match="e1"):
        log.append_events([view(1)])
    assert log.append_events([view(2)]) == [True]
    log.close()


def test_who_does_not_wait_is_told_and_cannot_stop_the_writer(path: Path) -> None:
    log = EventLog(path)
    told: SimpleQueue[list[bool] | Exception] = SimpleQueue()

    def broken(outcome: object) -> None:
        raise ValueError("canary")

    log.append_events_then([view(1), view(1), view(2)], told.put)
    assert told.get(timeout=10) == [True, False, True]
    log.append_events_then([view(3)], broken)
    assert log.append_events([view(4)]) == [True]
    log.close()
    with pytest.raises(OverloadError, match="^event log: expected an open log, received a call"):
        log.append_events_then([view(5)], told.put)
    assert told.empty()
    assert [event.event_id for event in iter_events(path)] == ["e1", "e2", "e3", "e4"]


def test_what_the_queue_cannot_hold_is_counted(path: Path) -> None:
    started, go_on = threading.Event(), threading.Event()

    def hold(_: Event) -> None:
        started.set()
        go_on.wait(10)

    log = EventLog(path, after_commit=hold, queue_limit=3)
    waiting = threading.Thread(target=log.append_events, args=([view(0)],))
    waiting.start()
    started.wait(10)
    kept = [log.enqueue_event(view(number)) for number in range(1, 6)]
    go_on.set()
    waiting.join()
    log.flush()
    assert kept == [True, True, True, False, False]
    assert log.dropped_count == 2
    assert log.event_count == 4
    log.close()


def test_a_closed_log_refuses(path: Path) -> None:
    log = EventLog(path)
    log.enqueue_event(view(1))
    log.close()
    log.close()
    with pytest.raises(OverloadError, match="^event log: expected an open log, received a call"):
        log.append_events([view(2)])
    assert not log.enqueue_event(view(3))
    assert list(iter_events(path)) == [view(1)]


def test_a_full_disk_acks_nothing_and_a_freed_one_works_again(tmp_path: Path) -> None:
    # In a process of its own, whose files may not grow: the kernel then refuses writes for real.
    code = """
        import resource, sys
        from pathlib import Path
        from data.errors import OverloadError
        from data.records import Event, EventType
        from serving.state.event_log import EventLog

        def batch(start):
            return [Event(f"e{start + n}", EventType.VIEW, "v", 1.0, text="x" * 1000, item_id="i")
                    for n in range(100)]

        log = EventLog(Path(sys.argv[1]))
        assert all(log.append_events(batch(0)))
        size = Path(sys.argv[1] + "-wal").stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20_000, resource.RLIM_INFINITY))
        for _ in range(3):
            try:
                log.append_events(batch(100))
            except OverloadError as error:
                print(error)
        assert log.event_count == 100 and not log.known("e100")
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        assert all(log.append_events(batch(100)))
        log.close()
    """
    path = tmp_path / LOG_NAME
    out = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert out.returncode == 0, out.stderr
    lines = out.stdout.splitlines()
    assert len(lines) == 3
    assert all(line.startswith("event log: expected a writable disk, received: ") for line in lines)
    assert len(list(iter_events(path))) == 200


def test_what_was_acked_survives_a_kill(tmp_path: Path) -> None:
    code = """
        import itertools, sys
        from pathlib import Path
        from data.records import Event, EventType
        from serving.state.event_log import EventLog

        log = EventLog(Path(sys.argv[1]))
        for number in itertools.count():
            log.append_events([Event(f"e{number}", EventType.VIEW, "v", 1.0, item_id="i")])
            print(f"e{number}", flush=True)
    """
    path = tmp_path / LOG_NAME
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), str(path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        assert writer.stdout is not None
        acked = [writer.stdout.readline().strip() for _ in range(20)]
        writer.send_signal(signal.SIGKILL)
        acked += writer.stdout.read().split()
    logged = [event.event_id for event in iter_events(path)]
    assert logged[: len(acked)] == acked
    assert len(logged) <= len(acked) + 1


def test_a_torn_log_keeps_every_commit_before_the_tear(path: Path, tmp_path: Path) -> None:
    log = EventLog(path)
    wal = path.with_name(path.name + "-wal")
    ends = []
    for number in range(6):
        log.append_events([view(number)])
        ends.append(wal.stat().st_size)
    whole = {name: name.read_bytes() for name in (path, wal)}
    log.close()
    for length in range(ends[2] + 1, ends[5], 997):
        torn = tmp_path / f"torn-{length}"
        torn.mkdir()
        (torn / LOG_NAME).write_bytes(whole[path])
        (torn / wal.name).write_bytes(whole[wal][:length])
        survivors = sum(end <= length for end in ends)
        reopened = EventLog(torn / LOG_NAME)
        assert [entry.record for entry in reopened.replay()] == [view(n) for n in range(survivors)]
        assert reopened.append_events([view(5)]) == [survivors < 6]
        reopened.close()
        shutil.rmtree(torn)


def test_a_flipped_byte_is_named_and_never_served(path: Path) -> None:
    log = EventLog(path)
    log.append_events([view(number) for number in range(3)])
    log.close()
    content = path.read_bytes()
    place = content.index(b'"i1"')
    path.write_bytes(content[: place + 2] + b"7" + content[place + 3 :])
    with pytest.raises(InputError, match=r"^events\.sqlite, row 2, checksum: expected \d+, rec"):
        list(iter_events(path))


def test_an_entry_of_another_making_is_named(path: Path) -> None:
    log = EventLog(path)
    log.append_events([view(1)])
    log.close()
    row = event_row(view(1))
    forged = event_row(view(2))
    assert row.body != forged.body
    with sqlite3.connect(path) as other:
        other.execute("UPDATE entries SET body = '{}', checksum = ?", (_checksum_of_empty(row),))
    other.close()
    with pytest.raises(InputError, match="row 1, body: expected an event of schema 1, received"):
        list(iter_events(path))


def _checksum_of_empty(row) -> int:  # type: ignore[no-untyped-def]
    import zlib

    return zlib.crc32(f"{row.kind}\0{row.entry_id}\0{row.time!r}\0{{}}\0".encode())


@pytest.mark.parametrize("content", [b"not a database, but long enough to look like a file" * 40])
def test_a_file_of_something_else_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(
        InputError, match=r"^events\.sqlite: expected an event log that can be read"
    ):
        EventLog(path)


def test_a_database_of_another_program_is_refused(path: Path) -> None:
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE songs (title TEXT)")
    other.close()
    with pytest.raises(InputError, match=r"^events\.sqlite: expected an event log \(application"):
        EventLog(path)


def test_a_log_that_is_not_there_is_refused_for_reading(path: Path) -> None:
    with pytest.raises(InputError, match=r"^events\.sqlite: expected an event log that can be"):
        list(iter_events(path))
    assert not path.exists()


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_a_sync_ends_between_receipt_and_ack(tmp_path: Path) -> None:
    code = """
        import os, sys
        from pathlib import Path
        from data.records import Event, EventType
        from serving.state.event_log import EventLog

        log = EventLog(Path(sys.argv[1]))
        for number in range(5):
            os.write(1, b"asked\\n")
            log.append_events([Event(f"e{number}", EventType.VIEW, "v", 1.0, item_id="i")])
            os.write(1, b"acked\\n")
    """
    trace = tmp_path / "trace"
    subprocess.run(
        ["strace", "-f", "-o", str(trace), "-e", "trace=write,fdatasync,fsync", sys.executable]
        + ["-c", textwrap.dedent(code), str(tmp_path / LOG_NAME)],
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    calls = re.findall(r'"(asked|acked)\\n"|(sync)(?:\(\d+\)| resumed>\)) += 0', trace.read_text())
    order = ["".join(call) for call in calls]
    for position in [place for place, call in enumerate(order) if call == "acked"]:
        asked = max(place for place in range(position) if order[place] == "asked")
        assert "sync" in order[asked:position]
    assert order.count("acked") == 5


def test_the_log_is_a_source_of_training_data(log: EventLog, path: Path) -> None:
    log.append_events([view(2), REVIEW])
    log.enqueue_impression(Impression("t", "v", 5.0, "home", "", "b", ("i1",)))
    log.flush()
    shop = read_own_log(path.parent)
    assert (shop.items, shop.judgments) == (None, None)
    assert list(table_events(shop.events)) == [view(2), REVIEW]
