"""Training lists of the reranker: replayed requests with the candidates of the real sources."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from data.records import Event, EventType, Judgment
from towers.catalog.items import Catalog
from towers.datasets.examples import good_items, query_fold
from towers.datasets.pseudo_judgments import MadeQuery, graded
from towers.datasets.replayed_log import ReplayedLog
from towers.datasets.synthetic_queries import catalogue_query
from towers.datasets.synthetic_sessions import SyntheticSession, SyntheticSessionsReport
from towers.ranking.features import FEATURES
from towers.ranking.ranker import Ranker
from towers.retrieval.rank_request import RankRequest
from towers.sessions.replay import replay, with_intent_shift
from towers.sessions.session import Session

_LIST_LENGTH = 128
_SEARCH_SHARE = 0.35
_SEARCHED_BEFORE_SHARE = 0.25
_RELEVANT_LIMIT = 50

Watch = Callable[[int, Session, Event], None]
"""Called with the number of an event, the session before it, and the event."""


@dataclass(frozen=True)
class Lists:
    """Requests with their candidates, padded to one length.

    Args:
        features: ``[requests, candidates, features] float32``.
        labels: ``[requests, candidates] float32`` gain of each candidate, 0 for none.
        present: ``[requests, candidates] bool``, false for padding.
    """

    features: np.ndarray
    labels: np.ndarray
    present: np.ndarray

    @property
    def count(self) -> int:
        """Number of requests."""
        return len(self.labels)

    @property
    def is_relevant(self) -> np.ndarray:
        """``[requests, candidates] bool``, whether the gain is at least half of the list's largest."""
        half = self.labels.max(axis=1, keepdims=True, initial=0.0) / 2
        return np.asarray((self.labels >= half) & (self.labels > 0))

    @property
    def columns(self) -> dict[str, np.ndarray]:
        """The three arrays by name."""
        return {"features": self.features, "labels": self.labels, "present": self.present}

    def part(self, chosen: slice) -> Lists:
        """Some of the requests."""
        return Lists(self.features[chosen], self.labels[chosen], self.present[chosen])


@dataclass(frozen=True)
class ListsReport:
    """The requests behind the lists, and the recall of the candidate sources.

    Args:
        request_count: Requests replayed.
        found_count: Requests with both a relevant and an irrelevant candidate; only these give
            lists.
        recall: Mean share of the relevant items among the candidates, of judged and logged requests.
        learnt_count: Training lists; later ones are for validation.
        visits: The synthetic sessions among the requests; None where there are none.
    """

    request_count: int
    found_count: int
    recall: float
    learnt_count: int
    visits: SyntheticSessionsReport | None = None


class _ListWriter:
    def __init__(self, seed: int) -> None:
        self._generator = np.random.default_rng(seed)
        self._features: list[np.ndarray] = []
        self._labels: list[np.ndarray] = []
        self.recalls: list[float] = []
        self.request_count = 0
        self.learnt_count: int | None = None

    def hold_out_the_rest(self) -> None:
        """The lists so far are for training, all later ones for validation."""
        self.learnt_count = len(self._labels)

    def add(self, rows: np.ndarray, features: np.ndarray, relevant: np.ndarray) -> None:
        labels = np.isin(rows, relevant)
        self.recalls.append(float(labels.sum()) / len(relevant))
        self._add(features, labels.astype(np.float32))

    def add_graded(self, features: np.ndarray, gains: np.ndarray) -> None:
        """A list with a gain for each candidate; it does not count towards the recall."""
        self._add(features, gains)

    def _add(self, features: np.ndarray, gains: np.ndarray) -> None:
        self.request_count += 1
        is_relevant = gains > 0
        if not is_relevant.any():
            return
        # The most relevant items stay, and a random part of the rest.
        order = np.argsort(self._generator.random(len(gains)) - 2.0 * is_relevant - gains)
        order = order[:_LIST_LENGTH]
        if np.ptp(gains[order]) == 0:
            return
        self._features.append(features[order])
        self._labels.append(gains[order])

    def finish(self) -> tuple[Lists, ListsReport]:
        count = len(self._labels)
        features = np.zeros((count, _LIST_LENGTH, len(FEATURES)), np.float32)
        labels = np.zeros((count, _LIST_LENGTH), np.float32)
        present = np.zeros((count, _LIST_LENGTH), bool)
        for position, (of_list, gains) in enumerate(zip(self._features, self._labels, strict=True)):
            features[position, : len(gains)] = of_list
            labels[position, : len(gains)] = gains
            present[position, : len(gains)] = True
        recall = float(np.mean(self.recalls)) if self.recalls else 0.0
        learnt_count = count if self.learnt_count is None else self.learnt_count
        report = ListsReport(self.request_count, count, recall, learnt_count)
        return Lists(features, labels, present), report


