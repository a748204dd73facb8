"""The input of the query tower: a session as arrays of item rows and tokens.

Training and serving both use it, so that there is no skew between them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from data.records import Event, EventType
from towers.config import Config
from towers.read_only import freeze
from towers.sessions.dwell import dwells
from towers.sessions.feedback import feedback
from towers.sessions.session import Session
from towers.text.parsed_query import ParsedQuery
from towers.text.query_rewriter import parsed_as_typed
from towers.text.tokens import query_tokens

PADDING_TYPE = 0
GENERIC_TYPE = 11
"""Stands for event types that the training log does not have."""
GOOD_REVIEW_TYPE = 12
BAD_REVIEW_TYPE = 13
TYPE_COUNT = 14

_HISTORY_HALF_LIFE_DAYS = 60.0


@dataclass(frozen=True, slots=True)
class QueryInput:
    """One session as input of the query tower; slot 0 is the newest event. Its arrays are read-only.

    Args:
        event_rows: ``[event_slot_count] int32`` item rows, −1 for none.
        event_types: ``[event_slot_count] int32``, ``PADDING_TYPE`` where there is no event.
        event_ages: ``[event_slot_count] float32`` log of seconds before the request, over 10.
        event_dwells: ``[event_slot_count] float32`` dwell time of each view, 0 to 1.
        text_slot: Slot of the newest search, −1 if there is none; the tokens are its words.
        tokens: ``[query_slot_count] int32``.
        history_rows: ``[history_slot_count] int32`` items bought before, −1 for none.
        history_weights: ``[history_slot_count] float32``, 0 where there is none.
    """

    event_rows: np.ndarray
    event_types: np.ndarray
    event_ages: np.ndarray
    event_dwells: np.ndarray
    text_slot: int
    tokens: np.ndarray
    history_rows: np.ndarray
    history_weights: np.ndarray

    def __post_init__(self) -> None:
        freeze(self.event_rows, self.event_types, self.event_ages, self.event_dwells)
        freeze(self.tokens, self.history_rows, self.history_weights)


def type_code(event: Event) -> int:
    """The type number of an event; good and bad reviews have their own."""
    if event.type is EventType.REVIEW:
        sign = feedback(event)
        return GOOD_REVIEW_TYPE if sign > 0 else BAD_REVIEW_TYPE if sign < 0 else event.type
    return event.type


@lru_cache(maxsize=64)
def _input_types(known_types: frozenset[int]) -> tuple[int, ...]:
    """What the tower reads of each type number."""
    return tuple(code if code in known_types else GENERIC_TYPE for code in range(TYPE_COUNT))


def query_input(
    session: Session,
    time: float,
    *,
    row_of: Mapping[str, int],
    known_types: frozenset[int],
    config: Config,
    parse: Callable[[str], ParsedQuery] = parsed_as_typed,
    dwell_shares: Sequence[float] | None = None,
) -> QueryInput:
    """The input for a session at ``time`` (seconds since 1970).

    Args:
        row_of: Item rows by id; events of unknown items keep their type and age only.
        known_types: Event types that the tower was trained on; others become ``GENERIC_TYPE``.
        parse: Parses the newest search. Training uses queries as typed: trained on corrected ones
            the towers are less robust to misspellings (recall@100 .761 against .771 on judged
            searches, each with one misspelling).
        dwell_shares: ``dwells`` of the session's events, where they are known already.
    """
    slots = config.towers.event_slot_count
    events = session.events[: -slots - 1 : -1]
    types = [type_code(event) for event in events]
    code_of = _input_types(known_types)
    ages = [math.log1p(max(0.0, time - event.time)) / 10.0 for event in events]
    padding = slots - len(events)
    if dwell_shares is None:
        dwell_shares = dwells(session.events)
    text_slot = types.index(EventType.SEARCH) if EventType.SEARCH in types else -1
    stems = parse(events[text_slot].query).corrected_stems if text_slot >= 0 else ()
    tokens = query_tokens(
        stems, slot_count=config.text.query_slot_count, bucket_count=config.text.bucket_count
    )
    history_rows, history_weights = _history(
        session, time, row_of, config.towers.history_slot_count
    )
    return QueryInput(
        np.array([row_of.get(event.item_id, -1) for event in events] + padding * [-1], np.int32),
        np.array([code_of[type_] for type_ in types] + padding * [PADDING_TYPE], np.int32),
        np.array(ages + padding * [0.0], np.float32),
        np.array([*dwell_shares[: -slots - 1 : -1]] + padding * [0.0], np.float32),
        text_slot,
        tokens,
        history_rows,
        history_weights,
    )


@lru_cache(maxsize=8)
def _no_history(slots: int) -> tuple[np.ndarray, np.ndarray]:
    """For most visitors: one pair for all, since inputs are read-only."""
    rows, weights = np.full(slots, -1, np.int32), np.zeros(slots, np.float32)
    freeze(rows, weights)
    return rows, weights


def _history(
    session: Session, time: float, row_of: Mapping[str, int], slots: int
) -> tuple[np.ndarray, np.ndarray]:
    if not session.bought:
        return _no_history(slots)
    known, counts, last_times = [], [], []
    # The dict is ordered by last purchase: the newest items fill the slots.
    for item_id, (count, last_time) in reversed(session.bought.items()):
        row = row_of.get(item_id, -1)
        if row >= 0:
            known.append(row)
            counts.append(count)
            last_times.append(last_time)
            if len(known) == slots:
                break
    if not known:
        return _no_history(slots)
    rows, weights = np.full(slots, -1, np.int32), np.zeros(slots, np.float32)
    rows[: len(known)] = known
    days = np.maximum(0.0, time - np.array(last_times)) / 86_400.0
    weights[: len(known)] = np.log1p(counts) * 2.0 ** (-days / _HISTORY_HALF_LIFE_DAYS)
    return rows, weights
