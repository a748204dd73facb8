"""Words of a query in the fields of a handful of items, each value worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.records import Item
from tests.towers import shelf
from towers.catalog.items import Catalog
from towers.config import TextConfig
from towers.indexes.lexical_index import LexicalIndex
from towers.ranking.feature_context import FeatureContext
from towers.ranking.features import FEATURE_NAMES, feature_matrix
from towers.ranking.field_matches import FieldMatches
from towers.retrieval.candidates import Candidates
from towers.retrieval.rank_request import RankRequest
from towers.sessions.session import Session
from towers.text.parsed_query import ParsedQuery
from towers.text.query_rewriter import parsed_as_typed

_ITEMS = [
    Item("camera", "Zed compact camera black", brand="Zed", category=("Photo", "Cameras")),
    Item("bag", "Camera bag for travel", brand="Norwell", category=("Photo", "Bags and cases")),
    Item("nameless", "X-90 black", brand="Zed", category=("Photo", "Compact cameras")),
    Item("rug", "Wool rug", category=("Home",)),
    Item("bare", "Zed"),
]


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog.of(_ITEMS, TextConfig())


def of(catalog: Catalog, query: str | ParsedQuery) -> FieldMatches:
    """Every stem is as rare as every other unless a parsed query tells."""
    parsed = parsed_as_typed(query) if isinstance(query, str) else query
    return FieldMatches(parsed, catalog, np.arange(len(_ITEMS)))


def test_a_word_is_told_by_the_field_that_has_it(catalog: Catalog) -> None:
    fields = of(catalog, "zed cameras")
    assert fields.weights.tolist() == [0.5, 0.5]
    zed, camera = 0, 1
    assert fields.in_title[zed].tolist() == [True, False, False, False, True]
    assert fields.in_title[camera].tolist() == [True, True, False, False, False]
    assert fields.in_leaf[camera].tolist() == [True, False, True, False, False]
    assert not fields.in_leaf[zed].any()
    assert fields.in_brand[zed].tolist() == [True, False, True, False, False]
    assert of(catalog, "photo").in_path[0].tolist() == [True, True, True, False, False]
    assert not of(catalog, "photo").in_leaf.any()


def test_shares_are_of_the_terms(catalog: Catalog) -> None:
    fields = of(catalog, "zed cameras")
    assert fields.title_share.tolist() == [1.0, 0.5, 0.0, 0.0, 0.5]
    assert fields.leaf_share.tolist() == [0.5, 0.0, 0.5, 0.0, 0.0]
    assert fields.brand_share.tolist() == [0.5, 0.0, 0.5, 0.0, 0.0]
    assert fields.field_share.tolist() == [1.0, 0.5, 1.0, 0.0, 0.5]


def test_coverage_is_of_the_words_of_the_field(catalog: Catalog) -> None:
    fields = of(catalog, "compact camera bag")
    expected = [2 / 4, 2 / 4, 0.0, 0.0, 0.0]
    assert fields.title_coverage.tolist() == pytest.approx(expected)
    # "Bags and cases", "Compact cameras", "Home" and no category at all.
    assert fields.leaf_coverage.tolist() == pytest.approx([1.0, 1 / 3, 1.0, 0.0, 0.0])


def test_the_head_term_tells_a_camera_from_a_camera_bag(catalog: Catalog) -> None:
    fields = of(catalog, "compact camera for travel")
    assert fields.head_in_title.tolist() == [True, True, False, False, False]
    assert fields.head_in_leaf.tolist() == [True, False, True, False, False]
    assert fields.head_is_title_head.tolist() == [True, False, False, False, False]
    assert fields.head_position.tolist() == pytest.approx([1 / 3, 1.0, 0.0, 0.0, 0.0])


def test_the_thing_scores_above_what_goes_with_it_and_both_above_the_rest(catalog: Catalog) -> None:
    scores = of(catalog, "camera").score
    assert scores.dtype == np.float32
    camera, bag, nameless, rug, bare = scores.tolist()
    assert camera > bag > nameless > rug == bare == 0.0


def test_words_weigh_by_their_rarity_and_an_unknown_one_as_the_rarest(
    catalog: Catalog, tmp_path: Path
) -> None:
    index = LexicalIndex.build(_ITEMS, tmp_path)
    # Camera is in three items, wool in one; of neither a correction.
    fields = of(catalog, index.parse("wool camera"))
    wool, camera = index.rarities(["wool", "camera"])
    assert fields.weights.tolist() == pytest.approx(
        [wool / (wool + camera), camera / (wool + camera)], rel=1e-5
    )
    assert fields.weights[0] > fields.weights[1]
    unknown = of(catalog, index.parse("wool zzqqxx camera")).weights
    assert unknown[1] == unknown[0] > unknown[2]
    assert unknown.sum() == pytest.approx(1.0)


def test_a_misspelt_word_is_found_by_its_correction(catalog: Catalog, tmp_path: Path) -> None:
    index = LexicalIndex.build(_ITEMS, tmp_path)
    fields = of(catalog, index.parse("compact camrea"))
    assert fields.in_title.tolist() == of(catalog, "compact camera").in_title.tolist()
    assert fields.head_is_title_head.tolist() == [True, False, False, False, False]


def test_function_words_count_only_where_there_is_nothing_else(catalog: Catalog) -> None:
    with_them = of(catalog, "camera bag for the travel")
    assert len(with_them.weights) == 3
    alone = of(catalog, "for the")
    assert len(alone.weights) == 2
    assert alone.title_share.tolist() == [0.0, 0.5, 0.0, 0.0, 0.0]
    assert np.isfinite(alone.score).all()


def test_of_a_very_long_query_the_last_words_are_compared(catalog: Catalog) -> None:
    words = [f"word{number}" for number in range(298)]
    fields = of(catalog, " ".join(["zed", *words, "camera"]))
    assert len(fields.weights) < 30
    assert fields.weights.sum() == pytest.approx(1.0)
    assert fields.in_title[-1].tolist() == [True, True, False, False, False]
    # The first word is out of sight.
    assert not fields.title_share[4]
    for values in (fields.score, fields.head_position, fields.title_coverage):
        assert values.shape == (5,) and np.isfinite(values).all()


@pytest.mark.parametrize("query", ["!!!", "?", "- -"])
def test_a_search_without_words_has_features_of_zero(query: str) -> None:
    ranker = shelf.ranker()
    session = Session.empty("v").after(shelf.search(query, 1_000.0))
    encoded = ranker.read(RankRequest(session, 1_000.0, query))
    found = ranker.candidates(encoded)
    # The sources find nothing for it, but the item that a rule pins is ranked all the same.
    ranks = np.full((5, found.ranks.shape[1]), -1, np.int32)
    candidates = Candidates(np.arange(5), ranks, found.scores, found.missing)
    context = FeatureContext(encoded, candidates, ranker.sources)
    assert not context.search_score.any()
    matrix = feature_matrix(context)
    assert np.isfinite(matrix).all()
    for name in ("search_score", "title_share", "head_in_title", "head_position"):
        assert not matrix[:, FEATURE_NAMES.index(name)].any()


def test_no_candidates_have_no_values(catalog: Catalog) -> None:
    fields = FieldMatches(parsed_as_typed("zed camera"), catalog, np.zeros(0, np.int64))
    for values in (fields.score, fields.title_share, fields.leaf_coverage, fields.head_position):
        assert values.shape == (0,)


def test_an_item_changed_live_is_read_anew() -> None:
    catalog = Catalog.of(_ITEMS, TextConfig())
    catalog.upsert(Item("rug", "Wool camera", brand="Newly", category=("Fresh", "Gadgets")))
    fields = FieldMatches(parsed_as_typed("newly gadgets camera"), catalog, np.array([3, 0]))
    assert fields.field_share.tolist() == pytest.approx([1.0, 1 / 3])
    assert fields.head_is_title_head.tolist() == [True, True]
