"""The file of a shop's query checks: tab-separated lines, with errors that name line and column."""

from __future__ import annotations

import re
from pathlib import Path

from data.errors import InputError
from serving.api.validation import PAGE_SIZE_LIMIT, QUERY_LENGTH_LIMIT
from serving.evaluation.searches.query_check import FIELDS, Pattern, QueryCheck, Selection
from towers.text.writing.folding import normalise

_COLUMNS = ("query", "wanted", "n", "unwanted")
_DEFAULT_COUNT = 10
_SHOWN_ERROR_COUNT = 5

_FIELD = "|".join(FIELDS)
_PART = re.compile(
    rf"\s*(?:(?P<field>{_FIELD}):/(?P<regex>(?:\\.|[^/\\])*)/(?P<flags>\w*)"
    rf"|(?P<text>(?:\\,|[^,])*?))\s*(?:,|$)"
)
_PLAIN = re.compile(rf"({_FIELD}):\s*(.+)")


def read_checks(path: Path) -> tuple[QueryCheck, ...]:
    """The checks of a file of tab-separated lines: query, wanted, n, unwanted.

    Wanted and unwanted are item ids or patterns, separated by commas: ``title:/regex/i``,
    ``title:words``, ``category:Audio``, ``brand:Sony``; ``id:`` before an id that looks like a
    pattern, a backslash before a comma of an id. ``n`` may be left out: the number of ids, or 10
    with patterns. Empty lines, and those that begin with ``//`` or ``# ``, are comments, as is one
    that begins with ``#`` and has no tab.

    Raises:
        InputError: The file cannot be read, has no checks or bad lines; names line and column.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: expected a readable text file, received: {error}") from error
    checks, errors = [], []
    for number, line in enumerate(text.split("\n"), 1):
        if _is_comment(line):
            continue
        try:
            checks.append(_check_of(number, line.rstrip("\r")))
        except InputError as error:
            errors.append(f"{path.name}, line {number}, {error}")
    if errors:
        more = len(errors) - _SHOWN_ERROR_COUNT
        shown = [*errors[:_SHOWN_ERROR_COUNT], *([f"and {more:,} more"] if more > 0 else [])]
        raise InputError("\n".join(shown))
    if not checks:
        raise InputError(f"{path.name}: expected at least one query, received none")
    return tuple(checks)


def _is_comment(line: str) -> bool:
    text = line.strip()
    is_mark = text.startswith(("//", "# ")) or text == "#"
    return not text or is_mark or (text.startswith("#") and "\t" not in line)


def _check_of(number: int, line: str) -> QueryCheck:
    cells = [cell.strip() for cell in line.split("\t")]
    while len(cells) > len(_COLUMNS) and not cells[-1]:
        cells.pop()
    if len(cells) > len(_COLUMNS):
        raise InputError(f"columns: expected at most {len(_COLUMNS)}, received {len(cells)}")
    query, wanted_text, count_text, unwanted_text = cells + [""] * (len(_COLUMNS) - len(cells))
    if not 1 <= len(query) <= QUERY_LENGTH_LIMIT:
        raise _error(0, f"1 to {QUERY_LENGTH_LIMIT} characters", f"{len(query)}")
    wanted, unwanted = _selection(wanted_text, 1), _selection(unwanted_text, 3)
    if not wanted and not unwanted:
        raise _error(1, "item ids or patterns", repr(wanted_text))
    return QueryCheck(number, query, wanted, _count(count_text, wanted), unwanted)


def _count(text: str, wanted: Selection) -> int:
    id_count = len(wanted.item_ids)
    least = max(1, id_count)
    if not text:
        count = id_count if id_count and not wanted.patterns else max(_DEFAULT_COUNT, id_count)
        if count > PAGE_SIZE_LIMIT:
            raise _error(1, f"at most {PAGE_SIZE_LIMIT} ids", str(id_count))
        return count
    expected = f"{least} to {PAGE_SIZE_LIMIT}"
    if not re.fullmatch("[0-9]{1,9}", text) or not least <= int(text) <= PAGE_SIZE_LIMIT:
        raise _error(2, expected, repr(text))
    return int(text)


def _selection(cell: str, column: int) -> Selection:
    ids: list[str] = []
    patterns: list[Pattern] = []
    position = 0
    while position < len(cell):
        part = _PART.match(cell, position)
        assert part is not None  # The second alternative matches any text.
        position = part.end()
        if part["field"]:
            written = part[0].strip().removesuffix(",").strip()
            patterns.append(
                Pattern(written, part["field"], _expression(part["regex"], part["flags"], column))
            )
            continue
        text = part["text"].replace("\\,", ",")
        plain = _PLAIN.fullmatch(text)
        if not text:
            raise _error(column, "an item id or a pattern between commas", repr(cell))
        if plain and plain[2].startswith("/"):
            raise _error(column, f"a pattern like {plain[1]}:/regex/i", repr(text))
        if plain:
            # "Audio>Headphones" is a path as well.
            value = re.sub(r"\s*>\s*", " > ", plain[2]) if plain[1] == "category" else plain[2]
            patterns.append(Pattern(text, plain[1], value=normalise(value)))
        else:
            ids.append(text.removeprefix("id:"))
    return Selection(tuple(dict.fromkeys(ids)), tuple(patterns))


def _expression(regex: str, flags: str, column: int) -> re.Pattern[str]:
    if flags not in ("", "i"):
        raise _error(column, "the flag i or none behind a pattern", repr(flags))
    if not regex:
        raise _error(column, "a regular expression between the slashes", repr(regex))
    try:
        return re.compile(regex, re.IGNORECASE if flags else 0)
    except re.error as error:
        raise _error(column, "a regular expression", f"{regex!r}: {error}") from error


def _error(column: int, expected: str, received: str) -> InputError:
    name = _COLUMNS[column]
    return InputError(f"column {column + 1} ({name}): expected {expected}, received {received}")
