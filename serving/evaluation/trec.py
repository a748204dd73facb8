"""Queries, judgments and runs in TREC formats, so that external tools can check the metrics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TextIO

from data.errors import InputError

RUN_TAG = "nextclick"


def read_queries(path: Path) -> list[tuple[str, str]]:
    """Query ids and texts, one ``query_id<TAB>text`` per line.

    Raises:
        InputError: A line has no tab, no id or no text.
    """
    queries = []
    for row, line in _lines(path):
        query_id, tab, text = line.partition("\t")
        if not (tab and query_id.strip() and text.strip()):
            raise InputError.at(path.name, row, "line", "query_id<TAB>text", line[:80])
        queries.append((query_id.strip(), text.strip()))
    return queries


def read_qrels(path: Path) -> dict[str, dict[str, int]]:
    """Grades by query id and item id, one ``query_id 0 item_id grade`` per line.

    Raises:
        InputError: A line has another format.
    """
    qrels: dict[str, dict[str, int]] = {}
    for row, line in _lines(path):
        parts = line.split()
        try:
            query_id, _, item_id, grade = parts
            qrels.setdefault(query_id, {})[item_id] = int(grade)
        except ValueError as error:
            expected = "query_id 0 item_id grade"
            raise InputError.at(path.name, row, "line", expected, line[:80]) from error
    return qrels


def read_session_file(path: Path) -> list[list[str]]:
    """Item ids of each session, one session per line, oldest first; the last id is the target.

    Raises:
        InputError: A line has fewer than two ids.
    """
    sessions = []
    for row, line in _lines(path):
        item_ids = line.split()
        if len(item_ids) < 2:
            raise InputError.at(path.name, row, "line", "two or more item ids", line[:80])
        sessions.append(item_ids)
    return sessions


def write_ranking(file: TextIO, query_id: str, ranking: Sequence[tuple[str, float]]) -> None:
    """Writes lines of a run: ``query_id Q0 item_id rank score tag``, ranks from 1.

    Equal scores are made strictly decreasing, since evaluation tools sort by score.

    Raises:
        InputError: An id contains a blank, the field separator of this format.
    """
    last = float("inf")
    for rank, (item_id, score) in enumerate(ranking, 1):
        for field in (query_id, item_id):
            if len(field.split()) != 1:
                raise InputError(f"run: expected ids without blanks, received {field!r}")
        last = min(score, last - 1e-6 * max(1.0, abs(last))) if rank > 1 else score
        file.write(f"{query_id} Q0 {item_id} {rank} {last:.7g} {RUN_TAG}\n")


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: expected a readable text file, received: {error}") from error
    lines: Iterable[tuple[int, str]] = enumerate(text.split("\n"), 1)
    filled = [(row, line.rstrip("\r")) for row, line in lines if line.strip()]
    if not filled:
        raise InputError(f"{path.name}: expected at least one line, received none")
    yield from filled
