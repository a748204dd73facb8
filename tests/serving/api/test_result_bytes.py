"""The bytes of result columns against the messages that protobuf makes of the same results."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as some

from protos import discovery_pb2
from serving.api.answers import ScorePart
from serving.api.result_bytes import results_bytes
from serving.api.result_codec import add_result
from serving.api.result_columns import ResultColumns

SOURCES = ("learnt", "lexical", "popular")
text = some.text(max_size=300)
number = some.floats(allow_nan=False, allow_infinity=False)
parts = some.lists(some.builds(ScorePart, text, number), max_size=2).map(tuple)
rows = some.tuples(
    *(text, text, some.lists(text, max_size=3).map(tuple), text, some.none() | number),
    *(some.booleans(), number, number, some.none() | number),
    *(some.lists(some.integers(-1, 10_000), min_size=3, max_size=3), parts, parts),
)


def columns_of(listed: list[Any], has_parts: bool) -> ResultColumns:
    (
        item_ids,
        titles,
        categories,
        brands,
        prices,
        in_stock,
        scores,
        models,
        chances,
        ranks,
        one,
        two,
    ) = ([row[place] for row in listed] for place in range(12))
    return ResultColumns(
        *(item_ids, titles, categories, brands, prices, in_stock, scores, models, chances),
        *(SOURCES, ranks, one if has_parts else None, two if has_parts else None),
    )


@settings(max_examples=200, deadline=None)
@given(some.lists(rows, max_size=4), some.booleans())
def test_the_bytes_are_those_of_the_messages(listed: list[Any], has_parts: bool) -> None:
    columns = columns_of(listed, has_parts)
    expected = discovery_pb2.SearchItemsResponse()
    for result in columns:
        add_result(expected.results, result)
    assert discovery_pb2.SearchItemsResponse.FromString(results_bytes(columns)) == expected


def test_columns_are_the_sequence_of_their_results() -> None:
    row = ("i", "title", ("a", "b"), "brand", 2.5, True, 1.5, 1.25, 0.5, [3, -1, 0])
    part = ScorePart("boost", 0.25)
    columns = columns_of([(*row, (), (part,)), (*row[:-1], [-1, -1, -1], (), ())], True)
    first, second = columns
    assert len(columns) == 2 and columns[0] == first and columns[-1] == second
    assert columns[:1] == [first] and columns == [first, second] and columns != [first]
    assert (first.item_id, first.category, first.price, first.score) == ("i", ("a", "b"), 2.5, 1.5)
    assert [(hit.source, hit.rank) for hit in first.sources] == [("learnt", 4), ("popular", 1)]
    assert second.sources == () and first.merchandising == (part,) and first.adjustments == ()
