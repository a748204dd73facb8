"""Features of the words that a query and an item share."""

from __future__ import annotations

import numpy as np
import pytest

from data.records import Event, EventType, Item
from towers.catalog.items import Catalog
from towers.config import Config, TextConfig
from towers.indexes.item_index import ItemIndex
from towers.indexes.lexical_index import LexicalIndex
from towers.ranking.candidate_records import CANDIDATE, REQUEST
from towers.ranking.feature_context import FeatureContext
from towers.ranking.features import FEATURE_NAMES, feature_matrix
from towers.ranking.field_matches import match_fields
from towers.ranking.word_matches import match_words
from towers.retrieval.candidates import Sources
from towers.retrieval.rank_request import EncodedRequest, RankRequest
from towers.retrieval.sources.learnt import Learnt
from towers.retrieval.sources.lexical import Lexical
from towers.retrieval.sources.popular import Popular
from towers.retrieval.sources.repurchase import Repurchase
from towers.sessions.query_input import query_input
from towers.sessions.session import Session
from towers.sessions.session_summary import SessionSummary
from towers.text.query_rewriter import parsed_as_typed

_TITLES = ["Blue wall paint", "Paint roller", "Garden hose", "Wall clock blue", "Hose reel #HR-550"]
_TITLES += [f"Paint colour card {number}" for number in range(20)]


@pytest.fixture(scope="module")
def sources() -> Sources:
    config = Config()
    items = [Item(f"item-{row}", title) for row, title in enumerate(_TITLES)]
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(len(items), config.towers.dim)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    repurchase = Repurchase(np.zeros(len(items), np.float32), np.zeros(0, np.float32))
    index = ItemIndex.build(rows, config.index, rows)
    words = Lexical(LexicalIndex.build(items))
    return Sources(
        Catalog.of(items, config.text),
        [Learnt(index), words, repurchase, Popular()],
        config=config.sources,
    )


def _features(sources: Sources, text: str) -> dict[str, np.ndarray]:
    """Columns by name, indexed by item row."""
    search = Event("", EventType.SEARCH, "", 0.0, query=text)
    session = Session.empty("").after(search)
    inputs = query_input(session, 0.0, row_of={}, known_types=frozenset({1}), config=Config())
    summary = SessionSummary.of(session, 0.0, sources.catalog)
    encoded = EncodedRequest(
        RankRequest(session, 0.0, text),
        sources.parse(text),
        inputs,
        sources.index.embeddings[0],
        summary,
    )
    candidates = sources.find(encoded)
    matrix = feature_matrix(FeatureContext(encoded, candidates, sources))
    assert np.isfinite(matrix).all()
    columns = np.full((len(FEATURE_NAMES), sources.catalog.count), np.nan, np.float32)
    columns[:, candidates.rows] = matrix.T
    return dict(zip(FEATURE_NAMES, columns, strict=True))


def test_shares_of_words_are_those_counted_by_hand(sources: Sources) -> None:
    found = _features(sources, "blue wall paint")
    assert found["query_word_share"][[0, 3, 1, 2]] == pytest.approx([1, 2 / 3, 1 / 3, 0])
    assert found["item_word_share"][[0, 3, 1]] == pytest.approx([1, 2 / 3, 1 / 2])
    assert found["query_pair_share"][[0, 3]] == pytest.approx([1, 0])
    assert found["last_word"][[0, 1, 3]].tolist() == [1, 1, 0]


def test_a_rare_word_missing_weighs_more_than_a_common_one(sources: Sources) -> None:
    found = _features(sources, "blue paint")
    assert found["query_rarity_share"][3] > found["query_rarity_share"][1] > 0
    assert found["heaviest_missing"][1] > found["heaviest_missing"][3] > 0
    assert found["heaviest_missing"][0] == 0


def test_a_corrected_word_counts_as_found(sources: Sources) -> None:
    assert _features(sources, "garden hosee")["query_rarity_share"][2] == pytest.approx(1.0)


def test_an_exact_number_is_a_feature_and_leaves_the_word_score_alone(sources: Sources) -> None:
    found = _features(sources, "hr-550")
    assert found["code_match"][4] == 1 and np.nansum(found["code_match"]) == 1
    assert 0 < found["lexical_score"][4] < 100
    assert found["lexical_rank"][4] == 1


def test_the_best_candidate_is_the_measure_of_the_others(sources: Sources) -> None:
    found = _features(sources, "wall paint")
    assert np.nanmax(found["lexical_to_best"]) == 1
    assert np.nanmax(found["learnt_to_best"]) == 0 == found["learnt_to_best"][0]


def test_damaged_token_numbers_are_refused() -> None:
    items, request = np.zeros(2, CANDIDATE), np.zeros(1, REQUEST)
    rows, damaged = np.arange(2), np.full((2, 40), -1, np.int32)
    with pytest.raises(ValueError, match="^tokens: expected numbers from 0"):
        match_words(parsed_as_typed("lamp"), 100, damaged, rows, items, request)
    catalog = Catalog.of([Item("a", "lamp"), Item("b", "red lamp")], TextConfig())
    catalog.title_tokens[:] = -1
    with pytest.raises(ValueError, match="^title tokens: expected numbers from 0"):
        match_fields(parsed_as_typed("lamp"), catalog, rows, items)
