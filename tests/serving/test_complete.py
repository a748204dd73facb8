"""What is suggested while somebody types: by the engine of the made-up shop, behind a real server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from data.errors import RequestError
from data.records import Event, EventType, Item
from data.synthetic import END_TIME
from serving.api.answers import Completed
from serving.api.requests import CompleteRequest, SuggestionKind
from serving.edge.client import Client
from serving.edge.server import serve
from serving.engine import Engine
from towers.catalog.filters import Filter
from towers.catalog.items import Catalog
from towers.search_box import completion

QUERY, CATEGORY, ITEM = SuggestionKind.QUERY, SuggestionKind.CATEGORY, SuggestionKind.ITEM


class Clock:
    """A clock that goes on by ten seconds whenever it is read."""

    def __init__(self) -> None:
        self.now = END_TIME

    def __call__(self) -> float:
        self.now += 10.0
        return self.now


@pytest.fixture
def engine(shop_bundle: Path) -> Iterator[Engine]:
    engine = Engine.open(shop_bundle, clock=Clock())
    yield engine
    engine.close()


def texts(engine: Engine, text: str, *kinds: SuggestionKind) -> list[str]:
    asked = CompleteRequest(text, kinds=kinds or (QUERY, CATEGORY, ITEM))
    return [one.text for one in engine.complete(asked).suggestions]


def search(engine: Engine, query: str, *visitors: str) -> None:
    now = END_TIME + 1.0
    engine.record([Event(f"{v}{query}", EventType.SEARCH, v, now, query=query) for v in visitors])


def test_queries_categories_and_items_share_the_room(engine: Engine) -> None:
    found = engine.complete(CompleteRequest("coff", max_results=10)).suggestions
    assert [one.kind for one in found] == sorted(one.kind for one in found)
    assert ("Coffee", ("Kitchen", "Coffee")) in [(one.text, one.category) for one in found]
    espressos = engine.complete(CompleteRequest("espr", max_results=6)).suggestions
    assert {one.kind for one in espressos} == {QUERY, ITEM}
    for one in espressos:
        start, end = one.highlights[0]
        assert one.text[start:end].lower() == "espr"


def test_a_query_is_suggested_from_its_fifth_visitor_on(engine: Engine) -> None:
    search(engine, "dark espresso 250g", "a", "b", "c", "d")
    assert "dark espresso 250g" not in texts(engine, "dark esp", QUERY)
    search(engine, "dark espresso 250g", "e")
    assert "dark espresso 250g" in texts(engine, "dark esp", QUERY)
    assert "dark espresso 250g" in texts(engine, "espresso da", QUERY)


def test_of_many_items_the_weights_come_from_a_thread_of_their_own(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts(engine, "dark esp")
    monkeypatch.setattr(completion, "_QUICK_ITEM_COUNT", 0)
    search(engine, "dark espresso 250g", *"abcde")
    for _ in range(1_000):
        # Each request starts a refresh, ten seconds after the last; one of the next ones shows it.
        if "dark espresso 250g" in texts(engine, "dark esp", QUERY):
            break
        time.sleep(0.01)
    assert "dark espresso 250g" in texts(engine, "dark esp", QUERY)


def test_a_query_that_no_item_answers_is_not_suggested(engine: Engine) -> None:
    search(engine, "espresso unicorn", *"abcdefgh")
    assert texts(engine, "espresso uni", QUERY) == []
    engine.update_items([Item("new", "Espresso unicorn", category=("Kitchen", "Coffee"))])
    assert texts(engine, "espresso uni", QUERY) == ["espresso unicorn"]
    engine.delete_items(["new"])
    assert texts(engine, "espresso uni", QUERY) == []


def test_of_the_items_that_answer_a_query_a_few_rows_are_kept(engine: Engine) -> None:
    search(engine, "espresso", *"abcdefgh")
    assert "espresso" in texts(engine, "espr", QUERY)
    kept = engine.bundle.completion._matching_rows
    assert 1 <= len(kept["espresso"]) <= 3
    assert all(rows.base is None for rows in kept.values()), "a view keeps all that were found"


def test_a_restart_counts_the_log_again(shop_bundle: Path, tmp_path: Path) -> None:
    for visitors in ("abc", "de"):
        engine = Engine.open(shop_bundle, tmp_path / "state", clock=Clock())
        try:
            assert texts(engine, "dark esp", QUERY).count("dark espresso 250g") == 0
            search(engine, "dark espresso 250g", *visitors)
            engine.log.flush()
        finally:
            engine.close()
    engine = Engine.open(shop_bundle, tmp_path / "state", clock=Clock())
    assert "dark espresso 250g" in texts(engine, "dark esp", QUERY)
    engine.close()


def test_only_items_that_can_be_bought_are_suggested(engine: Engine) -> None:
    item = Item("new", "Quagga roast", category=("Kitchen", "Zebra goods"), brand="Quaggaro")
    assert texts(engine, "quag") == []
    engine.update_items([item])
    assert texts(engine, "quag") == ["quaggaro", "Quagga roast"]
    assert texts(engine, "zebr", CATEGORY) == ["Zebra goods"]
    engine.update_items([Item("new", "Okapi roast", category=item.category, brand="Quaggaro")])
    assert texts(engine, "quag", ITEM) == [] and texts(engine, "okap", ITEM) == ["Okapi roast"]
    engine.update_items([Item("new", "Okapi roast", category=item.category, in_stock=False)])
    assert texts(engine, "okap") == [] and texts(engine, "zebr") == []
    engine.update_items([Item("new", "Okapi roast", category=item.category)])
    engine.delete_items(["new"])
    assert texts(engine, "okap") == [] and texts(engine, "zebr") == []


def titles_by_hand(engine: Engine, prefix: str) -> dict[str, str]:
    """Titles with a word of this prefix by item id."""
    catalog = engine.bundle.catalog
    return {
        item_id: title
        for item_id, title in zip(catalog.item_ids, catalog.titles, strict=True)
        if any(word.startswith(prefix) for word in title.lower().split())
    }


def suggested_ids(engine: Engine, text: str) -> set[str]:
    asked = CompleteRequest(text, max_results=50, kinds=(ITEM,))
    return {one.item_id for one in engine.complete(asked).suggestions}


def test_hidden_items_are_looked_up_once_for_all_keystrokes(
    shop_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('version = "1"\n[[hide]]\nbrands = ["Quaggaro"]\n', encoding="utf-8")
    engine = Engine.open(shop_bundle, rules=rules, clock=Clock())
    computed: list[Filter] = []
    mask = Catalog._mask

    def counting(catalog: Catalog, conditions: Filter) -> np.ndarray:
        computed.append(conditions)
        return mask(catalog, conditions)

    monkeypatch.setattr(Catalog, "_mask", counting)
    try:
        for text in ("quag", "quagg", "quagga"):
            assert suggested_ids(engine, text) == set()
        assert computed == [Filter(brands=("Quaggaro",))]
        engine.update_items([Item("shown", "Quagga roast", category=("Kitchen",), brand="Zebrano")])
        assert suggested_ids(engine, "quag") == {"shown"}
        engine.update_items(
            [Item("shown", "Quagga roast", category=("Kitchen",), brand="Quaggaro")]
        )
        assert suggested_ids(engine, "quag") == set()
        assert len(computed) == 3
    finally:
        engine.close()


def test_what_a_rule_hides_everywhere_is_not_suggested(shop_bundle: Path, tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('version = "1"\n', encoding="utf-8")
    engine = Engine.open(shop_bundle, rules=rules, clock=Clock())
    item = Item("new", "Quagga roast", category=("Kitchen", "Zebra goods"), brand="Quaggaro")
    try:
        engine.update_items([item])
        search(engine, "quagga roast", *"abcde")
        everything = [(QUERY, "quagga roast"), (QUERY, "quaggaro"), (ITEM, "Quagga roast")]
        asked = CompleteRequest("quag", max_results=10)
        espressos = titles_by_hand(engine, "espr")
        gone = min(suggested_ids(engine, "espr"))

        def rule(text: str) -> None:
            rules.write_text(f'version = "1"\n{text}\n', encoding="utf-8")

        def found() -> list[tuple[SuggestionKind, str]]:
            return [(one.kind, one.text) for one in engine.complete(asked).suggestions]

        assert found() == everything and texts(engine, "zebr") == ["zebra goods", "Zebra goods"]
        targets = (
            'items = ["new"]',
            'brands = ["Quaggaro"]',
            'categories = ["Kitchen > Zebra goods"]',
        )
        for target in targets:
            rule(f"[[hide]]\n{target}")
            assert found() == [] and texts(engine, "zebr") == [], target
            rule("")
            assert found() == everything, "the rule is gone"
        for narrow in (
            'contains = "quagga"',
            'query = "quag"',
            'placement = "home"',
            'page_category = "Kitchen"',
            "end = 1970-01-02T00:00:00Z",
        ):
            rule(f'[[hide]]\n{narrow}\nitems = ["new"]')
            assert found() == everything, narrow
        rule(f'[[hide]]\nitems = ["{gone}"]')
        shown = suggested_ids(engine, "espr")
        assert shown and gone not in shown and shown <= espressos.keys()
    finally:
        engine.close()


def test_a_slip_is_mended_and_told(engine: Engine) -> None:
    completed = engine.complete(CompleteRequest("esprse"))
    assert completed.suggestions and completed.corrected_text
    assert all("espress" in one.text.lower() for one in completed.suggestions)
    assert engine.complete(CompleteRequest("zzzzzzzz")) == Completed(
        (), "", engine.bundle.manifest.bundle_id
    )


def test_completion_and_search_mend_a_word_alike(engine: Engine) -> None:
    names = ("Quokkalite lantern", "Quokkalite torch", "Snug lite vest", "Chap stick", "Torch bed")
    engine.update_items([Item(f"n{at}", name) for at, name in enumerate(names)])
    parse = engine.bundle.ranker.sources.lexical.parse
    for typed in ("quokkalit", "quokaklite", "quokalite torch", "quokkalitte lanter"):
        completed = engine.complete(CompleteRequest(typed))
        assert completed.suggestions and "Quokkalite" in completed.suggestions[0].text
        words = typed.split()
        corrections = parse(" ".join((*words, "x"))).corrections
        mended = [corrections.get(word, word) for word in words[:-1]]
        assert completed.corrected_text.split()[:-1] in (mended, [])
    # Neither takes ordinary or short words for what they are not.
    for typed in ("cheap stick", "led torch"):
        assert engine.complete(CompleteRequest(typed)).corrected_text == ""
        assert parse(typed).corrections == {}


def test_chinese_is_completed_by_its_characters(engine: Engine) -> None:
    assert "智能手机" in texts(engine, "智能")
    assert all("游戏手" in text for text in texts(engine, "游戏手"))
    assert texts(engine, "游戏手")


def test_over_the_wire_suggestions_are_those_of_the_engine(engine: Engine) -> None:
    running = serve(engine, "127.0.0.1:0")
    try:
        with Client(f"127.0.0.1:{running.port}") as client:
            asked = CompleteRequest("esp", 4)
            assert client.complete(asked) == engine.complete(asked)
            assert len(client.complete(CompleteRequest("e", 2)).suggestions) == 2
            only = client.complete(CompleteRequest("e", 0, (ITEM,)))
            assert len(only.suggestions) == 10
            assert {one.kind for one in only.suggestions} == {ITEM}
            for request, field in (
                (CompleteRequest("  "), "text"),
                (CompleteRequest("x" * 257), "text"),
                (CompleteRequest("a\x00"), "text"),
                (CompleteRequest("a", -1), "max_results"),
                (CompleteRequest("a", kinds=(QUERY, QUERY)), r"kinds\[1\]"),
                (CompleteRequest("a", kinds=(SuggestionKind.UNSPECIFIED,)), r"kinds\[0\]"),
            ):
                with pytest.raises(RequestError, match=f"^{field}: expected"):
                    client.complete(request)
            # Characters of a query language are plain text.
            assert client.complete(CompleteRequest('esp* AND "(')).suggestions == ()
    finally:
        running.stop()


def test_cleared_queries_leave_no_text_behind(engine: Engine) -> None:
    search(engine, "dark espresso 250g", *"abcde")
    texts(engine, "dark esp")
    engine.clear_queries()
    lexical = engine.bundle.ranker.sources.lexical
    caches = lexical._caches
    kept = [caches.parsed, caches.found, caches.complete, caches.partial, caches.holders]
    assert [len(answers) for answers in kept] == [0] * 5
    assert "dark espresso 250g" in texts(engine, "dark esp", QUERY)
