"""The calls that both versions of a comparison are sent: the same bytes in the same order.

Every visitor makes about ten calls and is then replaced, so that sessions are as long for a fast
server as for a slow one. A share of the searches have texts that were not searched before in the
run; the others repeat a few hundred.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from protos import discovery_pb2, events_pb2

SEARCH = "/nextclick.v1.Discovery/SearchItems"
RECOMMEND = "/nextclick.v1.Discovery/RecommendItems"
RECORD = "/nextclick.v1.Events/RecordEvents"

KNOWN_QUERY_COUNT = 400
PAGE_SIZE = 20
CALLS_PER_VISITOR = 10
_VISITORS_AT_ONCE = 50
_SESSION_VISITOR_COUNT = 40
_VIEWS_PER_SESSION = 4

Call = tuple[str, str]
"""Path of the method, and the request message in base 64: both cross a pipe as JSON."""


@dataclass(frozen=True)
class Shop:
    """What requests are made of: ids and titles of items, and the share of new texts."""

    item_ids: Sequence[str]
    titles: Sequence[str]
    new_text_share: float = 0.15

    def text(self, rng: random.Random, word_count: int) -> str:
        """The first ``word_count`` words of a random title."""
        return " ".join(rng.choice(self.titles).lower().split()[:word_count])

    def known_queries(self) -> list[str]:
        """The same few hundred texts in every run."""
        rng = random.Random(1)
        return [self.text(rng, 2) for _ in range(KNOWN_QUERY_COUNT)]


def shop_of(bundle: Path, new_text_share: float) -> Shop:
    """The items of a bundle."""
    from towers.bundle.bundle import load_bundle

    catalog = load_bundle(bundle).catalog
    titled = [title for title in catalog.titles if title.split()]
    return Shop(list(catalog.item_ids), titled, new_text_share)


def mixed_calls(shop: Shop, count: int, seed: str) -> list[Call]:
    """``count`` calls, search : home : event = 6 : 3 : 1; another seed gives other visitors."""
    rng = random.Random(seed)
    known = shop.known_queries()
    calls = []
    for number in range(count):
        visitor = _visitor(seed, number, rng)
        kind = rng.choices((SEARCH, RECOMMEND, RECORD), (6, 3, 1))[0]
        if kind == SEARCH:
            is_new = rng.random() < shop.new_text_share
            query = _new_text(shop, rng) if is_new else rng.choice(known)
            calls.append(_search(query, visitor, record=True))
        elif kind == RECOMMEND:
            calls.append(_home(visitor))
        else:
            calls.append(_view(visitor, rng.choice(shop.item_ids)))
    return calls


def search_texts(shop: Shop, count: int, seed: str) -> list[str]:
    """Texts of ``count`` searches, known and new ones."""
    rng = random.Random(seed)
    known = shop.known_queries()
    return [
        _new_text(shop, rng) if rng.random() < shop.new_text_share else rng.choice(known)
        for _ in range(count)
    ]


def search_calls(texts: Sequence[str], seed: str) -> list[Call]:
    """Searches of visitors who make ten each."""
    rng = random.Random(seed)
    return [
        _search(text, _visitor(seed, number, rng), record=True) for number, text in enumerate(texts)
    ]


def session_calls(shop: Shop) -> list[Call]:
    """Views that give the visitors of ``single_requests`` a session each."""
    rng = random.Random(2)
    return [
        _view(f"session-{visitor}", rng.choice(shop.item_ids))
        for visitor in range(_SESSION_VISITOR_COUNT)
        for _ in range(_VIEWS_PER_SESSION)
    ]


def single_requests(shop: Shop, count: int, seed: int) -> dict[str, list[Call]]:
    """``count`` requests of each kind for measurements of one request at a time.

    Searches are not recorded, so that sessions stay as they are. The known texts are those of the
    new texts' searches again.
    """
    rng = random.Random(seed)
    texts = [_new_text(shop, rng) for _ in range(count)]
    visitors = [f"session-{rng.randrange(_SESSION_VISITOR_COUNT)}" for _ in range(count)]
    pairs = list(zip(texts, visitors, strict=True))
    return {
        "search, new text": [_search(text, visitor) for text, visitor in pairs],
        "search, known text": [_search(text, visitor) for text, visitor in pairs],
        "search, filtered": [_search(text, visitor, max_price=3.0) for text, visitor in pairs],
        "search, anonymous": [_search(text, "") for text in texts],
        "home": [_home(visitor) for visitor in visitors],
        "home, anonymous": [_home("") for _ in texts],
    }


def decoded(calls: Sequence[Call]) -> Iterator[tuple[str, bytes]]:
    """Method path and message bytes of each call."""
    return ((path, base64.b64decode(message)) for path, message in calls)


def _visitor(seed: str, number: int, rng: random.Random) -> str:
    return f"{seed}-{number // CALLS_PER_VISITOR + rng.randrange(_VISITORS_AT_ONCE)}"


def _new_text(shop: Shop, rng: random.Random) -> str:
    # A title's words in another order: hardly ever searched before, and some item holds them all.
    words = shop.text(rng, 6).split()
    rng.shuffle(words)
    return " ".join(words)


def _call(path: str, message: Any) -> Call:
    return path, base64.b64encode(message.SerializeToString()).decode("ascii")


def _search(query: str, visitor: str, *, record: bool = False, max_price: float = 0.0) -> Call:
    message = discovery_pb2.SearchItemsRequest(
        query=query, visitor_id=visitor, page_size=PAGE_SIZE, record=record
    )
    if max_price:
        message.filter.max_price = max_price
    return _call(SEARCH, message)


def _home(visitor: str) -> Call:
    return _call(
        RECOMMEND,
        discovery_pb2.RecommendItemsRequest(
            placement=discovery_pb2.PLACEMENT_HOME, visitor_id=visitor, page_size=PAGE_SIZE
        ),
    )


def _view(visitor: str, item_id: str) -> Call:
    # Without id and time, which the service fills in: fixed ids would be duplicates the second time.
    event = events_pb2.Event(type=events_pb2.EVENT_TYPE_VIEW, visitor_id=visitor, item_id=item_id)
    return _call(RECORD, events_pb2.RecordEventsRequest(events=[event]))
