"""The small encoder of queries learns from the large one, on a shelf of titles."""

from __future__ import annotations

import random

import numpy as np
import pytest

from tests.towers import shelf
from towers.catalog.items import Catalog
from towers.datasets.synthetic_queries import catalogue_query
from towers.retrieval.sources.semantic import item_text
from towers.text.distilled_encoder import DistilledEncoder
from towers.text.words import words
from towers.training.encoder import distillation
from towers.training.encoder.distillation import DIM, Distilled, distil
from towers.training.encoder.encoding_cache import EncodingCache
from towers.training.encoder.text_encoder import DIM as LARGE_DIM
from towers.training.encoder.text_encoder import TextEncoder, is_installed

pytestmark = pytest.mark.skipif(not is_installed(), reason="the extra `encoder` is not installed")

ITEM_COUNT = 80


@pytest.fixture(scope="module")
def teacher() -> TextEncoder:
    return TextEncoder(EncodingCache(None, LARGE_DIM))


@pytest.fixture(scope="module")
def distilled(teacher: TextEncoder) -> Distilled:
    items = shelf.items()[:ITEM_COUNT]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distillation, "_QUERY_COUNT", 400)
        patch.setattr(distillation, "_COMMON_COUNT", 300)
        return distil(teacher, items, Catalog.of(items, shelf.CONFIG.text), seed=3)


def other_queries(encoder: DistilledEncoder) -> list[str]:
    """Made queries of another seed, of known words only; some may have been in the training."""
    catalog, rng = Catalog.of(shelf.items()[:ITEM_COUNT], shelf.CONFIG.text), random.Random(99)
    made = (catalogue_query(catalog, row, rng, has_errors=False) for row in range(ITEM_COUNT))
    return sorted({text for text in made if text and encoder.words.keys() >= set(words(text))})


def random_encoder(like: DistilledEncoder) -> DistilledEncoder:
    rng = np.random.default_rng(5)
    arrays = (like.vectors, like.weights, like.hidden, like.out)
    return DistilledEncoder(
        like.words, *(np.abs(rng.normal(size=one.shape)).astype(np.float32) for one in arrays)
    )


def agreement(encoder: DistilledEncoder, items: np.ndarray, wanted: np.ndarray) -> float:
    """Mean correlation over the items of the cosines of a query by both encoders."""
    queries = other_queries(encoder)
    given = np.stack([encoder.encode(words(text)) for text in queries]) @ items.T
    return float(np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(given, wanted, strict=True)]))


def test_it_orders_the_items_as_the_large_encoder_does(
    teacher: TextEncoder, distilled: Distilled
) -> None:
    texts = [item_text(item) for item in shelf.items()[:ITEM_COUNT]]
    queries = other_queries(distilled.encoder)
    assert len(queries) > 20
    wanted = teacher.encode(queries) @ teacher.encode(texts).T
    learnt = agreement(distilled.encoder, distilled.items, wanted)
    by_chance = agreement(random_encoder(distilled.encoder), distilled.items, wanted)
    assert learnt > 0.8 > 0.4 > by_chance
    assert 0.7 < distilled.agreement <= 1


def test_the_items_keep_the_cosines_of_the_large_encoder(
    teacher: TextEncoder, distilled: Distilled
) -> None:
    large = teacher.encode([item_text(item) for item in shelf.items()[:ITEM_COUNT]])
    assert distilled.items.shape == (ITEM_COUNT, DIM) and distilled.items.dtype == np.float32
    assert np.linalg.norm(distilled.items, axis=1) == pytest.approx(1.0, abs=1e-5)
    lost = np.abs(distilled.items @ distilled.items.T - large @ large.T)
    assert lost.max() < 0.05
