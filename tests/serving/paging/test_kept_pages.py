"""Pages continue the order that the first one came from, whatever happens between them."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from data.errors import RequestError
from data.records import Event, EventType, Item
from data.synthetic import END_TIME
from serving.api.answers import Answer
from serving.api.requests import Filter, Placement, RecommendRequest, SearchRequest, SortOrder
from serving.edge.client import Client
from serving.edge.server import ServerSettings, serve
from serving.engine import Engine
from tests.towers import shelf

Request = SearchRequest | RecommendRequest

SEARCH = SearchRequest("dark espresso", "v", page_size=20, record=False)
HOME = RecommendRequest(Placement.HOME, "v", page_size=20)
CATEGORY = RecommendRequest(Placement.CATEGORY, "v", page_size=7, filter=Filter(("Kitchen",)))
REQUESTS = [
    SEARCH,
    replace(SEARCH, query="shoes", page_size=9, filter=Filter(max_price=200.0)),
    replace(SEARCH, query="espresso", sort_by=SortOrder.PRICE_LOW, page_size=3),
    replace(SEARCH, query="zzyzx", sort_by=SortOrder.POPULARITY, page_size=13),
    HOME,
    replace(HOME, sort_by=SortOrder.POPULARITY),
    replace(HOME, sort_by=SortOrder.PRICE_HIGH, page_size=31),
    CATEGORY,
]


class Clock:
    """A clock that is set by hand."""

    now = END_TIME + 60.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def opened(tmp_path: Path, clock: Clock) -> Iterator[Callable[..., Engine]]:
    engines = []

    def opened(rules: str = "") -> Engine:
        path = tmp_path / f"rules{len(engines)}.toml"
        path.write_text('version = "1"\n' + rules, encoding="utf-8")
        state = tmp_path / f"state{len(engines)}"
        engines.append(Engine.open(shelf.bundle_folder(), state, rules=path, clock=clock))
        return engines[-1]

    yield opened
    for engine in engines:
        engine.close()


@pytest.fixture
def engine(opened: Callable[..., Engine]) -> Engine:
    return opened()


def answered(engine: Engine | Client, request: Request) -> Answer:
    if isinstance(request, SearchRequest):
        return engine.search(request)
    return engine.recommend(request)


def ids(answer: Answer) -> list[str]:
    return [result.item_id for result in answer.results]


def pages(
    engine: Engine | Client, request: Request, between: Callable[[], object] = lambda: None
) -> Iterator[Answer]:
    """All pages, each by the token of the one before it."""
    while True:
        answer = answered(engine, request)
        yield answer
        if answer.next_offset is None:
            return
        request = replace(request, offset=answer.next_offset, order_key=answer.order_key)
        between()


def listed(
    engine: Engine | Client, request: Request, between: Callable[[], object] = lambda: None
) -> list[str]:
    return [item_id for answer in pages(engine, request, between) for item_id in ids(answer)]


def by_offset(engine: Engine, request: Request) -> list[str]:
    """The order as of now, cut by rank alone while nothing happens."""
    found: list[str] = []
    while page := ids(answered(engine, replace(request, offset=len(found)))):
        found += page
    return found


class Bustle:
    """What happens in a shop between two pages: views, purchases, new prices, new items."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine, self._clock = engine, clock
        self._rng = random.Random(5)
        self.added: set[str] = set()

    def __call__(self) -> None:
        rng, items = self._rng, shelf.items()
        self._clock.now += 1
        # The visitor's own views move the query embedding; other people's purchases the counts.
        for visitor, type_ in (("v", EventType.VIEW), ("w", EventType.PURCHASE)):
            event_id = f"{visitor}{self._clock.now}"
            item_id = rng.choice(items).item_id
            self._engine.record([Event(event_id, type_, visitor, self._clock.now, item_id=item_id)])
        changed = rng.sample(items, 3)
        self._engine.update_items([replace(item, in_stock=False) for item in changed])
        new = Item(f"new{self._clock.now:.0f}", "dark espresso shoes", category=("Kitchen",))
        self._engine.update_items([replace(new, price=rng.uniform(1, 150))])
        self.added.add(new.item_id)


@pytest.mark.parametrize("request_", REQUESTS, ids=range(len(REQUESTS)))
def test_all_pages_are_the_first_order_with_each_item_once_whatever_happens_between_them(
    engine: Engine, clock: Clock, request_: Request
) -> None:
    first = by_offset(engine, request_)
    bustle = Bustle(engine, clock)
    found = listed(engine, request_, bustle)
    assert len(found) == len(set(found))
    assert [item_id for item_id in found if item_id not in bustle.added] == first
    # Unlike tokens, ranks do not hold still.
    again = replace(request_, offset=request_.page_size)
    assert not answered(engine, again).is_order_expired


