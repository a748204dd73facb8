"""The file of query checks, line by line, and verdicts worked out by hand."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from data.errors import InputError
from data.records import Item
from serving.api.answers import Result
from serving.api.requests import SearchRequest
from serving.cli.main import main
from serving.edge.server import RunningServer
from serving.engine import Engine
from serving.evaluation.searches.check_file import read_checks
from serving.evaluation.searches.query_check import QueryCheck, Selection, Verdict, judged
from tests.serving.gated_engine import GatedEngine
from tests.towers import shelf
from towers.catalog.items import Catalog
from towers.config import TextConfig

TOYS = [
    Item("kite", "Red kite", category=("Toys", "Outdoor"), brand="Aero"),
    Item("ball", "Ball, red", category=("Toys", "Balls"), brand="Bounce"),
    Item("doll", "Doll", category=("Toys",), brand="Aero"),
    Item("dress", "Red dress", category=("Clothing", "Toys & more")),
    Item("sku:7,5", "Size 7,5 ball"),
]
CATALOG = Catalog.of(TOYS, TextConfig())


def written(folder: Path, *lines: str) -> Path:
    path = folder / "checks.tsv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def read_one(folder: Path, line: str) -> QueryCheck:
    (check,) = read_checks(written(folder, line))
    return check


def verdict_on(folder: Path, line: str, *item_ids: str) -> Verdict:
    """The verdict on an answer with these items, best first."""
    of_id = {item.item_id: item for item in TOYS}
    results = [
        Result(item_id, item.title, item.category, item.brand, None, True, 0.0)
        for item_id in item_ids
        for item in (of_id[item_id],)
    ]
    return judged(read_one(folder, line), results, CATALOG)


@pytest.mark.parametrize(
    ("line", "query", "wanted", "count", "unwanted"),
    [
        ("red kite\tkite", "red kite", ("kite",), 1, ()),
        ("toy\tkite, ball,doll", "toy", ("kite", "ball", "doll"), 3, ()),
        ("toy\tkite,ball\t5\tdress", "toy", ("kite", "ball"), 5, ("dress",)),
        ("toy\tkite\t\tdress,doll\t\t\r", "toy", ("kite",), 1, ("dress", "doll")),
        ("toy\t\t\tdress", "toy", (), 10, ("dress",)),
        ("#8 screw\tkite", "#8 screw", ("kite",), 1, ()),
        ("c#\tkite", "c#", ("kite",), 1, ()),
        ("7,5\tid:sku:7\\,5", "7,5", ("sku:7,5",), 1, ()),
        ("7,5\tsku:7\\,5,kite", "7,5", ("sku:7,5", "kite"), 2, ()),
        ("x\tid:title:a", "x", ("title:a",), 1, ()),
    ],
)
def test_a_line_names_query_ids_and_count(
    tmp_path: Path,
    line: str,
    query: str,
    wanted: tuple[str, ...],
    count: int,
    unwanted: tuple[str, ...],
) -> None:
    expected = QueryCheck(1, query, Selection(wanted), count, Selection(unwanted))
    assert read_one(tmp_path, line) == expected


def test_comments_empty_lines_and_a_byte_order_mark_are_left_out(tmp_path: Path) -> None:
    lines = ["\ufeff// query\tids\tn", "", "# query\tids", "#", "#section", "  ", "toy\tkite\r"]
    (check,) = read_checks(written(tmp_path, *lines))
    assert (check.line, check.query) == (7, "toy")


@pytest.mark.parametrize(
    ("pattern", "fitting"),
    [
        ("title:/ball/i", {"ball", "sku:7,5"}),
        ("title:/^ball/", set()),
        ("title:/^Ball, (red|blue)$/", {"ball"}),
        ("title:/Size 7/, title:/doll/i", {"sku:7,5", "doll"}),
        ("title:RED", {"kite", "ball", "dress"}),
        ("category:toys", {"kite", "ball", "doll"}),
        ("category:Toys > Balls", {"ball"}),
        ("category:Toys>Balls", {"ball"}),
        ("category:Toys > Bal", set()),
        ("category:Balls", {"ball"}),
        ("category:/& more/", {"dress"}),
        ("category:/^Toys > O/", {"kite"}),
        ("brand:aero", {"kite", "doll"}),
        ("brand:aer", set()),
        ("brand:/aer/i, ball", {"kite", "doll", "ball"}),
    ],
)
def test_a_pattern_fits_by_title_category_or_brand(
    tmp_path: Path, pattern: str, fitting: set[str]
) -> None:
    check = read_one(tmp_path, f"toy\t{pattern}")
    assert check.count == 10
    found = {
        item.item_id
        for item in TOYS
        if check.wanted.has(item.item_id, item.title, item.category, item.brand)
    }
    assert found == fitting


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("toy", r"column 2 \(wanted\): expected item ids or patterns, received ''"),
        ("\tkite", r"column 1 \(query\): expected 1 to 256 characters, received 0"),
        ("x" * 257 + "\tkite", r"column 1 \(query\): expected 1 to 256 characters, received 257"),
        ("toy\tkite\tmany", r"column 3 \(n\): expected 1 to 100, received 'many'"),
        ("toy\tkite\t0", r"column 3 \(n\): expected 1 to 100, received '0'"),
        ("toy\tkite\t101", r"column 3 \(n\): expected 1 to 100, received '101'"),
        ("toy\tkite\t1.5", r"column 3 \(n\): expected 1 to 100, received '1.5'"),
        ("toy\tkite,ball\t1", r"column 3 \(n\): expected 2 to 100, received '1'"),
        ("toy\tkite\t1\tx\ty", "columns: expected at most 4, received 5"),
        ("toy\tkite,,ball", r"column 2 \(wanted\): expected an item id or a pattern between"),
        ("toy\ttitle:/(/", r"column 2 \(wanted\): expected a regular expression, received '\(': m"),
        ("toy\ttitle://", r"column 2 \(wanted\): expected a regular expression between the slash"),
        ("toy\ttitle:/a/x", r"column 2 \(wanted\): expected the flag i or none .*, received 'x'"),
        ("toy\ttitle:/a", r"column 2 \(wanted\): expected a pattern like title:/regex/i, received"),
        ("toy\tkite\t1\tbrand:/", r"column 4 \(unwanted\): expected a pattern like brand:/regex/i"),
        (
            "toy\t" + ",".join(map(str, range(101))),
            r"column 2 \(wanted\): expected at most 100 ids",
        ),
    ],
)
def test_a_bad_line_is_named_with_its_column(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(InputError, match=f"^checks.tsv, line 3, {message}"):
        read_checks(written(tmp_path, "// comment", "toy\tkite", line))


def test_all_bad_lines_are_counted_and_the_first_five_told(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_checks(written(tmp_path, *["toy"] * 7))
    lines = str(caught.value).split("\n")
    assert [line.partition(", column")[0] for line in lines] == [
        *(f"checks.tsv, line {number}" for number in range(1, 6)),
        "and 2 more",
    ]


def test_a_file_without_checks_or_without_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected at least one query, received none"):
        read_checks(written(tmp_path, "// nothing", ""))
    (tmp_path / "bytes.tsv").write_bytes(b"caf\xe9\tkite\n")
    with pytest.raises(InputError, match=r"bytes.tsv: expected a readable text file"):
        read_checks(tmp_path / "bytes.tsv")


@pytest.mark.parametrize(
    ("line", "found", "failures"),
    [
        ("q\tkite", "kite ball", []),
        ("q\tkite,ball", "ball kite", []),
        ("q\tkite", "ball kite", ["kite: expected in the first 1, received at 2"]),
        ("q\tkite", "ball", ["kite: expected in the first 1, received none in 1 results"]),
        ("q\tkite", "", ["kite: expected in the first 1, received none in 0 results"]),
        ("q\tmoon", "kite", ["moon: not in the catalogue"]),
        ("q\tkite\t3\tdress", "kite dress ball", []),
        ("q\tkite\t3\tdress", "dress kite", ["dress: must not be before kite, received at 1"]),
        (
            "q\tkite,ball\t4\tdress",
            "kite dress doll ball",
            ["dress: must not be before ball, received at 2"],
        ),
        (
            "q\tkite\t2\tdress",
            "ball dress kite",
            [
                "kite: expected in the first 2, received at 3",
                "dress: must not be in the first 2, received at 2",
            ],
        ),
        ("q\t\t2\tbrand:Aero", "ball doll", ["doll: must not be in the first 2, received at 2"]),
        ("q\t\t2\tbrand:Aero", "ball dress doll", []),
        ("q\t\t2\tmoon", "ball", []),
        # The catalogue has two balls.
        ("q\ttitle:/ball/i", "ball sku:7,5 kite", []),
        ("q\ttitle:/ball/i", "kite ball doll sku:7,5", []),
        ("q\ttitle:/ball/i\t1", "sku:7,5", []),
        (
            "q\ttitle:/ball/i\t2",
            "ball kite sku:7,5",
            ["title:/ball/i: expected 2 of the first 2, received 1"],
        ),
        ("q\ttitle:moon", "ball", ["title:moon: no item of the catalogue fits"]),
        (
            "q\ttitle:/ball/i\t4\tdress",
            "ball dress sku:7,5",
            ["dress: must not be before sku:7,5, received at 2"],
        ),
        ("q\tdoll,title:/ball/i\t3", "ball sku:7,5 doll", []),
        (
            "q\tdoll,title:/ball/i\t3",
            "ball sku:7,5 kite doll",
            [
                "doll: expected in the first 3, received at 4",
                "title:/ball/i: expected 3 of the first 3, received 2",
            ],
        ),
    ],
)
def test_verdicts(tmp_path: Path, line: str, found: str, failures: list[str]) -> None:
    verdict = verdict_on(tmp_path, line, *found.split())
    assert list(verdict.failures) == failures


def test_ids_that_the_catalogue_does_not_have_are_told_wanted_or_not(tmp_path: Path) -> None:
    verdict = verdict_on(tmp_path, "q\tkite\t1\tmoon,sun", "kite")
    assert (verdict.failures, verdict.unknown_item_ids) == ((), ("moon", "sun"))


@pytest.fixture
def first_ids() -> list[str]:
    """What the shelf's bundle answers to ``espresso``."""
    engine = Engine.open(shelf.bundle_folder())
    answer = engine.search(SearchRequest("espresso", page_size=100, record=False))
    engine.close()
    return [result.item_id for result in answer.results]


