"""A made-up Chinese phone shop, and one shopper's way through all placements.

    python -m tests.serving.phone_shop

makes the shop's files, prepares and trains them, serves the bundle, and prints what each placement
answers and why. Nothing in it is random but for the seed of the shop's past visitors: everybody who buys
a phone looks at three, most of them take the case of the phone they buy, days later its film and a
charger; some send the phone back and buy another; coffee is bought every ten days.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import click

from data.offers.offer import Offer, OfferKind
from data.prepare import prepare
from data.records import Event, EventType
from data.tables import read_tables
from serving.api.answers import Answer
from serving.api.offers.offer_requests import OfferRequest, OfferResult
from serving.api.requests import Placement, RecommendRequest, SearchRequest
from serving.edge.client import Client
from serving.edge.server import serve
from serving.engine import Engine
from tests.quick_training import train_quickly

END_TIME = 1_735_689_600.0
"""2025-01-01, UTC: when the past ends and the shopper comes."""

DAY = 86_400.0
VISITOR = "xiaoming"
QUERY = "智能手机"
CONFIG: dict[str, Any] = {
    "text": {"bucket_count": 2_048},
    "towers": {"dim": 24, "event_slot_count": 8, "history_slot_count": 8},
    "retrieval": {
        "epoch_limit": 6,
        "batch_size": 128,
        "browse_example_limit": 4_000,
        "search_example_limit": 1_000,
    },
    "rerank": {"request_limit": 800, "epoch_limit": 5},
}

_MODELS = {
    "云帆": ("X1", "X2", "青春版"),
    "星河": ("S9", "S9 Pro", "Note 7"),
    "极光": ("5", "5 Plus"),
    "远山": ("M3", "M3 Max"),
}
PHONES = [f"{brand}{model}" for brand, models in _MODELS.items() for model in models]
"""Names; the items are ``phone0`` …, with ``case0`` … and ``film0`` … made for them."""


def items() -> list[dict[str, Any]]:
    """The catalogue as rows of a file."""
    rows = []

    def put(
        item_id: str, title: str, category: str, price: float, brand: str = "", **more: Any
    ) -> None:
        rows.append(
            {
                "item_id": item_id,
                "title": title,
                "category": category,
                "price": price,
                "brand": brand,
                **more,
            }
        )

    for number, name in enumerate(PHONES):
        brand = next(one for one in _MODELS if name.startswith(one))
        size = (128, 256, 512)[number % 3]
        put(
            f"phone{number}",
            f"{name} 智能手机 5G {size}GB",
            "手机 > 智能手机",
            1999.0 + 300 * number,
            brand,
        )
        put(f"case{number}", f"{name} 手机壳 防摔", "手机配件 > 手机壳", 39.0 + number, brand)
        put(f"film{number}", f"{name} 钢化膜 高清", "手机配件 > 贴膜", 19.0 + number, brand)
    for number, watts in enumerate((20, 33, 65, 100)):
        put(f"charger{number}", f"快充充电器 {watts}瓦", "手机配件 > 充电器", 49.0 + 30 * number)
    for number, kind in enumerate(("无线蓝牙耳机", "头戴式耳机", "有线耳机 带麦克风")):
        put(f"earphone{number}", kind, "影音 > 耳机", 99.0 + 100 * number)
    for number, kind in enumerate(("深度烘焙", "中度烘焙", "低因")):
        put(f"coffee{number}", f"咖啡豆 {kind} 1公斤", "食品 > 咖啡豆", 88.0 + 5 * number)
    for number, litres in enumerate((3, 4, 5)):
        put(f"cooker{number}", f"电饭煲 {litres}升", "家电 > 电饭煲", 199.0 + 50 * number)
    # Cheaper than its list price: on offer without any coupon.
    rows[[row["item_id"] for row in rows].index("charger2")]["attributes.list_price"] = "149"
    return rows


class _Past:
    """The events of the shop's past."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self.rows: list[dict[str, Any]] = []

    def add(self, visitor: str, type_: str, time: float, **fields: Any) -> None:
        event_id = f"e{len(self.rows)}"
        self.rows.append(
            {"event_id": event_id, "visitor_id": visitor, "type": type_, "time": time, **fields}
        )

    def phone_buyer(self, visitor: str, time: float) -> None:
        draw, count = self.rng, len(PHONES)
        # The first models are wanted most.
        wanted = min(int(draw.expovariate(0.35)), count - 1)
        near = [wanted, (wanted + 1) % count, (wanted + 2) % count]
        self.add(visitor, "search", time, query=QUERY)
        for step, number in enumerate(near):
            self.add(visitor, "view", time + 30 + 60 * step, item_id=f"phone{number}")
        chosen = draw.choice(near)
        self.add(visitor, "add_to_cart", time + 300, item_id=f"phone{chosen}")
        taken = [f"phone{chosen}"]
        if draw.random() < 0.7:
            self.add(visitor, "view", time + 330, item_id=f"case{chosen}")
            taken.append(f"case{chosen}")
        self.buy(visitor, time + 400, *taken)
        later = time + draw.randint(3, 12) * DAY
        is_content = draw.random() < 0.8
        rating = 5.0 if is_content else 1.0
        self.add(visitor, "review", later - DAY, item_id=f"phone{chosen}", rating=rating)
        if is_content:
            self.buy(
                visitor,
                later,
                f"film{chosen}",
                *draw.sample(["charger2", "charger1", "earphone0"], 2),
            )
        else:
            other = draw.choice([number for number in near if number != chosen])
            self.add(visitor, "return", later, item_id=f"phone{chosen}")
            self.add(visitor, "view", later + 60, item_id=f"phone{other}")
            self.buy(visitor, later + 120, f"phone{other}")

    def coffee_buyer(self, visitor: str, time: float) -> None:
        favourite = f"coffee{self.rng.randrange(3)}"
        for visit in range(4):
            moment = time + 10 * DAY * visit
            self.add(visitor, "view", moment, item_id=favourite)
            self.buy(visitor, moment + 60, favourite)

    def cook(self, visitor: str, time: float) -> None:
        number = self.rng.randrange(3)
        for step in range(3):
            self.add(visitor, "view", time + 60 * step, item_id=f"cooker{(number + step) % 3}")
        self.buy(visitor, time + 300, f"cooker{number}")

    def buy(self, visitor: str, time: float, *item_ids: str) -> None:
        for step, item_id in enumerate(item_ids):
            self.add(visitor, "purchase", time + step, item_id=item_id)


