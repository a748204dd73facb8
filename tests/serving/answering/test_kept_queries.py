"""What is kept of queries while items are added and changed: answers are those of empty caches."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data.records import Item
from serving.api.requests import SearchRequest
from serving.engine import Engine
from tests.towers import shelf
from towers.catalog.items import Catalog

STEP_COUNT = 32
MORE_WORDS = ("ristretto", "zucchini", "organic", "café", "x-200", "100 ml")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    clock = lambda: 1_800_000_000.0  # noqa: E731
    engine = Engine.open(shelf.bundle_folder(), tmp_path / "state", clock=clock)
    yield engine
    engine.close()


def changed(items: list[Item], rng: random.Random, step: int) -> list[Item]:
    """A batch: items of mixed words that are new, mostly; else with other words, or another price."""
    kind = rng.choice(("new", "new", "new", "words", "price"))
    batch = []
    for number in range(rng.randint(1, 4)):
        item, other = rng.choice(items), rng.choice(items)
        if kind == "price":
            batch.append(replace(item, price=round(rng.uniform(1.0, 9.0), 2)))
            continue
        words = [*f"{item.title} {other.title}".split(), rng.choice(MORE_WORDS)]
        title = " ".join(rng.sample(words, min(len(words), 5)))
        item_id = f"new-{step}-{number}" if kind == "new" else item.item_id
        batch.append(replace(item, item_id=item_id, title=title, brand=other.brand))
    return batch


def queries(items: list[Item], rng: random.Random) -> list[str]:
    """One or two words of titles, some of them misspelt, and words that no item has at first."""
    found = []
    for item in rng.sample(items, 25):
        words = [word.lower() for word in item.title.split()]
        text = " ".join(rng.sample(words, min(2, len(words))))
        at = rng.randrange(len(text))
        found += [text, text[:at] + text[at + 1 :]]
    return [*found, *MORE_WORDS, "ristreto", "organic zuchini"]


def answer(engine: Engine, text: str) -> list[tuple[str, float]]:
    found = engine.search(SearchRequest(text, page_size=20, record=False))
    assert not found.missing
    return [(result.item_id, result.score) for result in found.results]


@pytest.mark.parametrize("seed", [3, 4])
def test_answers_while_items_change_are_those_of_empty_caches(engine: Engine, seed: int) -> None:
    rng, shop_items = random.Random(seed), [*shelf.items()]
    texts = queries(shop_items, rng)
    for step in range(STEP_COUNT):
        batch = changed(shop_items, rng, step)
        engine.update_items(batch)
        # An answer right after the change has what is new in it.
        for item in batch[:1]:
            assert answer(engine, item.item_id)[0][0] == item.item_id
        asked = rng.sample(texts, 12)
        kept = [answer(engine, text) for text in asked]
        # Not at every step, so that most of what is kept is older than the last change.
        if step % 4 == 3:
            engine.clear_queries()
            assert [answer(engine, text) for text in asked] == kept


def test_a_price_that_goes_and_comes_back_gives_the_columns_of_an_item_read_anew(
    engine: Engine,
) -> None:
    item = shelf.items()[3]
    catalog, lexical = engine.bundle.catalog, engine.bundle.ranker.sources.lexical
    assert item.price and lexical is not None
    document_count = lexical._index.document_count
    for price in (0.0, 2.0 * item.price, None, 0.0, None, item.price):
        changed_item = replace(item, price=price)
        engine.update_items([changed_item])
        anew = Catalog.of([changed_item], catalog.text)
        for name in ("price", "completeness", "tokens"):
            of_item = getattr(catalog, name)[3]
            assert np.array_equal(of_item, getattr(anew, name)[0], equal_nan=name == "price")
    # Nothing of it is a change of words.
    assert lexical._index.document_count == document_count
    assert lexical._index.versions.number == 0
