"""A start from a snapshot gives what a replay of the whole log gives, or the snapshot is ignored."""

from __future__ import annotations

import json
import logging
import random
import re
import shutil
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.errors import InputError
from data.records import Event, EventType, Item
from data.sources.own_log import LOG_NAME
from data.synthetic import END_TIME
from serving import log_fold
from serving.api.requests import CompleteRequest, Placement, RecommendRequest, SearchRequest
from serving.engine import Engine
from serving.evaluation.as_served import Clock
from serving.log_fold import fold_log
from serving.state.snapshot import (
    SNAPSHOT_NAME,
    read_counts,
    read_head,
    read_sessions,
    write_snapshot,
)
from tests.towers import shelf
from towers.retrieval.sources.popular import Popular

NOW = END_TIME + 40 * 86_400.0
TYPES = [type_ for type_ in EventType if 0 < type_ < EventType.IMPRESSION]
QUERIES = (
    "dark espresso",
    "Dark  Espresso",
    "espresso machine",
    "café",
    "意式咖啡",
    "mocca",
    "tea",
)
LIVE = ("new0", "new1", "new2")


def random_events(rng: random.Random, count: int, name: str) -> list[Event]:
    """Events of 40 visitors over 20 days, one in five late; ids come twice, items are unknown."""
    items = [*(f"p{number:04d}" for number in range(12)), *LIVE, "never"]
    made: list[Event] = []
    for number in range(count):
        if made and rng.random() < 0.05:
            made.append(rng.choice(made))
            continue
        late = rng.choice((60.0, 7_200.0, 3 * 86_400.0)) if rng.random() < 0.2 else 0.0
        type_ = rng.choice(TYPES)
        is_search, is_review = type_ is EventType.SEARCH, type_ is EventType.REVIEW
        made.append(
            Event(
                f"{name}-{number}",
                type_,
                f"visitor {rng.randrange(40)}",
                END_TIME + 20 * 86_400.0 * number / count - late + rng.random(),
                "" if is_search else rng.choice(items),
                rng.choice(QUERIES) if is_search else "",
                session_id=rng.choice(("", "s1")),
                quantity=rng.randrange(1, 4),
                price=rng.choice((None, 9.99, 10.0)),
                rating=rng.choice((None, 1.0, 5.0)) if is_review else None,
                text=rng.choice(("", "bad, broken and awful")) if is_review else "",
                surface=rng.choice(("", "home")),
                dwell_seconds=rng.choice((None, 0.0, 12.5)),
                offer_id=rng.choice(("", "O1")) if type_ is EventType.PURCHASE else "",
            )
        )
    return made


def opened(state: Path, bundle: Path | None = None) -> Engine:
    return Engine.open(bundle or shelf.bundle_folder(), state, clock=Clock(NOW))


def answers_of(engine: Engine) -> list[Any]:
    """Answers to each visitor, without what is drawn anew for each."""
    made: list[Any] = []
    for number in range(40):
        visitor = f"visitor {number}"
        home = engine.recommend(RecommendRequest(Placement.HOME, visitor))
        found = engine.search(SearchRequest("espresso", visitor, record=False))
        made += [replace(one, attribution_token="", order_key="") for one in (home, found)]
    return made + [engine.complete(CompleteRequest(text)) for text in ("e", "da", "ca", "意", "m")]


def state_of(engine: Engine) -> dict[str, Any]:
    """Everything that follows from the log, by what it is called; hashes by their number only."""
    sources = engine.bundle.ranker.sources
    popular = sources.popular
    assert isinstance(popular, Popular)
    rows = np.arange(engine.bundle.catalog.count)
    uses = engine.bundle.offers.uses
    searches = engine.bundle.completion.searches
    assert searches is not None
    counted = searches.state()
    return {
        # Their dicts in order, which says who is evicted first.
        "sessions": [
            (one, [*one.bought.items()], [*one.disliked.items()]) for one in engine.sessions.all()
        ],
        "held": engine.sessions._held_event_count,
        "queries": [(text, len(who), *rest) for text, who, *rest in counted["queries"]],
        "followed": [sorted(values) for _, values in counted["followed"]],
        "counts": [
            (one.at(rows, NOW).tolist(), one.base_time, one.newest_time) for one in popular._counts
        ],
        "visitors": [values for _, values in popular._visitors.generations],
        "times": (popular._newest_time, popular._idle_seconds),
        "redemptions": (uses.count("O1"), {v: uses.of_visitor(v) for v in uses.visitors}),
        "status": (engine.status().unknown_item_event_count, engine.log.event_count),
    }