def test_pages_by_offset_alone_do_repeat_items(engine: Engine, clock: Clock) -> None:
    seen: list[str] = []
    bustle = Bustle(engine, clock)
    for offset in range(0, 160, 20):
        seen += ids(engine.recommend(replace(HOME, offset=offset)))
        bustle()
    assert len(set(seen)) < len(seen)


def test_the_size_of_a_page_may_change_and_a_page_may_be_asked_for_again(engine: Engine) -> None:
    first = by_offset(engine, SEARCH)
    start = engine.search(replace(SEARCH, page_size=10))
    found, sizes = ids(start), iter([1, 100, 30, 7, 100, 100])
    answer = start
    while answer.next_offset is not None:
        request = replace(
            SEARCH, page_size=next(sizes), offset=answer.next_offset, order_key=answer.order_key
        )
        answer = engine.search(request)
        assert engine.search(request).results == answer.results
        found += ids(answer)
    assert found == first


def test_the_order_of_another_request_is_refused(engine: Engine) -> None:
    answer = engine.search(SEARCH)
    rest = replace(SEARCH, offset=answer.next_offset or 0, order_key=answer.order_key)
    assert len(engine.search(replace(rest, page_size=3, explain=True)).results) == 3
    for other in (
        replace(rest, query="dark beans"),
        replace(rest, visitor_id="w"),
        replace(rest, filter=Filter(in_stock_only=True)),
        replace(rest, sort_by=SortOrder.NEWEST),
        replace(HOME, offset=rest.offset, order_key=rest.order_key),
    ):
        with pytest.raises(RequestError, match="^order_key: expected the key of the same request"):
            answered(engine, other)


def test_what_may_not_be_shown_any_more_is_left_out_and_nothing_else(
    engine: Engine, clock: Clock
) -> None:
    request = replace(HOME, page_size=10, filter=Filter(in_stock_only=True, max_price=150.0))
    first = by_offset(engine, request)
    answer = engine.recommend(request)
    ahead = first[10:]
    sold_out, dear, deleted, in_basket = ahead[0], ahead[3], ahead[9], ahead[40]
    by_id = {item.item_id: item for item in shelf.items()}
    engine.update_items(
        [replace(by_id[sold_out], in_stock=False), replace(by_id[dear], price=151.0)]
    )
    engine.delete_items([deleted, first[2]])
    added = Event("b", EventType.ADD_TO_CART, "v", clock.now, item_id=in_basket)
    engine.record([added])
    rest = replace(request, offset=answer.next_offset or 0, order_key=answer.order_key)
    gone = {sold_out, dear, deleted, in_basket}
    found = list(pages(engine, rest))
    expected = [item_id for item_id in ahead if item_id not in gone]
    assert [item_id for page in found for item_id in ids(page)] == expected
    assert [len(page.results) for page in found[:-1]] == [10] * (len(found) - 1)


def test_facts_are_those_of_now_and_scores_those_that_made_the_order(engine: Engine) -> None:
    answer = engine.search(SEARCH)
    second = by_offset(engine, SEARCH)[20]
    item = next(item for item in shelf.items() if item.item_id == second)
    engine.update_items([replace(item, price=3.25, in_stock=False)])
    viewed = Event("e", EventType.VIEW, "v", END_TIME + 61, item_id=second)
    engine.record([viewed])
    rest = replace(SEARCH, offset=answer.next_offset or 0, order_key=answer.order_key)
    page = engine.search(rest)
    assert (page.results[0].item_id, page.results[0].price) == (second, 3.25)
    assert not page.results[0].in_stock
    scores = [result.score for result in (*answer.results, *page.results)]
    assert scores == sorted(scores, reverse=True)
    assert any(part.name == "kept_order" for one in page.results for part in one.adjustments)
    for one in page.results:
        parts = sum(part.amount for part in (*one.adjustments, *one.merchandising))
        assert one.score == pytest.approx(one.model_score + parts, abs=1e-5)


def test_pins_stay_where_the_first_page_had_them(
    opened: Callable[..., Engine], clock: Clock
) -> None:
    late = shelf.items()[120].item_id
    rules = "".join(
        f'[[pin]]\nname = "p{position}"\nitem = "{item_id}"\nposition = {position}\n'
        for position, item_id in ((3, shelf.items()[7].item_id), (45, late))
    )
    engine = opened(rules)
    for request in (SEARCH, HOME):
        first = by_offset(engine, request)
        assert first[44] == late and len(set(first)) == len(first)
        bustle = Bustle(engine, clock)
        found = listed(engine, request, bustle)
        assert [item_id for item_id in found if item_id not in bustle.added] == first
        engine.delete_items(sorted(bustle.added))


