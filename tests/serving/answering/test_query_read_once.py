"""The words of a query are cut once a request, whoever asks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from data.records import Event, EventType
from data.synthetic import END_TIME
from serving.api.requests import FacetRequest, Placement, RecommendRequest, SearchRequest
from serving.engine import Engine
from towers.text import words

RULES = """
version = "1"
[[synonym]]
words = ["ristretto", "short espresso"]
[[synonym]]
words = ["phone"]
finds = ["智能手机", "smart phone"]
[[boost]]
contains = "espresso"
brands = ["Moccado"]
[[redirect]]
query = "returns"
uri = "/returns"
"""
TEXTS = (
    "dark espresso",
    "ristretto",
    "espreso 250g",
    "智能手机 phone",
    "quetzal 2 in. x 4 in.",
    "?!",
)


@pytest.fixture(params=["with rules", "without"])
def engine(request: pytest.FixtureRequest, shop_bundle: Path, tmp_path: Path) -> Iterator[Engine]:
    path = tmp_path / "rules.toml"
    path.write_text(RULES, encoding="utf-8")
    rules = path if request.param == "with rules" else None
    engine = Engine.open(shop_bundle, rules=rules, clock=lambda: END_TIME + 60)
    # The rules' own phrases are cut when they are read.
    engine.recommend(RecommendRequest(Placement.HOME))
    yield engine
    engine.close()


@pytest.fixture
def cut(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every text that is cut into words from here on: all of them go through one function."""
    texts: list[str] = []
    plain_units = words.plain_units

    def counted(text: str) -> tuple[str, list[str]]:
        texts.append(text)
        return plain_units(text)

    monkeypatch.setattr(words, "plain_units", counted)
    return texts


def by_lexical_index(engine: Engine) -> None:
    assert engine.bundle.ranker.sources.lexical is not None


def as_typed(engine: Engine) -> None:
    engine.bundle.ranker.sources.lexical = None


@pytest.mark.parametrize("prepare", [by_lexical_index, as_typed])
def test_a_search_cuts_its_words_once_and_never_again(
    engine: Engine, cut: list[str], prepare: Callable[[Engine], None]
) -> None:
    prepare(engine)
    engine.clear_queries()
    for text in TEXTS:
        cut.clear()
        engine.search(SearchRequest(text, facets=(FacetRequest("brand"),), record=False))
        assert cut == [words.normalise(text)]
        engine.search(SearchRequest(text, facets=(FacetRequest("brand"),), record=False))
        assert len(cut) == 1


def test_a_search_not_yet_followed_up_is_read_as_it_was_when_it_was_made(
    engine: Engine, cut: list[str]
) -> None:
    engine.clear_queries()
    answer = engine.search(SearchRequest("dark espreso", "v"))
    assert answer.results and cut == ["dark espreso"]
    engine.recommend(RecommendRequest(Placement.HOME, "v"))
    engine.record([Event("e", EventType.VIEW, "v", END_TIME + 61, answer.results[0].item_id)])
    engine.recommend(RecommendRequest(Placement.HOME, "v"))
    # The page of no search asks for the words of an empty text.
    assert [text for text in cut if text] == ["dark espreso"]
