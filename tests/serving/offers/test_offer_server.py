"""A real server makes offers, takes in their changes, and remembers them."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data.errors import InputError, RequestError
from data.offers.offer import Offer, OfferKind
from data.offers.offer_tables import iter_offers, iter_redemptions
from data.records import Event, EventType, Item
from data.sources.live_offers import OFFER_LOG_NAME
from data.sources.own_log import read_own_log
from data.synthetic import END_TIME
from serving.api.offers.offer_requests import OfferReport, OfferRequest
from serving.edge.client import Client
from serving.edge.server import serve
from serving.engine import Engine
from tests.towers import shelf
from tests.towers.offers.test_offer_ranking import stump
from towers.bundle.bundle import write_offers
from towers.bundle.layout import Layout
from towers.bundle.manifest import sign
from towers.offers.offer_book import OfferBook
from towers.offers.offer_model import OfferModel
from towers.offers.offer_ranking import OfferOrder, ReasonKind

NOW = float(int(time.time()))
"""A server checks offers and events by its own clock."""
DAY = 86_400.0
ITEMS = [item.item_id for item in shelf.items() if item.in_stock][:3]
FIRST, SECOND, THIRD = ITEMS
COUPON = Offer("c1", OfferKind.COUPON, (FIRST,), amount_off=1.0, end_time=NOW + DAY, text="−1")


@contextmanager
def running(state: Path, bundle: Path | None = None) -> Iterator[Client]:
    """A client of a server on a state folder."""
    engine = Engine.open(bundle or shelf.bundle_folder(), state)
    server = serve(engine, "127.0.0.1:0")
    try:
        with Client(f"127.0.0.1:{server.port}") as client:
            client.wait_until_serving()
            yield client
    finally:
        server.stop(grace_seconds=1.0)
        engine.close()


def buy(id_: str, item_id: str, offer_id: str = "", visitor: str = "v") -> Event:
    return Event(id_, EventType.PURCHASE, visitor, NOW - 60.0, item_id, offer_id=offer_id)


def made(client: Client, visitor: str = "v", **fields: object) -> list[str]:
    answer = client.recommend_offers(OfferRequest(visitor, **fields))  # type: ignore[arg-type]
    return [one.offer_id for one in answer.offers]


def test_a_live_change_is_in_the_next_answer_and_a_restart_keeps_it(tmp_path: Path) -> None:
    other = Offer("p1", OfferKind.PROMOTION, categories=((shelf.items()[0].category[0],),))
    with running(tmp_path) as client:
        assert made(client) == []
        assert client.update_offers([COUPON, other]) == OfferReport(2, 0, 0)
        assert sorted(made(client)) == ["c1", "p1"]
        assert made(client, kinds=(OfferKind.COUPON,)) == ["c1"]
        changed = replace(COUPON, text="−2", amount_off=2.0)
        assert client.update_offers([changed], ["p1", "gone"]) == OfferReport(0, 1, 1)
        before = client.recommend_offers(OfferRequest("v"))
        assert [(one.offer_id, one.text) for one in before.offers] == [("c1", "−2")]
    with running(tmp_path) as client:
        assert client.recommend_offers(OfferRequest("v")) == before


def test_an_answer_tells_the_offer_its_items_and_its_reason(tmp_path: Path) -> None:
    both = Offer("c2", OfferKind.COUPON, (SECOND, FIRST, "gone"), percent_off=5.0, text="five")
    with running(tmp_path) as client:
        client.update_offers([both, replace(COUPON, end_time=NOW + DAY, audience="")])
        client.record([buy("e1", FIRST)])
        (one,) = client.recommend_offers(OfferRequest("v", limit=1)).offers
        assert one.offer_id in ("c1", "c2")
        found = {o.offer_id: o for o in client.recommend_offers(OfferRequest("v")).offers}
        assert found["c2"].item_ids == (FIRST, SECOND)
        assert (found["c2"].percent_off, found["c2"].amount_off) == (5.0, None)
        assert found["c1"].end_time == NOW + DAY
        assert found["c2"].reason.kind is ReasonKind.SESSION
        assert found["c2"].affinity == 1.0
        # The shop's bundle has learnt nothing of offers.
        assert (found["c1"].probability, found["c1"].uplift) == (None, None)


def test_redemptions_use_up_limits_and_budgets_for_good(tmp_path: Path) -> None:
    mine = replace(COUPON, visitor_limit=1)
    dear = Offer("c2", OfferKind.COUPON, (SECOND,), amount_off=1.0, budget=2.0)
    with running(tmp_path) as client:
        client.update_offers([mine, dear])
        events = [buy("e1", FIRST, "c1"), buy("e2", SECOND, "c2"), buy("e3", SECOND, "c2", "w")]
        client.record(events[:2])
        assert made(client) == ["c2"]
        client.record(events)
        answer = client.recommend_offers(OfferRequest("v"))
        assert answer.offers == ()
        assert answer.left_out_counts == {"visitor_limit": 1, "budget": 1}
        assert made(client, "x") == ["c1"]
    with running(tmp_path) as client:
        assert made(client) == []
        assert made(client, "x") == ["c1"]


@pytest.mark.parametrize(
    ("offer", "message"),
    [
        (replace(COUPON, end_time=NOW - 60.0), r"offers\[1\]\.end_time: expected a time to come"),
        (
            replace(COUPON, budget=-1.0),
            r"offers\[1\]\.budget: expected 0 or more and finite, received -1\.0",
        ),
        (replace(COUPON, item_ids=()), r"offers\[1\]\.item_ids: expected items, or categories"),
        (
            replace(COUPON, start_time=NOW + 2 * DAY),
            r"offers\[1\]\.end_time: expected a time after start_time",
        ),
        (
            replace(COUPON, kind=OfferKind.UNSPECIFIED),
            r"offers\[1\]\.kind: expected one of coupon, promotion, service",
        ),
        (replace(COUPON, percent_off=5.0), r"offers\[1\]\.amount_off: expected none beside"),
        (replace(COUPON, audience="vip"), r"offers\[1\]\.audience: expected an audience of the"),
        (
            replace(COUPON, offer_id="good"),
            r"offers\[1\]\.offer_id: expected an id that no other offer has, received 'good'",
        ),
    ],
)
def test_a_bad_offer_is_refused_by_name_and_nothing_is_half_taken(
    tmp_path: Path, offer: Offer, message: str
) -> None:
    good = Offer("good", OfferKind.COUPON, (SECOND,))
    with running(tmp_path) as client:
        with pytest.raises(RequestError, match=f"^{message}"):
            client.update_offers([good, offer])
        assert made(client) == []
    with running(tmp_path) as client:
        assert made(client) == []


def test_bad_requests_and_changes_are_refused_by_name(tmp_path: Path) -> None:
    with running(tmp_path) as client:
        for request, message in (
            (OfferRequest("v\n"), "visitor_id: expected no control characters"),
            (OfferRequest("v" * 129), "visitor_id: expected at most 128 characters"),
            (OfferRequest(kinds=(OfferKind.UNSPECIFIED,)), r"kinds\[0\]: expected one of coupon"),
            (OfferRequest(kinds=(OfferKind.COUPON,) * 2), r"kinds\[1\]: expected one of coupon"),
            (OfferRequest(limit=-1), "limit: expected 0 or more, received -1"),
            (OfferRequest(item_ids=("x",) * 101), "item_ids: expected 0 to 100, received 101"),
            (OfferRequest(item_ids=("",)), r"item_ids\[0\]: expected 1 to 128 characters"),
            (
                OfferRequest(item_ids=(FIRST, "gone")),
                r"item_ids\[1\]: expected an item of the catalogue, received 'gone'",
            ),
        ):
            with pytest.raises(RequestError, match=f"^{message}"):
                client.recommend_offers(request)
        with pytest.raises(RequestError, match="^offers: expected an offer, or deleted_offer_ids"):
            client.update_offers([])
        with pytest.raises(RequestError, match=r"^deleted_offer_ids\[0\]: expected an id that is"):
            client.update_offers([COUPON], ["c1"])
        with pytest.raises(
            RequestError, match=r"^events\[0\]\.offer_id: expected none for the type"
        ):
            client.record([replace(buy("e", FIRST, "c1"), type=EventType.VIEW)])


def bundle_with_offers(folder: Path) -> Path:
    """A copy of the shop's bundle that knows an audience, an offer, and a model of one question."""
    shutil.copytree(shelf.bundle_folder(), folder)
    offers = [
        Offer("family", OfferKind.COUPON, (FIRST,), audience="family"),
        Offer("all", OfferKind.COUPON, (SECOND,)),
    ]
    book = OfferBook(shelf.catalog(), offers, {"family": frozenset({"v"})})
    model = OfferModel(stump("own_count", 0.1, -1.0, 1.0), stump("own_count", 0.1, 0.3, 0.1), 0.0)
    write_offers(Layout(folder), book, model)
    sign(folder, END_TIME)
    return folder


