"""The TOML file that renames: every name in it is known, or the error lists those that are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from data.errors import ConfigError
from data.sources.column_map import ColumnMap, read_column_map

WHOLE = """
[items]
item_id = "sku"
title = "名称"
"attributes.colour" = "Colour"
attributes.size.inner = "Größe"

[events]
visitor_id = "client"

[judgments]
grade = "relevance"

[event_types]
clicked = "view"
"bought.online" = "purchase"
shop.visit = "view"
"""


def read(tmp_path: Path, content: str | bytes) -> ColumnMap:
    path = tmp_path / "map.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_column_map(path)


def test_a_map_says_what_it_says(tmp_path: Path) -> None:
    column_map = read(tmp_path, WHOLE)
    assert column_map.items == {
        "item_id": "sku",
        "title": "名称",
        "attributes.colour": "Colour",
        "attributes.size.inner": "Größe",
    }
    assert column_map.events == {"visitor_id": "client"}
    assert column_map.judgments == {"grade": "relevance"}
    assert column_map.event_types == {
        "clicked": "view",
        "bought.online": "purchase",
        "shop.visit": "view",
    }


def test_no_map_and_an_empty_one_rename_nothing(tmp_path: Path) -> None:
    assert read_column_map(None) == read(tmp_path, "") == ColumnMap()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("[items", "map.toml: expected TOML in UTF-8, received: "),
        ('[items]\ntitle = "Größe"'.encode("latin-1"), "map.toml: expected TOML in UTF-8, rec"),
        (
            "[products]",
            "map.toml, section: expected one of items, events, judgments, offers, audiences, "
            "redemptions, event_types, received 'products'",
        ),
        ('items = "sku"', "map.toml, items: expected a section [items], received 'sku'"),
        (
            '[items]\nname = "x"',
            "map.toml, [items], column: expected one of item_id, title, description, category, "
            "brand, price, currency, in_stock, attributes, image, created_time, audio, received 'name'",
        ),
        ('[events]\n"attributes.a" = "x"', "map.toml, [events], column: expected one of event_id,"),
        ("[items]\ntitle = 3", "map.toml, [items], title: expected a name, received 3"),
        ('[events]\ntime.zone = "x"', "map.toml, [events], column: expected one of event_id, "),
        ("[event_types]\nclicked = 2", "map.toml, [event_types], clicked: expected a name, rec"),
        (
            '[event_types]\nclicked = "click"',
            "map.toml, [event_types], clicked: expected one of search, view, favorite, "
            "unfavorite, add_to_cart, remove_from_cart, purchase, review, return, received 'click'",
        ),
        (
            '[event_types]\nshown = "impression"',
            "map.toml, [event_types], shown: expected one of search, view, ",
        ),
    ],
)
def test_a_map_that_says_something_else_is_refused(
    tmp_path: Path, content: str | bytes, expected: str
) -> None:
    with pytest.raises(ConfigError, match=f"^{re.escape(expected)}"):
        read(tmp_path, content)


def test_a_map_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "none.toml"
    expected = f"{path}: expected a column map, received: No such file or directory"
    with pytest.raises(ConfigError, match=f"^{re.escape(expected)}$"):
        read_column_map(path)
    with pytest.raises(ConfigError, match=r": expected a column map, received: Is a directory$"):
        read_column_map(tmp_path)