def events(*, visitor_count: int = 500, seed: int = 7) -> list[dict[str, Any]]:
    """What other visitors did in the half year before, as rows of a file."""
    past = _Past(seed)
    for number in range(visitor_count):
        time = END_TIME - past.rng.uniform(20, 180) * DAY
        does = (
            past.phone_buyer
            if number % 5 < 3
            else past.coffee_buyer
            if number % 5 < 4
            else past.cook
        )
        does(f"v{number}", time)
    return [row for row in past.rows if row["time"] < END_TIME]


_CASES, _COFFEE, _PHONES = ("手机配件", "手机壳"), ("食品", "咖啡豆"), ("手机", "智能手机")
OFFERS = (
    Offer("case-10", OfferKind.COUPON, (), (_CASES,), amount_off=10.0, text="手机壳立减10元"),
    Offer("coffee-20", OfferKind.COUPON, (), (_COFFEE,), percent_off=20.0, text="咖啡豆八折"),
    Offer("s9-sale", OfferKind.PROMOTION, ("phone3", "phone4"), text="星河新年促销"),
    Offer("care", OfferKind.SERVICE, (), (_PHONES,), text="碎屏险一年"),
)


def trained(folder: Path) -> Path:
    """Prepares and trains the shop in a folder; the bundle."""
    raw, tables = folder / "raw", folder / "tables"
    raw.mkdir(parents=True)
    for name, rows in (("items", items()), ("events", events())):
        lines = [json.dumps(row, ensure_ascii=False) for row in rows]
        (raw / f"{name}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    prepare("files", raw, out=tables, now=END_TIME + 1)
    train_quickly(read_tables(tables), folder / "bundle", CONFIG)
    return folder / "bundle"


class Shown(NamedTuple):
    """One page of the story: what it is, the results, and the offers beside them."""

    name: str
    answer: Answer
    offers: tuple[OfferResult, ...] = ()


class Shopper:
    """The shopper at a server whose clock stands still until the shopper does something."""

    def __init__(self, client: Client, clock: list[float]) -> None:
        self.client, self.clock = client, clock
        self._event_count = 0

    def does(
        self, type_: EventType, item_id: str, rating: float | None = None, *, after: float = 20.0
    ) -> None:
        """One event, some seconds later."""
        self.clock[0] += after
        self._event_count += 1
        id_ = f"{VISITOR}-{self._event_count}"
        event = Event(id_, type_, VISITOR, self.clock[0], item_id, rating=rating)
        self.client.record([event])

    def search(self, name: str) -> Shown:
        self.clock[0] += 20.0
        return Shown(name, self.client.search(SearchRequest(QUERY, VISITOR, 5, explain=True)))

    def page(self, name: str, placement: Placement, *item_ids: str, size: int = 5) -> Shown:
        request = RecommendRequest(placement, VISITOR, item_ids, size, explain=True)
        answer = self.client.recommend(request)
        return Shown(name, answer, answer.services)

    def coupons(self, name: str) -> Shown:
        answer = self.client.recommend_offers(OfferRequest(VISITOR, (OfferKind.COUPON,)))
        return Shown(name, Answer((), "", answer.bundle_id, None), answer.offers)


def story(shopper: Shopper, *, is_content: bool = True) -> Iterator[Shown]:
    """Searches 智能手机, views A, B and C, puts B into the cart, buys and reviews it."""
    found = shopper.search(f"search “{QUERY}”")
    yield found
    a, b, c = (result.item_id for result in found.answer.results[:3])
    for item_id in (a, b, c):
        shopper.does(EventType.VIEW, item_id)
    yield shopper.page("home, after a look at A, B and C", Placement.HOME)
    yield shopper.page("item, on the page of B", Placement.ITEM, b)
    shopper.does(EventType.ADD_TO_CART, b)
    yield shopper.page("cross_sell, with B in the cart", Placement.CROSS_SELL)
    yield shopper.page("promotion", Placement.PROMOTION)
    yield shopper.coupons("coupons")
    shopper.does(EventType.PURCHASE, b)
    shopper.does(EventType.REVIEW, b, 5.0 if is_content else 1.0, after=5 * DAY)
    kind = "a good" if is_content else "a bad"
    yield shopper.page(
        f"after_sales, five days later, after {kind} review of B", Placement.AFTER_SALES
    )


@contextmanager
def shopping(bundle: Path) -> Iterator[Shopper]:
    """A shopper at a server of the bundle, with the shop's offers."""
    clock = [END_TIME + 60.0]
    engine = Engine.open(bundle, clock=lambda: clock[0])
    server = serve(engine, "127.0.0.1:0")
    try:
        with Client(f"127.0.0.1:{server.port}") as client:
            client.wait_until_serving()
            client.update_offers(OFFERS)
            yield Shopper(client, clock)
    finally:
        server.stop(grace_seconds=1.0)
        engine.close()


def lines(shown: Shown) -> Sequence[str]:
    """A page as text, a line a result."""
    found = [f"{shown.name}"]
    for rank, one in enumerate(shown.answer.results, start=1):
        offer = f" [{one.offer_id}]" if one.offer_id else ""
        chance = "" if one.purchase_probability is None else f" {one.purchase_probability:.1%}"
        found.append(f"  {rank} {one.item_id:10}{chance:>6} {one.title}{offer} — {one.reason}")
    for one in shown.offers:
        found.append(f"  {one.kind.label} {one.offer_id}: {one.text} — {one.reason.text}")
    return found


def main() -> None:
    """Trains the shop, and tells the story twice: content, and not."""
    with tempfile.TemporaryDirectory() as folder:
        bundle = trained(Path(folder))
        with shopping(bundle) as shopper:
            for shown in story(shopper):
                click.echo("\n".join(lines(shown)))
        with shopping(bundle) as shopper:
            *_, last = story(shopper, is_content=False)
            click.echo("\n".join(lines(last)))


if __name__ == "__main__":
    main()
