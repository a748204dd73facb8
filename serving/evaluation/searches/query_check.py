"""A shop's own queries with what belongs at the top, checked against the engine as served."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from serving.api.answers import Result
from serving.api.requests import SearchRequest
from serving.api.validation import PAGE_SIZE_LIMIT
from serving.engine import Engine
from towers.catalog.items import Catalog
from towers.text.writing.folding import normalise

FIELDS = ("title", "category", "brand")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A condition on one field of an item.

    Args:
        text: As written in the file.
        field: One of ``FIELDS``.
        expression: Must be found in the field; levels of a category are joined by " > ".
        value: Without an expression: a title must contain it, a brand be it, a category have it as
            a level or begin with it as a path; case and width do not matter.
    """

    text: str
    field: str
    expression: re.Pattern[str] | None = None
    value: str = ""

    def fits(self, title: str, category: Sequence[str], brand: str) -> bool:
        """Whether an item meets the condition."""
        path = " > ".join(category)
        if self.expression is not None:
            found = {"title": title, "category": path, "brand": brand}[self.field]
            return self.expression.search(found) is not None
        if self.field == "title":
            return self.value in normalise(title)
        if self.field == "brand":
            return self.value == normalise(brand)
        levels = [normalise(level) for level in category]
        return self.value in levels or f"{normalise(path)} > ".startswith(f"{self.value} > ")


@dataclass(frozen=True, slots=True)
class Selection:
    """Items by id or by pattern; true if there are any."""

    item_ids: tuple[str, ...] = ()
    patterns: tuple[Pattern, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.item_ids or self.patterns)

    def has(self, item_id: str, title: str, category: Sequence[str], brand: str) -> bool:
        """Whether an item is one of them."""
        return item_id in self.item_ids or any(
            pattern.fits(title, category, brand) for pattern in self.patterns
        )


@dataclass(frozen=True, slots=True)
class QueryCheck:
    """One line of a check file.

    Args:
        line: Its number, from 1.
        query: The text to search for.
        wanted: Each id must be among the first ``count`` results; with patterns each of these
            results must be wanted, as far as the catalogue has such items.
        count: 1 to 100.
        unwanted: Must not stand before the last of the wanted; where not all of these are found, or
            none are named, not among the first ``count``.
    """

    line: int
    query: str
    wanted: Selection
    count: int
    unwanted: Selection


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one check.

    Args:
        line, query: Of the check.
        failures: Why it failed; empty if it passed.
        unknown_item_ids: Ids in it that the catalogue does not have.
        found: Ids of the first results, best first, as many as the check is about.
    """

    line: int
    query: str
    failures: tuple[str, ...]
    unknown_item_ids: tuple[str, ...]
    found: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The verdicts on a bundle.

    Args:
        failed: Verdicts with failures, in the order of the file.
        unknown_item_ids: Ids that the catalogue does not have, of every line.
    """

    bundle_id: str
    query_count: int
    failed_count: int
    failed: tuple[Verdict, ...]
    unknown_item_ids: tuple[str, ...]


def check_bundle(
    bundle: Path,
    checks: Sequence[QueryCheck],
    *,
    rules: Path | None = None,
    progress: Callable[[int], object],
) -> CheckReport:
    """Searches a bundle as served, without sessions and live changes, for every query.

    Args:
        rules: File of the query rules; None: no rules.

    Raises:
        BundleError: The bundle cannot be served.
        ConfigError: The rules file is not valid.
    """
    engine = Engine.open(bundle, rules=rules)
    try:
        verdicts = []
        for number, check in enumerate(checks):
            progress(number)
            request = SearchRequest(check.query, page_size=PAGE_SIZE_LIMIT, record=False)
            results = engine.search(request).results
            verdicts.append(judged(check, results, engine.bundle.catalog))
        failed = tuple(verdict for verdict in verdicts if verdict.failures)
        unknown = dict.fromkeys(one for verdict in verdicts for one in verdict.unknown_item_ids)
        bundle_id = engine.bundle.manifest.bundle_id
    finally:
        engine.close()
    return CheckReport(bundle_id, len(checks), len(failed), failed, tuple(unknown))


def judged(check: QueryCheck, results: Sequence[Result], catalog: Catalog) -> Verdict:
    """The verdict on one answer, of at least ``check.count`` results if there are as many."""
    ids = [result.item_id for result in results]
    shown = results[: check.count]
    is_wanted = [_has(check.wanted, result) for result in shown]
    failures = _missing_ids(check, ids, catalog)
    if check.wanted.patterns and sum(is_wanted) < check.count:
        possible = min(check.count, _holder_count(check.wanted, catalog))
        texts = " or ".join(pattern.text for pattern in check.wanted.patterns)
        if not possible:
            failures.append(f"{texts}: no item of the catalogue fits")
        elif sum(is_wanted) < possible:
            failures.append(
                f"{texts}: expected {possible} of the first {check.count},"
                f" received {sum(is_wanted)}"
            )
    last = max((place for place, wanted in enumerate(is_wanted) if wanted), default=-1)
    is_complete = bool(check.wanted) and not failures
    leading = shown[:last] if is_complete else shown
    for rank, result in enumerate(leading, 1):
        if _has(check.unwanted, result) and not is_wanted[rank - 1]:
            before = f"before {ids[last]}" if is_complete else f"in the first {check.count}"
            failures.append(f"{result.item_id}: must not be {before}, received at {rank}")
    named = (*check.wanted.item_ids, *check.unwanted.item_ids)
    unknown = tuple(item_id for item_id in named if item_id not in catalog.row_of)
    found = tuple(ids[: check.count])
    return Verdict(check.line, check.query, tuple(failures), unknown, found)


def _missing_ids(check: QueryCheck, ids: Sequence[str], catalog: Catalog) -> list[str]:
    failures = []
    for item_id in check.wanted.item_ids:
        if item_id in ids[: check.count]:
            continue
        if item_id not in catalog.row_of:
            failures.append(f"{item_id}: not in the catalogue")
            continue
        where = f"at {ids.index(item_id) + 1}" if item_id in ids else f"none in {len(ids)} results"
        failures.append(f"{item_id}: expected in the first {check.count}, received {where}")
    return failures


def _has(selection: Selection, result: Result) -> bool:
    return selection.has(result.item_id, result.title, result.category, result.brand)


def _holder_count(selection: Selection, catalog: Catalog) -> int:
    """Listed items of a selection."""
    return sum(
        selection.has(
            catalog.item_ids[row],
            catalog.titles[row],
            catalog.category(row),
            catalog.brand_name(row),
        )
        for row in np.flatnonzero(catalog.listed[: catalog.count]).tolist()
    )
