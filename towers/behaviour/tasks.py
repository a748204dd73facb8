"""What is predicted of a visit: whether it buys, which type of event comes next, which item."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from data.records import EventType
from towers.behaviour.folds import Occurrences
from towers.behaviour.visit_log import VisitLog
from towers.sessions.targets import TARGET_TYPES

_VALIDATION_SHARE = 0.2
PARTS = ("training", "validation", "test")


@dataclass(frozen=True)
class Limits:
    """Most moments of each part; more are sampled uniformly."""

    training: int
    validation: int
    test: int

    @classmethod
    def of(cls, training: int) -> Limits:
        """A quarter as many for validation as for training, and half as many for testing."""
        return cls(training, -(-training // 4), -(-training // 2))


@dataclass(frozen=True, eq=False)
class Task:
    """Moments of visits, each with what came after it.

    Args:
        name: As reports have it.
        classes: Names of the labels; empty where the label is an item.
        moments: By part: ``[n] int64`` number of the newest event that is known.
        labels: By part: ``[n] int64`` class, or item row.
        available_counts: By part: moments before sampling.
        skipped: Why the log does not hold this task; empty if it does.
    """

    name: str
    classes: tuple[str, ...]
    moments: dict[str, np.ndarray]
    labels: dict[str, np.ndarray]
    available_counts: dict[str, int]
    skipped: str = ""


def visit_parts(log: VisitLog) -> np.ndarray:
    """The part of each event by its visit, ``[events] int64`` into ``PARTS``; −1 for none.

    Test visits begin at ``test_from`` or later; training and validation visits end before it, and
    visits on both sides belong to no part, since their labels would be of the test period. Of the
    visits before, the newest fifth by their beginning is for validation.
    """
    visit_count = int(log.visits.max()) + 1
    starts, ends = np.empty(visit_count), np.empty(visit_count)
    starts[log.visits[::-1]] = log.times[::-1]
    ends[log.visits] = log.times
    parts = np.full(visit_count, -1, np.int64)
    before = np.flatnonzero(ends < log.test_from)
    before = before[np.argsort(starts[before], kind="stable")]
    parts[before] = 0
    parts[before[int(len(before) * (1.0 - _VALIDATION_SHARE)) :]] = 1
    parts[starts >= log.test_from] = 2
    return parts[log.visits]


def visit_buys(log: VisitLog, limits: Limits, *, seed: int) -> Task:
    """Will this visit buy? Asked after every event of a visit that has bought nothing yet.

    A visit that still goes on where the log ends counts by what the log holds of it.
    """
    numbers = np.arange(log.count)
    bought = log.types == EventType.PURCHASE
    purchases = Occurrences(log.visits[bought], numbers[bought], log.count)
    so_far = purchases.count_before(log.visits, numbers + 1)
    in_all = purchases.count_before(log.visits, np.full(log.count, log.count))
    moments = np.flatnonzero(so_far == 0)
    labels = (in_all > 0).astype(np.int64)
    drawn = _drawn("visit_buys", log, moments, labels, limits, seed)
    if not len(moments):
        # As in a log of purchases alone.
        drawn = replace(drawn, skipped="every visit buys with its first event")
    return _of_classes(drawn, ("does not buy", "buys"))


def next_type(log: VisitLog, limits: Limits, *, seed: int) -> Task:
    """Which type of event comes next in the visit? Asked wherever there is a next event.

    The classes are the types that the drawn training moments hold; moments of another are left out.
    """
    following = _following(log)
    moments = np.flatnonzero(following >= 0)
    types = log.types[following]
    drawn = _drawn("next_type", log, moments, types, limits, seed)
    known = np.unique(drawn.labels["training"])
    is_known = {part: np.isin(labels, known) for part, labels in drawn.labels.items()}
    drawn = replace(
        drawn,
        moments={part: drawn.moments[part][kept] for part, kept in is_known.items()},
        labels={
            part: np.searchsorted(known, drawn.labels[part][kept])
            for part, kept in is_known.items()
        },
    )
    task = _of_classes(drawn, tuple(EventType(int(number)).label for number in known))
    if not task.skipped and np.array_equal(log.types[moments], types[moments]):
        # As in a file of invoices, where the newest event says it all.
        return replace(task, skipped="the type of event never changes within a visit")
    return task


def next_item(log: VisitLog, limits: Limits, *, seed: int) -> Task:
    """Which other item comes next? Asked where the next event is of another item than the newest.

    Searches, reviews, returns and removals are no answers.
    """
    following = _following(log)
    is_answer = np.isin(log.types, sorted(TARGET_TYPES)) & (log.items >= 0)
    newest = newest_items(log)
    answers = log.items[following]
    moments = np.flatnonzero((following >= 0) & is_answer[following] & (answers != newest))
    return _drawn("next_item", log, moments, answers, limits, seed)


def newest_items(log: VisitLog) -> np.ndarray:
    """The newest item of the prefix that ends with each event, ``[events] int64``; −1 for none."""
    numbers = np.arange(log.count)
    known = log.items >= 0
    of_visit = Occurrences(log.visits[known], numbers[known], log.count)
    last = of_visit.last_before(log.visits, numbers + 1)
    return np.where(last >= 0, log.items[last], -1)


def _following(log: VisitLog) -> np.ndarray:
    """Number of the next event of the same visit, ``[events] int64``; −1 for none."""
    order = np.argsort(log.visits, kind="stable")
    following = np.full(log.count, -1, np.int64)
    same = log.visits[order[1:]] == log.visits[order[:-1]]
    following[order[:-1][same]] = order[1:][same]
    return following


def _drawn(
    name: str,
    log: VisitLog,
    moments: np.ndarray,
    labels: np.ndarray,
    limits: Limits,
    seed: int,
) -> Task:
    """Draws each part's moments; ``labels [events]`` is read at ``moments``."""
    rng = np.random.default_rng(seed)
    parts = visit_parts(log)[moments]
    chosen, counts, skipped = {}, {}, ""
    for number, part in enumerate(PARTS):
        of_part = moments[parts == number]
        limit = getattr(limits, part)
        counts[part] = len(of_part)
        if len(of_part) > limit:
            of_part = np.sort(rng.choice(of_part, limit, replace=False))
        chosen[part] = of_part
        if not len(of_part):
            skipped = skipped or f"no moments in the {part} part"
    of_chosen = {part: labels[of_part] for part, of_part in chosen.items()}
    return Task(name, (), chosen, of_chosen, counts, skipped)


def _of_classes(task: Task, classes: tuple[str, ...]) -> Task:
    """The task with its classes; skipped where a part holds fewer than two of them."""
    skipped = task.skipped
    for part in PARTS:
        found = np.unique(task.labels[part])
        if not skipped and len(found) < 2:
            only = classes[found[0]] if len(found) else "none"
            skipped = f"the {part} part holds one class only: {only}"
    return replace(task, classes=classes, skipped=skipped)
