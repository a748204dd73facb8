"""The engine on a trained bundle of the made-up shop: answers that follow the shopper."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data.errors import BundleError, ConfigError, OverloadError, RequestError
from data.records import Event, EventType, Item
from data.synthetic import END_TIME, category_of, companion_of
from data.tables import Tables, iter_items
from serving.answering.live_catalog import LiveCatalog
from serving.api.requests import Filter, Placement, RecommendRequest, SearchRequest
from serving.engine import Engine
from towers.ranking.litert_models import ItemEncoder
from towers.training.item_embedding import reembed

SHOES = ("Sports", "Running")
PHONES = ("手机", "智能手机")


class Clock:
    """A clock that goes on by a second whenever it is read."""

    def __init__(self) -> None:
        self.now = END_TIME + 60.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def engine(shop_bundle: Path, tmp_path: Path, clock: Clock) -> Iterator[Engine]:
    engine = Engine.open(shop_bundle, tmp_path / "state", clock=clock)
    yield engine
    engine.close()


def did(
    engine: Engine,
    clock: Clock,
    type_: EventType,
    item_id: str,
    visitor: str = "v",
    **fields: float,
) -> None:
    event = Event(f"e{clock()}", type_, visitor, clock.now, item_id=item_id, **fields)  # type: ignore[arg-type]
    assert engine.record([event]).recorded_count == 1


def ids_of(engine: Engine, category: tuple[str, ...]) -> list[str]:
    return [
        item_id for item_id in engine.bundle.catalog.item_ids if category_of(item_id) == category
    ]


def test_a_search_finds_what_was_typed_in_english_and_in_chinese(engine: Engine) -> None:
    for query, category in (
        ("running shoes", SHOES),
        ("velox shoes", SHOES),
        ("智能手机", PHONES),
        ("折叠 手机", PHONES),
    ):
        answer = engine.search(SearchRequest(query, page_size=5))
        found = [category_of(result.item_id) for result in answer.results]
        assert found.count(category) >= 4, query
    # A slip of the finger: the letters of a word that nothing has are looked for all the same.
    typo = engine.search(SearchRequest("sheos", page_size=1)).results[0]
    assert "shoes" in typo.title
    titles = [r.title for r in engine.search(SearchRequest("智能手机", page_size=5)).results]
    assert any("智能手机" in title for title in titles)


def test_the_very_next_home_page_follows_one_view(engine: Engine, clock: Clock) -> None:
    home = RecommendRequest(Placement.HOME, "v", page_size=10)
    for category in (SHOES, PHONES, ("Garden", "Seeds")):
        did(engine, clock, EventType.VIEW, ids_of(engine, category)[0])
        did(engine, clock, EventType.VIEW, ids_of(engine, category)[3])
        shown = [category_of(result.item_id) for result in engine.recommend(home).results]
        assert shown.count(category) >= 7, (category, shown)


def test_the_companion_of_what_is_in_the_cart_is_offered(engine: Engine, clock: Clock) -> None:
    found = 0
    for number, item_id in enumerate(ids_of(engine, SHOES)[:10]):
        visitor = f"w{number}"
        did(engine, clock, EventType.ADD_TO_CART, item_id, visitor)
        answer = engine.recommend(RecommendRequest(Placement.CART, visitor, page_size=5))
        shown = [result.item_id for result in answer.results]
        assert item_id not in shown
        found += companion_of(item_id) in shown
    assert found >= 8


def test_cross_sell_offers_nothing_of_the_kind_of_what_is_in_the_cart(
    engine: Engine, clock: Clock
) -> None:
    for number, item_id in enumerate(ids_of(engine, SHOES)[:4]):
        # As a cart of the request, and as the basket of the session.
        visitor = f"x{number}" if number % 2 else ""
        if visitor:
            did(engine, clock, EventType.ADD_TO_CART, item_id, visitor)
        cart = () if visitor else (item_id,)
        request = RecommendRequest(Placement.CROSS_SELL, visitor, cart, page_size=10)
        pages = [engine.recommend(request)]
        assert pages[0].next_offset is not None
        following = replace(request, offset=10, order_key=pages[0].order_key)
        pages.append(engine.recommend(following))
        shown = [result.item_id for page in pages for result in page.results]
        assert len(shown) == len(set(shown)) == 20
        assert not any(category_of(one) == SHOES for one in shown)


def test_cross_sell_counts_no_substitute_among_its_matches(engine: Engine) -> None:
    of_kind = ids_of(engine, SHOES)
    request = RecommendRequest(Placement.CROSS_SELL, "", (of_kind[0],))
    answer = engine.recommend(request)
    assert answer.match_count == engine.bundle.catalog.count - len(of_kind)


def test_cross_sell_without_a_known_item_is_refused(engine: Engine) -> None:
    for cart in ((), ("unknown", "unknown as well")):
        with pytest.raises(RequestError, match="item_ids: expected 1 or more items of the cat"):
            engine.recommend(RecommendRequest(Placement.CROSS_SELL, "nobody", cart))
    known = ids_of(engine, SHOES)[0]
    partly = RecommendRequest(Placement.CROSS_SELL, "", ("unknown", known))
    assert engine.recommend(partly).results


def test_an_item_page_shows_its_like_and_not_itself(engine: Engine) -> None:
    item_id = ids_of(engine, PHONES)[0]
    request = RecommendRequest(Placement.ITEM, "another visitor", (item_id,), page_size=8)
    shown = [result.item_id for result in engine.recommend(request).results]
    assert item_id not in shown
    assert sum(category_of(one) == PHONES for one in shown) >= 6
    assert engine.sessions.get("another visitor").events == ()


def test_no_page_leaves_its_filter_nor_is_short_nor_repeats(engine: Engine) -> None:
    catalog = engine.bundle.catalog
    conditions = [
        Filter(category=("Sports",)),
        Filter(category=PHONES, min_price=float(np.nanmedian(catalog.price))),
        Filter(brands=("Velox", "Moccado"), in_stock_only=True),
        Filter(max_price=float(np.nanquantile(catalog.price, 0.1))),
    ]
    for condition in conditions:
        mask = catalog.mask(condition)
        assert mask is not None
        allowed = {catalog.item_ids[row] for row in np.flatnonzero(mask)}
        for make in (
            lambda offset, wanted=condition: engine.search(
                SearchRequest("shoes", page_size=7, offset=offset, filter=wanted)
            ),
            lambda offset, wanted=condition: engine.recommend(
                RecommendRequest(Placement.HOME, "x", page_size=7, offset=offset, filter=wanted)
            ),
        ):
            seen: list[str] = []
            offset: int | None = 0
            while offset is not None:
                answer = make(offset)
                page = [result.item_id for result in answer.results]
                assert len(page) == min(7, len(allowed) - offset)
                scores = [result.score for result in answer.results]
                assert scores == sorted(scores, reverse=True)
                seen += page
                offset = answer.next_offset
            assert len(seen) == len(set(seen))
            assert set(seen) == allowed


def test_a_deep_page_goes_on_beyond_the_shortlist(engine: Engine) -> None:
    seen: list[str] = []
    offset: int | None = 0
    while offset is not None:
        answer = engine.search(SearchRequest("coffee beans", page_size=50, offset=offset))
        seen += [result.item_id for result in answer.results]
        offset = answer.next_offset
    assert sorted(seen) == sorted(engine.bundle.catalog.item_ids)


def test_live_items_come_change_and_go_and_outlive_a_restart(
    engine: Engine, shop_bundle: Path, tmp_path: Path, clock: Clock
) -> None:
    new = Item("n1", "云帆 折叠 智能手机 超薄", category=PHONES, brand="云帆", price=39.0)
    assert engine.update_items([new]).added_count == 1
    gone = engine.search(SearchRequest("云帆 智能手机", page_size=1)).results[0].item_id
    gone = gone if gone != "n1" else ids_of_listed(engine, PHONES)[0]
    assert engine.delete_items([gone, "never-was"]).removed_count == 1
    renamed = Item("p0000", "Quetzal xylophone", category=("Toys",), price=5.0)
    assert engine.update_items([renamed]).updated_count == 1

    def check(one: Engine) -> None:
        found = [r.item_id for r in one.search(SearchRequest("云帆 超薄", page_size=10)).results]
        assert "n1" in found
        assert gone not in found
        top = one.search(SearchRequest("quetzal xylophone", page_size=1)).results[0]
        assert (top.item_id, top.title, top.price) == ("p0000", "Quetzal xylophone", 5.0)
        home = one.recommend(RecommendRequest(Placement.ITEM, "", ("n1",), page_size=8))
        assert sum(category_of_any(one, r.item_id) == PHONES for r in home.results) >= 6
        assert one.status().item_count == 240
        assert one.status().live_item_count == 3

    check(engine)
    engine.close()
    again = Engine.open(shop_bundle, tmp_path / "state", clock=clock)
    check(again)
    again.close()


def test_nobody_meets_a_new_item_before_it_has_its_vector(engine: Engine, clock: Clock) -> None:
    did(engine, clock, EventType.VIEW, "n1")
    home = RecommendRequest(Placement.HOME, "v", page_size=8)
    answers = []

    class AskedMeanwhile(ItemEncoder):
        """The bundle's own encoder, during whose work the visitor of the new item asks."""

        def __init__(self, own: ItemEncoder) -> None:
            self._own = own

        def encode(self, tokens: np.ndarray) -> np.ndarray:
            answers.append(engine.recommend(home))
            return self._own.encode(tokens)

    bundle = engine.bundle
    live = LiveCatalog(replace(bundle, item_encoder=AskedMeanwhile(bundle.item_encoder)))
    assert live.update([Item("n1", "云帆 折叠 智能手机", category=PHONES)]) == (1, 0)
    assert len(answers[0].results) == 8
    phones = [category_of_any(engine, r.item_id) for r in engine.recommend(home).results]
    assert phones.count(PHONES) >= 4


