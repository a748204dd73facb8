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
from towers.ranking.candidate_records import CANDIDATE
from towers.ranking.feature_context import FeatureContext
from towers.ranking.features import FEATURE_NAMES, feature_matrix
from towers.ranking.field_matches import QueryTerms, field_score, match_fields
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


def of(catalog: Catalog, query: str | ParsedQuery) -> np.recarray:
    """The records of all items; every stem is as rare as every other unless a parsed query tells."""
    parsed = parsed_as_typed(query) if isinstance(query, str) else query
    items = np.zeros(len(_ITEMS), CANDIDATE)
    match_fields(parsed, catalog, np.arange(len(_ITEMS)), items)
    return items.view(np.recarray)


def weights_of(catalog: Catalog, query: str | ParsedQuery) -> list[float]:
    parsed = parsed_as_typed(query) if isinstance(query, str) else query
    return QueryTerms.of(parsed, catalog.text.bucket_count).weights.tolist()


def score_of(catalog: Catalog, query: str) -> list[float]:
    term_count = len(weights_of(catalog, query))
    return [float(field_score(item, term_count)) for item in of(catalog, query)]


def test_a_word_is_told_by_the_field_that_has_it(catalog: Catalog) -> None:
    assert weights_of(catalog, "zed cameras") == [0.5, 0.5]
    zed, camera, photo = (of(catalog, word) for word in ("zed", "cameras", "photo"))
    assert zed.title_share.tolist() == [1, 0, 0, 0, 1]
    assert camera.title_share.tolist() == [1, 1, 0, 0, 0]
    assert camera.leaf_share.tolist() == [1, 0, 1, 0, 0]
    assert not zed.leaf_share.any()
    assert zed.brand_share.tolist() == [1, 0, 1, 0, 0]
    # Of the path, which no share tells alone: in no title, brand or narrowest category.
    assert photo.field_share.tolist() == [1, 1, 1, 0, 0]
    assert not photo.leaf_share.any() and not photo.title_share.any()


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
    camera, bag, nameless, rug, bare = score_of(catalog, "camera")
    assert camera > bag > nameless > rug == bare == 0.0


def test_words_weigh_by_their_rarity_and_an_unknown_one_as_the_rarest(
    catalog: Catalog, tmp_path: Path
) -> None:
    index = LexicalIndex.build(_ITEMS, tmp_path)
    # Camera is in three items, wool in one; of neither a correction.
    found = weights_of(catalog, index.parse("wool camera"))
    wool, camera = index.rarities(["wool", "camera"])
    assert found == pytest.approx([wool / (wool + camera), camera / (wool + camera)], rel=1e-5)
    assert found[0] > found[1]
    unknown = weights_of(catalog, index.parse("wool zzqqxx camera"))
    assert unknown[1] == unknown[0] > unknown[2]
    assert sum(unknown) == pytest.approx(1.0)


def test_a_misspelt_word_is_found_by_its_correction(catalog: Catalog, tmp_path: Path) -> None:
    index = LexicalIndex.build(_ITEMS, tmp_path)
    fields = of(catalog, index.parse("compact camrea"))
    typed = of(catalog, "compact camera")
    assert (fields.title_share > 0).tolist() == (typed.title_share > 0).tolist()
    assert fields.head_is_title_head.tolist() == [True, False, False, False, False]


def test_function_words_count_only_where_there_is_nothing_else(catalog: Catalog) -> None:
    assert len(weights_of(catalog, "camera bag for the travel")) == 3
    assert len(weights_of(catalog, "for the")) == 2
    assert of(catalog, "for the").title_share.tolist() == [0.0, 0.5, 0.0, 0.0, 0.0]
    assert np.isfinite(score_of(catalog, "for the")).all()


def test_of_a_very_long_query_the_last_words_are_compared(catalog: Catalog) -> None:
    words = [f"word{number}" for number in range(298)]
    query = " ".join(["zed", *words, "camera"])
    assert len(weights_of(catalog, query)) < 30
    assert sum(weights_of(catalog, query)) == pytest.approx(1.0)
    fields = of(catalog, query)
    assert fields.head_in_title.tolist() == [True, True, False, False, False]
    # The first word is out of sight.
    assert not fields.title_share[4]
    for values in (score_of(catalog, query), fields.head_position, fields.title_coverage):
        assert len(values) == 5 and np.isfinite(values).all()


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


def test_an_item_changed_live_is_read_anew() -> None:
    catalog = Catalog.of(_ITEMS, TextConfig())
    catalog.upsert(Item("rug", "Wool camera", brand="Newly", category=("Fresh", "Gadgets")))
    fields = of(catalog, "newly gadgets camera")
    assert fields.field_share[[3, 0]].tolist() == pytest.approx([1.0, 1 / 3])
    assert fields.head_is_title_head[[3, 0]].tolist() == [True, True]
