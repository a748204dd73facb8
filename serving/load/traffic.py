"""The calls of a load test, sampled from given queries, items and visitors."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from data.errors import ConfigError
from data.records import Event, EventType
from protos import events_pb2
from serving.api.proto_codec import write_event, write_recommend, write_search
from serving.api.requests import Placement, RecommendRequest, SearchRequest
from serving.load.calls import KINDS, Call, Share


@dataclass(frozen=True)
class Traffic:
    """The lists that calls are sampled from.

    Args:
        queries: Search texts.
        item_ids: Ids of items to view.
        visitor_ids: Visitors that search, browse and view.
        search_share, recommend_share, record_share: Relative frequency of each kind of call.
        page_size: Results per answer.
        record_searches: Whether searches are added to sessions and log.
    """

    queries: Sequence[str]
    item_ids: Sequence[str]
    visitor_ids: Sequence[str]
    search_share: float = 6.0
    recommend_share: float = 3.0
    record_share: float = 1.0
    page_size: int = 20
    record_searches: bool = True

    def calls(self, rng: random.Random, share: Share) -> Iterator[Call]:
        """``sampled_calls``; every client process samples from all of the lists."""
        return sampled_calls(self, rng)


def sampled_calls(traffic: Traffic, rng: random.Random) -> Iterator[Call]:
    """An endless iterator of randomly sampled calls.

    Searches need ``queries`` and records need ``item_ids``; without them the kind is not sampled.

    Raises:
        ConfigError: No kind of call can be sampled, or there are no visitors.
    """
    chances = (
        traffic.search_share if traffic.queries else 0.0,
        traffic.recommend_share,
        traffic.record_share if traffic.item_ids else 0.0,
    )
    shares = dict(zip(KINDS, chances, strict=True))
    if min(shares.values()) < 0 or sum(shares.values()) <= 0:
        raise ConfigError(f"shares: expected 0 or more and one above 0, received {shares}")
    if not traffic.visitor_ids:
        raise ConfigError("visitor_ids: expected 1 or more, received none")
    message_makers: dict[str, Callable[[], Any]] = {
        "search": lambda: write_search(
            SearchRequest(
                rng.choice(traffic.queries),
                rng.choice(traffic.visitor_ids),
                page_size=traffic.page_size,
                record=traffic.record_searches,
            )
        ),
        "recommend": lambda: write_recommend(
            RecommendRequest(
                Placement.HOME,
                rng.choice(traffic.visitor_ids),
                page_size=traffic.page_size,
            )
        ),
        "record": lambda: events_pb2.RecordEventsRequest(events=[_view(traffic, rng)]),
    }
    kinds, weights = list(shares), list(itertools.accumulate(shares.values()))

    def calls() -> Iterator[Call]:
        while True:
            kind = rng.choices(kinds, cum_weights=weights)[0]
            yield Call(kind, message_makers[kind]())

    return calls()


def _view(traffic: Traffic, rng: random.Random) -> Any:
    # Leave id and time to the service: fixed ids would make a second run measure duplicates only.
    message = write_event(
        Event(
            "",
            EventType.VIEW,
            rng.choice(traffic.visitor_ids),
            time=0.0,
            item_id=rng.choice(traffic.item_ids),
        )
    )
    message.ClearField("time")
    return message
