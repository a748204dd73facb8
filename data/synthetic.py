"""A small made-up shop whose right answers are known.

Items are numbered: ``p0007`` is number 7. They stand in pairs, ``2k`` and ``2k + 1``, and the pairs
are dealt to the eight categories in turn, so pair ``k`` is in category ``k % 8`` and has rank
``k // 8`` there. What a test may rely on:

- No word of a title occurs in two categories. A title is brand, adjective, noun and size; it is
  distinct up to 1,440 items, and the two items of a pair share no word of brand or noun. The last
  category is Chinese.
- A visit has one category, and four times in five it is the visitor's favourite one. A look at an
  item leads on to one of the same category nine times in ten: to the companion of the item three
  times in ten, otherwise to an item drawn by its weight, ``1 / (1 + rank)``.
- Who puts an item into the cart puts its companion in as well, four times in five.
- Every second visit to the favourite category a visitor buys one of three staples, of any rank.
- A search is made of words of the item that is looked at next.
- Visits of a visitor are more than half an hour apart and the events of one at most a minute, so
  sessions can be found again by time. Reviews and returns come a day later, as visits of their own.
- An item is reviewed with 3, 4 or 5 by its number. A judged query is a brand and a noun; items
  with both have grade 2, those with the noun alone 1.
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
_AFTERWARDS_SECONDS = _DAY_SECONDS + 5 * 3_600
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
    """How likely a look is to fall on the item, relative to others of its category."""
    return 1.0 / (1 + _rank(item_id))


def favorite_category_of(visitor_id: str) -> tuple[str, ...]:
    """Category path that most visits of a visitor are about."""
    return _CATEGORIES[_number(visitor_id) % len(_CATEGORIES)].path


def staples_of(visitor_id: str, *, item_count: int = 240) -> tuple[str, ...]:
    """The items of the favourite category that a visitor buys again and again."""
    category_count = len(_CATEGORIES)
    visitor = _number(visitor_id)
    category = visitor % category_count
    rank_count = len(range(category, item_count // 2, category_count))
    ranks = ((visitor // category_count + place) % rank_count for place in range(_STAPLE_COUNT))
    return tuple(_item_id(2 * (rank * category_count + category)) for rank in ranks)


def synthetic_shop(
    *, seed: int = 7, item_count: int = 240, visitor_count: int = 150, days: int = 30
) -> RawShop:
    """Items, judgments and the events of the days before ``END_TIME``; the same for a seed.

    Args:
        seed: Of everything that is left to chance; items and judgments are not.
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
    shelves = _Shelves(items, Random(seed))
    slots = range(days * _DAY_SECONDS // _SLOT_SECONDS)
    events: list[Event] = []
    for visitor in range(visitor_count):
        diary = _Diary(shelves, f"v{visitor:04}")
        visit_count = min(len(slots), 3 + int(shelves.rng.expovariate(1 / 4)))
        for slot in sorted(shelves.rng.sample(slots, visit_count)):
            diary.visit(END_TIME - days * _DAY_SECONDS + slot * _SLOT_SECONDS)
        events += (event for event in diary.events if event.time < END_TIME)
    events.sort(key=lambda event: event.time)
    return RawShop(items_table(items), events_table(events), judgments_table(_judgments(items)))


class _Shelves:
    """The items by id and by category, and the chance by which they are met."""

    def __init__(self, items: Sequence[Item], rng: Random) -> None:
        self.rng = rng
        self.items = {item.item_id: item for item in items}
        self.ids: dict[tuple[str, ...], list[str]] = {one.path: [] for one in _CATEGORIES}
        for item in items:
            self.ids[item.category].append(item.item_id)
        self.weights = {path: [weight_of(id_) for id_ in ids] for path, ids in self.ids.items()}

    def any_category(self) -> tuple[str, ...]:
        return self.rng.choice(_CATEGORIES).path

    def draw(self, path: tuple[str, ...]) -> str:
        return self.rng.choices(self.ids[path], self.weights[path])[0]

    def happens(self, chance: float) -> bool:
        return self.rng.random() < chance


@dataclass
class _Diary:
    """What one visitor does, visit by visit."""

    shelves: _Shelves
    visitor_id: str
    events: list[Event] = field(default_factory=list)
    session_id: str = ""
    time: float = 0.0

    def visit(self, slot_time: float) -> None:
        shelves = self.shelves
        favorite = favorite_category_of(self.visitor_id)
        path = favorite if shelves.happens(0.77) else shelves.any_category()
        self._begin(slot_time + shelves.rng.uniform(0, 3 * 3_600))
        item_id = shelves.draw(path)
        if shelves.happens(0.5):
            words = shelves.rng.choice(["noun", "adjective noun", "brand noun"])
            self._note(EventType.SEARCH, query=_query(item_id, words), surface="search")
        cart: dict[str, None] = {}
        for _ in range(shelves.rng.randint(3, 8)):
            self._look(item_id, cart)
            item_id = self._next(item_id, path)
        if path == favorite and shelves.happens(0.5):
            staples = staples_of(self.visitor_id, item_count=len(shelves.items))
            self._put(shelves.rng.choice(staples), cart)
        for item_id in cart:
            self._note(EventType.PURCHASE, item_id, price=shelves.items[item_id].price)
        self._begin(slot_time + _AFTERWARDS_SECONDS)
        for item_id in cart:
            if shelves.happens(0.15):
                rating, text = 3.0 + _number(item_id) % 3, shelves.items[item_id].title
                self._note(EventType.REVIEW, item_id, rating=rating, text=text)
            if shelves.happens(0.05):
                self._note(EventType.RETURN, item_id)

    def _look(self, item_id: str, cart: dict[str, None]) -> None:
        self._note(EventType.VIEW, item_id, surface="item")
        if self.shelves.happens(0.1):
            self._note(EventType.FAVORITE, item_id)
            if self.shelves.happens(0.2):
                self._note(EventType.UNFAVORITE, item_id)
        if self.shelves.happens(0.25):
            self._put(item_id, cart)

    def _put(self, item_id: str, cart: dict[str, None]) -> None:
        added = [item_id, companion_of(item_id)] if self.shelves.happens(0.8) else [item_id]
        for added_id in added:
            if added_id not in cart:
                self._note(EventType.ADD_TO_CART, added_id, surface="item")
                cart[added_id] = None
        if self.shelves.happens(0.05):
            self._note(EventType.REMOVE_FROM_CART, item_id, surface="cart")
            del cart[item_id]

    def _next(self, item_id: str, path: tuple[str, ...]) -> str:
        if self.shelves.happens(0.06):
            return self.shelves.draw(self.shelves.any_category())
        is_companion = category_of(item_id) == path and self.shelves.happens(0.3)
        return companion_of(item_id) if is_companion else self.shelves.draw(path)

    def _begin(self, time: float) -> None:
        self.time = time
        self.session_id = f"{self.visitor_id}-{int(time)}"

    def _note(self, type_: EventType, item_id: str = "", **facts: Any) -> None:
        self.time += self.shelves.rng.uniform(5, 60)
        event_id = f"{self.visitor_id}-{len(self.events)}"
        key = (event_id, type_, self.visitor_id, self.time, item_id)
        self.events.append(Event(*key, session_id=self.session_id, **facts))


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
    # Place on the shelf: 3 brands, 4 nouns and 5 adjectives meet anew until place 60.
    place = _rank(item_id) * 2 + _number(item_id) % 2
    return {
        "brand": category.brands[place % 3],
        "noun": category.nouns[place % 4],
        "adjective": category.adjectives[place % 5],
        "size": category.sizes[(place // 2 + place // 60) % 3],
    }


def _item_id(number: int) -> str:
    return f"p{number:04}"


def _number(any_id: str) -> int:
    return int(any_id[1:])


def _category(item_id: str) -> _Category:
    return _CATEGORIES[_number(item_id) // 2 % len(_CATEGORIES)]


def _rank(item_id: str) -> int:
    return _number(item_id) // 2 // len(_CATEGORIES)
