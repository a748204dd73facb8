"""A small synthetic shop with known statistics, for tests.

Items are numbered: ``p0007`` is number 7. They form pairs, ``2k`` and ``2k + 1``, and the pairs are
assigned to the eight categories in turn, so pair ``k`` is in category ``k % 8`` and has rank
``k // 8`` there. Tests may rely on the following:

- No word of a title occurs in two categories. A title is brand, adjective, noun and size; it is
  distinct up to 1,440 items, and the two items of a pair share no word of brand or noun. The last
  category is Chinese.
- A session has one category, in four of five cases the visitor's favourite one. A view is followed
  by one in the same category nine times in ten: of the item's companion three times in ten, else
  of an item sampled by its weight, ``1 / (1 + rank)``.
- When an item is added to the cart, its companion is added as well, four times in five.
- In half of the sessions in the favourite category a visitor buys one of three staples.
- A search query consists of words of the item that is viewed next.
- Sessions of a visitor are more than half an hour apart and the events of one at most a minute, so
  sessions can be recovered from times. Reviews and returns come a day later, in separate sessions.
- The rating of an item, 3, 4 or 5, depends on its number. A judged query is a brand and a noun;
  items with both have grade 2, those with the noun only 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple

from data.errors import ConfigError
from data.records import Event, EventType, Item, Judgment, as_datetime
from data.tables import RawShop, events_table, items_table, judgments_table

END_TIME = 1_735_689_600.0
"""2025-01-01, UTC: no event is later."""

_DAY_SECONDS = 86_400
_SLOT_SECONDS = 6 * 3_600
_FEEDBACK_DELAY_SECONDS = _DAY_SECONDS + 5 * 3_600
_STAPLE_COUNT = 3


class _Category(NamedTuple):
    path: tuple[str, ...]
    brands: list[str]
    adjectives: list[str]
    nouns: list[str]
    sizes: list[str]

    @property
    def is_chinese(self) -> bool:
        return not self.path[0].isascii()

    def joined(self, *words: str) -> str:
        return ("" if self.is_chinese else " ").join(words)


_WORDS = """
Kitchen > Cookware | Ferrano Castella Potmann | enamelled nonstick copper heavy glazed
    | skillet saucepan wok casserole | 20cm 24cm 28cm
Kitchen > Coffee | Moccado Brewster Arabello | dark roasted decaffeinated ground fruity
    | espresso filterblend beans capsules | 250g 500g 1kg
Garden > Hand tools | Hedgerow Spadeworth Greenhand | forged telescopic ashen stainless foldable
    | trowel rake secateurs hoe | short medium long
Garden > Seeds | Sprouty Florabel Rootling | organic early dwarf hardy climbing
    | tomato carrot sunflower basil | sachet packet tin
Sports > Running | Velox Stridewell Kilometra | cushioned reflective breathable trail light
    | shoes shorts windbreaker armband | S M L
Sports > Swimming | Aquarion Delfina Lanehart | mirrored buoyant seamless training polarised
    | goggles snorkel fins kickboard | junior adult pro
Office > Stationery | Inkwell Papyra Quillon | ruled dotted waterproof refillable spiral
    | notebook fountainpen marker planner | A4 A5 A6
手机 > 智能手机 | 云帆 星河 青竹 | 轻薄 折叠 长续航 大屏 影像
    | 智能手机 游戏手机 商务手机 老人手机 | 128GB 256GB 512GB
"""
"""A category's path, brands, adjectives, nouns and sizes."""


def _categories() -> Iterator[_Category]:
    for line in _WORDS.replace("\n    |", "|").strip().splitlines():
        path, *words = line.split("|")
        yield _Category(tuple(path.strip().split(" > ")), *(text.split() for text in words))


_CATEGORIES = tuple(_categories())


def companion_of(item_id: str) -> str:
    """The other item of the pair."""
    return _item_id(_number(item_id) ^ 1)


def category_of(item_id: str) -> tuple[str, ...]:
    """Category path of an item."""
    return _category(item_id).path


def weight_of(item_id: str) -> float:
    """How likely a view is of this item, relative to others of its category."""
    return 1.0 / (1 + _rank(item_id))


