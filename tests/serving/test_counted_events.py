"""Each event counts once, whenever it happened: live, after a restart and in another bundle."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from data.records import Event, EventType, Item
from data.sources.own_log import read_own_log
from data.synthetic import END_TIME
from serving.api.requests import Placement, RecommendRequest, SearchRequest
from serving.engine import Engine
from serving.evaluation.as_served import Clock
from serving.evaluation.feature_parity import recompute_features
from tests.towers import shelf
from tests.towers.decayed_counts import decayed

NOW = END_TIME + 60.0
HALF_LIFE_DAYS = {"popularity": 30.0, "trend": 3.0, "surge": 1 / 24}


def purchases(name: str, count: int, time: float, item_id: str = "new") -> list[Event]:
    """Purchases by different visitors."""
    return [
        Event(f"{name}{n}", EventType.PURCHASE, f"{name}{n}", time + n, item_id)
        for n in range(count)
    ]


def demand(engine: Engine) -> dict[str, float]:
    """The counts of the item ``new``, which no bundle knows."""
    sources = engine.bundle.ranker.sources
    rows = sources.catalog.rows(["new"])
    return {name: float(getattr(sources, name).at(rows, NOW)[0]) for name in HALF_LIFE_DAYS}


def by_hand(events: list[Event]) -> object:
    return pytest.approx(
        {name: decayed(events, "new", NOW, days) for name, days in HALF_LIFE_DAYS.items()}
    )


def opened(bundle: Path, tmp_path: Path) -> Engine:
    return Engine.open(bundle, tmp_path / "state", clock=Clock(NOW))


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = opened(shelf.bundle_folder(), tmp_path)
    engine.update_items([Item("new", "A lamp")])
    yield engine
    engine.close()


@pytest.mark.parametrize("counted_until", [END_TIME, END_TIME + 365 * 86_400.0])
def test_late_events_count_live_after_a_restart_and_in_another_bundle(
    tmp_path: Path, counted_until: float
) -> None:
    """Whether the newest training event is older than they are, or was stamped in the future."""
    bundle = shelf.bundle_with(tmp_path / "bundle", counted_until=counted_until)
    engine = opened(bundle, tmp_path)
    try:
        engine.update_items([Item("new", "A lamp")])
        events = purchases("late", 20, NOW - 120.0)
        engine.record(events)
        assert demand(engine) == by_hand(events)
        engine.publish(str(shelf.bundle_folder()))
        assert demand(engine) == by_hand(events)
        engine.rollback()
        assert demand(engine) == by_hand(events)
        engine.close()
        engine = opened(bundle, tmp_path)
        assert demand(engine) == by_hand(events)
        later = purchases("later", 5, NOW - 90_000.0)
        engine.record(later)
        assert demand(engine) == by_hand([*later, *events])
    finally:
        engine.close()


def test_a_bundle_of_this_log_counts_what_training_has_not_read_or_withheld(
    engine: Engine, tmp_path: Path
) -> None:
    learnt = purchases("learnt", 7, NOW - 500.0)
    withheld = purchases("withheld", 3, NOW - 100.0)
    engine.record([*withheld, *learnt])
    positions = read_own_log(tmp_path / "state").log_positions
    assert [position.sequence for position in positions] == [10]
    late = purchases("late", 2, NOW - 700.0)
    engine.record(late)
    # Training ended between the two; the counts of this bundle stand for those it has read.
    facts = {"log_positions": [[1, 1], *positions], "counted_until": NOW - 300.0}
    bundle = shelf.bundle_with(tmp_path / "bundle", **facts)
    expected = by_hand([*late, *withheld])
    engine.publish(str(bundle))
    assert demand(engine) == expected
    # Visitors of events that training has read are registered: they do not count again today.
    engine.record([Event("again", EventType.VIEW, "learnt0", NOW - 200.0, "new")])
    assert demand(engine) == expected
    live = purchases("live", 4, NOW - 600.0)
    engine.record(live)
    expected = by_hand([*late, *live, *withheld])
    assert demand(engine) == expected
    engine.close()
    again = opened(bundle, tmp_path)
    try:
        assert demand(again) == expected
    finally:
        again.close()


def test_the_newest_training_event_is_counted_whatever_its_fraction_of_a_microsecond(
    engine: Engine, tmp_path: Path
) -> None:
    time = NOW - 100.0 + 3e-7
    assert round(time, 6) < time
    engine.record(purchases("learnt", 1, time))
    positions = read_own_log(tmp_path / "state").log_positions
    facts = {"log_positions": list(positions), "counted_until": round(time, 6)}
    engine.publish(str(shelf.bundle_with(tmp_path / "bundle", **facts)))
    assert demand(engine) == by_hand([])


@pytest.mark.parametrize("other", ["checksum", "longer"])
def test_a_bundle_of_another_log_mutes_no_event(engine: Engine, tmp_path: Path, other: str) -> None:
    events = purchases("ours", 6, NOW - 500.0)
    engine.record(events)
    ((sequence, checksum),) = read_own_log(tmp_path / "state").log_positions
    position = [sequence, checksum ^ 1] if other == "checksum" else [sequence + 1, checksum]
    bundle = shelf.bundle_with(tmp_path / "bundle", log_positions=[position], counted_until=NOW)
    engine.publish(str(bundle))
    assert demand(engine) == by_hand(events)


def test_features_recomputed_from_the_log_follow_the_same_counts(tmp_path: Path) -> None:
    engine = opened(shelf.bundle_folder(), tmp_path)
    engine.record(purchases("learnt", 9, NOW - 500.0, "p0001"))
    engine.close()
    positions = read_own_log(tmp_path / "state").log_positions
    facts = {"log_positions": list(positions), "counted_until": NOW}
    bundle = shelf.bundle_with(tmp_path / "bundle", **facts)
    engine = Engine.open(bundle, tmp_path / "state", clock=Clock(NOW), log_feature_share=1.0)
    try:
        for number in range(9):
            engine.record(purchases(f"late{number}", 3, NOW - 300.0, f"p000{number}"))
            engine.search(SearchRequest("moccado espresso", "v"))
            engine.recommend(RecommendRequest(Placement.HOME, "w"))
    finally:
        engine.close()
    compared = 0
    for recomputed in recompute_features(bundle, tmp_path / "state"):
        logged = recomputed.impression.features
        assert logged is not None and recomputed.found.all()
        assert logged.tolist() == recomputed.features.tolist()
        compared += 1
    assert compared == 18
