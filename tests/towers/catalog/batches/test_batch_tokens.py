"""Tokens of batches: equal to those of one item at a time, whatever stands beside numbers."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from data.bulk.item_columns import item_columns
from data.errors import InputError
from data.records import Item
from data.tables import items_table
from towers.catalog.batches import title_tokens
from towers.catalog.batches.batch_tokens import BatchTokens
from towers.catalog.batches.text_tokens import TextTokens
from towers.catalog.item_tokens import token_numbers
from towers.config import TextConfig
from towers.text.tokens import token
from towers.text.word_forms import item_words
from towers.text.words import stem

TEXT = TextConfig(bucket_count=131_072, item_slot_count=12)

CHUNKS = (
    *("oat", "Milk", "the", "x", "X", "*", "×", "-", "--", "", "sq", "sq.", "Sq", "cubic", "foot"),
    *("ft", "ft.", "in.", "inch", "oz", "m", "lbs", "'", '"', "1", "2", "10", "1/2", "3/4", "-1/2"),
    *(
        "2-",
        "1,5",
        "1,000",
        "2.5",
        "12oz",
        "(12",
        "40sq.",
        "9-sq.",
        "2x4",
        "10x",
        "x20",
        "ft.x",
        "s21",
    ),
    *(
        "galaxy",
        "iphone13",
        "13pro",
        "wi-fi",
        "at&t",
        "usb-c",
        "dhp-484z",
        "levi's",
        "l'huile",
        "c++",
    ),
    *(
        "C#",
        ".net",
        "asp.net",
        "müsli",
        "Müsli",
        "mûsli",
        "café",
        "½",
        "1½",
        "²",
        "华为手机",
        "雨伞",
    ),
    *("\u00a0", "10\u00a0000", "´s", "cm²", "٣", "a\tb", "#12", "_x_", "2_3"),
)


def words_of(text: str) -> list[int]:
    numbers = [token("w:" + stem(word), TEXT.bucket_count) for word in item_words(text).words]
    return list(dict.fromkeys(numbers))


@settings(max_examples=1_000, deadline=None)
@given(st.lists(st.sampled_from(CHUNKS), max_size=9).map(" ".join))
@example("2 ft. x 2 ft. carpet (10 tiles/case-40sq. ft.)")
@example("galaxy s21 5 cubic feet x 3")
@example("müsli and mûsli")
@example("1 - 1/2 in. pipe")
def test_a_text_in_pieces_has_the_words_of_the_whole(text: str) -> None:
    assert list(dict.fromkeys(TextTokens(TEXT.bucket_count).of(text))) == words_of(text)


ITEMS = [
    Item("a", "Oat milk 12 OZ", category=("Dairy", "Oat milk"), brand="Oaty", price=2.0),
    Item("b", "Oat milk 12 OZ", attributes={"size": "2 sq ft", "colour": "", "b": "Oaty"}),
    Item("c", "华为 手机壳 for mate 40", attributes={"size": "x"}),
    Item("d", "phone", brand="华为", category=("电子产品",), price=0.0),
    Item("e"),
    Item("f", " ".join(f"word{n} and" for n in range(40)), price=1e9),
    Item("g", "pen", created_time=datetime(2024, 1, 1, tzinfo=UTC), price=0.3),
    Item("h", "ink", attributes={"stock": "40", "colour": "blue 2"}),
]


def test_the_tokens_of_a_batch_are_those_of_its_items() -> None:
    columns = item_columns(items_table(ITEMS))
    tokens = BatchTokens(TEXT)
    for rows in (np.arange(8), np.array([5, 2]), np.arange(0)):
        begins, found = tokens.of(columns, rows)
        assert found.dtype == np.int32 and begins[-1] == len(found)
        for place, row in enumerate(rows.tolist()):
            of_row = found[begins[place] : begins[place + 1]].tolist()
            assert of_row == token_numbers(ITEMS[row], TEXT)


TITLES = st.lists(st.lists(st.sampled_from(CHUNKS), max_size=9).map(" ".join), max_size=12)


@settings(max_examples=150, deadline=None)
@given(TITLES, TITLES)
@example(
    ["müsli and mûsli", "2  sq ft", " 2", "2 "], ["2  sq ft", "", "c++ C#", "1 - 1/2 in. pipe"]
)
def test_batch_after_batch_has_the_tokens_of_its_titles(
    first: list[str], second: list[str]
) -> None:
    tokens = BatchTokens(TEXT)
    for titles in (first, second, first):
        items = [Item(f"{row}", title) for row, title in enumerate(titles)]
        begins, found = tokens.of(item_columns(items_table(items)), np.arange(len(items)))
        for row, item in enumerate(items):
            assert found[begins[row] : begins[row + 1]].tolist() == token_numbers(item, TEXT)


def test_a_table_of_pieces_that_grows_and_is_emptied_gives_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(title_tokens, "_FIRST_ROOM", 2)
    monkeypatch.setattr(title_tokens, "_LIMIT", 300)
    tokens = BatchTokens(TEXT)
    for batch in range(6):
        items = [Item(f"{n}", f"word{batch * 40 + n} of {n} oz x {batch}") for n in range(90)]
        begins, found = tokens.of(item_columns(items_table(items)), np.arange(len(items)))
        for row, item in enumerate(items):
            assert found[begins[row] : begins[row + 1]].tolist() == token_numbers(item, TEXT)


def test_a_part_of_a_table_has_the_columns_of_its_own_items() -> None:
    whole = item_columns(items_table(ITEMS).slice(1, 3))
    assert whole.item_ids == ["b", "c", "d"]
    assert whole.attribute_offsets.tolist() == [0, 3, 4, 4]
    begins, found = BatchTokens(TEXT).of(whole, np.arange(3))
    for row, item in enumerate(ITEMS[1:4]):
        assert found[begins[row] : begins[row + 1]].tolist() == token_numbers(item, TEXT)


def test_an_item_without_an_id_or_with_an_attribute_twice_is_refused() -> None:
    with pytest.raises(
        InputError, match="^item_id: expected an id for each item, received an empty"
    ):
        item_columns(items_table([Item("a"), Item("")]))
    table = items_table([Item("a", attributes={"size": "1", "colour": "2"})])
    field = table.schema.field("attributes")
    pairs = pa.array([[("size", "1"), ("size", "2")]], field.type)
    twice = table.set_column(table.schema.get_field_index("attributes"), field, pairs)
    with pytest.raises(InputError, match="^attributes: expected each name once in an item"):
        item_columns(twice)