def test_the_bundles_offers_go_to_their_audience_with_probability_and_uplift(
    tmp_path: Path,
) -> None:
    bundle = bundle_with_offers(tmp_path / "bundle")
    with running(tmp_path / "state", bundle=bundle) as client:
        assert made(client, "w") == ["all"]
        client.update_offers([Offer("more", OfferKind.COUPON, (THIRD,), audience="family")])
        client.record([buy("e1", FIRST)])
        answer = client.recommend_offers(OfferRequest("v"))
        assert answer.offers[0].offer_id == "family"
        by_id = {one.offer_id: one for one in answer.offers}
        assert by_id["family"].probability == pytest.approx(1 / (1 + np.exp(-1.0)))
        assert by_id["all"].probability == pytest.approx(1 / (1 + np.exp(1.0)))
        assert by_id["family"].uplift == pytest.approx(0.1)
        ordered = made(client, order_by=OfferOrder.UPLIFT)
        assert ordered[-1] == "family"


def test_a_published_bundle_takes_live_changes_and_redemptions_over(tmp_path: Path) -> None:
    bundle = bundle_with_offers(tmp_path / "bundle")
    with running(tmp_path / "state") as client:
        client.update_offers([replace(COUPON, visitor_limit=1)])
        client.record([buy("e1", FIRST, "c1", visitor="w")])
        client.publish(str(bundle))
        assert sorted(made(client)) == ["all", "c1", "family"]
        assert made(client, "w") == ["all"]
        client.rollback()
        assert made(client) == ["c1"]