def ids_of_listed(engine: Engine, category: tuple[str, ...]) -> list[str]:
    catalog = engine.bundle.catalog
    return [one for one in ids_of(engine, category) if catalog.listed[catalog.row_of[one]]]


def category_of_any(engine: Engine, item_id: str) -> tuple[str, ...]:
    catalog = engine.bundle.catalog
    return catalog.category(catalog.row_of[item_id])


def test_sessions_and_counts_outlive_a_restart(
    engine: Engine, shop_bundle: Path, tmp_path: Path, clock: Clock
) -> None:
    engine.search(SearchRequest("shoes", "v"))
    for item_id in ids_of(engine, SHOES)[:4]:
        did(engine, clock, EventType.PURCHASE, item_id)
    session = engine.sessions.get("v")
    counts = engine.bundle.ranker.sources.popularity.counts.copy()
    engine.close()
    again = Engine.open(shop_bundle, tmp_path / "state", clock=clock)
    assert again.sessions.get("v") == session
    assert session.search_text == "shoes"
    assert np.array_equal(again.bundle.ranker.sources.popularity.counts, counts)
    assert again.status().logged_event_count == 5
    again.close()


def test_an_event_counts_once_and_an_unknown_item_is_kept_and_counted(
    engine: Engine, clock: Clock
) -> None:
    event = Event("same", EventType.VIEW, "v", clock(), item_id="never-listed")
    first = engine.record([event, event])
    second = engine.record([event])
    assert (first.recorded_count, first.duplicate_count, first.unknown_item_count) == (1, 1, 1)
    assert (second.recorded_count, second.duplicate_count) == (0, 1)
    assert len(engine.sessions.get("v").events) == 1
    assert engine.status().unknown_item_event_count == 1
    assert engine.recommend(RecommendRequest(Placement.HOME, "v")).results