def favorite_category_of(visitor_id: str) -> tuple[str, ...]:
    """Category path of most sessions of a visitor."""
    return _CATEGORIES[_number(visitor_id) % len(_CATEGORIES)].path


def staples_of(visitor_id: str, *, item_count: int = 240) -> tuple[str, ...]:
    """The items of the favourite category that a visitor buys repeatedly."""
    category_count = len(_CATEGORIES)
    visitor = _number(visitor_id)
    category = visitor % category_count
    rank_count = len(range(category, item_count // 2, category_count))
    ranks = (
        (visitor // category_count + position) % rank_count for position in range(_STAPLE_COUNT)
    )
    return tuple(_item_id(2 * (rank * category_count + category)) for rank in ranks)


def synthetic_shop(
    *, seed: int = 7, item_count: int = 240, visitor_count: int = 150, days: int = 30
) -> RawShop:
    """Items, judgments and the events of the days before ``END_TIME``; deterministic for a seed.

    Args:
        seed: Of the events; items and judgments are not random.
        item_count: Even, 48 or more: three pairs a category.
        visitor_count: 1 or more.
        days: 1 or more.

    Raises:
        ConfigError: A count is out of its range.
    """
    if item_count < 48 or item_count % 2:
        raise ConfigError(f"item_count: expected an even number from 48 on, received {item_count}")
    for name, count in (("visitor_count", visitor_count), ("days", days)):
        if count < 1:
            raise ConfigError(f"{name}: expected 1 or more, received {count}")
    items = [_item(number) for number in range(item_count)]
    stock = _Stock(items, Random(seed))
    slots = range(days * _DAY_SECONDS // _SLOT_SECONDS)
    events: list[Event] = []
    for visitor in range(visitor_count):
        visitor_log = _VisitorLog(stock, f"v{visitor:04}")
        visit_count = min(len(slots), 3 + int(stock.rng.expovariate(1 / 4)))
        for slot in sorted(stock.rng.sample(slots, visit_count)):
            visitor_log.visit(END_TIME - days * _DAY_SECONDS + slot * _SLOT_SECONDS)
        events += (event for event in visitor_log.events if event.time < END_TIME)
    events.sort(key=lambda event: event.time)
    return RawShop(items_table(items), events_table(events), judgments_table(_judgments(items)))


class _Stock:
    """The items by id and by category, and the random generator with sampling weights."""

    def __init__(self, items: Sequence[Item], rng: Random) -> None:
        self.rng = rng
        self.items = {item.item_id: item for item in items}
        self.ids: dict[tuple[str, ...], list[str]] = {one.path: [] for one in _CATEGORIES}
        for item in items:
            self.ids[item.category].append(item.item_id)
        self.weights = {path: [weight_of(id_) for id_ in ids] for path, ids in self.ids.items()}

    def any_category(self) -> tuple[str, ...]:
        return self.rng.choice(_CATEGORIES).path

    def sample(self, path: tuple[str, ...]) -> str:
        return self.rng.choices(self.ids[path], self.weights[path])[0]

    def is_true_with(self, probability: float) -> bool:
        return self.rng.random() < probability


@dataclass
class _VisitorLog:
    """Generates the events of one visitor, session by session."""

    stock: _Stock
    visitor_id: str
    events: list[Event] = field(default_factory=list)
    session_id: str = ""
    time: float = 0.0

    def visit(self, slot_time: float) -> None:
        stock = self.stock
        favorite = favorite_category_of(self.visitor_id)
        path = favorite if stock.is_true_with(0.77) else stock.any_category()
        self._begin(slot_time + stock.rng.uniform(0, 3 * 3_600))
        item_id = stock.sample(path)
        if stock.is_true_with(0.5):
            words = stock.rng.choice(["noun", "adjective noun", "brand noun"])
            self._record(EventType.SEARCH, query=_query(item_id, words), surface="search")
        cart: dict[str, None] = {}
        for _ in range(stock.rng.randint(3, 8)):
            self._view(item_id, cart)
            item_id = self._next(item_id, path)
        if path == favorite and stock.is_true_with(0.5):
            staples = staples_of(self.visitor_id, item_count=len(stock.items))
            self._put(stock.rng.choice(staples), cart)
        for item_id in cart:
            self._record(EventType.PURCHASE, item_id, price=stock.items[item_id].price)
        self._begin(slot_time + _FEEDBACK_DELAY_SECONDS)
        for item_id in cart:
            if stock.is_true_with(0.15):
                rating, text = 3.0 + _number(item_id) % 3, stock.items[item_id].title
                self._record(EventType.REVIEW, item_id, rating=rating, text=text)
            if stock.is_true_with(0.05):
                self._record(EventType.RETURN, item_id)

    def _view(self, item_id: str, cart: dict[str, None]) -> None:
        self._record(EventType.VIEW, item_id, surface="item")
        if self.stock.is_true_with(0.1):
            self._record(EventType.FAVORITE, item_id)
            if self.stock.is_true_with(0.2):
                self._record(EventType.UNFAVORITE, item_id)
        if self.stock.is_true_with(0.25):
            self._put(item_id, cart)

    def _put(self, item_id: str, cart: dict[str, None]) -> None:
        added = [item_id, companion_of(item_id)] if self.stock.is_true_with(0.8) else [item_id]
        for added_id in added:
            if added_id not in cart:
                self._record(EventType.ADD_TO_CART, added_id, surface="item")
                cart[added_id] = None
        if self.stock.is_true_with(0.05):
            self._record(EventType.REMOVE_FROM_CART, item_id, surface="cart")
            del cart[item_id]

    def _next(self, item_id: str, path: tuple[str, ...]) -> str:
        if self.stock.is_true_with(0.06):
            return self.stock.sample(self.stock.any_category())
        is_companion = category_of(item_id) == path and self.stock.is_true_with(0.3)
        return companion_of(item_id) if is_companion else self.stock.sample(path)

    def _begin(self, time: float) -> None:
        self.time = time
        self.session_id = f"{self.visitor_id}-{int(time)}"

    def _record(self, type_: EventType, item_id: str = "", **fields: Any) -> None:
        self.time += self.stock.rng.uniform(5, 60)
        event_id = f"{self.visitor_id}-{len(self.events)}"
        key = (event_id, type_, self.visitor_id, self.time, item_id)
        self.events.append(Event(*key, session_id=self.session_id, **fields))


def _item(number: int) -> Item:
    item_id = _item_id(number)
    category, words = _category(item_id), _words_of(item_id)
    title = category.joined(words["brand"], words["adjective"], words["noun"])
    return Item(
        item_id,
        f"{title} {words['size']}",
        category.joined(words["adjective"], category.path[-1], words["noun"]),
        category.path,
        words["brand"],
        price=5.0 + number * 7 % 95 + 0.99,
        currency="CNY" if category.is_chinese else "USD",
        attributes={"size": words["size"]},
        created_time=as_datetime(END_TIME - (400 + number) * _DAY_SECONDS),
    )


def _judgments(items: Sequence[Item]) -> Iterator[Judgment]:
    queries = {_query(item.item_id, "brand noun"): item for item in items}
    for query, item in queries.items():
        noun = _words_of(item.item_id)["noun"]
        for other in items:
            if other.category == item.category and _words_of(other.item_id)["noun"] == noun:
                yield Judgment(query, other.item_id, 2.0 if other.brand == item.brand else 1.0)


def _query(item_id: str, words: str) -> str:
    known = _words_of(item_id)
    return _category(item_id).joined(*(known[word] for word in words.split())).lower()


def _words_of(item_id: str) -> dict[str, str]:
    category = _category(item_id)
    # Position within the category: 3 brands, 4 nouns and 5 adjectives combine uniquely up to 60.
    position = _rank(item_id) * 2 + _number(item_id) % 2
    return {
        "brand": category.brands[position % 3],
        "noun": category.nouns[position % 4],
        "adjective": category.adjectives[position % 5],
        "size": category.sizes[(position // 2 + position // 60) % 3],
    }


def _item_id(number: int) -> str:
    return f"p{number:04}"


def _number(any_id: str) -> int:
    return int(any_id[1:])


def _category(item_id: str) -> _Category:
    return _CATEGORIES[_number(item_id) // 2 % len(_CATEGORIES)]


def _rank(item_id: str) -> int:
    return _number(item_id) // 2 // len(_CATEGORIES)
