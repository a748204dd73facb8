"""Answers of a log with what shoppers did: as they were shown, or replayed where none are logged."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from data.impression_tables import ShownAnswer
from data.records import Event, EventType
from towers.actions.shopper_actions import PURCHASE, ShopperAction, held_by
from towers.datasets.ranking_lists import basket_rows
from towers.datasets.replayed_log import ReplayedLog
from towers.ranking.ranker import Ranker
from towers.retrieval.rank_request import RankRequest
from towers.sessions.session import Session
from towers.training.actions.exposures import ExposedAnswer, place_codes

LEARNT_LIMIT, HELD_OUT_LIMIT = 2_500, 800
"""Answers that teach the network, and later ones that calibrate it."""

LEAST_SHOWN, LEAST_NAMED = 500, 40
"""Logged answers from which on they are used, and those that events name of what is learnt and of what
is held out; with fewer, answers are replayed."""


class AnsweredMoments:
    """Observes a replay, and ranks requests again to label what was or would have been shown.

    Where the log holds answers that were shown (plain searches and home pages), an item of one is
    labelled by the events that carry the answer's attribution token; a return by a later one of the
    item by the same visitor. Else requests are replayed at searches and item events, as a shop requests
    pages, and every candidate is labelled by the rest of the session: all of them could have been
    shown, so that purchases are not learnt from clicked items alone.

    Args:
        log: From its ``learn_from`` on.
        shown: Logged answers in the order of their times.
        held_out_from: First event that the reranker is not trained on. Held-out answers are of sessions
            that began after it.
    """

    def __init__(
        self,
        log: ReplayedLog,
        ranker: Ranker,
        shown: Sequence[ShownAnswer],
        *,
        held_out_from: int,
        seed: int,
    ) -> None:
        self.actions = held_by({event.type for event in log.events})
        self.learnt: list[ExposedAnswer] = []
        self.held_out: list[ExposedAnswer] = []
        self._log, self._ranker, self._held_out_from = log, ranker, held_out_from
        self._rng = np.random.default_rng(seed)
        self._half_of_visitor: dict[str, int] = {}
        self._latest: dict[str, tuple[Session, Event]] = {}
        self._held_out_time = (
            log.events[held_out_from].time if held_out_from < len(log.events) else math.inf
        )
        start = log.events[log.learn_from].time if log.learn_from < len(log.events) else math.inf
        end = log.events[-1].time if log.events else -math.inf
        usable = [one for one in shown if start <= one.time <= end]
        self.is_shown = len(usable) >= LEAST_SHOWN and self._teaches(usable)
        self._pending = self._sample_of(usable) if self.is_shown else []
        self._numbers = set[int]() if self.is_shown else self._replayed_numbers()
        self._returned = _returns(log.events)
        self._done = _Done(log.events if self.is_shown else (), self.actions, self._returned)

    def __call__(self, number: int, session: Session, event: Event) -> None:
        """One event of the replay, before it is added to the counts."""
        while self._pending and self._pending[0].time < event.time:
            self._ask_shown(self._pending.pop(0))
        self._latest[event.visitor_id] = session, event
        if number in self._numbers:
            self._ask_replayed(number, session, event)

    def finish(self) -> None:
        """After the last event: asks what was shown until then."""
        while self._pending:
            self._ask_shown(self._pending.pop(0))

    def _teaches(self, usable: Sequence[ShownAnswer]) -> bool:
        """Whether events name enough of them, before the boundary and after it: a shop whose pages do
        not send tokens, or a server a few days old, would seem to have shown what nobody wants."""
        named = {event.attribution_token for event in self._log.events if event.item_id}
        late = [one.time >= self._held_out_time for one in usable if one.attribution_token in named]
        return min(sum(late), len(late) - sum(late)) >= LEAST_NAMED

    def _sample_of(self, usable: list[ShownAnswer]) -> list[ShownAnswer]:
        times = np.array([one.time for one in usable])
        is_late = times >= self._held_out_time
        kept = np.sort(
            np.concatenate(
                [
                    self._at_most(np.flatnonzero(~is_late), LEARNT_LIMIT),
                    self._at_most(np.flatnonzero(is_late), HELD_OUT_LIMIT),
                ]
            )
        )
        return [usable[place] for place in kept.tolist()]

    def _replayed_numbers(self) -> set[int]:
        log = self._log
        types = np.array([event.type for event in log.events], np.int8)
        is_request = log.targets.is_target | (types == EventType.SEARCH)
        if not log.targets.is_basket_log:
            is_request &= types != EventType.PURCHASE
        numbers = np.flatnonzero(is_request)
        # Sessions are numbered by their first events.
        last_learnt = log.sessions[: self._held_out_from].max(initial=-1)
        late = numbers[log.sessions[numbers] > last_learnt]
        early = numbers[(numbers >= log.learn_from) & (numbers < self._held_out_from)]
        return {
            *self._at_most(early, LEARNT_LIMIT).tolist(),
            *self._at_most(late, HELD_OUT_LIMIT).tolist(),
        }

    def _at_most(self, numbers: np.ndarray, limit: int) -> np.ndarray:
        if len(numbers) <= limit:
            return numbers
        chosen: np.ndarray = self._rng.choice(numbers, limit, replace=False)
        return chosen

    def _ask_shown(self, shown: ShownAnswer) -> None:
        before = self._latest.get(shown.visitor_id)
        session = Session.empty(shown.visitor_id)
        if before is not None and shown.visitor_id:
            session = before[0].after(before[1])
        session = session.at(shown.time)
        is_held_out = shown.time >= self._held_out_time
        if is_held_out and session.events and session.events[0].time < self._held_out_time:
            return
        query = self._ranker.parse(shown.query, [], is_literal=shown.literal)
        if query.conditions.applied:
            # It was shown under a filter.
            return
        if shown.query and not _is_newest(session, shown):
            search = Event("", EventType.SEARCH, shown.visitor_id, shown.time, query=shown.query)
            session = session.after(search)
        catalog = self._ranker.sources.catalog
        rows = catalog.rows(shown.item_ids)
        excluded = np.zeros(0, np.int64) if shown.query else basket_rows(self._ranker, session)
        shortlist = self._ranker.rank(
            RankRequest(
                session, shown.time, shown.query, excluded=excluded, is_literal=shown.literal
            )
        )
        positions = shortlist.positions_of(rows)
        kept = positions >= 0
        labels = np.zeros((len(rows), len(self.actions)), bool)
        for place, item_id in enumerate(shown.item_ids):
            labels[place] = self._done.labels(shown, item_id)
        self._keep(
            ExposedAnswer(
                shortlist.features,
                positions[kept],
                place_codes(shown.offset + np.flatnonzero(kept), is_search=bool(shown.query)),
                labels[kept],
                session,
                bool(shown.query),
                self._half(shown.visitor_id or shown.attribution_token),
            ),
            is_held_out=is_held_out,
        )

    def _ask_replayed(self, number: int, session: Session, event: Event) -> None:
        text = event.query if event.type is EventType.SEARCH else ""
        now = session.after(event) if text else session.at(event.time)
        excluded = np.zeros(0, np.int64) if text else basket_rows(self._ranker, now)
        shortlist = self._ranker.rank(RankRequest(now, event.time, text, excluded=excluded))
        labels = np.zeros((len(shortlist.rows), len(self.actions)), bool)
        bought = self._log.targets.bought_after(number)
        for place, action in enumerate(self.actions):
            if not action.is_later:
                rows = self._log.targets.rows_after(number, action.event_types)
                labels[:, place] = np.isin(shortlist.rows, rows)
        ids = self._ranker.sources.catalog.item_ids
        for place in (p for p, action in enumerate(self.actions) if action.is_later):
            for position in np.flatnonzero(np.isin(shortlist.rows, bought)).tolist():
                key = event.visitor_id, ids[shortlist.rows[position]]
                labels[position, place] = self._returned.get(key, -math.inf) > event.time
        everything = np.arange(len(shortlist.rows))
        self._keep(
            ExposedAnswer(
                shortlist.features,
                everything,
                np.zeros(len(everything), np.int32),
                labels,
                now,
                bool(text),
                self._half(event.visitor_id),
            ),
            is_held_out=number >= self._held_out_from,
        )

    def _keep(self, answer: ExposedAnswer, *, is_held_out: bool) -> None:
        if not len(answer.shown):
            return
        if is_held_out:
            self.held_out.append(answer)
        else:
            self.learnt.append(answer.sampled(self._rng))

    def _half(self, visitor: str) -> int:
        return self._half_of_visitor.setdefault(visitor, len(self._half_of_visitor) % 2)


class _Done:
    """What visitors did with the items of each answer, by its attribution token."""

    def __init__(
        self,
        events: Sequence[Event],
        actions: Sequence[ShopperAction],
        returned: Mapping[tuple[str, str], float],
    ) -> None:
        self._actions, self._returned = actions, returned
        self._events: defaultdict[tuple[str, str], list[Event]] = defaultdict(list)
        for event in events:
            if event.attribution_token and event.item_id:
                self._events[event.attribution_token, event.item_id].append(event)

    def labels(self, shown: ShownAnswer, item_id: str) -> list[bool]:
        """Of what followed, and of an answer to a known visitor by that visitor alone."""
        types = {
            event.type
            for event in self._events.get((shown.attribution_token, item_id), ())
            if event.time >= shown.time and shown.visitor_id in ("", event.visitor_id)
        }
        done = {one.name: bool(one.event_types & types) for one in self._actions}
        returned = self._returned.get((shown.visitor_id, item_id), -math.inf) > shown.time
        return [
            done.get(PURCHASE, False) and returned if one.is_later else done[one.name]
            for one in self._actions
        ]


def _returns(events: Sequence[Event]) -> dict[tuple[str, str], float]:
    """Time of the last return of an item by a visitor."""
    return {
        (event.visitor_id, event.item_id): event.time
        for event in events
        if event.type is EventType.RETURN
    }


def _is_newest(session: Session, shown: ShownAnswer) -> bool:
    newest = session.events[-1] if session.events else None
    return newest is not None and newest.type is EventType.SEARCH and newest.query == shown.query