def fed(state: Path, events: list[Event]) -> None:
    """What a server has recorded, in batches, with items added live; searches are queued besides."""
    engine = opened(state)
    engine.update_items([Item(id_, f"Espresso lamp {id_}") for id_ in LIVE])
    for start in range(0, len(events), 25):
        engine.record(events[start : start + 25])
        engine.search(SearchRequest(QUERIES[start % len(QUERIES)], f"visitor {start % 40}"))
    engine.close()


def without_snapshot(state: Path, copy: Path) -> Path:
    shutil.copytree(state, copy)
    (copy / SNAPSHOT_NAME).unlink(missing_ok=True)
    return copy


def spoil(state: Path, sequence: int) -> None:
    """Makes an entry unreadable: whoever replays it fails."""
    with sqlite3.connect(state / LOG_NAME) as log:
        log.execute("UPDATE entries SET body = '' WHERE sequence = ?", (sequence,))
    log.close()


@pytest.mark.parametrize("seed", range(3))
def test_a_start_from_a_snapshot_equals_a_replay_of_the_whole_log(
    tmp_path: Path, seed: int
) -> None:
    rng = random.Random(seed)
    events, state = random_events(rng, 900, "e"), tmp_path / "state"
    fed(state, events[:500])
    fold_log(shelf.bundle_folder(), state)
    # A change of an item moves the rows of the items added live.
    engine = opened(state)
    engine.update_items([Item("new0", "Espresso lamp, green")])
    engine.record(events[450:700])
    engine.close()
    if seed:
        # The second one goes on from the first.
        fold_log(shelf.bundle_folder(), state)
        engine = opened(state)
        engine.record(events[700:])
        engine.close()
    whole = opened(without_snapshot(state, tmp_path / "copy"))
    spoil(state, 1)
    with pytest.raises(InputError, match="entry|events.sqlite"):
        opened(without_snapshot(state, tmp_path / "spoilt"))
    short = opened(state)
    try:
        assert state_of(short) == state_of(whole)
        assert answers_of(short) == answers_of(whole)
        # Who has been counted is known too: visitors go on, and none counts twice.
        for later in (random_events(random.Random(seed), 300, "later"), events):
            short.record(later)
            whole.record(later)
        assert state_of(short) == state_of(whole)
        assert answers_of(short) == answers_of(whole)
    finally:
        short.close()
        whole.close()


def test_a_bundle_that_has_read_part_of_the_log_goes_on_from_a_snapshot_too(tmp_path: Path) -> None:
    events, state = random_events(random.Random(5), 600, "e"), tmp_path / "state"
    fed(state, events[:400])
    with sqlite3.connect(state / LOG_NAME) as log:
        position = log.execute(
            "SELECT sequence, checksum FROM entries WHERE kind = 'event' LIMIT 1 OFFSET 250"
        ).fetchone()
    log.close()
    facts = {"log_positions": [position], "counted_until": END_TIME + 6 * 86_400.0}
    bundle = shelf.bundle_with(tmp_path / "bundle", **facts)
    fold_log(bundle, state)
    engine = opened(state, bundle)
    engine.record(events[400:])
    engine.close()
    whole = opened(without_snapshot(state, tmp_path / "copy"), bundle)
    spoil(state, 1)
    short = opened(state, bundle)
    try:
        assert state_of(short) == state_of(whole)
        assert answers_of(short) == answers_of(whole)
    finally:
        short.close()
        whole.close()


