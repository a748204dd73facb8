"""Items of one kind are those that share many rare tokens, and the category where there is one."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from data.records import Item
from tests.towers import shelf
from towers.catalog.items import Catalog
from towers.config import TextConfig
from towers.datasets.item_similarity import ItemSimilarity
from towers.text.tokens import PADDING

_CABLES = [Item(f"c{n}", f"Cablo patch cable {n} m") for n in range(30)]
_LAMPS = [Item(f"l{n}", f"Lumo projector lamp {100 + n} W") for n in range(5)]


def test_the_most_similar_are_found_as_a_cosine_over_all_pairs_finds_them() -> None:
    catalog = shelf.catalog()
    held = [set(row[row != PADDING].tolist()) for row in catalog.tokens[: catalog.count]]
    counts = {number: sum(number in own for own in held) for own in held for number in own}
    weight = {number: math.log(1 + len(held) / count) ** 2 for number, count in counts.items()}

    def similarity(one: int, other: int) -> float:
        shared = sum(weight[number] for number in held[one] & held[other])
        lengths = [sum(weight[number] for number in held[row]) for row in (one, other)]
        return shared / math.sqrt(lengths[0] * lengths[1])

    found_by = ItemSimilarity(catalog, np.arange(catalog.count), seed=1)
    for row in range(0, catalog.count, 17):
        same = [
            other
            for other in range(catalog.count)
            if other != row and catalog.category(other) == catalog.category(row)
        ]
        best = sorted((similarity(row, other) for other in same), reverse=True)[:24]
        expected = [value for value in best if value > 0.5 * best[0]]
        found = [similarity(row, other) for other in found_by.nearest(row).tolist()]
        np.testing.assert_allclose(found, expected, rtol=1e-4)
        assert set(found_by.nearest(row).tolist()) <= set(same)


def test_without_categories_words_alone_tell_kinds_apart() -> None:
    catalog = Catalog.of([*_CABLES, *_LAMPS], TextConfig())
    similarity = ItemSimilarity(catalog, np.arange(catalog.count), seed=1)
    cables, lamps = set(range(30)), set(range(30, 35))
    for row in range(catalog.count):
        kind = set(similarity.kind(row, random.Random(row)).tolist())
        assert kind <= (cables if row in cables else lamps) - {row}
        assert len(kind) == (24 if row in cables else 4)


def test_any_item_of_a_category_may_stand_for_it() -> None:
    items = [
        Item(f"i{n}", f"word{n} thing{n}", category=("Toys" if n < 60 else "Tools",))
        for n in range(120)
    ]
    catalog, rng = Catalog.of(items, TextConfig()), random.Random(3)
    similarity = ItemSimilarity(catalog, np.arange(120), seed=1)
    found = [similarity.kind(0, rng) for _ in range(40)]
    assert set(np.concatenate(found).tolist()) == set(range(1, 60))


def test_only_the_rows_given_are_found() -> None:
    catalog = Catalog.of(_CABLES, TextConfig())
    similarity = ItemSimilarity(catalog, np.arange(0, 30, 5), seed=1)
    assert set(similarity.nearest(7).tolist()) == set(range(0, 30, 5))
    assert set(similarity.nearest(5).tolist()) == set(range(0, 30, 5)) - {5}


def shop_of(counts: dict[str, int]) -> Catalog:
    """So many items alike but for one word, by category; of no category by an empty name."""
    items = [
        Item(f"{name}{n}", f"thing{name} w{n}", category=(name,) if name else ())
        for name, count in counts.items()
        for n in range(count)
    ]
    return Catalog.of(random.Random(1).sample(items, len(items)), TextConfig())


def test_of_a_shop_too_large_whole_small_categories_are_sampled() -> None:
    catalog = shop_of({f"c{n}": 6 for n in range(200)})
    similarity = ItemSimilarity(catalog, np.arange(1_200), seed=1, pool_limit=120)
    assert len(similarity.rows) == 120 and (np.diff(similarity.rows) > 0).all()
    counts = np.unique(catalog.leaf[similarity.rows], return_counts=True)[1]
    assert counts.tolist() == [6] * 20
    assert all(len(similarity.nearest(row)) == 5 for row in similarity.rows.tolist())
    again, other = (
        ItemSimilarity(catalog, np.arange(1_200), seed, pool_limit=120) for seed in (1, 2)
    )
    assert again.rows.tolist() == similarity.rows.tolist() != other.rows.tolist()


def test_of_a_shop_too_large_no_large_category_keeps_another_out() -> None:
    catalog = shop_of({"vast": 2_000, "large": 500, "small": 9})
    similarity = ItemSimilarity(catalog, np.arange(0, catalog.count), seed=1, pool_limit=300)
    names = [catalog.category(row)[0] for row in similarity.rows.tolist()]
    assert len(names) == 300 and names.count("small") == 9
    # Shelf by shelf of 48 in turn: 291 are six shelves and a part of one.
    assert min(names.count("vast"), names.count("large")) >= 3 * 48 - 45


@pytest.mark.parametrize(
    ("categories", "pool_limit"),
    [
        ({f"c{n}": 5 for n in range(300)}, 1_500),
        ({"vast": 1_500}, 1_500),
        ({**{f"large{n}": 2_000 for n in range(4)}, **{f"small{n}": 10 for n in range(20)}}, 600),
    ],
)
def test_of_a_shop_too_large_what_has_no_category_keeps_its_share(
    categories: dict[str, int], pool_limit: int
) -> None:
    catalog = shop_of({"": 3_000, **categories})
    similarity = ItemSimilarity(catalog, np.arange(catalog.count), seed=1, pool_limit=pool_limit)
    names = ["".join(catalog.category(row)) for row in similarity.rows.tolist()]
    share = 3_000 / (3_000 + sum(categories.values()))
    assert len(names) == pool_limit and abs(names.count("") - share * pool_limit) <= 1
    # What has none keeps no large category out: each of them has its first shelf or a part of it.
    assert all(names.count(name) > 30 for name, count in categories.items() if count > 48)


def test_of_a_shop_too_large_without_categories_any_are_sampled() -> None:
    plain = shop_of({"": 900})
    assert len(ItemSimilarity(plain, np.arange(900), seed=1, pool_limit=100).rows) == 100


def test_an_item_like_no_other_has_no_kind() -> None:
    catalog = Catalog.of([*_LAMPS, Item("x", "giraffe")], TextConfig())
    similarity = ItemSimilarity(catalog, np.arange(6), seed=1)
    assert similarity.kind(5, random.Random(1)).tolist() == []
    alone = ItemSimilarity(Catalog.of(_LAMPS[:1], TextConfig()), np.arange(1), seed=1)
    assert alone.nearest(0).tolist() == []