def test_what_a_rule_hides_meanwhile_is_left_out(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "rules.toml"
    path.write_text('version = "1"\n', encoding="utf-8")
    engine = Engine.open(shelf.bundle_folder(), rules=path, clock=clock)
    first = by_offset(engine, SEARCH)
    answer = engine.search(SEARCH)
    path.write_text(
        f'version = "12"\n[[hide]]\nname = "h"\nitems = ["{first[25]}", "{first[200]}"]\n',
        encoding="utf-8",
    )
    clock.now += 60
    rest = replace(SEARCH, offset=answer.next_offset or 0, order_key=answer.order_key)
    hidden = {first[25], first[200]}
    assert listed(engine, rest) == [one for one in first[20:] if one not in hidden]
    engine.close()


def test_an_order_is_kept_for_ten_minutes_after_its_last_page_and_then_said_to_be_gone(
    engine: Engine, clock: Clock
) -> None:
    first = by_offset(engine, SEARCH)
    answer = engine.search(SEARCH)
    found = ids(answer)
    for wait in (599.0, 599.0, 601.0, 599.0):
        clock.now += wait
        rest = replace(SEARCH, offset=answer.next_offset or 0, order_key=answer.order_key)
        answer = engine.search(rest)
        assert answer.is_order_expired == (wait > 600)
        assert len(answer.results) == 20
        found += ids(answer)
        if answer.is_order_expired:
            as_of_now = by_offset(engine, SEARCH)
    # Popularity has decayed meanwhile, so that near ties may differ; the next page has a key again.
    assert found == [*first[:60], *as_of_now[60:100]]


def test_an_order_of_before_a_restart_is_said_to_be_gone(opened: Callable[..., Engine]) -> None:
    answer = opened().recommend(HOME)
    again = opened()
    rest = replace(HOME, offset=answer.next_offset or 0, order_key=answer.order_key)
    page = again.recommend(rest)
    assert page.is_order_expired and len(page.results) == 20 and page.order_key
    rest = replace(HOME, offset=page.next_offset or 0, order_key=page.order_key)
    assert not again.recommend(rest).is_order_expired


@pytest.mark.parametrize("request_", [SEARCH, HOME, REQUESTS[2]], ids=["search", "home", "price"])
def test_pages_go_on_by_item_ids_where_the_bundle_is_swapped(
    engine: Engine, clock: Clock, tmp_path: Path, request_: Request
) -> None:
    # Rows of items added live depend on the order of their changes: another one after a swap.
    new = [
        Item(
            f"z{n}", f"dark espresso {shelf.items()[25 * n].title}", category=("Kitchen",), price=2
        )
        for n in range(8)
    ]
    engine.update_items(new)
    engine.delete_items([new[0].item_id, new[1].item_id])
    engine.update_items([replace(new[2], price=2.5), new[1]])
    engine.delete_items(["z1"])
    first = by_offset(engine, request_)
    copy = shelf.bundle_with(tmp_path / "copy")
    swaps = iter([copy, shelf.bundle_folder()])

    def swap() -> None:
        if (folder := next(swaps, None)) is not None:
            engine.publish(str(folder))

    before = engine.bundle.catalog.rows(first)
    found = listed(engine, request_, swap)
    assert engine.bundle.catalog.rows(first).tolist() != before.tolist()
    assert found == first


def test_many_threads_page_through_one_order_while_items_go(engine: Engine, clock: Clock) -> None:
    request = replace(HOME, page_size=11)
    first = by_offset(engine, request)
    answer = engine.recommend(request)
    rest = replace(request, offset=answer.next_offset or 0, order_key=answer.order_key)
    gone, is_done = first[150:170], threading.Event()

    def go() -> None:
        for item_id in gone:
            engine.delete_items([item_id])
            engine.record([Event(item_id, EventType.VIEW, "v", clock.now, item_id=first[200])])
        is_done.set()

    with ThreadPoolExecutor(9) as threads:
        threads.submit(go)
        futures = [threads.submit(listed, engine, rest) for _ in range(8)]
        found = [future.result() for future in futures]
    assert is_done.is_set()
    for one in found:
        assert len(set(one)) == len(one)
        assert [item_id for item_id in one if item_id not in gone] == [
            item_id for item_id in first[11:] if item_id not in gone
        ]


def test_pages_of_a_server_hold_still(tmp_path: Path, clock: Clock) -> None:
    engine = Engine.open(shelf.bundle_folder(), tmp_path / "state", clock=clock)
    running = serve(engine, "127.0.0.1:0", ServerSettings(thread_count=4))
    request = replace(SEARCH, page_size=30)
    first = by_offset(engine, request)
    number = iter(range(1_000))
    with Client(f"127.0.0.1:{running.port}", timeout_seconds=10.0) as client:

        def view() -> None:
            event_id = f"e{next(number)}"
            viewed = Event(event_id, EventType.VIEW, "v", time.time(), item_id=first[100])
            assert client.record([viewed]).recorded_count == 1

        assert listed(client, request, view) == first
        clock.now += 3_600
        answer = client.search(request)
        clock.now += 3_600
        rest = replace(request, offset=answer.next_offset or 0, order_key=answer.order_key)
        assert client.search(rest).is_order_expired
    running.stop(grace_seconds=1.0)
    engine.close()
