"""Query embeddings like those of the traffic, made of what a bundle holds, to tune an index by."""

from __future__ import annotations

import numpy as np

from data.records import Event, EventType
from towers.bundle.bundle import Bundle
from towers.retrieval.rank_request import RankRequest
from towers.sessions.session import Session

_SAMPLE_COUNT = 300


def sample_queries(bundle: Bundle) -> np.ndarray:
    """Query embeddings of searches and of item pages, ``[n, dim] float32`` unit rows.

    Searches are the popular queries of the log, filled up with the first words of titles; item pages are
    those of items spread over the catalogue.
    """
    catalog, time = bundle.catalog, bundle.facts.counted_until
    searched = bundle.completion.searched
    texts = sorted(searched, key=lambda text: (-searched[text], text))[:_SAMPLE_COUNT]
    rows = range(0, catalog.count, max(1, catalog.count // _SAMPLE_COUNT))
    texts += [" ".join(catalog.titles[row].split()[:2]) for row in rows]
    asked = [(text, "") for text in dict.fromkeys(filter(None, texts))][:_SAMPLE_COUNT]
    asked += [("", catalog.item_ids[row]) for row in rows][:_SAMPLE_COUNT]
    found = []
    for text, item_id in asked:
        kind = EventType.SEARCH if text else EventType.VIEW
        event = Event("sample", kind, "sample", time, item_id=item_id, query=text)
        session = Session.empty("sample").after(event)
        encoded = bundle.ranker.read(RankRequest(session, time, text))
        if encoded.query_embedding.any():
            found.append(encoded.query_embedding)
    return np.array(found, np.float32).reshape(-1, bundle.config.towers.dim)