def test_a_search_joins_the_session_once_and_only_when_asked(engine: Engine) -> None:
    engine.search(SearchRequest("shoes", "v", record=False))
    engine.search(SearchRequest("shoes", ""))
    assert engine.sessions.get("v").events == ()
    engine.search(SearchRequest("shoes", "v", page_size=5))
    engine.search(SearchRequest("shoes", "v", page_size=5, offset=5))
    assert [event.query for event in engine.sessions.get("v").events] == ["shoes"]


def test_an_explanation_names_the_events_and_adds_up_by_leaving_one_out(
    engine: Engine, clock: Clock
) -> None:
    shoe = ids_of(engine, SHOES)[0]
    did(engine, clock, EventType.VIEW, shoe)
    request = RecommendRequest(Placement.HOME, "v", page_size=5, explain=True)
    answer = engine.recommend(request)
    for result in answer.results:
        (effect,) = result.event_effects
        assert (effect.event_type, effect.item_id) == ("view", shoe)
        assert len(result.feature_effects) == 5
        assert result.sources
    # Left out by hand: the same moment without the only event of the session.
    like = [r for r in answer.results if category_of(r.item_id) == SHOES]
    assert sum(r.event_effects[0].effect for r in like) > 0
    plain = engine.recommend(RecommendRequest(Placement.HOME, "v", page_size=5))
    assert all(not r.event_effects and not r.feature_effects for r in plain.results)


