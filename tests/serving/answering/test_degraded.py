"""An answer goes on without a part that fails, and says so: each part is really broken here."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tantivy

from data.errors import BundleError
from data.records import Event, EventType
from data.sources.own_log import iter_impressions
from data.synthetic import END_TIME
from protos import discovery_pb2
from serving.answering import merchandising, pipeline
from serving.answering.rules import Targets
from serving.api.answers import Answer
from serving.api.requests import (
    CompleteRequest,
    FacetRequest,
    Filter,
    Placement,
    RecommendRequest,
    SearchRequest,
    SortOrder,
)
from serving.engine import Engine
from tests.towers import shelf
from towers.bundle.bundle import Bundle
from towers.bundle.golden import check_golden
from towers.indexes.inverted.item_documents import Document
from towers.indexes.inverted.posting_lists import PostingWriter
from towers.indexes.lexical_index import LexicalIndex
from towers.ranking.calibration import Calibration
from towers.ranking.features import FEATURE_NAMES
from towers.ranking.litert_models import LiteModel, QueryEncoder, Reranker
from towers.retrieval.candidates import SOURCES
from towers.retrieval.popularity import Popularity

NOW = END_TIME + 60.0
SEARCH = SearchRequest("espresso", "v", page_size=10, explain=True, record=False)
HOME = RecommendRequest(Placement.HOME, "v", page_size=10, explain=True)


def nan_reranker() -> Reranker:
    """The exported model with a weight that is no number."""
    import warnings

    with warnings.catch_warnings():
        # What TensorFlow's converter warns of is not ours to mend.
        warnings.simplefilter("ignore")
        from towers.models.deep_cross import DeepCross
        from towers.models.export import reranker_file
        from towers.models.legacy_keras import tf

        width = len(FEATURE_NAMES)
        model = DeepCross(
            shelf.CONFIG.rerank, np.zeros(width, np.float32), np.ones(width, np.float32)
        )
        model(tf.zeros((2, width)))
        for weight in model.trainable_weights:
            weight.assign(tf.fill(weight.shape, float("nan")))
        return Reranker(LiteModel(reranker_file(model, width, 128)))


@pytest.fixture
def engine(shelf_engine: Callable[..., Engine]) -> Engine:
    engine = shelf_engine()
    engine.record([shelf.view("p0004", NOW - 20), shelf.view("p0005", NOW - 10)])
    return engine


def whole(answer: Answer) -> Answer:
    """The answer, once it is certain that it is one: a full page of finite scores that fall."""
    scores = [result.score for result in answer.results]
    assert len(scores) == 10 and all(map(math.isfinite, scores))
    assert scores == sorted(scores, reverse=True)
    assert len({result.item_id for result in answer.results}) == 10
    for result in answer.results:
        assert result.purchase_probability is None or 0 < result.purchase_probability < 1
    return answer


@pytest.mark.parametrize("broken", ["nan", "garbage", "foreign"])
def test_without_a_working_reranker_the_order_is_that_of_the_fusion(
    engine: Engine, broken: str
) -> None:
    ranker = engine.bundle.ranker
    ranker.reranker = None
    searched, browsed = engine.search(SEARCH), engine.recommend(HOME)
    if broken == "nan":
        ranker.reranker = nan_reranker()
    else:
        content = b"no model" if broken == "garbage" else shelf.models().query_tower
        ranker.reranker = Reranker(LiteModel(content))
    for answer, plain in (
        (whole(engine.search(SEARCH)), searched),
        (whole(engine.recommend(HOME)), browsed),
    ):
        assert answer.missing == ("reranker",)
        assert [r.item_id for r in answer.results] == [r.item_id for r in plain.results]
        assert all(one.purchase_probability is None for one in answer.results)


def test_without_a_working_query_tower_words_and_counts_still_find(engine: Engine) -> None:
    engine.bundle.ranker.encoder = QueryEncoder(LiteModel(b"no model"))
    answer = whole(engine.search(SEARCH))
    assert answer.missing == ("query_tower",)
    assert any("espresso" in one.title.lower() for one in answer.results)
    assert whole(engine.recommend(HOME)).missing == ("query_tower",)


def test_an_embedding_that_is_not_finite_never_reaches_the_index(engine: Engine) -> None:
    index = engine.bundle.ranker.sources.index
    # What stands in the embeddings goes into the query tower, and comes out of it as it is.
    index.embeddings[4] = np.nan
    answer = engine.recommend(replace(HOME, explain=False))
    assert "query_tower" in answer.missing
    assert all(math.isfinite(one.score) for one in answer.results)


def broken_lexical(folder: Path) -> LexicalIndex:
    """An index whose file lacks a field that queries ask for, and posting lists without their ends."""
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("row", indexed=True, fast=True)
    builder.add_text_field("title", tokenizer_name="whitespace", index_option="freq")
    index = tantivy.Index(builder.build(), path=str(folder))
    writer = index.writer(heap_size=15_000_000, num_threads=1)
    document = tantivy.Document(title="espresso")
    document.add_unsigned("row", 0)
    writer.add_document(document)
    writer.commit()
    writer.wait_merging_threads()
    postings = PostingWriter()
    postings.add(Document(0, {"title": ["espresso"]}, (), {}))
    postings.save(folder)
    np.save(folder / "posting_ends.npy", np.zeros(0, np.int64))
    return LexicalIndex(folder, {"espresso": 1}, {}, lambda: None)


def test_a_lexical_index_that_fails_is_left_out_everywhere(engine: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    engine.bundle.ranker.sources.lexical = broken_lexical(folder)
    answer = whole(engine.search(SEARCH))
    # The query was read as typed, so that all but the lexical source goes on.
    assert "lexical" in answer.missing and "features" not in answer.missing
    priced = replace(SEARCH, sort_by=SortOrder.PRICE_LOW, facets=(FacetRequest("brand"),))
    answer = whole(engine.search(priced))
    assert {"lexical", "match_set"} <= set(answer.missing)
    assert answer.facets == () and answer.match_count is None
    # A browse page of somebody who searches for nothing needs no words.
    calm = replace(HOME, visitor_id="somebody else")
    assert whole(engine.recommend(calm)).missing == ()


@pytest.mark.parametrize(
    ("part", "name"), [("cooccurrence", "covisited"), ("session_knn", "neighbours")]
)
def test_a_source_that_fails_is_left_out(engine: Engine, part: str, name: str) -> None:
    # A table of one row, and sessions without a log.
    broken = {
        "cooccurrence": lambda: replace(
            engine.bundle.ranker.sources.cooccurrence,  # type: ignore[type-var]
            scores=np.zeros((1, 40), np.float32),
        ),
        "session_knn": lambda: object.__new__(type(engine.bundle.ranker.sources.session_knn)),
    }[part]()
    setattr(engine.bundle.ranker.sources, part, broken)
    answer = whole(engine.recommend(HOME))
    assert name in answer.missing
    assert all(hit.source != name for one in answer.results for hit in one.sources)


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("request_", [SEARCH, HOME])
def test_any_source_that_fails_is_left_out_and_its_features_are_not_logged(
    shelf_engine: Callable[..., Engine],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    name: str,
    request_: SearchRequest | RecommendRequest,
) -> None:
    engine = shelf_engine(log_feature_share=1.0)
    engine.record([shelf.view("p0004", NOW - 20), shelf.view("p0005", NOW - 10)])
    _answer(engine, request_)
    monkeypatch.setattr(type(engine.bundle.ranker.sources.get(name)), "find", _fail)
    answer = whole(_answer(engine, request_))
    assert name in answer.missing
    # Beyond the shortlist follow nearest neighbours, which are not the source's candidates.
    hits = [hit for one in answer.results for hit in one.sources if hit.source == name]
    assert all(hit.source == "learnt" and hit.rank > 1 for hit in hits)
    assert len({hit.rank for hit in hits}) <= 1
    engine.close()
    sound, degraded = iter_impressions(tmp_path / "state0")
    assert sound.features is not None and degraded.features is None


@pytest.mark.parametrize("name", ["query_tower", "features", "rule_effects"])
def test_features_are_not_logged_where_a_stage_they_need_fails(
    shelf_engine: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    engine = shelf_engine('[[hide]]\nitems = ["p0200"]\n', log_feature_share=1.0)
    if name == "query_tower":
        engine.bundle.ranker.encoder = QueryEncoder(LiteModel(b"no model"))
    elif name == "features":
        engine.bundle.ranker.sources.popular.trend = FailingCounts(3.0)
    else:
        monkeypatch.setattr(pipeline, "rules_that_changed_page", _fail)
    assert name in engine.search(SEARCH).missing
    engine.close()
    (impression,) = iter_impressions(tmp_path / "state0")
    assert impression.features is None


def test_the_order_that_is_logged_is_the_one_that_was_used(
    shelf_engine: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    engine = shelf_engine()
    by_price = replace(SEARCH, sort_by=SortOrder.PRICE_LOW)
    engine.search(by_price)
    monkeypatch.setattr(engine.bundle.ranker.sources.lexical, "matching_rows", _fail)
    assert engine.search(by_price).missing == ("match_set",)
    engine.close()
    assert [one.sort_by for one in iter_impressions(tmp_path / "state0")] == ["price_low", ""]


def test_past_purchases_that_fail_have_one_name(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine.bundle.ranker.sources.repurchase, "already_bought", _fail)
    assert whole(engine.recommend(HOME)).missing == ("bought",)


def test_the_protocol_lists_the_sources_by_the_names_that_answers_report() -> None:
    text = Path(discovery_pb2.__file__).with_name("discovery.proto").read_text(encoding="utf-8")
    listed = re.findall(r"candidate source \(([^)]*)\)", text.replace("\n  //", ""))
    assert len(listed) == 2
    for names in listed:
        assert set(re.findall(r"`(\w+)`", names)) == set(SOURCES)


def test_counts_that_are_no_numbers_lift_nothing(engine: Engine) -> None:
    sources = engine.bundle.ranker.sources
    sources.surge.counts[:] = np.inf
    answer = engine.recommend(replace(HOME, visitor_id="somebody else"))
    assert "surge" in whole(answer).missing


class FailingCounts(Popularity):
    """Counts that cannot be read."""

    def decayed(self, time: float) -> tuple[np.ndarray, float]:
        raise RuntimeError("counts")

    def top(self, count: int) -> np.ndarray:
        raise RuntimeError("counts")


@pytest.mark.parametrize("broken", ["raise", "infinite"])
def test_by_popularity_without_counts_the_order_is_that_of_relevance(
    engine: Engine, broken: str
) -> None:
    popular = engine.bundle.ranker.sources.popular
    if broken == "raise":
        popular.popularity = FailingCounts(30.0)
    else:
        popular.popularity.counts[:] = np.inf
    for request in (SEARCH, replace(HOME, explain=False)):
        by_relevance = whole(_answer(engine, request))
        answer = whole(_answer(engine, replace(request, sort_by=SortOrder.POPULARITY)))
        assert "match_set" in answer.missing and answer.match_count is None
        assert [r.item_id for r in answer.results] == [r.item_id for r in by_relevance.results]


def _answer(engine: Engine, request: SearchRequest | RecommendRequest) -> Answer:
    if isinstance(request, SearchRequest):
        return engine.search(request)
    return engine.recommend(request)


def test_completion_without_counts_still_suggests(engine: Engine) -> None:
    request = CompleteRequest("espr")
    suggested = engine.complete(request).suggestions
    engine.bundle.ranker.sources.popular.popularity = FailingCounts(30.0)
    engine.clear_queries()
    assert suggested and engine.complete(request).suggestions == suggested


def test_completion_without_the_lexical_index_still_suggests(
    engine: Engine, tmp_path: Path
) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    # A brand is suggested as a query if an item has its words, which the index knows.
    request = CompleteRequest("mocc")
    items = [one for one in engine.complete(request).suggestions if one.item_id]
    engine.bundle.ranker.sources.lexical = broken_lexical(folder)
    engine.clear_queries()
    assert items and set(items) <= {*engine.complete(request).suggestions}
    assert engine.complete(CompleteRequest("moccc")).suggestions == ()


@pytest.mark.parametrize("method", ["search", "scores"])
@pytest.mark.parametrize(
    "request_",
    [
        replace(SEARCH, explain=False, offset=100, page_size=100),
        replace(SEARCH, explain=False, query="zzqqxx", sort_by=SortOrder.PRICE_LOW),
        replace(HOME, explain=False, page_size=100),
    ],
)
def test_rules_are_not_named_where_the_index_fails_but_hidings_hold(
    shelf_engine: Callable[..., Engine],
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    request_: SearchRequest | RecommendRequest,
) -> None:
    engine = shelf_engine('[[hide]]\nname = "h"\nitems = ["p0200"]\n')
    monkeypatch.setattr(engine.bundle.ranker.sources.index, method, _fail)
    answer = _answer(engine, request_)
    assert "p0200" not in [one.item_id for one in answer.results]
    assert not answer.rules or "rule_effects" not in answer.missing


def _fail(*_: object, **__: object) -> None:
    raise RuntimeError("broken")


def test_boosts_that_fail_are_left_out_where_most_of_the_list_is_hidden_too(
    shelf_engine: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = [f"p{number:04d}" for number in range(1, 200)]
    text = f'[[hide]]\nname = "h"\nitems = {hidden}\n'.replace("'", '"')
    boost = '[[boost]]\nname = "b"\nitems = ["p0230"]\nstrength = 9\n'
    plain = shelf_engine(text).search(SEARCH)
    engine = shelf_engine(text + boost)
    # Hidings have been resolved when boosts are: only the latter ask for the rows of a list.
    targeted = merchandising.targeted

    def failing(bundle: Bundle, targets: Targets, rows: np.ndarray) -> np.ndarray:
        if "p0230" in targets.items:
            raise RuntimeError("boost")
        return targeted(bundle, targets, rows)

    monkeypatch.setattr(merchandising, "targeted", failing)
    answer = whole(engine.search(SEARCH))
    assert answer.missing == ("merchandising",)
    assert [r.item_id for r in answer.results] == [r.item_id for r in plain.results]


def test_what_only_adds_to_an_answer_is_left_out_where_it_fails(engine: Engine) -> None:
    facts = replace(engine.bundle.facts, calibration=Calibration((math.nan,) * 6, 0.0, 0.5))
    bundle = replace(engine.bundle, facts=facts, feature_means=np.zeros(3, np.float32))
    engine._bundles.active = replace(engine._bundles.active, bundle=bundle)
    bundle.catalog.brand_codes.names.clear()
    rest = Filter(category=("Kitchen",))
    with pytest.raises(IndexError):
        # The brand of a result is no optional part.
        engine.search(SEARCH)
    bundle.catalog.brand_codes.names.extend(str(number) for number in range(999))
    answer = whole(engine.search(replace(SEARCH, filter=rest)))
    assert set(answer.missing) == {"purchase_probability", "explanations"}
    assert all(not one.feature_effects for one in answer.results)


def test_a_failure_is_logged_once_a_minute_without_the_query(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    engine.bundle.ranker.reranker = Reranker(LiteModel(b"no model"))
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            engine.search(
                replace(SEARCH, query="canary espresso", visitor_id="canary", record=True)
            )
    (record,) = [one for one in caplog.records if "stage" in one.getMessage()]
    assert "stage reranker failed" in record.getMessage()
    assert "litert_models.py" in record.getMessage()
    assert "canary" not in caplog.text


def test_a_bundle_with_a_broken_part_is_not_loaded() -> None:
    ranker = shelf.ranker()
    search = Event("", EventType.SEARCH, "", END_TIME, query="espresso")
    ranker.reranker = nan_reranker()
    with pytest.raises(BundleError, match="golden query 'espresso': expected an answer"):
        check_golden(ranker, [{"query": search.query, "time": END_TIME, "item_ids": ["p0001"]}])
