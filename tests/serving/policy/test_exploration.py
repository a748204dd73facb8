"""What is drawn, and its propensity, against the shares that follow by hand."""

from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from serving.policy.exploration import Exploration, explore, is_new, slot_of
from tests.towers import shelf
from towers.catalog.items import Catalog
from towers.retrieval.popularity import Popularity

SCORES = np.array([9.0, 8.0, 2.0, 1.0, 0.0], np.float32)
NOW = 1.7e9


def test_a_seeded_run_draws_the_stated_share_by_softmax_with_the_logged_propensity() -> None:
    rng, count, share = random.Random(5), 20_000, 0.2
    outcomes = Counter[Exploration]()
    for _ in range(count):
        outcome = explore(1, [2, 3, 4], SCORES, share, rng)
        assert outcome is not None
        outcomes[outcome] += 1
    whole = math.exp(2) + math.exp(1) + 1
    expected = {
        None: 0.8,
        2: 0.2 * math.exp(2) / whole,
        3: 0.2 * math.exp(1) / whole,
        4: 0.2 / whole,
    }
    assert {outcome.drawn for outcome in outcomes} == set(expected)
    for outcome, seen in outcomes.items():
        chance = expected[outcome.drawn]
        assert outcome.propensity == pytest.approx(chance, rel=1e-9)
        # Four standard deviations of a binomial.
        assert abs(seen - count * chance) < 4 * math.sqrt(count * chance * (1 - chance))
    # Over what is drawn they sum to the share, over all to 1.
    drawn = [one.propensity for one in outcomes if one.drawn is not None]
    assert sum(drawn) == pytest.approx(share) and sum(
        o.propensity for o in outcomes
    ) == pytest.approx(1)


def test_where_nothing_may_be_drawn_nothing_is_up_to_chance() -> None:
    rng = random.Random(1)
    assert explore(1, [], SCORES, 0.2, rng) is None
    assert explore(1, [2], SCORES, 0.0, rng) is None


def test_every_slot_is_drawn_alike() -> None:
    rng = random.Random(2)
    seen = Counter(slot_of([3, 5, 6], rng) for _ in range(3_000))
    assert set(seen) == {3, 5, 6} and all(abs(count - 1_000) < 110 for count in seen.values())


def test_what_was_created_lately_or_is_little_exposed_is_new() -> None:
    items = [
        replace(shelf.items()[n], item_id=f"i{n}", created_time=datetime.fromtimestamp(time, UTC))
        for n, time in enumerate((NOW - 5 * 86_400, NOW - 50 * 86_400, NOW - 50 * 86_400))
    ]
    items.append(replace(items[0], item_id="i3", created_time=None))
    catalog = Catalog.of(items, shelf.CONFIG.text)
    popularity = Popularity(1.0)
    for row in (0, 1, 3):
        popularity.add(row, 3.0, NOW - 86_400)
    rows = np.arange(4)
    assert is_new(rows, NOW, 30.0, catalog, popularity).tolist() == [True, False, True, False]
    assert is_new(rows, NOW, 60.0, catalog, popularity).tolist() == [True, True, True, False]
    # Another half-life later less than one event is left of each; a gap counts as a day at most.
    popularity.add(3, 0.0, NOW + 86_400)
    later = is_new(rows, NOW + 2 * 86_400, 0.0, catalog, popularity).tolist()
    assert later == [True, True, True, True]
