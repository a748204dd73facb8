"""The log lived through once more: every answer's features, computed anew from the log alone.

What training computes from the log must equal what the server computed live, to the last bit of
float32; this is how that is checked, and how features that were not logged are had afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from data.records import Event
from data.sources.own_log import LOG_NAME, Impression, open_log, read_entries
from serving.answering.rank_requests import recommend_rank_request, search_rank_request
from serving.api.requests import (
    AttributeCondition,
    Filter,
    Placement,
    RecommendRequest,
    SearchRequest,
)
from towers.bundle.bundle import Bundle, load_bundle
from towers.retrieval.rank_request import RankRequest
from towers.sessions.session import Session


class Recomputed(NamedTuple):
    """An impression, and its features as the log alone gives them.

    Args:
        impression: As logged; its own ``features`` are None where they were not logged.
        features: ``[shown, features] float32``; rows of zeros for items beyond the shortlist.
        found: ``[shown] bool``, whether the item is on the shortlist once more.
    """

    impression: Impression
    features: np.ndarray
    found: np.ndarray


def recompute_features(bundle_path: Path, state: Path) -> Iterator[Recomputed]:
    """Folds a log's events and answers its impressions again, in the order of the log.

    Exact for a log that one bundle made, without live changes of the catalogue, and as far as the
    order of the log is the order in which things happened: between requests that overlap in time
    a count of another visitor's purchase may differ.

    Args:
        bundle_path: The bundle that answered.
        state: Folder of the log.

    Raises:
        BundleError: The bundle must not be served.
        InputError: The log cannot be read.
    """
    bundle = load_bundle(bundle_path)
    sessions: dict[str, Session] = {}
    log = open_log(state / LOG_NAME, read_only=True)
    try:
        for entry in read_entries(log, LOG_NAME):
            record = entry.record
            if isinstance(record, Event):
                before = sessions.get(record.visitor_id) or Session.empty(record.visitor_id)
                sessions[record.visitor_id] = before.after(record)
                is_counted = record.time <= bundle.facts.counted_until
                bundle.ranker.record(record, is_counted=is_counted)
                continue
            session = sessions.get(record.visitor_id) or Session.empty(record.visitor_id)
            yield _again(bundle, record, session)
    finally:
        log.close()


def _again(bundle: Bundle, impression: Impression, session: Session) -> Recomputed:
    shortlist = bundle.ranker.rank(_question(bundle, impression, session))
    rows = bundle.catalog.rows(impression.item_ids)
    place_of = {int(row): place for place, row in enumerate(shortlist.rows)}
    places = np.array([place_of.get(int(row), -1) for row in rows], np.int64)
    found = places >= 0
    features = np.zeros((len(rows), shortlist.features.shape[1]), np.float32)
    features[found] = shortlist.features[places[found]]
    return Recomputed(impression, features, found)


def _question(bundle: Bundle, impression: Impression, session: Session) -> RankRequest:
    conditions = dict(impression.filter)
    for name in ("category", "brands"):
        conditions[name] = tuple(conditions.get(name, ()))
    conditions["attributes"] = tuple(
        AttributeCondition(**{**one, "values": tuple(one["values"])})
        for one in conditions.get("attributes", ())
    )
    filter_ = Filter(**conditions)
    visitor_id, time = impression.visitor_id, impression.time
    if impression.query:
        search = SearchRequest(impression.query, visitor_id, filter=filter_)
        return search_rank_request(search, session, time, bundle.catalog)
    placement = Placement[impression.surface.upper()]
    browse = RecommendRequest(
        placement, visitor_id, tuple(impression.context_item_ids), filter=filter_
    )
    return recommend_rank_request(browse, session, time, bundle.catalog)
