"""Items whose text means what the query means, in a space of three directions: cups, lamps, rugs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data.errors import BundleError
from data.records import Item
from tests.towers import shelf
from towers.catalog.items import Catalog
from towers.config import Config, SourcesConfig, TextConfig
from towers.indexes.item_index import ItemIndex
from towers.ranking.feature_context import FeatureContext
from towers.ranking.features import FEATURE_NAMES, feature_matrix
from towers.retrieval.allowed_items import AllowedItems
from towers.retrieval.rank_request import EncodedRequest, RankRequest
from towers.retrieval.source import Rebase, TextVectors
from towers.retrieval.sources.semantic import Semantic, item_text, text_keys
from towers.sessions.session import Session
from towers.text.distilled_encoder import DistilledEncoder
from towers.text.query_rewriter import parsed_as_typed

_TIME = 1_000.0
_CUP, _LAMP, _RUG = np.eye(3, dtype=np.float32)
_WORDS = {"cup": _CUP, "mug": _CUP, "lamp": _LAMP, "light": _LAMP, "rug": _RUG}
_ITEMS = (
    Item("a", "Tall cup"),
    Item("b", "Desk lamp"),
    Item("c", "Wool rug"),
    Item("d", "Lantern"),
)
# Only the large encoder knows what a lantern is.
_READ = np.stack([_CUP, _LAMP, _RUG, (3 * _LAMP + 4 * _RUG) / 5])


def encoder() -> DistilledEncoder:
    """The mean of the known words: the residual layer is zero."""
    return DistilledEncoder(
        {word: row for row, word in enumerate(_WORDS)},
        np.stack([*_WORDS.values()]),
        np.ones(len(_WORDS), np.float32),
        np.zeros((3, 2), np.float32),
        np.zeros((2, 3), np.float32),
    )


def semantic(items: Sequence[Item] = _ITEMS) -> Semantic:
    index = ItemIndex.build(_READ, Config().index, _READ)
    return Semantic(TextVectors(index, encoder(), text_keys(items)))


def encoded(text: str, **request: object) -> EncodedRequest:
    ranker = shelf.ranker()
    session = Session.empty("v").after(shelf.search(text, _TIME)) if text else Session.empty("v")
    read = ranker.read(RankRequest(session, _TIME, text))
    rank_request = RankRequest(session, _TIME, text, **request)  # type: ignore[arg-type]
    # As typed: the shop of the ranker has no such words and would correct them.
    return replace(read, rank_request=rank_request, query=parsed_as_typed(text))


def catalog(items: Sequence[Item] = _ITEMS) -> Catalog:
    return Catalog.of(items, TextConfig())


def found(source: Semantic, text: str, count: int = 2, **request: object) -> list[int]:
    asked = encoded(text, **request)
    allowed = AllowedItems.of(catalog(), asked.rank_request)
    return source.find(asked, allowed, SourcesConfig(semantic_count=count)).rows.tolist()


def test_it_finds_what_a_query_means_by_other_words() -> None:
    assert found(semantic(), "mug", 1) == [0]
    assert found(semantic(), "light", 2) == [1, 3]
    assert found(semantic(), "rug", 2) == [2, 3]


def test_a_query_of_unknown_words_and_no_query_find_nothing() -> None:
    assert found(semantic(), "zzyzx") == []
    assert found(semantic(), "") == []
    assert found(semantic(), "mug", 0) == []


def test_only_allowed_items_are_found() -> None:
    assert found(semantic(), "light", 2, mask=np.array([True, False, False, True])) == [3, 0]
    assert found(semantic(), "light", 1, excluded=np.array([1])) == [3]
    # What was found for everybody is not what a filter finds, nor the other way round.
    source = semantic()
    assert [
        found(source, "light", 1),
        found(source, "light", 1, mask=np.array([True, False, False, True])),
        found(source, "light", 1),
    ] == [[1], [3], [1]]


def test_an_item_deleted_after_it_was_found_is_not_found_again() -> None:
    source, asked, changed = semantic(), encoded("light"), catalog()
    config = SourcesConfig(semantic_count=2)
    for expected in ([1, 3], [3]):
        allowed = AllowedItems.of(changed, asked.rank_request)
        assert source.find(asked, allowed, config).rows.tolist() == expected
        changed.remove(_ITEMS[1].item_id)


def test_scores_are_cosines() -> None:
    rows = np.array([3, 1, 0])
    assert semantic().scores(parsed_as_typed("light"), rows).tolist() == pytest.approx(
        [0.6, 1.0, 0.0]
    )
    both = semantic().scores(parsed_as_typed("rug light"), rows)
    assert both.tolist() == pytest.approx([1.4 / 2**0.5, 1 / 2**0.5, 0.0])
    assert semantic().scores(parsed_as_typed("zzyzx"), rows).tolist() == [0.0, 0.0, 0.0]


def test_a_changed_text_is_read_by_the_small_encoder_and_a_known_one_has_its_vector_again() -> None:
    source = semantic()
    renamed = replace(_ITEMS[3], title="Paper mug")
    source.take_in_items([(3, renamed)])
    assert sorted(found(source, "mug", 2)) == [0, 3]
    assert source.scores(parsed_as_typed("rug"), np.array([3])).tolist() == [0.0]
    # Another price is no other text.
    source.take_in_items([(3, replace(_ITEMS[3], price=9.0))])
    assert source.scores(parsed_as_typed("rug"), np.array([3])).tolist() == pytest.approx([0.8])
    assert found(source, "rug", 2) == [2, 3]


def test_a_new_item_is_found_by_what_the_small_encoder_reads() -> None:
    source, items = semantic(), [*_ITEMS, Item("e", "Reading light")]
    assert found(source, "lamp", 1) == [1]
    source.take_in_items([(4, items[4])])
    asked = encoded("lamp")
    allowed = AllowedItems.of(catalog(items), asked.rank_request)
    rows = source.find(asked, allowed, SourcesConfig(semantic_count=2)).rows
    assert sorted(rows.tolist()) == [1, 4]


def test_an_item_listed_before_its_vector_scores_nothing_and_breaks_nothing() -> None:
    source, items = semantic(), [*_ITEMS, Item("e", "Reading light")]
    rows = np.array([1, 4])
    assert source.scores(parsed_as_typed("lamp"), rows).tolist() == [1.0, 0.0]
    asked = encoded("lamp", mask=np.array([False, True, False, False, True]))
    allowed = AllowedItems.of(catalog(items), asked.rank_request)
    assert source.find(asked, allowed, SourcesConfig(semantic_count=2)).rows.tolist() == [1]


def test_a_new_item_of_unknown_words_has_a_vector_too() -> None:
    source = semantic()
    source.take_in_items([(4, Item("e", "Zzyzx"))])
    (score,) = source.scores(parsed_as_typed("lamp"), np.array([4]))
    assert score == pytest.approx(1 / 3**0.5)


def test_it_is_saved_and_loaded(tmp_path: Path) -> None:
    semantic().save(tmp_path)
    loaded = Semantic.load(tmp_path, catalog())
    assert not loaded.is_empty
    assert found(loaded, "light") == found(semantic(), "light")
    loaded.take_in_items([(3, _ITEMS[3])])
    assert loaded.scores(parsed_as_typed("rug"), np.array([3])).tolist() == pytest.approx([0.8])


def test_another_number_of_items_is_refused(tmp_path: Path) -> None:
    semantic().save(tmp_path)
    with pytest.raises(BundleError, match="vectors.npy: expected 3 rows, received 4"):
        Semantic.load(tmp_path, catalog(_ITEMS[:3]))


def test_in_another_catalogue_known_texts_keep_their_vectors() -> None:
    source = semantic()
    # A live change does not outlive a new catalogue that has the old text.
    source.take_in_items([(3, replace(_ITEMS[3], title="Paper mug"))])
    items = [Item("new", "Lantern"), _ITEMS[0], Item("x", "Small lamp")]
    moved = np.array([1, -1, -1, 0])
    embeddings = np.eye(3, 4, dtype=np.float32)
    rebase = Rebase(catalog(items), items, moved, embeddings, embeddings, Config().index)
    rebased = source.rebased(rebase)
    rows = np.arange(3)
    assert rebased.scores(parsed_as_typed("rug"), rows).tolist() == pytest.approx([0.8, 0.0, 0.0])
    assert rebased.scores(parsed_as_typed("lamp"), rows).tolist() == pytest.approx([0.6, 0.0, 1.0])
    assert rebased.scores(parsed_as_typed("mug"), rows).tolist() == pytest.approx([0.0, 1.0, 0.0])


def test_without_an_encoder_it_finds_nothing_and_its_features_are_zero(tmp_path: Path) -> None:
    source = Semantic(None)
    assert source.is_empty and found(source, "light") == []
    assert source.scores(parsed_as_typed("light"), np.arange(3)).tolist() == [0.0] * 3
    source.take_in_items([(0, _ITEMS[0])])
    source.save(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert Semantic.load(tmp_path, catalog()).is_empty
    ranker = shelf.ranker()
    session = Session.empty("v").after(shelf.search("copper wok", _TIME))
    asked = ranker.read(RankRequest(session, _TIME, "copper wok"))
    context = FeatureContext(asked, ranker.candidates(asked), ranker.sources)
    matrix = feature_matrix(context)
    assert len(matrix)
    for name in ("semantic_rank", "semantic_score", "semantic_to_best"):
        assert not matrix[:, FEATURE_NAMES.index(name)].any()


def test_what_is_read_of_an_item_is_its_title_and_a_category_that_adds_to_it() -> None:
    assert item_text(Item("a", "Tall cup", category=("Kitchen", "Mugs"))) == "Tall cup. Mugs"
    assert item_text(Item("a", "Tall Mugs", category=("Kitchen", "Mugs"))) == "Tall Mugs"
    assert item_text(Item("a", "Tall cup")) == "Tall cup"
    one, other, same = text_keys([Item("a", "x"), Item("a", "y"), Item("b", "x", price=1.0)])
    assert one == same != other