def test_the_log_of_a_server_gives_its_offers_and_redemptions_to_training(tmp_path: Path) -> None:
    with running(tmp_path) as client:
        client.update_offers([COUPON, replace(COUPON, offer_id="c2")])
        client.update_offers([], ["c2"])
        client.record([buy("e1", FIRST, "c1"), buy("e2", FIRST)])
    read = read_own_log(tmp_path).offers
    assert read is not None
    assert list(iter_offers(read.offers)) == [COUPON]
    assert read.deleted_ids == {"c2"}
    assert [(one.redemption_id, one.offer_id) for one in iter_redemptions(read.redemptions)] == [
        ("e1", "c1")
    ]


def test_a_damaged_log_of_offers_is_named(tmp_path: Path) -> None:
    with running(tmp_path) as client:
        client.update_offers([COUPON])
    path = tmp_path / OFFER_LOG_NAME
    content = path.read_bytes()
    path.write_bytes(content.replace(b'"amount_off":1.0', b'"amount_off":9.0'))
    with pytest.raises(InputError, match=r"^offers\.sqlite, row 1, checksum: expected"):
        Engine.open(shelf.bundle_folder(), tmp_path)
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(InputError, match=r"^offers\.sqlite: expected a log of offers"):
        Engine.open(shelf.bundle_folder(), tmp_path)


def test_an_item_that_sells_out_takes_its_offer_with_it(tmp_path: Path) -> None:
    item = next(one for one in shelf.items() if one.item_id == FIRST)
    with running(tmp_path) as client:
        client.update_offers([COUPON])
        client.update_items([replace(item, in_stock=False)])
        assert made(client) == []
        client.update_items([item, Item("new-one", "New", category=item.category)])
        assert made(client) == ["c1"]
