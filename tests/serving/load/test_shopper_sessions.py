"""Made-up shoppers act on the answers that they were given."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from data.errors import ConfigError
from data.records import Event
from serving.edge.server import RunningServer
from serving.load.calls import Share
from serving.load.shopper_sessions import ShopperTraffic
from tests.serving.gated_engine import GatedEngine
from tests.serving.load.in_process_load import run_closed_loop


def test_shoppers_view_and_buy_what_an_answer_showed_them(
    server: RunningServer, engine: GatedEngine
) -> None:
    traffic = ShopperTraffic(["espresso", "notebook"], page_size=5)
    step = run_closed_loop(f"127.0.0.1:{server.port}", traffic, 3, 30.0, call_limit=300)
    assert (step.ok_count, step.error_counts) == (300, {})
    shown = {answer.attribution_token: answer for answer in engine.answers}
    events = [event for batch in engine.seen if isinstance(batch, list) for event in batch]
    assert len(events) > 50
    for event in events:
        answer = shown[event.attribution_token]
        assert event.item_id in [result.item_id for result in answer.results]
    kinds = Counter(event.type.label for event in events)
    assert kinds["view"] > kinds["add_to_cart"] > kinds["purchase"] > 0
    requests = [one for one in engine.seen if one is not None and not isinstance(one, list)]
    item_pages = [one for one in requests if getattr(one, "item_ids", ())]
    viewed: dict[str, set[str]] = {}
    for event in events:
        viewed.setdefault(event.visitor_id, set()).add(event.item_id)
    assert item_pages and all(one.item_ids[0] in viewed[one.visitor_id] for one in item_pages)
    # Several visits of several calls each, and not one visitor for all.
    assert 20 < len({one.visitor_id for one in requests}) < 150
    assert isinstance(events[0], Event)


def test_a_shopper_whose_call_failed_leaves_and_one_who_waits_makes_no_other_call() -> None:
    calls = ShopperTraffic(["q"]).calls(random.Random(1), Share())
    first, second = next(calls), next(calls)
    assert first.message.visitor_id != second.message.visitor_id
    assert first.on_response is not None
    first.on_response(None)
    assert next(calls).message.visitor_id not in (
        first.message.visitor_id,
        second.message.visitor_id,
    )


def test_shoppers_need_something_to_search_for() -> None:
    with pytest.raises(ConfigError, match="^queries: expected 1 or more, received none$"):
        ShopperTraffic([]).calls(random.Random(1), Share())
