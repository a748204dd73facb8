"""Which parts of a log suffice for training, and the training data where one does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data.errors import InputError
from data.records import Event, EventType, Item, Judgment
from data.split import Split
from data.tables import Tables, events_table, items_table, judgments_table
from tests.towers import shelf
from towers.catalog.items import Catalog
from towers.datasets.dataset import Dataset
from towers.datasets.example_mix import Parts, is_enough, tower_examples, withheld_judged_examples
from towers.datasets.examples import query_fold, search_input
from towers.sessions.query_input import GENERIC_TYPE


class Silence:
    """Ignores progress."""

    def start(self, stage: str, total: int | None = None) -> Callable[..., None]:
        return lambda *steps: None


def shop_of(events: tuple[Event, ...], *, rank_from: float, test_from: float) -> Dataset:
    items = list(shelf.items())
    return Dataset(Path("t"), items, shelf.catalog(), list(events), [], rank_from, test_from)


def bare(items: list[Item], events: tuple[Event, ...] = ()) -> Dataset:
    """All of the log is its early part."""
    catalog = Catalog.of(items, shelf.CONFIG.text)
    return Dataset(Path("t"), items, catalog, list(events), [], np.inf, np.inf)


def moment(share: float) -> float:
    """The time at this share of the synthetic log."""
    return shelf.events()[int(share * len(shelf.events()))].time


@pytest.mark.parametrize(
    ("interaction_count", "share", "expected"),
    [(0, 1.0, False), (1, 1.0, False), (1_999, 1.0, False), (2_000, 1.0, True), (99, 0.05, False)],
)
def test_a_log_of_two_thousand_interactions_is_enough(
    interaction_count: int, share: float, expected: bool
) -> None:
    assert is_enough(interaction_count, has_words=True, share=share) is expected
    # Without words a single interaction is enough.
    assert is_enough(interaction_count, has_words=False, share=share) is (interaction_count > 0)


@pytest.mark.parametrize(
    ("rank_at", "test_at", "early_suffices", "late_suffices"),
    [
        (0.001, 0.002, False, False),
        (0.8, 0.9, True, True),
        (0.8, 0.801, True, False),
        # Where the towers know nothing of sessions, a few hundred requests are no log either.
        (0.1, 0.2, False, False),
        (0.1, 0.9, False, True),
    ],
)
def test_what_a_part_is_not_enough_for_is_made_from_the_catalogue_too(
    rank_at: float, test_at: float, early_suffices: bool, late_suffices: bool
) -> None:
    assert len(shelf.events()) > 5_000
    dataset = shop_of(shelf.events(), rank_from=moment(rank_at), test_from=moment(test_at))
    parts = Parts.of(dataset)
    assert (parts.early_suffices, parts.late_suffices) == (early_suffices, late_suffices)
    _, validation, sessions_report = tower_examples(dataset, parts, shelf.CONFIG, Silence())
    assert (sessions_report is None) is early_suffices
    assert (validation.count > 0) is late_suffices
    if sessions_report is not None:
        assert sessions_report.made_count > 500


def test_the_few_real_events_join_what_is_made() -> None:
    few, none = (
        shop_of(events, rank_from=np.inf, test_from=np.inf) for events in (shelf.events()[:40], ())
    )
    (with_few, _, _), (with_none, _, _) = (
        tower_examples(dataset, Parts.of(dataset), shelf.CONFIG, Silence())
        for dataset in (few, none)
    )
    # Items that were bought show in the examples of the log alone.
    assert (with_few.inputs["history_rows"] >= 0).any()
    assert not (with_none.inputs["history_rows"] >= 0).any()


@pytest.mark.parametrize("events", [(), (shelf.search("lamp", 5.0, "v"),)])
def test_items_without_words_and_without_a_log_are_refused(events: tuple[Event, ...]) -> None:
    dataset = bare([Item(f"i{number}") for number in range(20)], events)
    with pytest.raises(InputError, match="t: expected something to learn from, received neither"):
        tower_examples(dataset, Parts.of(dataset), shelf.CONFIG, Silence())


def test_items_without_words_learn_from_the_smallest_log_and_from_judgments() -> None:
    items = [Item(item.item_id) for item in shelf.items()]
    dataset = bare(items, shelf.events()[:60])
    assert Parts.of(dataset).early_suffices
    learnt, _, sessions_report = tower_examples(dataset, Parts.of(dataset), shelf.CONFIG, Silence())
    assert learnt.count and sessions_report is None
    queries = [Judgment(f"query {number}", items[0].item_id, 3.0) for number in range(30)]
    judged = replace(bare(items), judgments=queries)
    assert tower_examples(judged, Parts.of(judged), shelf.CONFIG, Silence())[0].count


def test_a_type_of_event_that_only_the_later_part_has_is_read_as_one_that_nobody_knows() -> None:
    """The towers have learnt nothing of it, whatever they are checked on or see after release."""
    start = moment(0.8)
    kinds = {EventType.VIEW: EventType.FAVORITE}
    events = tuple(
        event if event.time < start else replace(event, type=kinds.get(event.type, event.type))
        for event in shelf.events()
        if event.type is not EventType.FAVORITE
    )
    dataset = shop_of(events, rank_from=start, test_from=moment(0.95))
    parts = Parts.of(dataset)
    for log in (parts.early, parts.late, dataset.log(np.inf, start)):
        assert int(EventType.VIEW) in log.known_types
        assert int(EventType.FAVORITE) not in log.known_types
    _, validation, _ = tower_examples(dataset, parts, shelf.CONFIG, Silence())
    read = set(np.unique(validation.inputs["event_types"]).tolist())
    assert GENERIC_TYPE in read and int(EventType.FAVORITE) not in read


@pytest.mark.parametrize("learns_test_part", [False, True])
@pytest.mark.parametrize(("rank_at", "test_at"), [(0.8, 0.9), (0.001, 0.002)])
def test_a_release_has_read_every_judged_query_as_often_and_those_of_the_test_if_told_so(
    rank_at: float, test_at: float, learns_test_part: bool
) -> None:
    # Each query has tokens of its own, by which it is known again.
    ids = [item.item_id for item in shelf.items()]
    words: dict[bytes, str] = {}
    for number in range(len(ids)):
        query = f"query {number}"
        words.setdefault(search_input(query, shelf.catalog(), shelf.CONFIG).tokens.tobytes(), query)
    queries = list(words.values())
    dataset = replace(
        shop_of(shelf.events(), rank_from=moment(rank_at), test_from=moment(test_at)),
        judgments=[Judgment(query, ids[row], 3.0) for row, query in enumerate(queries)],
    )
    parts = Parts.of(dataset)
    config = replace(shelf.CONFIG, learn_test_part=learns_test_part)
    learnt, _, _ = tower_examples(dataset, parts, config, Silence())
    withheld = withheld_judged_examples(dataset, parts, config)
    read = Counter(
        words[tokens.tobytes()]
        for examples in (learnt, withheld)
        for tokens in examples.inputs["tokens"]
        if tokens.tobytes() in words
    )
    expected = {query for query in queries if learns_test_part or query_fold(query) != 0}
    assert set(read) == expected
    assert len(set(read.values())) == 1


@pytest.mark.parametrize("whole_log", [False, True])
def test_prices_of_the_test_part_are_known_to_the_whole_log_alone(whole_log: bool) -> None:
    items = [Item("a", price=1.0), Item("b")]
    newest = [Item("a", price=2.0), Item("b", price=4.0)]
    tables = Tables(
        Path("t"),
        items_table(items),
        events_table([]),
        judgments_table([]),
        Split(0.0, 10.0),
        {},
        newest_items=items_table(newest),
    )
    dataset = Dataset.of(tables, shelf.CONFIG.text, whole_log=whole_log)
    assert dataset.items == (newest if whole_log else items)
    expected = [2.0, 4.0] if whole_log else [1.0, np.nan]
    np.testing.assert_array_equal(dataset.catalog.price[:2], expected)
