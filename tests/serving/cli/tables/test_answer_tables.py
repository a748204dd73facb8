"""Tables say what the answers say."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console
from rich.table import Table

from serving.api.answers import (
    Answer,
    EmptyReason,
    EventEffect,
    Facet,
    FacetValue,
    FeatureEffect,
    Result,
    ScorePart,
    SourceHit,
    Understood,
    UnderstoodKind,
    UnderstoodUse,
)
from serving.api.reports import Status
from serving.cli.tables.answer_tables import (
    answer_table,
    facet_table,
    load_table,
    status_table,
    why,
)
from serving.load.load_step import LoadStep


def shown(table: Table) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=160).print(table)
    return out.getvalue().splitlines()


def result(item_id: str, **fields: object) -> Result:
    whole = {"title": f"Title {item_id}", "category": (), "brand": "", "price": 1.5}
    whole |= {"in_stock": True, "score": 0.5, "sources": (SourceHit("lexical", 2),)} | fields
    return Result(item_id, **whole)  # type: ignore[arg-type]


def answer(*item_ids: str, **fields: object) -> Answer:
    return Answer(tuple(map(result, item_ids)), "token", "bundle", None, **fields)  # type: ignore[arg-type]


def row(lines: list[str], item_id: str) -> str:
    (line,) = [line for line in lines if f" {item_id} " in line and "Title" in line]
    return line


def test_what_an_item_is_on_offer_by_has_a_column_of_its_own() -> None:
    found = (
        result("a", offer_id="c1"),
        result("b", earlier_price=12.0),
        result("d", offer_id="s1", earlier_price=2.5),
    )
    lines = shown(answer_table(Answer(found, "token", "bundle", None)))
    assert any("on offer" in line for line in lines)
    assert "c1" in row(lines, "a") and "was 12.00" in row(lines, "b")
    assert "s1, was 2.50" in row(lines, "d")
    assert not any("on offer" in line for line in shown(answer_table(answer("a"))))


def test_an_empty_promotion_says_why() -> None:
    empty = answer(empty_reason=EmptyReason.NOTHING_ON_OFFER)
    assert any("nothing on offer" in line for line in shown(answer_table(empty)))


def test_moves_are_told_against_the_answer_before() -> None:
    lines = shown(answer_table(answer("c", "a", "b", "x"), answer("a", "b", "c", "d")))
    assert "▲2" in row(lines, "c")
    assert "▼1" in row(lines, "a")
    assert "▼1" in row(lines, "b")
    assert "new" in row(lines, "x")
    lines = shown(answer_table(answer("a"), answer("a")))
    assert "=" in row(lines, "a")


@pytest.mark.parametrize(
    ("use", "words"),
    [
        ("RECOGNISED", "“red” is the price up to 9"),
        ("FILTER", "“red” read as price up to 9"),
        ("SORT", "“red” read as price up to 9"),
        ("PREFERENCE", "“red” read as price up to 9"),
        ("OVERRIDDEN", "“red” left to the request's own price or order"),
        ("NO_ITEM_LEFT", "“red” not applied: no item is left by price up to 9"),
        ("TEXT", "“red” searched for as words"),
    ],
)
def test_what_was_understood_of_a_query_is_told(use: str, words: str) -> None:
    part = Understood(UnderstoodKind.PRICE, "red", "up to 9", UnderstoodUse[use])
    assert words in " ".join(caption(answer("a", understood=(part,))).split())


def test_a_category_is_told_by_its_path() -> None:
    part = Understood(UnderstoodKind.CATEGORY, "rug", "Rugs", category=("Home", "Rugs"))
    told = caption(answer("a", understood=(part,)))
    assert "“rug” is the category Home > Rugs" in " ".join(told.split())


def caption(of: Answer) -> str:
    return str(answer_table(of).caption)


def test_without_an_answer_before_nothing_moved() -> None:
    lines = shown(answer_table(answer("a"), first_rank=21))
    assert "moved" not in "".join(lines)
    assert " 21 " in row(lines, "a")
    assert "1.50" in row(lines, "a")
    assert "lexical 2" in row(lines, "a")


def test_why_names_the_strongest_event_and_feature() -> None:
    explained = result(
        "a",
        event_effects=(
            EventEffect("view", "m1", "", 0.1),
            EventEffect("remove_from_cart", "m2", "", -0.4),
        ),
        feature_effects=(
            FeatureEffect("bought_count", 3.0, 0.25),
            FeatureEffect("price", 1.0, -0.2),
        ),
    )
    assert why(explained) == "-0.40 removed from the cart m2\n+0.25 bought count 3"
    searched = result("a", event_effects=(EventEffect("search", "", "oat milk", 1.0),))
    assert why(searched) == "+1.00 searched for “oat milk”"
    assert why(result("a")) == ""


def test_the_three_columns_of_a_score_are_told() -> None:
    moved = result(
        "a",
        score=1.25,
        model_score=2.5,
        adjustments=(ScorePart("negative_feedback", -1.5),),
        merchandising=(ScorePart("spring", 0.25),),
        rules=("spring", "pinned by hand"),
    )
    assert why(moved) == "+0.25 by rule spring\nby rule pinned by hand\n-1.50 negative feedback"
    lines = shown(answer_table(Answer((moved,), "t", "b", None)))
    assert "model" in "".join(lines) and "1.250" in row(lines, "a") and "2.500" in row(lines, "a")
    assert "model" not in "".join(shown(answer_table(answer("a"))))


def test_a_missing_part_and_a_missing_price_are_told() -> None:
    lines = shown(answer_table(answer("a", missing=("reranker",))))
    assert "missing: reranker" in "".join(lines)
    lines = shown(answer_table(Answer((result("a", price=None, in_stock=False),), "t", "b", None)))
    assert "not in stock" in row(lines, "a")


def test_titles_are_no_markup() -> None:
    lines = shown(answer_table(Answer((result("a", title="Title [red]x[/]"),), "t", "b", None)))
    assert "[red]x[/]" in row(lines, "a")


def test_status_and_load_have_tables() -> None:
    status = Status("b7", "/bundles/b7", "", 92_331, 0, 1, 2, 3, 4.0, {"scann": "1.4.2"})
    lines = "\n".join(shown(status_table(status)))
    assert "92,331" in lines
    assert "1.4.2" in lines
    latency = {"p50": 1.25, "p99": 9.0}
    step = LoadStep(100.0, 0, 1.0, 100, 98, 0, {"CANCELLED": 2}, 98.0, latency, 0.0)
    lines = "\n".join(shown(load_table([step])))
    assert all(part in lines for part in ("100/s", "98.0", "1.25", "CANCELLED 2"))
    assert "server" not in lines
    local = replace(step, server_cpu_ms=0.456, server_rss_mb=1_234)
    lines = "\n".join(shown(load_table([local])))
    assert "0.46" in lines and "server: 1,234 MB" in lines
    assert shown(load_table([]))


def test_a_facet_shows_names_paths_and_ranges_of_prices_with_their_counts() -> None:
    values = (
        FacetValue(1_234, "[red]"),
        FacetValue(7, "Milk", ("Dairy", "Milk")),
        FacetValue(3, min_price=1.5, max_price=1_999.0),
        FacetValue(2, min_price=5.0, max_price=5.0),
    )
    lines = [line.strip("│ ").split("│") for line in shown(facet_table(Facet("size[s]", values)))]
    cells = [[cell.strip() for cell in line] for line in lines if len(line) == 2]
    assert cells == [
        ["[red]", "1,234"],
        ["Dairy > Milk", "7"],
        ["1.50 – 1,999.00", "3"],
        ["5.00", "2"],
    ]
    assert "size[s]" in "".join(shown(facet_table(Facet("size[s]", values))))


def test_the_number_of_matching_items_is_told_where_it_was_counted() -> None:
    assert "1,234 matching" in "\n".join(shown(answer_table(answer("a", match_count=1_234))))
    assert "matching" not in "\n".join(shown(answer_table(answer("a"))))
    bounded = answer("a", match_count=1_234, is_match_count_lower_bound=True)
    assert "1,234+ matching" in "\n".join(shown(answer_table(bounded)))


@pytest.mark.parametrize(
    ("relevant_count", "first_rank", "line"),
    [(2, 1, 2), (0, 1, 0), (3, 1, None), (9, 1, None), (None, 1, None), (11, 11, 1), (4, 11, 0)],
)
def test_a_line_stands_where_results_are_only_related_from_there_on(
    relevant_count: int | None, first_rank: int, line: int | None
) -> None:
    page = answer("a", "b", "c", relevant_count=relevant_count)
    for previous in (None, page):
        lines = shown(answer_table(page, previous, first_rank))
        kinds = [
            "line" if "only related" in one else "item"
            for one in lines
            if "only related" in one or any(f" {item} " in one for item in "abc")
        ]
        assert kinds == (
            ["item"] * 3 if line is None else ["item"] * line + ["line"] + ["item"] * (3 - line)
        )


def test_an_expired_order_is_told() -> None:
    assert "expired" in "\n".join(shown(answer_table(answer("a", is_order_expired=True))))
    assert "expired" not in "\n".join(shown(answer_table(answer("a"))))