def test_a_missing_part_shortens_the_pipeline_and_is_told(engine: Engine) -> None:
    ranker = engine.bundle.ranker
    ranker.reranker = None
    ranker.sources.lexical = None
    answer = engine.search(SearchRequest("running shoes", page_size=5, explain=True))
    assert set(answer.missing) == {"lexical", "reranker"}
    assert len(answer.results) == 5


def test_a_bundle_is_exchanged_while_the_engine_answers_and_back(
    engine: Engine, shop_bundle: Path, tmp_path: Path, clock: Clock
) -> None:
    copy = tmp_path / "second"
    shutil.copytree(shop_bundle, copy)
    did(engine, clock, EventType.PURCHASE, "p0002")
    counts = engine.bundle.ranker.sources.popularity.counts.copy()
    engine.update_items([Item("n1", "Velox shoes neon", category=SHOES)])
    status = engine.publish(str(copy))
    assert status.bundle_path == str(copy)
    assert status.previous_bundle_path == str(shop_bundle)
    # What happened since the bundle was made is known to the new one as well.
    assert np.array_equal(engine.bundle.ranker.sources.popularity.counts, counts)
    found = engine.search(SearchRequest("shoes neon", page_size=3)).results
    assert "n1" in [result.item_id for result in found]
    assert engine.rollback().bundle_path == str(shop_bundle)


def test_a_bad_bundle_is_refused_and_the_old_one_goes_on(
    engine: Engine, shop_bundle: Path, tmp_path: Path
) -> None:
    with pytest.raises(BundleError, match="^rollback: expected an earlier bundle, received none$"):
        engine.rollback()
    bad = tmp_path / "bad"
    shutil.copytree(shop_bundle, bad)
    path = bad / "sources/learnt/embeddings.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    before = engine.status().bundle_id
    with pytest.raises(BundleError, match=r"^sources/learnt/embeddings\.npy: expected SHA-256 "):
        engine.publish(str(bad))
    with pytest.raises(BundleError, match=r"^nowhere: expected a bundle with a manifest\.json"):
        engine.publish(str(tmp_path / "nowhere"))
    assert engine.status().bundle_id == before
    assert engine.search(SearchRequest("shoes")).bundle_id == before


def test_a_closed_engine_loads_no_other_bundle(shop_bundle: Path, tmp_path: Path) -> None:
    engine = Engine.open(shop_bundle, tmp_path / "closed")
    engine.close()
    with pytest.raises(OverloadError, match="^publish: expected an open engine"):
        engine.publish(str(shop_bundle))


def test_without_a_state_folder_nothing_is_left(shop_bundle: Path) -> None:
    engine = Engine.open(shop_bundle)
    engine.record([Event("e", EventType.VIEW, "v", time.time(), item_id="p0001")])
    assert engine._temporary is not None
    folder = Path(engine._temporary.name)
    assert folder.is_dir()
    engine.close()
    engine.close()
    assert not folder.exists()


def test_a_state_folder_has_one_engine_at_a_time(
    shop_bundle: Path, tmp_path: Path, clock: Clock
) -> None:
    state = tmp_path / "state"
    first = Engine.open(shop_bundle, state, clock=clock)
    with pytest.raises(ConfigError, match="^state: expected a folder that no other server uses"):
        Engine.open(shop_bundle, state, clock=clock)
    first.close()
    first.close()
    Engine.open(shop_bundle, state, clock=clock).close()


def test_an_item_told_while_a_bundle_was_trained_is_in_the_answers_of_that_bundle(
    engine: Engine, shop_bundle: Path, shop_tables: Tables, tmp_path: Path, clock: Clock
) -> None:
    read_time = clock.now
    clock.now += 60.0
    engine.update_items([Item("n1", "Velox shoes neon", category=SHOES)])
    engine.delete_items(["p0002"])
    # Items read before the change, but a bundle made after it.
    reembed(
        shop_bundle,
        list(iter_items(shop_tables.items)),
        tmp_path / "next",
        items_time=read_time,
        created_time=clock.now + 600.0,
    )
    engine.publish(str(tmp_path / "next"))
    found = engine.search(SearchRequest("shoes neon", page_size=3)).results
    assert "n1" in [result.item_id for result in found]
    assert not engine.bundle.catalog.listed[engine.bundle.catalog.row_of["p0002"]]
