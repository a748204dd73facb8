"""Sessions as lines: every id a view, in order, no two sessions at the same time."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.clean import clean
from data.errors import InputError
from data.records import Event, EventType, Item
from data.sources.session_lines import read_session_lines
from data.tables import iter_events, iter_items

BEGIN = 946_684_800.0


def read(folder: Path, content: str | bytes) -> tuple[list[Item], list[Event]]:
    path = folder / "sessions.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    shop = read_session_lines(path)
    assert shop.judgments is None
    assert shop.notes and "times are made up" in shop.notes[0]
    assert clean(shop, now=BEGIN + 1e9).losses == ()
    assert shop.items is not None and shop.events is not None
    return list(iter_items(shop.items)), list(iter_events(shop.events))


def view(session: int, position: int, item_id: str, time: float) -> Event:
    name = f"s{session}"
    return Event(f"{name}-{position}", EventType.VIEW, name, BEGIN + time, item_id, session_id=name)


def test_a_line_is_a_session(tmp_path: Path) -> None:
    items, events = read(tmp_path, "7 智能手机\n\n7  8\t9 \n")
    assert items == [Item("7"), Item("智能手机"), Item("8"), Item("9")]
    assert events == [
        view(1, 1, "7", 0.0),
        view(1, 2, "智能手机", 1.0),
        view(3, 1, "7", 120.0),
        view(3, 2, "8", 121.0),
        view(3, 3, "9", 122.0),
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"a b\r\nc\r\n",
        b"\xef\xbb\xbfa b\nc",
        gzip.compress(b"a b\nc\n", mtime=0),
        "a\u3000b\nc\n".encode(),
    ],
)
def test_files_as_tools_write_them(tmp_path: Path, content: bytes) -> None:
    _, events = read(tmp_path, content)
    assert [(event.session_id, event.item_id) for event in events] == [
        ("s1", "a"),
        ("s1", "b"),
        ("s2", "c"),
    ]


lines_of_ids = st.lists(
    st.lists(st.text("ab1智-", min_size=1, max_size=3), max_size=4), min_size=1, max_size=10
).filter(any)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(lines_of_ids)
def test_sessions_come_back_as_they_were(tmp_path: Path, lines: list[list[str]]) -> None:
    _, events = read(tmp_path, "\n".join(" ".join(ids) for ids in lines))
    found: list[list[str]] = [[] for _ in lines]
    for event in events:
        found[int(event.session_id[1:]) - 1].append(event.item_id)
    assert found == lines
    assert [event.time for event in events] == sorted(event.time for event in events)


def test_a_session_of_many_views_ends_before_the_next_begins(tmp_path: Path) -> None:
    _, events = read(tmp_path, " ".join(map(str, range(5_000))) + "\nnext\n")
    seconds = [event.time - BEGIN for event in events]
    assert [event.item_id for event in events] == [*map(str, range(5_000)), "next"]
    assert sorted(set(seconds)) == seconds
    assert seconds[-2] < 60.0 == seconds[-1]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "sessions.txt: expected a session a line, received no item id"),
        (b" \n\t\n", "sessions.txt: expected a session a line, received no item id"),
        ("é".encode("latin-1"), "sessions.txt: expected text in UTF-8, received: "),
        ("手机".encode("gb18030"), "sessions.txt: expected text in UTF-8, received: "),
        (
            gzip.compress(b"a b\n" * 99, mtime=0)[:25],
            "sessions.txt: expected text in UTF-8, received: Com",
        ),
    ],
)
def test_what_holds_no_sessions_is_named(tmp_path: Path, content: bytes, expected: str) -> None:
    with pytest.raises(InputError, match=f"^{re.escape(expected)}"):
        read(tmp_path, content)


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    for path, reason in ((tmp_path, "Is a directory"), (tmp_path / "no", "No such file or dir")):
        expected = f"^{re.escape(str(path))}: expected a file of sessions, received: {reason}"
        with pytest.raises(InputError, match=expected):
            read_session_lines(path)
    with pytest.raises(
        InputError, match=r"sessions.txt: expected a file of sessions, received: Unk"
    ):
        read(tmp_path, b"\x1f\x8bnothing of the kind")
