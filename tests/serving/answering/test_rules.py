"""Query rules: what a file may say, whom a rule meets, and how a changed file comes into force."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from data.errors import ConfigError
from serving.answering.rule_file import RuleFile
from serving.answering.rules import Rules, read_rules
from serving.api.requests import Filter, Placement, RecommendRequest, SearchRequest
from towers.text.query_rewriter import parsed_as_typed

HEAD = 'version = "1"\n'


def rules_of(folder: Path, text: str) -> Rules:
    path = folder / "rules.toml"
    path.write_text(HEAD + text, encoding="utf-8")
    return read_rules(path)


def names(rules: Rules, request: SearchRequest | RecommendRequest, now: float = 0.0) -> list[str]:
    query = parsed_as_typed(getattr(request, "query", ""))
    return [rule.name for rule in rules.matching(request, query, now)]


def test_a_query_is_met_whole_and_a_part_by_its_words(tmp_path: Path) -> None:
    rules = rules_of(
        tmp_path,
        """
[[hide]]
name = "whole"
query = "Oat  Milk"
items = ["a"]
[[hide]]
name = "part"
contains = "milks"
items = ["a"]
[[hide]]
name = "always"
items = ["a"]
""",
    )
    assert names(rules, SearchRequest("oat-milk")) == ["whole", "part", "always"]
    assert names(rules, SearchRequest("milk")) == ["part", "always"]
    assert names(rules, SearchRequest("oat")) == ["always"]
    assert names(rules, RecommendRequest(Placement.HOME)) == ["always"]


def test_a_browse_page_is_met_by_its_place_and_its_category(tmp_path: Path) -> None:
    rules = rules_of(
        tmp_path,
        """
[[boost]]
name = "home"
placement = "home"
brands = ["Oaty"]
[[boost]]
name = "dairy"
page_category = "Dairy"
brands = ["Oaty"]
""",
    )
    below = Filter(category=("Dairy", "Milk"))
    assert names(rules, RecommendRequest(Placement.HOME)) == ["home"]
    assert names(rules, RecommendRequest(Placement.CATEGORY, filter=below)) == ["dairy"]
    assert names(rules, RecommendRequest(Placement.CATEGORY, filter=Filter(("Bakery",)))) == []
    assert names(rules, SearchRequest("oaty")) == []


def test_a_rule_is_in_force_from_its_start_until_its_end(tmp_path: Path) -> None:
    rules = rules_of(
        tmp_path,
        """
[[redirect]]
name = "r"
query = "returns"
uri = "/returns"
start = 1970-01-01T00:01:40Z
end = 1970-01-01T01:03:20+01:00
""",
    )
    request = SearchRequest("returns")
    met = [bool(names(rules, request, now)) for now in (99.9, 100.0, 199.9, 200.0)]
    assert met == [False, True, True, False]


def test_synonyms_go_both_ways_or_one(tmp_path: Path) -> None:
    rules = rules_of(
        tmp_path,
        """
