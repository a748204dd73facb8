"""The other words of a query decide what an unknown word is a slip of."""

from __future__ import annotations

from collections import Counter

import pytest

from towers.text.query_rewriter import QueryRewriter
from towers.text.spelling.english_words import common_english_words
from towers.text.words import words

TITLES = [
    *["grey stone sealer"] * 40,
    *["black stove pipe", "wide pipe"] * 3,
    *["rain bird valve", "rain barrel", "bird feeder"] * 5,
    *["cage light", "small cabinet", "table lamp", "sonny boy statue", "chalk board"] * 2,
    *[f"plain shelf {number}" for number in range(3_000)],
]
STEMS = [frozenset(words(title)) for title in TITLES]


class Shop:
    """A rewriter over ``TITLES``, which counts how often items are asked for."""

    def __init__(self) -> None:
        self.asked_count = 0
        counts = Counter(word for title in TITLES for word in set(title.split()))
        self.rewriter = QueryRewriter(
            counts,
            lambda stem: sum(stem in stems for stems in STEMS),
            lambda stem: 1.0,
            common_english_words(),
            has_all=self.has_all,
        )

    def has_all(self, stems: tuple[str, ...]) -> bool:
        self.asked_count += 1
        return any(set(stems) <= held for held in STEMS)

    def corrections(self, text: str) -> dict[str, str]:
        return dict(self.rewriter.parse(text).corrections)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("stoe sealer", {"stoe": "stone"}),
        ("stoe pipe", {"stoe": "stove"}),
        ("black stoe pipe", {"stoe": "stove"}),
        # No item speaks for either: the frequent one.
        ("stoe valve", {"stoe": "stone"}),
        ("stoe", {"stoe": "stone"}),
    ],
)
def test_of_several_words_the_one_that_items_have_with_the_others_is_meant(
    text: str, meant: dict[str, str]
) -> None:
    assert Shop().corrections(text) == meant


def test_the_weights_follow_the_order() -> None:
    (term, _) = Shop().rewriter.parse("stoe pipe").terms
    assert [one.text for one in term.corrections][:2] == ["stove", "stone"]
    weights = [one.weight for one in term.corrections]
    assert weights == sorted(weights, reverse=True) and weights[0] == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("cge light", {"cge": "cage"}),
        ("cge", {}),
        ("cge pipe", {}),
        # A name that ordinary English lacks is left as it is without a neighbour that says more.
        ("sony lamp", {}),
    ],
)
def test_a_short_word_is_corrected_only_where_the_context_speaks_for_it(
    text: str, meant: dict[str, str]
) -> None:
    assert Shop().corrections(text) == meant


@pytest.mark.parametrize("text", ["mall cabinet", "able lamp", "wide valve", "stone pipe"])
def test_ordinary_words_and_words_that_items_have_are_left_as_typed(text: str) -> None:
    assert Shop().corrections(text) == {}


@pytest.fixture
def heather_shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop of water heaters, with one bunch of heather."""
    titles = [
        *["electric water heater"] * 15,
        *["purple heather bunch", "good book", "broom stick", "water filter"],
        *["wood watch", "room clip"] * 10,
        *[f"plain shelf {number}" for number in range(3_000)],
    ]
    monkeypatch.setitem(globals(), "TITLES", titles)
    monkeypatch.setitem(globals(), "STEMS", [frozenset(words(title)) for title in titles])
    return Shop()


def test_a_word_that_items_have_apart_from_the_rest_may_be_a_slip(heather_shop: Shop) -> None:
    query = heather_shop.rewriter.parse("water heather")
    # The word as typed counts more, and nothing is told unless the answer needs the other.
    assert query.stem_weights["heather"] == 1.0 > query.stem_weights["heater"] > 0
    assert query.corrections == {}
    heather = next(term for term in query.terms if term.word == "heather")
    assert [one.text for one in heather.corrections] == ["heater"]


@pytest.mark.parametrize(
    "text",
    [
        # Some item has both; one that only praises; of another first letter; alone.
        *("purple heather", "good watch", "broom clip", "heather"),
        # Unknown words are for other rules.
        "zzyzx heather",
    ],
)
def test_what_speaks_for_the_word_as_typed_leaves_it_alone(heather_shop: Shop, text: str) -> None:
    query = heather_shop.rewriter.parse(text)
    assert all(weight == 1.0 for weight in query.stem_weights.values())
    assert all(term.corrections == () for term in query.terms)


def test_frequent_words_are_not_asked_for(heather_shop: Shop) -> None:
    heather_shop.rewriter.parse("electric water heater")
    assert heather_shop.asked_count == 0


def test_a_compound_with_a_slip_in_one_part_is_two_words() -> None:
    assert Shop().corrections("raiqnbird valve") == {"raiqnbird": "rain bird"}
    assert Shop().corrections("rainbirz") == {"rainbirz": "rain bird"}
    # Both parts are known, yet no item has both.
    assert Shop().corrections("stonexfeeder") == {}


def test_long_queries_of_slips_ask_for_few_items() -> None:
    shop = Shop()
    shop.rewriter.parse(" ".join(["stoe", "cge", "stoev", "ipe", "ligt", "raiqnbird"] * 40))
    assert shop.asked_count <= 60
