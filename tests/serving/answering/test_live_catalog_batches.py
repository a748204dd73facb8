"""Changes that come in many small batches leave the same state as one batch of their newest items."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np

from data.records import Item
from serving.engine import Engine
from towers.text.words import stem

WORDS = [
    "copper",
    "kettle",
    "lid",
    "walnut",
    "tray",
    "linen",
    "apron",
    "steel",
    "ladle",
    "clay",
    "jug",
    "oak",
    "spoon",
]
COLUMNS = ("price", "listed", "in_stock", "completeness", "tokens", "title_tokens", "text_keys")


def random_item(item_id: str, rng: random.Random) -> Item:
    return Item(
        item_id,
        " ".join(rng.sample(WORDS, rng.randint(2, 6))),
        category=("Kitchen", rng.choice(WORDS)),
        brand=rng.choice(("Alfa", "Beta", "")),
        price=round(rng.uniform(1.0, 90.0), 2),
        attributes={"colour": rng.choice(("red", "blue"))},
    )


def test_many_batches_equal_one_and_words_are_found_as_by_hand(
    shop_bundle: Path, tmp_path: Path
) -> None:
    rng = random.Random(11)
    # Half of the ids come again, in their own batch or a later one, so that rows are replaced.
    ids = [f"new-{number}" for number in range(60)] + ["p0000", "p0001"]
    stream = [random_item(rng.choice(ids), rng) for _ in range(160)]
    newest = {item.item_id: item for item in stream}
    step_by_step = Engine.open(shop_bundle, tmp_path / "many")
    at_once = Engine.open(shop_bundle, tmp_path / "one")
    begin = 0
    while begin < len(stream):
        end = begin + rng.randint(1, 12)
        step_by_step.update_items(stream[begin:end])
        begin = end
    at_once.update_items(stream)
    many, one = step_by_step.bundle, at_once.bundle
    rows = many.catalog.rows([*newest])
    assert np.array_equal(rows, one.catalog.rows([*newest]))
    for name in COLUMNS:
        assert np.array_equal(getattr(many.catalog, name)[rows], getattr(one.catalog, name)[rows])
    assert np.array_equal(
        many.ranker.sources.index.embeddings[rows], one.ranker.sources.index.embeddings[rows]
    )
    lexical = many.ranker.sources.lexical
    assert lexical is not None
    for word in WORDS:
        holders = lexical.holders([((stem(word),),)], None)
        found = [int(row) for row in sorted(holders.tolist()) if row in set(rows.tolist())]
        by_hand = [
            row
            for row, item in zip(rows.tolist(), newest.values(), strict=True)
            if word in item.title.split() or word == item.category[1]
        ]
        assert found == sorted(by_hand)
        # The documents that BM25 finds are the newest ones alone.
        hits, _ = lexical.search(lexical.parse(word), 500)
        assert set(hits.tolist()) & set(rows.tolist()) == set(by_hand)
        assert len(hits) == len(set(hits.tolist()))
    query = many.ranker.sources.index.embeddings[rows[0]].copy()
    count = many.catalog.count
    best = np.argsort(-(many.ranker.sources.index.embeddings[:count] @ query), kind="stable")
    assert many.ranker.sources.index.search(query, 5)[0] in best[:2]
    step_by_step.close()
    at_once.close()
