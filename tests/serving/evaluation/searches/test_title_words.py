"""Title precision of a real engine and its parts, compared with what their results are titled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from data.records import Item
from data.synthetic import END_TIME
from serving.api.requests import SearchRequest
from serving.cli.tables.report_tables import evaluation_tables
from serving.engine import Engine
from serving.evaluation.searches.title_words import title_precision_report
from tests.towers import shelf
from towers.datasets.head_queries import HeadQuery, head_queries

SEED = 5


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = Engine.open(shelf.bundle_folder(), clock=lambda: END_TIME)
    yield engine
    engine.close()


def asked(engine: Engine, *queries: HeadQuery) -> dict[str, object]:
    done: list[int] = []
    report = title_precision_report(engine, queries, time=END_TIME, seed=SEED, progress=done.append)
    assert done == list(range(len(queries)))
    return report


def test_the_engines_share_is_that_of_its_first_ten_titles(engine: Engine) -> None:
    texts = ("espresso", "skillet", "notebook")
    shares = []
    for text in texts:
        holders = [item for item in shelf.items() if text in item.title.lower().split()]
        answer = engine.search(SearchRequest(text, page_size=10, record=False))
        held = sum(text in result.title.lower().split() for result in answer.results)
        shares.append(held / min(10, len(holders)))
    report = asked(engine, *(HeadQuery("type", text, text, (text,)) for text in texts))
    (part,) = report["kinds"].values()  # type: ignore[attr-defined]
    assert part["query_count"] == 3
    assert part["systems"]["engine"]["mean"] == pytest.approx(sum(shares) / 3)
    # Every item of the word has no other of the three in its title, so the words find them all.
    assert part["systems"]["lexical"]["mean"] == 1.0
    assert set(part["systems"]) == {"engine", "fixed_rule", "fused", "two_towers", "lexical"}
    lead = part["systems"]["engine"]["mean"] - part["systems"]["fused"]["mean"]
    assert part["lead"]["fused"]["mean"] == pytest.approx(lead)


def test_a_word_that_no_item_holds_is_left_out_and_the_worst_are_told(engine: Engine) -> None:
    nothing = HeadQuery("type", "zeppelin", "zeppelin", ("zeppelin",))
    wrong = HeadQuery("slip", "skillet", "skillet", ("espresso",))
    right = HeadQuery("brand", "moccado", "moccado", ("moccado",))
    report = asked(engine, nothing, wrong, right)
    kinds = report["kinds"]
    assert {kind: part["query_count"] for kind, part in kinds.items()} == {"slip": 1, "brand": 1}  # type: ignore[attr-defined]
    lowest = report["lowest"]
    assert lowest[0]["text"] == "skillet" and lowest[0]["engine"] == 0.0  # type: ignore[index]


def test_what_only_goes_with_the_thing_counts_for_title_precision_alone(tmp_path: Path) -> None:
    engine = Engine.open(shelf.bundle_folder(), tmp_path, clock=lambda: END_TIME)
    racks = [Item(f"r{n}", "skillet rack", category=("Kitchen",)) for n in range(3)]
    engine.update_items(racks)
    skillets = {item.item_id for item in shelf.items() if "skillet" in item.title.split()}
    report = asked(engine, HeadQuery("type", "skillet", "skillet", ("skillet",)))
    answer = engine.search(SearchRequest("skillet", page_size=10, record=False))
    engine.close()
    found = {result.item_id for result in answer.results}
    rack_ids = {rack.item_id for rack in racks}
    assert found & rack_ids and len(found & (skillets | rack_ids)) == 10
    of_words, of_things = (
        report[key]["type"]["systems"]["engine"]["mean"]  # type: ignore[index]
        for key in ("kinds", "head_kinds")
    )
    assert of_words == 1.0
    assert of_things == pytest.approx(len(found & skillets) / min(10, len(skillets)))


def test_the_table_has_a_row_for_each_kind_and_a_column_for_each_system(engine: Engine) -> None:
    report = asked(engine, *head_queries(engine.bundle.catalog, seed=SEED))
    (table,) = evaluation_tables({"title_precision": report})
    kind_count, head_kind_count = len(report["kinds"]), len(report["head_kinds"])  # type: ignore[arg-type]
    assert (kind_count, head_kind_count) == (5, 2)
    assert table.row_count == kind_count + head_kind_count
    headers = [column.header for column in table.columns]
    assert headers == ["queries", "engine", "rule", "fused", "towers", "lexical", "lead"]
    assert evaluation_tables({"title_precision": asked(engine)})[0].row_count == 0