def test_a_snapshot_taken_while_events_and_searches_arrive_loses_and_doubles_none(
    tmp_path: Path,
) -> None:
    state = tmp_path / "state"
    events = random_events(random.Random(7), 2_000, "e")
    engine, done = opened(state), threading.Event()
    engine.update_items([Item(id_, f"Espresso lamp {id_}") for id_ in LIVE])
    engine.record(events[:100])

    def record() -> None:
        for start in range(100, 2_000, 10):
            engine.record(events[start : start + 10])
            # Into its session at once, onto the disk later.
            engine.search(SearchRequest(QUERIES[start % 7], f"visitor {start % 40}"))
            if done.is_set() and start > 1_000:
                break

    thread = threading.Thread(target=record)
    thread.start()
    fold = fold_log(shelf.bundle_folder(), state)
    done.set()
    thread.join()
    assert 100 <= fold.event_count < engine.log.event_count
    # Not closed: the searches still queued are lost with the process, for either kind of start.
    engine.log.flush()
    crashed = tmp_path / "crashed"
    shutil.copytree(state, crashed)
    engine.close()
    whole, short = opened(without_snapshot(crashed, tmp_path / "copy")), opened(crashed)
    try:
        assert state_of(short) == state_of(whole)
    finally:
        short.close()
        whole.close()


def test_a_start_that_replayed_much_writes_a_snapshot_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / "state"
    fed(state, random_events(random.Random(1), 300, "e"))
    opened(state).close()
    assert not (state / SNAPSHOT_NAME).exists()
    monkeypatch.setattr(log_fold, "REPLAY_LIMIT", 200)
    opened(state).close()
    # Visitors' ids are in it.
    assert (state / SNAPSHOT_NAME).stat().st_mode & 0o777 == 0o600
    first = (state / SNAPSHOT_NAME).read_bytes()
    engine = opened(state)
    engine.record(random_events(random.Random(2), 150, "later"))
    engine.close()
    opened(state).close()
    # Too few events since.
    assert (state / SNAPSHOT_NAME).read_bytes() == first


def damaged(state: Path) -> None:
    content = bytearray((state / SNAPSHOT_NAME).read_bytes())
    content[len(content) // 2] ^= 1
    (state / SNAPSHOT_NAME).write_bytes(content)


def cut(state: Path) -> None:
    (state / SNAPSHOT_NAME).write_bytes((state / SNAPSHOT_NAME).read_bytes()[:-40])


def emptied(state: Path) -> None:
    (state / SNAPSHOT_NAME).write_bytes(b"")


def unreadable(state: Path) -> None:
    (state / SNAPSHOT_NAME).unlink()
    (state / SNAPSHOT_NAME).mkdir()


def of_another_log(state: Path) -> None:
    kept = (state / SNAPSHOT_NAME).read_bytes()
    (state / LOG_NAME).unlink()
    # A server that starts without its log takes the snapshot away.
    fed(state, random_events(random.Random(3), 300, "another"))
    (state / SNAPSHOT_NAME).write_bytes(kept)


def newer_than_the_log(state: Path) -> None:
    with sqlite3.connect(state / LOG_NAME) as log:
        log.execute("DELETE FROM entries WHERE sequence > 100")
    log.close()


def of_a_visitor_deleted_since(state: Path) -> None:
    with sqlite3.connect(state / LOG_NAME) as log:
        log.execute("DELETE FROM entries WHERE json_extract(body, '$.visitor_id') = 'visitor 3'")
    log.close()


def item_added(state: Path) -> None:
    engine = opened(state)
    engine.update_items([Item("never", "An espresso lamp after all")])
    engine.close()


def item_deleted(state: Path) -> None:
    engine = opened(state)
    engine.delete_items(["new1"])
    engine.close()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (damaged, "expected the digest"),
        (cut, "expected the digest"),
        (emptied, "expected the digest"),
        (unreadable, "Is a directory"),
        (of_another_log, "expected an entry of this log, received entry"),
        (newer_than_the_log, "expected an entry of this log, received entry"),
        (of_a_visitor_deleted_since, "some were deleted"),
        (item_added, "expected no other items with events, received 1 .*never"),
        (item_deleted, "expected no other items with events, received 1 .*new1"),
    ],
)
def test_a_snapshot_that_does_not_hold_is_ignored_with_one_line(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    change: Callable[[Path], None],
    said: str,
) -> None:
    state = tmp_path / "state"
    fed(state, random_events(random.Random(3), 300, "e"))
    fold_log(shelf.bundle_folder(), state)
    change(state)
    whole = without_snapshot(state, tmp_path / "copy") if change is not unreadable else None
    caplog.clear()
    with caplog.at_level(logging.WARNING, "serving.log_fold"):
        short = opened(state)
    (record,) = caplog.records
    assert f"{SNAPSHOT_NAME} is ignored, the whole log is replayed" in record.getMessage()
    assert re.search(said, record.getMessage())
    held = state_of(short)
    short.close()
    if whole is not None:
        engine = opened(whole)
        assert held == state_of(engine)
        engine.close()
    if change is of_a_visitor_deleted_since:
        assert "visitor 3" not in {session.visitor_id for session, *_ in held["sessions"]}


