"""A server that explores, its log, and what bundles and policies would have been worth by it."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from data.errors import InputError
from data.records import Event, EventType
from data.sources.own_log import LOG_NAME, iter_impressions, open_log, read_entries
from data.synthetic import END_TIME
from serving.answering.rules import read_rules
from serving.api.requests import Filter, Placement, RecommendRequest, SearchRequest
from serving.cli.main import main
from serving.engine import Engine
from serving.off_policy.logged_slots import chance_place, read_slots
from serving.off_policy.replay import page_again
from tests.towers import shelf
from towers.bundle.bundle import load_bundle
from towers.sessions.session import Session

RULES = 'version = "1"\n[policy]\nexploration = 0.2\nnew_days = 3650\n'
COUNT = 90


class Clock:
    """A clock that is set by hand."""

    now = END_TIME + 60.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Visitors who view an item, see pages, and click every other slot that was up to chance."""
    folder = tmp_path_factory.mktemp("explored")
    (folder / "rules.toml").write_text(RULES)
    clock = Clock()
    engine = Engine.open(
        shelf.bundle_folder(), folder / "state", rules=folder / "rules.toml", clock=clock
    )
    for number in range(COUNT):
        clock.now += 10.0
        visitor = f"v{number % 30}"
        if number % 3 == 0:
            answer = engine.search(SearchRequest("espresso", visitor, page_size=8))
        elif number % 3 == 1:
            request = RecommendRequest(Placement.ITEM, visitor, ("p0005",), page_size=8)
            answer = engine.recommend(replace(request, filter=Filter(max_price=900.0)))
        else:
            answer = engine.recommend(RecommendRequest(Placement.HOME, visitor, page_size=8))
        engine.log.flush()
        shown = [*iter_impressions(folder / "state")][-1]
        place = chance_place(shown)
        assert 3 <= place < 8
        events = [
            Event(f"o{number}", EventType.VIEW, visitor, clock.now, answer.results[0].item_id)
        ]
        if number % 2:
            kind = EventType.PURCHASE if number % 4 == 1 else EventType.VIEW
            token = answer.attribution_token
            clicked = Event(
                f"c{number}",
                kind,
                visitor,
                clock.now,
                shown.item_ids[place],
                attribution_token=token,
            )
            events.append(clicked)
        engine.record(events)
    engine.close()
    return folder / "state"


def run(state: Path, *arguments: str) -> dict[str, object]:
    words = ["offpolicy", str(shelf.bundle_folder()), str(state), *arguments, "--json"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    report: dict[str, object] = json.loads(result.stdout)
    return report


def test_the_log_tells_what_was_up_to_chance_and_what_followed(state: Path) -> None:
    slots = read_slots(state)
    assert len(slots) == COUNT
    assert [slot.is_clicked for slot in slots] == [bool(number % 2) for number in range(COUNT)]
    assert [slot.is_bought for slot in slots] == [number % 4 == 1 for number in range(COUNT)]


def test_the_policy_that_was_served_agrees_wherever_nothing_was_drawn(
    state: Path, tmp_path: Path
) -> None:
    slots = read_slots(state)
    kept = [number for number, slot in enumerate(slots) if slot.propensity == 0.8]
    assert 0.6 * COUNT < len(kept) < COUNT
    path = tmp_path / "rules.toml"
    path.write_text(RULES)
    for arguments in ((), ("--rules", str(path))):
        report = run(state, *arguments)
        assert report["slot_count"] == COUNT and report["drawn_count"] == COUNT - len(kept)
        assert report["matched_count"] == len(kept)
        assert report["effective_sample_size"] == pytest.approx(len(kept))
        # Every weight is 1 / .8: by hand.
        clicks = sum(number % 2 for number in kept)
        click = report["click"]
        assert isinstance(click, dict)
        assert click["ips"]["mean"] == pytest.approx(clicks / 0.8 / COUNT)
        assert (
            click["snips"]["mean"] == click["matched"]["mean"] == pytest.approx(clicks / len(kept))
        )
        assert click["logged"]["mean"] == 0.5


def test_every_draw_is_drawn_again_from_the_log_after_a_restart(
    state: Path, tmp_path: Path
) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(RULES)
    bundle, rules = load_bundle(shelf.bundle_folder()), read_rules(path)
    sessions: dict[str, Session] = {}
    drawn_count = 0
    with closing(open_log(state / LOG_NAME, read_only=True)) as log:
        for entry in read_entries(log, LOG_NAME):
            record = entry.record
            session = sessions.get(record.visitor_id, Session.empty(record.visitor_id))
            if isinstance(record, Event):
                sessions[record.visitor_id] = session.after(record)
                bundle.ranker.record(record)
            else:
                assert page_again(bundle, rules, record, session) == [*record.item_ids]
                drawn_count += min(record.propensities) < 0.8
    assert drawn_count > 5


def test_another_policy_agrees_less_often(state: Path, tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text('version = "1"\n[policy]\ndiversity = 0.9\n')
    other = run(state, "--rules", str(path))
    assert other["matched_count"] < run(state)["matched_count"]  # type: ignore[operator]


def test_a_log_without_propensities_is_refused_by_name(tmp_path: Path) -> None:
    engine = Engine.open(shelf.bundle_folder(), tmp_path / "state", clock=Clock())
    engine.recommend(RecommendRequest(Placement.HOME, "v"))
    engine.close()
    message = (
        "events.sqlite: expected answers with propensities below 1.*received 1 answers without"
    )
    with pytest.raises(InputError, match=message):
        read_slots(tmp_path / "state")
    words = ["offpolicy", str(shelf.bundle_folder()), str(tmp_path / "state")]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 1 and "expected answers with propensities" in result.output


def test_the_table_names_every_estimate(state: Path) -> None:
    words = ["offpolicy", str(shelf.bundle_folder()), str(state)]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    for name in ("IPS", "SNIPS", "doubly robust", "clicks", "purchases"):
        assert name in result.output
