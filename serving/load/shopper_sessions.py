"""Made-up shoppers for a load test, whose next call follows from the answer to the last one.

A shopper searches or opens the home page, views a result, the first ones more often, may add it to
the cart and buy it, looks at what goes with it, and searches again or leaves. Events name the answer
that led to them, so that the log of a load test reads like that of a shop. The chances are made up;
they give about as many answers as events.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from data.errors import ConfigError
from data.records import Event, EventType
from protos import events_pb2
from serving.api.proto_codec import write_event, write_recommend, write_search
from serving.api.requests import Placement, RecommendRequest, SearchRequest
from serving.load.calls import Call, Share

_HOME_CHANCE = 0.3
_VIEW_CHANCE = 0.6
_CART_CHANCE = 0.3
_PURCHASE_CHANCE = 0.4
_ITEM_PAGE_CHANCE = 0.5
_LEAVE_CHANCE = 0.4
_NEXT_RESULT_CHANCE = 0.6
"""Chance to pass over a result: a shopper views the first with probability 0.4, and so on."""

_Shopper = Generator[tuple[str, Any], Any, None]


@dataclass(frozen=True)
class ShopperTraffic:
    """Made-up shoppers.

    Args:
        queries: Search texts.
        page_size: Results per answer.
        name: Prefix of the visitor ids; another one for each run, or shoppers are known already.
    """

    queries: Sequence[str]
    page_size: int = 20
    name: str = "shopper"

    def calls(self, rng: random.Random, share: Share) -> Iterator[Call]:
        """Calls of as many shoppers as are needed: no shopper has two calls in flight.

        Raises:
            ConfigError: There are no queries.
        """
        if not self.queries:
            raise ConfigError("queries: expected 1 or more, received none")
        return self._calls(rng)

    def _calls(self, rng: random.Random) -> Iterator[Call]:
        waiting: deque[tuple[_Shopper, tuple[str, Any]]] = deque()
        while True:
            if waiting:
                shopper, (kind, message) = waiting.popleft()
            else:
                shopper = self._shop(f"{self.name}-{rng.getrandbits(48):012x}", rng)
                kind, message = next(shopper)

            def go_on(response: Any, shopper: _Shopper = shopper) -> None:
                if response is None:
                    # The call failed: this shopper leaves.
                    return
                try:
                    waiting.append((shopper, shopper.send(response)))
                except StopIteration:
                    return

            yield Call(kind, message, go_on)

    def _shop(self, visitor_id: str, rng: random.Random) -> _Shopper:
        """One shopper: yields calls and is sent the responses."""
        while True:
            if rng.random() < _HOME_CHANCE:
                answer = yield _page(Placement.HOME, visitor_id, self.page_size)
            else:
                query = rng.choice(self.queries)
                search = SearchRequest(query, visitor_id, page_size=self.page_size)
                answer = yield "search", write_search(search)
            while answer.results and rng.random() < _VIEW_CHANCE:
                position = 0
                while position + 1 < len(answer.results) and rng.random() < _NEXT_RESULT_CHANCE:
                    position += 1
                item_id, token = answer.results[position].item_id, answer.attribution_token
                yield _event(EventType.VIEW, visitor_id, item_id, token)
                if rng.random() < _CART_CHANCE:
                    yield _event(EventType.ADD_TO_CART, visitor_id, item_id, token)
                    if rng.random() < _PURCHASE_CHANCE:
                        yield _event(EventType.PURCHASE, visitor_id, item_id, token)
                if rng.random() < _ITEM_PAGE_CHANCE:
                    answer = yield _page(Placement.ITEM, visitor_id, self.page_size, item_id)
            if rng.random() < _LEAVE_CHANCE:
                return


def _page(placement: Placement, visitor_id: str, page_size: int, *item_ids: str) -> tuple[str, Any]:
    request = RecommendRequest(placement, visitor_id, item_ids, page_size)
    return "recommend", write_recommend(request)


def _event(type_: EventType, visitor_id: str, item_id: str, token: str) -> tuple[str, Any]:
    message = write_event(
        Event("", type_, visitor_id, time=0.0, item_id=item_id, attribution_token=token)
    )
    # The service fills in id and time: the client's clock may be minutes off.
    message.ClearField("time")
    return "record", events_pb2.RecordEventsRequest(events=[message])
