"""Why an item is shown, in a sentence for the shopper."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from serving.api.answers import EventEffect, Result, SourceHit
from towers.text.writing.folding import has_chinese


class _Sentences(NamedTuple):
    """The sentences of one language.

    Args:
        by_event: By type of the event that spoke most for the item; ``{}`` is its item or its query.
        by_source: By the source that ranks the item highest, without such an event.
        matches: For a search; ``{}`` is its query.
        pinned: An item that a rule of the shop has put there.
        otherwise: Without any of these.
    """

    by_event: Mapping[str, str]
    by_source: Mapping[str, str]
    matches: str
    pinned: str
    otherwise: str


_ENGLISH = _Sentences(
    {
        "view": "because you looked at {}",
        "favorite": "because you saved {}",
        "add_to_cart": "because {} is in your cart",
        "purchase": "because you bought {}",
        "review": "because of your review of {}",
        "search": "because you searched for “{}”",
    },
    {
        "bought": "you bought it before",
        "covisited": "chosen together with what you looked at",
        "neighbours": "others who looked at the same went on to it",
        "popular": "in demand right now",
        "learnt": "like what you looked at",
    },
    "found for “{}”",
    "chosen by the shop",
    "chosen for you",
)
_CHINESE = _Sentences(
    {
        "view": "因为您看过{}",
        "favorite": "因为您收藏了{}",
        "add_to_cart": "因为您的购物车里有{}",
        "purchase": "因为您买过{}",
        "review": "因为您评价过{}",
        "search": "因为您搜索过“{}”",
    },
    {
        "bought": "您以前买过",
        "covisited": "常与您看过的商品一起选购",
        "neighbours": "看过相同商品的顾客也看了它",
        "popular": "近期热门",
        "learnt": "与您看过的商品相似",
    },
    "为您找到“{}”",
    "店铺推荐",
    "为您推荐",
)


def reason_of_pin(result: Result, *, query: str) -> str:
    """The sentence for an item that a rule of the shop has put where it is; the language as below."""
    return _sentences(query or result.title).pinned


def _sentences(text: str) -> _Sentences:
    return _CHINESE if has_chinese(text) else _ENGLISH


class Shown(NamedTuple):
    """What a reason reads of a result: its fields of the same names."""

    item_id: str
    title: str
    sources: Sequence[SourceHit]


def reason_of(
    result: Result | Shown,
    event_effects: Sequence[EventEffect],
    *,
    query: str,
    is_anonymous: bool,
    title_of: Callable[[str], str],
) -> str:
    """One sentence: the event that spoke most for the item, else how it was found.

    In Chinese where the query is, or without a query the item's title; else in English.

    Args:
        event_effects: Of the result; the positive ones count. A search is no reason for its own results,
            so the query of the answer does not count as an event.
        query: Of the request; empty for a browse page.
        is_anonymous: Whether nothing of the visitor is known, so that nothing they did can be named.
        title_of: Title of an item by its id; empty where it is not known.
    """
    sentences = _sentences(query or result.title)

    strongest, name, least = None, "", 0.0
    for effect in event_effects:
        if effect.effect <= least or effect.event_type not in sentences.by_event:
            continue
        if (query and effect.query == query) or effect.item_id == result.item_id:
            continue
        if named := effect.query or title_of(effect.item_id):
            strongest, name, least = effect, named, effect.effect
    if strongest is not None:
        return sentences.by_event[strongest.event_type].format(name)
    if query:
        return sentences.matches.format(query)
    told = dict(sentences.by_source)
    if is_anonymous:
        told = {name: told[name] for name in ("popular",)}
    hits = sorted(result.sources, key=lambda hit: hit.rank)
    return next((told[hit.source] for hit in hits if hit.source in told), sentences.otherwise)
