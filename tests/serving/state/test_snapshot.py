"""A snapshot gives back what was written, or says what is wrong with it."""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from data.errors import InputError
from data.records import Event, EventType, LogPosition
from serving.state.session_rows import session_of, session_row
from serving.state.snapshot import (
    FORMAT,
    SnapshotHead,
    read_counts,
    read_head,
    read_sessions,
    write_snapshot,
)
from towers.sessions.session import Session

HEAD = SnapshotHead(LogPosition(7, 2**32 - 1), 5, "b", {"new": 3}, {"nowhere": 2})
OTHER_VALUES: dict[str, object] = {"str": "ü\u2028\n'\"", "int": 3, "float": 0.1 + 0.2}


class Read(NamedTuple):
    head: SnapshotHead
    counts: dict[str, Any]
    sessions: list[Session]


def read(path: Path) -> Read:
    with open(path, "rb") as file:
        return Read(read_head(file), read_counts(file), read_sessions(file))


def session(number: int, rng: random.Random) -> Session:
    made = Session.empty(f"visitor {number}")
    for at in range(rng.randrange(60)):
        type_ = EventType(1 + rng.randrange(9))
        item_id = f"i{rng.randrange(9)}"
        made = made.after(
            Event(f"{number}-{at}", type_, made.visitor_id, rng.random() * 1e9, item_id)
        )
    return made


def test_every_field_of_an_event_comes_back() -> None:
    values = {
        field.name: OTHER_VALUES[str(field.type).partition(" ")[0]]
        for field in fields(Event)
        if field.name not in ("type", "visitor_id")
    }
    event = Event(type=EventType.REVIEW, visitor_id="v", **values)  # type: ignore[arg-type]
    plain = Event("e", EventType.VIEW, "v", 1.5)
    held = Session("v", (plain, event))
    row = json.loads(json.dumps(session_row(held)))
    assert session_of(row) == held
    # A field that is as by default takes no room at the end of the row.
    assert row[1][0] == ["e", 2, 1.5]


def test_sessions_come_back_in_their_order_over_more_than_one_block(tmp_path: Path) -> None:
    rng = random.Random(1)
    sessions = [session(number, rng) for number in range(2_345)]
    counts = {"any": [1, 0.1, None, "ü"]}
    write_snapshot(tmp_path / "s", HEAD, counts, sessions)
    found = read(tmp_path / "s")
    assert (found.head, found.counts, found.sessions) == (HEAD, counts, sessions)
    for one, other in zip(found.sessions, sessions, strict=True):
        assert [*one.bought] == [*other.bought] and [*one.disliked] == [*other.disliked]


def test_no_changed_byte_and_no_cut_goes_unnoticed(tmp_path: Path) -> None:
    write_snapshot(tmp_path / "s", HEAD, {}, [session(1, random.Random(1))])
    content = (tmp_path / "s").read_bytes()
    for at in range(0, len(content) - 1, 7):
        changed = bytearray(content)
        changed[at] ^= 1
        for damaged in (bytes(changed), content[:at]):
            (tmp_path / "s").write_bytes(damaged)
            with pytest.raises(InputError, match="expected the digest of its content at its end"):
                read(tmp_path / "s")


def test_another_format_and_other_content_are_named(tmp_path: Path) -> None:
    def written(*lines: object) -> Path:
        content = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        digest = hashlib.blake2b(content, digest_size=16).hexdigest().encode()
        (tmp_path / "s").write_bytes(content + digest + b"\n")
        return tmp_path / "s"

    write_snapshot(tmp_path / "s", HEAD, {}, [])
    head, counts = map(json.loads, (tmp_path / "s").read_text().splitlines()[:2])
    assert read(written(head, counts, [["v", [], [], 0, 0.0, []]])).sessions == [Session.empty("v")]
    with pytest.raises(InputError, match=f"^expected format {FORMAT}, received {FORMAT + 1}$"):
        read(written({**head, "format": FORMAT + 1}, counts))
    with pytest.raises(InputError, match="^expected the rules of this version"):
        read(written({**head, "rules": "others"}, counts))
    for lines in ([head, counts, [["v"]]], [head, counts, [7]], [{"format": FORMAT}], [[]]):
        with pytest.raises(
            InputError, match=f"^expected a snapshot of format {FORMAT}, received: "
        ):
            read(written(*lines))


def test_an_earlier_snapshot_stays_where_the_next_cannot_be_written(tmp_path: Path) -> None:
    write_snapshot(tmp_path / "s", HEAD, {"first": 1}, [])
    with pytest.raises(TypeError):
        write_snapshot(tmp_path / "s", HEAD, {"second": object()}, [])
    assert read(tmp_path / "s").counts == {"first": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["s"]