[[synonym]]
words = ["sofa", "couch"]
[[synonym]]
words = ["tv"]
finds = ["flat screen", "television"]
""",
    )

    def found(query: str) -> list[tuple[str, ...]]:
        met = rules.matching(SearchRequest(query), parsed_as_typed(query), 0.0)
        return [rule.synonym.phrase for rule in met if rule.synonym is not None]

    assert found("red sofas") == [("couch",)]
    assert found("couch") == [("sofa",)]
    # By their stems, as items are matched.
    assert found("TV stand") == [("flat", "screen"), ("televis",)]
    assert found("television") == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[pin]]\nitem = 'a'", "rules.toml, pin 1, position: expected a number above 0"),
        ("[[pin]]\nitem = 'a'\nposition = 101", "position: .* at most 100, received 101"),
        ("[[pin]]\nitem = 'a'\nposition = 1.5", "position: expected a whole number"),
        ("[[pin]]\nposition = 1", "pin 1, item: expected a text that is not empty"),
        (
            "[[boost]]\nquery = 'a'",
            "boost 1, items: expected items, brands, categories or days_of_stock_below or",
        ),
        ("[[boost]]\nitems = ['a']\nstrength = 11", "boost 1, strength: .* received 11"),
        ("[[bury]]\nitems = ['a']\nstrength = true", "bury 1, strength: .* received True"),
        ("[[hide]]\nitems = 'a'", "hide 1, items: expected a list of texts"),
        ("[[hide]]\nitem = ['a']", r"hide 1, item: .* \(did you mean items\?\)"),
        ("[[hide]]\nitems = ['a']\nquery = '!'", "hide 1, query: expected a text with words"),
        ("[[hide]]\nitems = ['a']\nplacement = 'shelf'", "placement: expected one of home"),
        (
            "[[hide]]\nitems = ['a']\nquery = 'a'\ncontains = 'b'",
            "hide 1, contains: expected no other condition beside query",
        ),
        ("[[redirect]]\nuri = '/a'", "redirect 1, query: expected query or contains"),
        ("[[redirect]]\nquery = 'a'", "redirect 1, uri: expected a text that is not empty"),
        ("[[synonym]]\nwords = ['a']", "synonym 1, words: expected one phrase or more"),
        ("[[synonym]]\nwords = ['a', '!']", "synonym 1, words: expected phrases of words"),
        (
            "[[hide]]\nitems = ['a']\nstart = 2025-01-01T00:00:00",
            "hide 1, start: expected a time with an offset",
        ),
        (
            "[[hide]]\nitems = ['a']\nstart = 2025-01-02T00:00:00Z\nend = 2025-01-01T00:00:00Z",
            "hide 1, end: expected a time after start",
        ),
        ("[pin]\nitem = 'a'", r"rules.toml, pin: expected \[\[pin\]\] tables"),
        ("[[pins]]", r"rules.toml, pins: .* \(did you mean pin\?\)"),
        ("[[pin", "rules.toml: expected a readable TOML file"),
        ("# " + "x" * 1_000_000, "rules.toml: expected at most 1,000,000 bytes"),
    ],
)
def test_what_is_wrong_is_named_by_file_rule_and_key(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        rules_of(tmp_path, text)


def test_a_file_without_a_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text("", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"rules.toml, version: expected a text"):
        read_rules(path)


def test_a_changed_file_comes_into_force_within_a_second(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text('version = "1"', encoding="utf-8")
    rules = RuleFile(path)
    assert rules.current(10.0).version == "1"
    path.write_text('version = "two"', encoding="utf-8")
    assert rules.current(10.5).version == "1"
    assert rules.current(11.0).version == "two"


def test_a_bad_file_leaves_the_earlier_rules_in_force_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "rules.toml"
    path.write_text('version = "1"', encoding="utf-8")
    rules = RuleFile(path)
    path.write_text('version = "2"\n[[pin]]', encoding="utf-8")
    assert rules.current(1.0).version == "1"
    assert "pin 1, position: expected" in rules.error
    assert "pin 1, position: expected" in caplog.text
    path.unlink()
    assert rules.current(2.0).version == "1"
    assert "rules.toml: expected a readable TOML file" in rules.error
    path.write_text('version = "3"', encoding="utf-8")
    os.utime(path)
    assert rules.current(3.0).version == "3"
    assert rules.error == ""


def test_what_the_rules_need_of_the_bundle_is_logged_at_every_reading(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "rules.toml"
    path.write_text('version = "1"', encoding="utf-8")
    rules = RuleFile(path)
    rules.check_against(lambda read: f"no {read.version}" if read.version != "1" else "")
    assert not caplog.messages and not rules.error
    path.write_text('version = "two"', encoding="utf-8")
    rules.current(1.0)
    rules.current(2.0)
    assert caplog.messages == [
        "rules of version 'two' are in force",
        "rules of version 'two': no two",
    ]
    assert rules.error == "no two"


def test_a_server_does_not_start_with_bad_rules(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent.toml: expected a readable TOML file"):
        RuleFile(tmp_path / "absent.toml")
    assert RuleFile(None).current(0.0).version == ""
