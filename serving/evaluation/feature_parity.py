"""Features of every logged answer, recomputed by replaying the log.

Features that training computes from the log must equal those the server computed live, bit for bit
in float32. This checks it, and recovers features that were not logged.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from data.records import Event, Impression
from data.sources.own_log import LOG_NAME, last_known_sequence, open_log, read_entries
from serving.answering.rank_request_builders import (
    search_rank_request,
    with_conditions,
)
from serving.api.filter_codec import logged_filter
from serving.api.requests import Placement, RecommendRequest, SearchRequest
from serving.placements.placement_list import recommend_rank_request
from towers.bundle.bundle import Bundle, load_bundle
from towers.retrieval.rank_request import RankRequest
from towers.sessions.session import Session


class Recomputed(NamedTuple):
    """An impression, and its features recomputed from the log.

    Args:
        impression: As logged; its ``features`` are None if they were not logged.
        features: ``[shown, features] float32``; rows of zeros for items beyond the shortlist.
        found: ``[shown] bool``, whether the item is in the recomputed shortlist.
    """

    impression: Impression
    features: np.ndarray
    found: np.ndarray


def recompute_features(bundle_path: Path, state: Path) -> Iterator[Recomputed]:
    """Replays a log's events and recomputes the features of its impressions, in log order.

    Exact for a log written with one bundle and without live catalogue changes, up to concurrency:
    for requests that overlapped in time, counts of other visitors' events may differ.

    Args:
        bundle_path: The bundle that answered.
        state: Folder of the log.

    Raises:
        BundleError: The bundle is damaged or of another version.
        InputError: The log cannot be read.
    """
    bundle = load_bundle(bundle_path)
    sessions: dict[str, Session] = {}
    log = open_log(state / LOG_NAME, read_only=True)
    try:
        last_read = last_known_sequence(log, LOG_NAME, bundle.facts.log_positions)
        for entry in read_entries(log, LOG_NAME):
            record = entry.record
            if isinstance(record, Event):
                before = sessions.get(record.visitor_id) or Session.empty(record.visitor_id)
                sessions[record.visitor_id] = before.after(record)
                is_counted = bundle.facts.has_counted_entry(
                    entry.sequence, record.time, last_read=last_read
                )
                bundle.ranker.record(record, is_counted=is_counted)
                continue
            session = sessions.get(record.visitor_id) or Session.empty(record.visitor_id)
            yield _recomputed(bundle, record, session)
    finally:
        log.close()


def _recomputed(bundle: Bundle, impression: Impression, session: Session) -> Recomputed:
    shortlist = bundle.ranker.rank(_rank_request(bundle, impression, session))
    rows = bundle.catalog.rows(impression.item_ids)
    position_of = {int(row): position for position, row in enumerate(shortlist.rows)}
    positions = np.array([position_of.get(int(row), -1) for row in rows], np.int64)
    found = positions >= 0
    features = np.zeros((len(rows), shortlist.features.shape[1]), np.float32)
    features[found] = shortlist.features[positions[found]]
    return Recomputed(impression, features, found)


def _rank_request(bundle: Bundle, impression: Impression, session: Session) -> RankRequest:
    filter_ = logged_filter(impression.filter)
    visitor_id, time = impression.visitor_id, impression.time
    if impression.query:
        literal = impression.literal
        search = SearchRequest(impression.query, visitor_id, filter=filter_, is_literal=literal)
        rank_request = search_rank_request(search, session, time, bundle.catalog)
        return with_conditions(bundle.ranker, search, rank_request).rank_request
    placement = Placement[impression.surface.upper()]
    browse = RecommendRequest(
        placement, visitor_id, tuple(impression.context_item_ids), filter=filter_
    )
    return recommend_rank_request(browse, session, time, bundle)