def replayed_lists(
    log: ReplayedLog,
    ranker: Ranker,
    *,
    request_limit: int,
    turned_share: float = 0.25,
    seed: int,
    held_out_from: int | None = None,
    watch: Watch | None = None,
    progress: Callable[[int], None] | None = None,
) -> tuple[Lists, ListsReport]:
    """Ranks requests at events of the log, keeps their features, and updates popularity on the way.

    Two thirds of the requests browse, some of them after a synthetic search. The others search: with
    the real query where there is one, else with a synthetic one for the item that came next. Items
    without any text give browse requests only.

    Args:
        log: All events; those from ``learn_from`` on give requests.
        ranker: Its popularity counts must not include events from ``learn_from`` on.
        turned_share: Share of the browse requests with an intent shift: another visitor's events
            precede the visitor's own.
        held_out_from: First event whose requests are for validation; None: all are for training.
        watch: Called with each event and the session before it, before the event is counted.
        progress: Called with the number of each event.
    """
    rng = random.Random(seed)
    writer = _ListWriter(seed)
    learn = np.arange(len(log.events)) >= log.learn_from
    moments = np.flatnonzero(log.targets.is_target & learn)
    requests = set(moments.tolist())
    if len(moments) > request_limit:
        generator = np.random.default_rng(seed)
        requests = set(generator.choice(moments, request_limit, replace=False).tolist())
    catalog = ranker.sources.catalog
    other_visitor = Session.empty("")
    for number, session, event in replay(log.events):
        if progress is not None:
            progress(number)
        if number == held_out_from:
            writer.hold_out_the_rest()
        if watch is not None:
            watch(number, session, event)
        if number in requests:
            text = ""
            if rng.random() < _SEARCH_SHARE:
                relevant = log.rows[number : number + 1]
                text = session.at(event.time).search_text or catalogue_query(
                    catalog, int(relevant[0]), rng
                )
            if text:
                _ask_search(ranker, writer, session, event, text, relevant)
            else:
                limit = _RELEVANT_LIMIT if log.targets.is_basket_log else 1
                relevant = log.targets.after(number, limit)
                before = session.at(event.time)
                kept = min(len(before.events), 2)
                if rng.random() < _SEARCHED_BEFORE_SHARE:
                    before = _after_synthetic_search(ranker, before, event, relevant, rng)
                    kept = 1
                if rng.random() < turned_share:
                    before = with_intent_shift(before, other_visitor, kept=kept)
                _ask_browse(ranker, writer, before, event, relevant)
        if number >= log.learn_from:
            ranker.record(event)
        if session.visitor_id != other_visitor.visitor_id and session.events:
            other_visitor = session
    return writer.finish()


def _after_synthetic_search(
    ranker: Ranker, session: Session, event: Event, relevant: np.ndarray, rng: random.Random
) -> Session:
    """The session with a search for one of the relevant items before the browse request.

    Without such examples, a log without searches would train the reranker to ignore searches on
    browse pages.
    """
    text = catalogue_query(ranker.sources.catalog, int(rng.choice(relevant[:3])), rng)
    if not text:
        return session
    return session.after(replace(event, type=EventType.SEARCH, item_id="", query=text))


def _ask_search(
    ranker: Ranker,
    writer: _ListWriter,
    session: Session,
    event: Event,
    text: str,
    relevant: np.ndarray,
) -> None:
    search = replace(event, type=EventType.SEARCH, item_id="", query=text)
    after = session.after(search)
    shortlist = ranker.rank(RankRequest(after, event.time, text))
    writer.add(shortlist.rows, shortlist.features, relevant)


def _ask_browse(
    ranker: Ranker, writer: _ListWriter, session: Session, event: Event, relevant: np.ndarray
) -> None:
    now = session.at(event.time)
    excluded = basket_rows(ranker, now)
    relevant = relevant[~np.isin(relevant, excluded)]
    if len(relevant):
        shortlist = ranker.rank(RankRequest(now, event.time, excluded=excluded))
        writer.add(shortlist.rows, shortlist.features, relevant)


def basket_rows(ranker: Ranker, session: Session) -> np.ndarray:
    """Rows of the items in the basket, which browse answers exclude."""
    rows = ranker.sources.catalog.rows(sorted(session.basket))
    return rows[rows >= 0]


def query_lists(
    ranker: Ranker,
    judged: Sequence[tuple[str, Sequence[int]]],
    made: Sequence[MadeQuery] = (),
    sessions: Sequence[SyntheticSession] = (),
    *,
    time: float,
    held_out_share: float = 0.0,
    seed: int,
    progress: Callable[[int], None] | None = None,
) -> tuple[Lists, ListsReport]:
    """The same without a log: judged and made queries of anonymous visitors, and synthetic sessions.

    Args:
        judged: Text, and the relevant rows.
        made: Queries made of the catalogue, graded by what they mean.
        sessions: Synthetic sessions, shuffled among the queries.
        held_out_share: Share of the lists for validation.
        progress: Called with the number of requests so far.
    """
    requests: list[SyntheticSession | MadeQuery] = [*made, *sessions]
    for text, relevant in judged:
        rows = np.array(relevant, np.int64)
        requests.append(SyntheticSession(_searching(text, time), time, text, rows))
    random.Random(seed).shuffle(requests)
    writer = _ListWriter(seed)
    for number, request in enumerate(requests):
        if progress is not None:
            progress(number)
        if isinstance(request, MadeQuery):
            session = _searching(request.text, time)
            shortlist = ranker.rank(RankRequest(session, time, request.text))
            writer.add_graded(shortlist.features, graded(ranker, request, shortlist.rows))
        else:
            shortlist = ranker.rank(RankRequest(request.session, request.time, request.text))
            writer.add(shortlist.rows, shortlist.features, request.relevant)
    lists, report = writer.finish()
    return lists, replace(report, learnt_count=int(lists.count * (1.0 - held_out_share)))


def _searching(text: str, time: float) -> Session:
    return Session.empty("").after(Event("", EventType.SEARCH, "", time, query=text))


def judged_queries(
    catalog: Catalog,
    judgments: Sequence[Judgment],
    limit: int,
    seed: int,
    *,
    folds: Collection[int],
) -> list[tuple[str, list[int]]]:
    """Judged queries of ``folds`` with their relevant rows, at most ``limit``."""
    queries = [
        (query, [catalog.row_of[item_id] for item_id in relevant if item_id in catalog.row_of])
        for query, relevant in good_items(judgments).items()
        if query_fold(query) in folds
    ]
    random.Random(seed).shuffle(queries)
    return [(query, relevant) for query, relevant in queries if query and relevant][:limit]
