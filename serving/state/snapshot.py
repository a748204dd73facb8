"""A snapshot of what a server has folded out of its event log, up to one entry of it.

A start replays only what came later. One file of JSON lines: the head, the counts, sessions in blocks,
and a last line with the digest of all bytes before it. It holds visitor ids and queries, as the log
beside it does, and is readable by its owner only.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO

from data.atomic import atomic_file
from data.errors import InputError
from data.records import LogPosition
from serving.state.session_rows import session_of, session_row
from towers.sessions.session import Session

SNAPSHOT_NAME = "snapshot.jsonl"
"""Name of the file in the state folder of a server."""

FORMAT = 1
_RULES = (
    "data/records.py",
    "towers/sessions/session.py",
    "towers/sessions/feedback.py",
    "towers/retrieval/bounded_map.py",
    "towers/retrieval/popularity.py",
    "towers/retrieval/sources/popular.py",
    "towers/search_box/popular_queries.py",
    "serving/state/session_rows.py",
)
"""Files with the rules by which events change sessions and counts, and by which those are written."""

_BLOCK_SIZE = 1_000
_CHUNK_BYTES = 1 << 20
_DIGEST_BYTES = 16
_TAIL_BYTES = 2 * _DIGEST_BYTES + 1


@dataclass(frozen=True)
class SnapshotHead:
    """What a snapshot stands for.

    Args:
        position: The last event of the log that it includes.
        event_count: Events of the log up to there: fewer by now if some were deleted.
        bundle_id: The bundle that counted them.
        live_rows: Row of each item, added live, that has events.
        unknown_counts: Number of events of each item id without a row.
    """

    position: LogPosition
    event_count: int
    bundle_id: str
    live_rows: dict[str, int]
    unknown_counts: dict[str, int]


@cache
def rules_hash() -> str:
    """Of the rules of this version: what other rules have counted does not go on under these."""
    root, found = Path(__file__).parents[2], blake2b(digest_size=8)
    for name in _RULES:
        found.update((root / name).read_bytes())
    return found.hexdigest()


def write_snapshot(
    path: Path, head: SnapshotHead, counts: dict[str, Any], sessions: Sequence[Session]
) -> None:
    """Writes a snapshot in place of an earlier one, completely or not at all.

    Raises:
        InputError, OSError: The disk is full or failing; the earlier one stays.
    """
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    digest = blake2b(digest_size=_DIGEST_BYTES)

    def lines() -> Iterator[Any]:
        yield {
            "format": FORMAT,
            "rules": rules_hash(),
            "head": asdict(head) | {"position": list(head.position)},
        }
        yield counts
        for start in range(0, len(sessions), _BLOCK_SIZE):
            yield [session_row(session) for session in sessions[start : start + _BLOCK_SIZE]]

    with atomic_file(path, is_private=True) as unfinished, open(unfinished, "wb") as file:
        for line in lines():
            content = encode(line).encode() + b"\n"
            digest.update(content)
            file.write(content)
        file.write(digest.hexdigest().encode() + b"\n")


def read_head(file: BinaryIO) -> SnapshotHead:
    """The head of an open snapshot, once all bytes are found to be as they were written.

    The file is left after the head.

    Raises:
        InputError: It is damaged, or of another format.
    """
    _check_digest(file)
    try:
        values = json.loads(file.readline())
        if values["format"] != FORMAT:
            raise InputError(f"expected format {FORMAT}, received {values['format']}")
        if values["rules"] != rules_hash():
            raise InputError("expected the rules of this version, received those of another")
        head = values["head"]
        return SnapshotHead(**head | {"position": LogPosition(*head["position"])})
    except (ValueError, TypeError, KeyError) as error:
        raise _not_a_snapshot(error) from error


def read_counts(file: BinaryIO) -> dict[str, Any]:
    """The counts of a snapshot whose head ``read_head`` has read; the file is left after them.

    Raises:
        InputError: They are not what this version writes.
    """
    try:
        counts = json.loads(file.readline())
        return {str(name): values for name, values in counts.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise _not_a_snapshot(error) from error


def read_sessions(file: BinaryIO) -> list[Session]:
    """The sessions of a snapshot whose counts ``read_counts`` has read, the least recently used first.

    Raises:
        InputError: They are not what this version writes.
    """
    sessions: list[Session] = []
    try:
        # The digest begins with none.
        while (line := file.readline()).startswith(b"["):
            sessions += map(session_of, json.loads(line))
        return sessions
    except (ValueError, TypeError, KeyError) as error:
        raise _not_a_snapshot(error) from error


def _check_digest(file: BinaryIO) -> None:
    left = file.seek(0, os.SEEK_END) - _TAIL_BYTES
    file.seek(0)
    digest = blake2b(digest_size=_DIGEST_BYTES)
    while left > 0 and (chunk := file.read(min(left, _CHUNK_BYTES))):
        digest.update(chunk)
        left -= len(chunk)
    found, expected = file.read().strip(), digest.hexdigest().encode()
    if left or found != expected:
        raise InputError("expected the digest of its content at its end, received another")
    file.seek(0)


def _not_a_snapshot(error: Exception) -> InputError:
    return InputError(f"expected a snapshot of format {FORMAT}, received: {error!r}")
