"""The ``[policy]`` table: what it says, for whom, and what is wrong with it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from data.errors import ConfigError
from serving.answering.rule_file import RuleFile
from serving.answering.rules import read_rules
from serving.policy.settings import SURFACES, Policies, Policy
from towers.sessions.segments import Segment

TEXT = """
[policy]
diversity = 0.25
brand_cap = 3
[policy.surface.search]
diversity = 0
[policy.surface.home]
exploration = 0.1
new_days = 7
[policy.segment.bargain_hunter]
diversity = 1
variant_attribute = "style"
"""


def policies(folder: Path, text: str) -> Policies:
    path = folder / "rules.toml"
    path.write_text('version = "1"\n' + text, encoding="utf-8")
    return read_rules(path).policies


def test_a_segments_table_wins_over_a_surfaces_and_that_over_the_rest(tmp_path: Path) -> None:
    found = policies(tmp_path, TEXT)
    assert found.of("cart", Segment.RETURNING) == Policy(diversity=0.25, brand_cap=3)
    assert found.of("search", Segment.NEW_VISITOR) == Policy(brand_cap=3)
    home = Policy(diversity=0.25, brand_cap=3, exploration=0.1, new_days=7.0)
    assert found.of("home", Segment.HEAVY_BUYER) == home
    hunter = found.of("search", Segment.BARGAIN_HUNTER)
    assert hunter == Policy(diversity=1.0, brand_cap=3, variant_attribute="style")


def test_without_a_table_every_policy_is_off(tmp_path: Path) -> None:
    found = policies(tmp_path, "")
    assert all(found.of(surface, Segment.RETURNING).is_off for surface in SURFACES)
    assert Policy(new_days=3).is_off and not Policy(variant_cap=1).is_off


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("policy = 3", "rules.toml, policy: expected a table, received 3"),
        (
            "[policy]\ndiversity = 1.5",
            "policy, diversity: expected a number from 0 to 1, received 1.5",
        ),
        ("[policy]\ndiversity = nan", "diversity: expected a number from 0 to 1, received nan"),
        ("[policy]\ndiversity = true", "diversity: expected a number from 0 to 1, received True"),
        (
            "[policy]\nbrand_cap = 2.5",
            "brand_cap: expected a whole number from 0 to 100, received 2.5",
        ),
        (
            "[policy]\nexploration = 0.3",
            "exploration: expected a number from 0 to 0.2, received 0.3",
        ),
        ("[policy]\nnew_days = -1", "new_days: expected a number from 0 to 3650, received -1"),
        ("[policy]\nvariant_attribute = 1", "variant_attribute: expected a text, received 1"),
        ("[policy]\ndiverity = 0.1", r"policy, diverity: .*did you mean diversity"),
        ("[policy]\nsurface = 1", r"policy.surface: expected \[policy.surface.search\] tables"),
        ("[policy.surface.hom]\n", r"policy.surface, hom: expected one of search, home.*home\?"),
        ("[policy.segment.rich]\n", "policy.segment, rich: expected one of new_visitor"),
        (
            "[policy.segment.returning]\nbrand_cap = -1",
            "rules.toml, policy.segment.returning, brand_cap: expected a whole number",
        ),
        (
            "[policy.surface.home.segment]\n",
            "policy.surface.home, segment: expected one of diversity",
        ),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        policies(tmp_path, text)


def test_a_changed_file_changes_the_policy_and_a_bad_one_leaves_it(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"

    def write(text: str, at: int) -> None:
        path.write_text('version = "1"\n[policy]\n' + text, encoding="utf-8")
        os.utime(path, (at, at))

    write("diversity = 0.5", 1)
    file = RuleFile(path)
    assert file.current(10.0).policies.of("home", Segment.RETURNING).diversity == 0.5
    write("diversity = 0.75", 2)
    assert file.current(12.0).policies.of("home", Segment.RETURNING).diversity == 0.75
    write("diversity = 2.0", 3)
    assert file.current(14.0).policies.of("home", Segment.RETURNING).diversity == 0.75
    assert "policy, diversity: expected a number from 0 to 1" in file.error
