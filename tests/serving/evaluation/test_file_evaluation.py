"""Figures that outside tools can check: TREC files in and out, sessions, intervals."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from data.errors import InputError
from data.synthetic import category_of, companion_of
from data.tables import Tables
from serving.cli.main import main
from serving.cli.tables.report_tables import evaluation_tables, metrics_table, training_table
from serving.evaluation.as_served import EvaluationSettings, evaluate_tables
from serving.evaluation.metrics import rank_values, ranking_values
from serving.evaluation.trec import read_qrels, read_queries, read_session_file, write_ranking
from towers.bootstrap import mean_interval


class Silence:
    def start(self, stage: str, total: int | None = None) -> object:
        return lambda *steps: None


def test_ranking_values_are_those_worked_out_by_hand() -> None:
    values = ranking_values([["a", "x", "b"], ["x", "y"]], [{"a": 1, "b": 1, "c": 1}, {"z": 1}])
    ideal = 1 + 1 / np.log2(3) + 1 / np.log2(4)
    assert values["ndcg@10"] == pytest.approx([(1 + 1 / np.log2(4)) / ideal, 0])
    assert values["p@10"] == pytest.approx([0.2, 0])
    assert values["r@10"] == pytest.approx([2 / 3, 0])
    assert values["mrr@10"] == pytest.approx([1, 0])
    assert values["f1@10"] == pytest.approx([2 * 0.2 * (2 / 3) / (0.2 + 2 / 3), 0])


def test_rank_values_are_those_worked_out_by_hand() -> None:
    values = rank_values(np.array([0, 9, 10, 19, 20, -1]))
    assert values["hr@10"].tolist() == [1, 1, 0, 0, 0, 0]
    assert values["hr@20"].tolist() == [1, 1, 1, 1, 0, 0]
    assert values["mrr@20"] == pytest.approx([1, 1 / 10, 1 / 11, 1 / 20, 0, 0])


def test_an_interval_holds_the_mean_and_narrows_with_the_root_of_the_count() -> None:
    draw = np.random.default_rng(0)
    wide = mean_interval(draw.normal(size=400), seed=1)
    narrow = mean_interval(draw.normal(size=40_000), seed=1)
    for one, count in ((wide, 400), (narrow, 40_000)):
        assert one["low"] < one["mean"] < one["high"]
        assert one["high"] - one["low"] == pytest.approx(2 * 1.96 / count**0.5, rel=0.25)
    assert mean_interval(np.zeros(0), seed=1) == {"mean": 0.0, "low": 0.0, "high": 0.0}


def test_a_run_has_falling_scores_even_for_ties_and_reads_back() -> None:
    out = io.StringIO()
    write_ranking(out, "q1", [("a", 2.0), ("b", 2.0), ("智能手机", -1.0), ("c", -1.0)])
    lines = [line.split() for line in out.getvalue().splitlines()]
    assert [line[2] for line in lines] == ["a", "b", "智能手机", "c"]
    assert [line[3] for line in lines] == ["1", "2", "3", "4"]
    scores = [float(line[4]) for line in lines]
    assert scores == sorted(set(scores), reverse=True)


@pytest.mark.parametrize(("query_id", "item_id"), [("q1", "a b"), ("q1", "a\u2028b"), ("q 1", "a")])
def test_an_id_that_a_run_cannot_hold_is_named(query_id: str, item_id: str) -> None:
    with pytest.raises(InputError, match="^run: expected ids without blanks, received "):
        write_ranking(io.StringIO(), query_id, [(item_id, 1.0)])


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (read_queries, "q1 no tab\n", "row 1, line: expected query_id<TAB>text"),
        (read_queries, "q1\tmilk\n\n\t x\n", "row 3, line: expected query_id<TAB>text"),
        (read_qrels, "q1 0 a 1\nq1 0 a\n", "row 2, line: expected query_id 0 item_id grade"),
        (read_qrels, "q1 0 a 1.5\n", "row 1, line: expected query_id 0 item_id grade"),
        (read_session_file, "a b\nc\n", "row 2, line: expected two or more item ids"),
        (read_session_file, "\n", "expected at least one line, received none"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, read: object, text: str, message: str) -> None:
    path = tmp_path / "lines.txt"
    path.write_text(text)
    with pytest.raises(InputError, match=f"^lines.txt[,:] {message}"):
        read(path)  # type: ignore[operator]
    with pytest.raises(InputError, match="expected a readable text file"):
        read(tmp_path / "nowhere")  # type: ignore[operator]


def test_the_engine_beats_every_baseline_on_the_made_up_shop(
    shop_bundle: Path, shop_tables: Tables
) -> None:
    settings = EvaluationSettings(request_limit=300, query_limit=100, diversities=(0.0, 0.4))
    report = evaluate_tables(shop_bundle, shop_tables, settings, stages=Silence())  # type: ignore[arg-type]
    browse = report["browse"]
    # Moments whose next item is in the basket already are passed over.
    assert 150 < browse["request_count"] <= 300
    assert set(browse["systems"]) >= {"engine", "two_towers", "popular", "bought_most"}
    for rival in ("popular", "trending", "bought_most"):
        assert browse["lead_at_ndcg@10"][rival]["low"] > 0, rival
    assert report["search"]["systems"]["engine"]["r@10"]["mean"] > 0.5
    assert report["index"]["recall@100"] == 1.0
    assert report["median_ms"]["whole_search"] > 0
    rivals = {"linear_regression", "logistic_regression", "naive_bayes"}
    assert rivals < set(browse["systems"]) & set(report["search"]["systems"])
    chances = report["purchase_probability"]
    assert chances["ece"] < 0.03
    assert chances["brier"] < chances["brier_of_base_rate"]
    assert chances["auc"] > 0.7
    assert min(report["turn"][kind]["mean"] for kind in ("two_views", "one_search")) >= 0.7
    by_words = report["title_precision"]["kinds"]
    assert {"type", "slip", "category", "brand", "brand_type"} >= set(by_words) >= {"type", "brand"}
    assert by_words["type"]["systems"]["engine"]["mean"] > 0.9
    after = report["after_sales"]
    assert after["substitute_share@10"]["mean"] <= 0.01
    assert {"engine", "popular", "covisited", "session_knn"} <= set(after["systems"])
    # Nothing is on offer there.
    assert "promotion" not in report
    assert len(evaluation_tables(report)) == 12
    # Without diversity the list is the served one; with it, it is spread and its metrics differ.
    systems = browse["systems"]
    assert systems["diversity 0"] == systems["engine"]
    assert systems["diversity 0.4"]["ild@10"]["mean"] > 1.05 * systems["engine"]["ild@10"]["mean"]
    # The segments part the moments: their means, weighted by count, give those of all.
    parts = browse["segments"]
    assert sum(part["request_count"] for part in parts.values()) == browse["request_count"]
    assert len(parts) >= 2
    for metric in systems["engine"]:
        mean = sum(
            p["request_count"] * p["systems"]["engine"][metric]["mean"] for p in parts.values()
        )
        assert mean / browse["request_count"] == pytest.approx(systems["engine"][metric]["mean"])
    assert report["warnings"] == []
    # Tables whose test part begins before the bundle's newest event: it has seen the answers.
    seen = replace(shop_tables, split=replace(shop_tables.split, test_from=0.0))
    few = EvaluationSettings(request_limit=1, query_limit=1)
    again = evaluate_tables(shop_bundle, seen, few, stages=Silence())  # type: ignore[arg-type]
    assert "has learnt from the test part" in again["warnings"][0]


def test_a_session_file_gives_the_last_item_and_a_run(shop_bundle: Path, tmp_path: Path) -> None:
    pairs = [(f"p{number:04}", companion_of(f"p{number:04}")) for number in range(0, 60)]
    sessions, run = tmp_path / "sessions.txt", tmp_path / "run.txt"
    sessions.write_text("".join(f"{first} {second}\n" for first, second in pairs))
    arguments = ["evaluate", str(shop_bundle), "-", "--sessions", str(sessions)]
    result = CliRunner().invoke(main, [*arguments, "--run", str(run), "--depth", "50", "--json"])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    lines = [line.split() for line in run.read_text().splitlines()]
    assert len(lines) == 60 * 50
    assert {line[0] for line in lines} == {f"s{number}" for number in range(1, 61)}
    ranks = {(line[0], line[2]): int(line[3]) for line in lines}
    found = [ranks.get((f"s{n}", second), 99) for n, (_, second) in enumerate(pairs, 1)]
    assert report["metrics"]["hr@20"]["mean"] == pytest.approx(np.mean([r <= 20 for r in found]))
    expected = np.mean([1 / r if r <= 20 else 0.0 for r in found])
    assert report["metrics"]["mrr@20"]["mean"] == pytest.approx(expected)
    # By construction three looks in ten lead on to the companion.
    assert report["metrics"]["hr@10"]["mean"] > 0.8
    first = [line for line in lines if line[0] == "s1" and int(line[3]) <= 5]
    assert all(category_of(line[2]) == category_of("p0000") for line in first)
    assert metrics_table(report).row_count > 3


def test_a_query_file_gives_metrics_and_a_run(shop_bundle: Path, tmp_path: Path) -> None:
    queries, qrels, run = (tmp_path / name for name in ("q.tsv", "qrels.txt", "run.txt"))
    queries.write_text("7\trunning shoes\nb\t智能手机\nnone\tcoffee\n")
    phones = [f"p{n:04}" for n in range(240) if category_of(f"p{n:04}")[0] == "手机"]
    qrels.write_text("".join(f"b 0 {item_id} 1\n" for item_id in phones) + "7 0 p0000 0\n")
    arguments = ["evaluate", str(shop_bundle), "-", "--queries", str(queries)]
    arguments += ["--qrels", str(qrels), "--run", str(run), "--depth", "30"]
    result = CliRunner().invoke(main, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert (report["query_count"], report["judged_query_count"]) == (3, 1)
    assert report["metrics"]["p@10"]["mean"] == 1.0
    assert len(run.read_text().splitlines()) == 90
    shown = CliRunner().invoke(main, arguments)
    assert "judged query count" in shown.output


@pytest.mark.parametrize(
    "options",
    [["--run", "x"], ["--qrels", "FILE"], ["--queries", "FILE", "--sessions", "FILE"]],
)
def test_options_that_do_not_go_together_end_with_2(
    shop_bundle: Path, tmp_path: Path, options: list[str]
) -> None:
    file = tmp_path / "file"
    file.write_text("a\tb\n")
    words = [str(file) if word == "FILE" else word for word in options]
    result = CliRunner().invoke(main, ["evaluate", str(shop_bundle), "-", *words])
    assert result.exit_code == 2


def test_a_training_report_is_shown(shop_metrics: dict[str, object]) -> None:
    report = {**shop_metrics, "seconds": {"reading": 2.5}}
    table = training_table(report)
    assert table.row_count >= 5
    visits = {"asked_count": 1_500, "made_count": 283, "alone_count": 1_217}
    told = training_table({**report, "visits": visits})
    assert told.row_count == table.row_count + 1
    cells = [cell for column in told.columns for cell in column.cells]
    assert any(str(cell).startswith("283 of 1,500; 1,217 left out") for cell in cells)


def test_a_run_that_cannot_be_written_is_refused_before_the_work(
    shop_bundle: Path, tmp_path: Path
) -> None:
    queries = tmp_path / "queries.tsv"
    queries.write_text("q1\tmilk\n", encoding="utf-8")
    words = ["--queries", str(queries), "--run", str(tmp_path / "nowhere" / "x.run")]
    result = CliRunner().invoke(main, ["evaluate", str(shop_bundle), "-", *words])
    assert result.exit_code == 1
    assert "x.run: expected a place for a file, received: No such file" in result.output
