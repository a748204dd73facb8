"""The bytes of result columns against the messages that protobuf makes of the same results; cards."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as some

from data.records import Item
from protos import discovery_pb2
from serving.api.answers import EventEffect, FeatureEffect, ModalityShare, ScorePart
from serving.api.item_cards import ItemCard, cards_of
from serving.api.result_bytes import results_bytes
from serving.api.result_codec import add_result, read_result
from serving.api.result_columns import Effects, ResultColumns
from towers.catalog.facts import Facts
from towers.catalog.items import Catalog
from towers.config import TextConfig

SOURCES = ("learnt", "lexical", "popular")
NAMES = "related_only", "é" * 90
text = some.text(max_size=300)
number = some.floats(allow_nan=False, allow_infinity=False)
score = some.floats(allow_nan=False, allow_infinity=False, width=32)
amounts = some.lists(score, min_size=2, max_size=2)
rows = some.tuples(
    *(text, text, some.lists(text, max_size=3).map(tuple), text, some.none() | number),
    *(some.booleans(), score, score, number),
    *(some.lists(some.integers(-1, 2_000_000), min_size=3, max_size=3), amounts, amounts),
    some.lists(text, max_size=2).map(tuple),
)


def columns_of(listed: list[Any], *, has_parts: bool, is_calibrated: bool) -> ResultColumns:
    """Columns of results: the fields of a card, scores, probability, ranks and score parts of each."""

    def parts(place: int) -> dict[str, np.ndarray]:
        columns = np.array([row[place] for row in listed]).reshape(-1, len(NAMES)).T
        return dict(zip(NAMES, columns, strict=True)) if has_parts else {}

    scores, models, chances = (np.array([row[place] for row in listed]) for place in (6, 7, 8))
    return ResultColumns(
        [ItemCard(*row[:6], *row[12:]) for row in listed],
        scores.astype(np.float32),
        models.astype(np.float32),
        chances.astype(float) if is_calibrated else None,
        SOURCES,
        np.array([row[9] for row in listed], np.int32).reshape(-1, len(SOURCES)),
        parts(10),
        parts(11),
    )


@settings(max_examples=200, deadline=None)
@given(some.lists(rows, max_size=4), some.booleans(), some.booleans())
def test_the_bytes_are_those_of_the_messages(
    listed: list[Any], has_parts: bool, is_calibrated: bool
) -> None:
    columns = columns_of(listed, has_parts=has_parts, is_calibrated=is_calibrated)
    expected = discovery_pb2.SearchItemsResponse()
    for result in columns:
        add_result(expected.results, result)
    assert discovery_pb2.SearchItemsResponse.FromString(results_bytes(columns)) == expected


def test_the_bytes_say_why_a_result_is_where_it_is() -> None:
    row = ("i", "title", ("a", "b"), "brand", 2.5, True, 1.5, 1.25, 0.5, [3, -1, 0])
    listed = [(*row, [0.0, 0.0], [0.25, 0.0]), (*row, [0.0, 0.0], [0.0, 0.0])]
    told = Effects(
        (EventEffect("view", "m", "", 0.1), EventEffect("search", "", "milk", -0.4)),
        (FeatureEffect("price", 1.0, -0.2),),
        "because you looked at 杯子",
        (ModalityShare("words", 0.75), ModalityShare("picture", 0.25)),
    )
    plain = columns_of(listed, has_parts=True, is_calibrated=True)
    columns = replace(plain, effects=lambda position: told if position else Effects())
    first, second = columns
    assert first == plain[0] and second == replace(plain[1], **told._asdict())
    message = discovery_pb2.SearchItemsResponse.FromString(results_bytes(columns))
    assert [read_result(one) for one in message.results] == [first, second]


def test_columns_are_the_sequence_of_their_results() -> None:
    row = ("i", "title", ("a", "b"), "brand", 2.5, True, 1.5, 1.25, 0.5, [3, -1, 0])
    nothing = [0.0, 0.0]
    listed = [(*row, nothing, [0.25, 0.0]), (*row[:-1], [-1, -1, -1], nothing, nothing)]
    columns = columns_of(listed, has_parts=True, is_calibrated=True)
    first, second = columns
    assert len(columns) == 2 and columns[0] == first and columns[-1] == second
    assert columns[:1] == [first] and columns == [first, second] and columns != [first]
    assert (first.item_id, first.category, first.price, first.score) == ("i", ("a", "b"), 2.5, 1.5)
    assert [(hit.source, hit.rank) for hit in first.sources] == [("learnt", 4), ("popular", 1)]
    assert first.merchandising == (ScorePart(NAMES[0], 0.25),) and first.adjustments == ()
    assert second.sources == () and second.purchase_probability == 0.5


def test_a_card_is_made_anew_after_every_change_of_its_item() -> None:
    catalog = Catalog.of([Item("a", "old", price=1.25), Item("b", "other")], TextConfig())
    both = np.array([1, 0])
    other, old = cards_of(catalog, both)
    assert (old.item_id, old.title, old.price, old.in_stock) == ("a", "old", 1.25, True)
    assert other.price is None and other.category == () and other.brand == ""
    catalog.upsert(Item("a", "new", brand="maker", category=("x", "y"), in_stock=False))
    same, new = cards_of(catalog, both)
    assert same is other and (old.title, new.title, new.price) == ("old", "new", None)
    assert (new.brand, new.category, new.in_stock) == ("maker", ("x", "y"), False)
    catalog.update_facts(np.array([0]), Facts.of([Item("a", "new", price=3.1)]))
    (cheap,) = cards_of(catalog, both[1:])
    # Of 3.1 as float32 the digits beyond its precision are left out.
    assert (cheap.price, cheap.title, cheap.in_stock) == (3.1, "new", True)
    catalog.upsert(Item("a", "new", brand="guess", predicted=("brand",)))
    (guessed,) = cards_of(catalog, both[1:])
    assert guessed.predicted_attributes == ("brand",) and new.predicted_attributes == ()
    catalog.upsert(Item("a", "new", brand="maker"))
    assert cards_of(catalog, both[1:])[0].predicted_attributes == ()
    catalog.upsert(Item("c", "added"))
    assert [card.title for card in cards_of(catalog, np.array([2, 0]))] == ["added", "new"]