def test_a_bundle_that_answers_as_expected_ends_with_0(
    tmp_path: Path, first_ids: list[str]
) -> None:
    path = written(tmp_path, f"espresso\t{','.join(first_ids[:3])}\t3\t{first_ids[5]}")
    result = CliRunner().invoke(main, ["check", str(shelf.bundle_folder()), str(path)])
    assert result.exit_code == 0, result.output
    assert "1 of 1 queries pass, 0 fail" in result.stdout


def test_a_bundle_that_does_not_ends_with_1_and_says_which_queries(
    tmp_path: Path, first_ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    lines = [f"espresso\t{first_ids[0]}", f"espresso\t{first_ids[4]}", "espresso\tnowhere:x:"]
    path = written(tmp_path, *lines)
    arguments = ["check", str(shelf.bundle_folder()), str(path)]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1
    assert "1 of 3 queries pass, 2 fail" in result.stdout
    assert f"{first_ids[4]}: expected in the first 1, received at 5" in result.stdout
    assert "nowhere:x:: not in the catalogue" in result.stdout
    told = CliRunner().invoke(main, [*arguments, "--json"])
    assert told.exit_code == 1
    report = json.loads(told.stdout)
    assert (report["query_count"], report["failed_count"]) == (3, 2)
    assert [verdict["line"] for verdict in report["failed"]] == [2, 3]
    assert report["failed"][0]["found"] == first_ids[:1]
    assert report["unknown_item_ids"] == ["nowhere:x:"]


def test_rules_count_as_they_do_when_served(tmp_path: Path, first_ids: list[str]) -> None:
    last = first_ids[-1]
    rules = tmp_path / "rules.toml"
    rules.write_text(
        f'version = "1"\n[[pin]]\nname = "p"\nquery = "espresso"\nitem = "{last}"\nposition = 1\n'
    )
    arguments = ["check", str(shelf.bundle_folder()), str(written(tmp_path, f"espresso\t{last}"))]
    assert CliRunner().invoke(main, arguments).exit_code == 1
    pinned = CliRunner().invoke(main, [*arguments, "--rules", str(rules)])
    assert pinned.exit_code == 0, pinned.output


def test_a_bad_file_ends_with_2_and_names_the_line(tmp_path: Path) -> None:
    path = written(tmp_path, "espresso\tp0002", "espresso\tp0002\tfew")
    result = CliRunner().invoke(main, ["check", str(shelf.bundle_folder()), str(path)])
    assert result.exit_code == 2
    assert "checks.tsv, line 2, column 3 (n): expected 1 to 100, received 'few'" in result.stderr
    missing = ["check", str(shelf.bundle_folder()), str(tmp_path / "none.tsv")]
    assert CliRunner().invoke(main, missing).exit_code == 2


def test_a_bundle_that_fails_the_check_is_not_published(
    server: RunningServer,
    engine: GatedEngine,
    tmp_path: Path,
    first_ids: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    first, second = engine.status().bundle_path, str(tmp_path / "second")
    shutil.copytree(first, second)
    passes = written(tmp_path, f"espresso\t{first_ids[0]}")
    fails = tmp_path / "fails.tsv"
    fails.write_text(f"espresso\t{first_ids[3]}\n")
    bad = tmp_path / "bad.tsv"
    bad.write_text("espresso\n")

    def publish(check: Path, *options: str) -> tuple[int, str]:
        address = ["--address", f"127.0.0.1:{server.port}"]
        words = ["publish", *options, "--check", str(check), *address]
        result = CliRunner().invoke(main, words)
        return result.exit_code, result.stderr

    code, told = publish(fails, second)
    assert code == 1
    assert "passes fails.tsv, received 1 of 1 queries that fail; the active bundle stays" in told
    assert "received at 4" in told
    code, told = publish(bad, second)
    assert (code, "bad.tsv, line 1, column 2" in told) == (2, True)
    assert publish(passes, "--rollback")[0] == 2
    assert engine.status().bundle_path == first
    assert publish(passes, second)[0] == 0
    assert engine.status().bundle_path == second