def test_another_bundle_counts_the_whole_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    state = tmp_path / "state"
    fed(state, random_events(random.Random(3), 200, "e"))
    fold_log(shelf.bundle_folder(), state)
    other = shelf.bundle_with(tmp_path / "bundle", counted_until=END_TIME - 1.0)
    caplog.clear()
    engine = opened(state, other)
    assert "expected counts of bundle" in caplog.text
    engine.close()


def test_a_bundle_is_published_from_the_snapshot_made_for_it(tmp_path: Path) -> None:
    events, state = random_events(random.Random(9), 600, "e"), tmp_path / "state"
    fed(state, events[:200])
    other = shelf.bundle_with(tmp_path / "bundle", counted_until=END_TIME - 1.0)
    engine = opened(state)
    engine.record(events[200:400])
    # A search is on disk without having been applied to the counts; what comes next is.
    engine.search(SearchRequest("espresso", "visitor 1"))
    engine.log.flush()
    fold_log(other, state)
    engine.update_items([Item("new0", "Espresso lamp, green")])
    engine.record(events[400:])
    shutil.copytree(state, tmp_path / "copy")
    whole = opened(without_snapshot(tmp_path / "copy", tmp_path / "whole"))
    # Nobody reads again what the snapshot stands for.
    spoil(state, 1)
    try:
        for one in (engine, whole):
            one.publish(str(other))
        assert state_of(engine)["counts"] == state_of(whole)["counts"]
        assert state_of(engine)["redemptions"] == state_of(whole)["redemptions"]
        for later in (random_events(random.Random(2), 200, "later"), events):
            engine.record(later)
            whole.record(later)
        held = state_of(engine), state_of(whole)
        assert all(held[0][name] == held[1][name] for name in ("counts", "times", "redemptions"))
        assert sorted(map(repr, held[0]["visitors"])) == sorted(map(repr, held[1]["visitors"]))
    finally:
        engine.close()
        whole.close()


def test_a_snapshot_of_later_entries_than_have_been_applied_is_not_published(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    events, state = random_events(random.Random(9), 300, "e"), tmp_path / "state"
    engine = opened(state)
    engine.record(events)
    engine.search(SearchRequest("espresso", "visitor 1"))
    engine.log.flush()
    other = shelf.bundle_with(tmp_path / "bundle", counted_until=END_TIME - 1.0)
    fold_log(other, state)
    shutil.copytree(state, tmp_path / "copy")
    whole = opened(without_snapshot(tmp_path / "copy", tmp_path / "whole"))
    caplog.clear()
    with caplog.at_level(logging.INFO, "serving.kept_counts"):
        engine.publish(str(other))
    assert "is ignored, the whole log is counted: expected an entry up to" in caplog.text
    whole.publish(str(other))
    assert state_of(engine)["counts"] == state_of(whole)["counts"]
    engine.close()
    whole.close()


def test_a_folder_without_a_log_gets_no_snapshot(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected the state folder of a server, received no"):
        fold_log(shelf.bundle_folder(), tmp_path)
    assert not [*tmp_path.iterdir()]


def test_what_cannot_be_kept_is_not_written_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    state = tmp_path / "state"
    fed(state, random_events(random.Random(3), 200, "e"))
    for name, value, said in (
        ("_UNKNOWN_ID_LIMIT", 0, "events of at most 0 unknown items, received more"),
        ("event_state", lambda source: None, "the source popular cannot tell its state"),
        (
            "event_state",
            lambda source: {"n": np.int64(1)},
            "expected sources that tell JSON values",
        ),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(Popular if name == "event_state" else log_fold, name, value)
            with pytest.raises(InputError, match=f"^no snapshot: .*{said}"):
                fold_log(shelf.bundle_folder(), state)
            # A start goes on without.
            patched.setattr(log_fold, "REPLAY_LIMIT", 10)
            caplog.clear()
            opened(state).close()
            assert said in caplog.text
    assert not (state / SNAPSHOT_NAME).exists()
    (state / SNAPSHOT_NAME).mkdir()
    with pytest.raises(InputError, match="^no snapshot: expected a writable disk"):
        fold_log(shelf.bundle_folder(), state)
    assert not [path for path in state.iterdir() if path.name.endswith(".new")]


def of_other_sources(counts: dict[str, Any]) -> None:
    # As by a version in which the source has another name.
    counts["sources"] = {"wanted": counts["sources"]["popular"]}


def without_a_count(counts: dict[str, Any]) -> None:
    del counts["sources"]["popular"]["counts"][0]


def without_followed_searches(counts: dict[str, Any]) -> None:
    del counts["searches"]["followed"]


def with_another_redemption(counts: dict[str, Any]) -> None:
    counts["redemptions"] = [[1, 2, 3]]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (of_other_sources, "expected counts of popular, received those of wanted"),
        (without_a_count, "expected state as this version writes it"),
        (without_followed_searches, "expected state as this version writes it"),
        (with_another_redemption, "expected state as this version writes it"),
    ],
)
def test_counts_that_cannot_be_read_change_nothing(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    change: Callable[[dict[str, Any]], None],
    said: str,
) -> None:
    state = tmp_path / "state"
    fed(state, random_events(random.Random(3), 200, "e"))
    fold_log(shelf.bundle_folder(), state)
    with open(state / SNAPSHOT_NAME, "rb") as file:
        head, counts, sessions = read_head(file), read_counts(file), read_sessions(file)
    change(counts)
    write_snapshot(state / SNAPSHOT_NAME, head, counts, sessions)
    whole = opened(without_snapshot(state, tmp_path / "copy"))
    caplog.clear()
    short = opened(state)
    assert f"is ignored, the whole log is replayed: {said}" in caplog.text
    assert state_of(short) == state_of(whole)
    short.close()
    whole.close()


def test_a_visitor_deleted_beside_a_server_is_not_published_again(tmp_path: Path) -> None:
    state = tmp_path / "state"
    engine = opened(state)
    engine.record(random_events(random.Random(3), 300, "e"))
    other = shelf.bundle_with(tmp_path / "bundle", counted_until=END_TIME - 1.0)
    fold_log(other, state)
    of_a_visitor_deleted_since(state)
    shutil.copytree(state, tmp_path / "copy")
    whole = opened(without_snapshot(tmp_path / "copy", tmp_path / "whole"), other)
    engine.publish(str(other))
    assert state_of(engine)["counts"] == state_of(whole)["counts"]
    whole.close()
    engine.close()
    # The next start removes what it holds of the visitor.
    opened(state, other).close()
    assert not (state / SNAPSHOT_NAME).exists()


def test_the_command_says_what_it_folded(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from serving.cli.commands.snapshot import snapshot

    state = tmp_path / "state"
    fed(state, random_events(random.Random(3), 200, "e"))
    words = [str(shelf.bundle_folder()), str(state)]
    said = CliRunner().invoke(snapshot, [*words, "--json"])
    assert said.exit_code == 0, said.output
    with sqlite3.connect(state / LOG_NAME) as log:
        logged = log.execute("SELECT count(*) FROM entries WHERE kind = 'event'").fetchone()[0]
    log.close()
    assert json.loads(said.stdout)["event_count"] == logged
    assert "events, sessions of" in CliRunner().invoke(snapshot, words).output
