"""The network of actions on the made-up shop's log: labels, places, calibration, file."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from data.impression_tables import ShownAnswer
from data.records import EventType
from tests.quick_training import Silence
from tests.towers import shelf
from towers.actions.action_model import ActionModel
from towers.datasets.ranking_lists import basket_rows
from towers.datasets.replayed_log import ReplayedLog
from towers.ranking.features import FEATURE_NAMES
from towers.ranking.ranker import Ranker
from towers.retrieval.rank_request import RankRequest
from towers.sessions.replay import replay
from towers.sessions.session import Session
from towers.training.actions import answers_in_log
from towers.training.actions.action_training import LearntActions, learn_actions
from towers.training.actions.answers_in_log import AnsweredMoments
from towers.training.actions.exposures import PLACES_PER_SURFACE

SETTINGS = shelf.CONFIG.rerank


def watched(
    log: ReplayedLog, shown: tuple[ShownAnswer, ...] = ()
) -> tuple[AnsweredMoments, Ranker]:
    ranker = shelf.ranker()
    held_out_from = int(len(log.events) * 0.6)
    moments = AnsweredMoments(log, ranker, shown, held_out_from=held_out_from, seed=1)
    for moment in replay(log.events):
        moments(*moment)
    moments.finish()
    return moments, ranker


@cache
def learnt() -> LearntActions:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(answers_in_log, "LEARNT_LIMIT", 150)
        patch.setattr(answers_in_log, "HELD_OUT_LIMIT", 200)
        moments, ranker = watched(shelf.log())
    assert ranker.reranker is not None
    found = learn_actions(
        moments, ranker.reranker, replace(SETTINGS, seed_count=2), Silence(), seed=1
    )
    assert found is not None
    return found


def test_every_action_is_predicted_better_than_by_chance_and_calibrated() -> None:
    report = learnt().report
    assert report["learnt_from"] == "replayed answers"
    assert {"click", "purchase"} <= set(report["actions"])
    for name, measured in report["actions"].items():
        assert measured["auc"] > 0.6, name
        assert measured["ece"] < 0.02, name
        assert 0.4 < measured["classical_auc"]["boosting"] < 1.0


def test_a_model_answers_the_same_once_saved_and_loaded(tmp_path: Path) -> None:
    one = learnt()
    one.write(tmp_path)
    loaded = ActionModel.load(tmp_path)
    assert loaded is not None and loaded.names == one.model.names
    rng = np.random.default_rng(2)
    features = rng.normal(size=(40, len(FEATURE_NAMES))).astype(np.float32)
    inputs = rng.normal(size=(40, 6))
    expected = one.model.probabilities(features, inputs)
    np.testing.assert_array_equal(loaded.probabilities(features, inputs), expected)
    assert (tmp_path / "reliability.png").read_bytes().startswith(b"\x89PNG")
    purchase, click = (expected[:, one.model.names.index(name)] for name in ("purchase", "click"))
    assert (purchase <= click).all()


def test_what_was_replayed_is_labelled_by_the_rest_of_the_session() -> None:
    """Worked out again from the events themselves."""
    log, ranker = shelf.log(), shelf.ranker()
    ids = ranker.sources.catalog.item_ids
    moments = AnsweredMoments(log, ranker, (), held_out_from=int(len(log.events) * 0.9), seed=1)
    names = [action.name for action in moments.actions]
    seen = dict.fromkeys(names, 0)
    for number, session, event in replay(log.events):
        count = len(moments.held_out)
        moments(number, session, event)
        if len(moments.held_out) == count:
            continue
        answer = moments.held_out[-1]
        text = event.query if event.type is EventType.SEARCH else ""
        now = session.after(event) if text else session.at(event.time)
        excluded = basket_rows(ranker, now) if not text else np.zeros(0, np.int64)
        rows = ranker.rank(RankRequest(now, event.time, text, excluded=excluded)).rows.tolist()
        rest = [
            one
            for one, of_session in zip(log.events[number:], log.sessions[number:], strict=True)
            if of_session == log.sessions[number]
        ]
        done = {
            name: {one.item_id for one in rest if one.type in types}
            for name, types in {
                "click": (2, 3, 5, 7),
                "favorite": (3,),
                "add_to_cart": (5,),
                "purchase": (7,),
            }.items()
        }
        done["return"] = {
            one.item_id
            for one in log.events[number:]
            if (one.type, one.visitor_id) == (EventType.RETURN, event.visitor_id)
            and one.item_id in done["purchase"]
        }
        assert answer.is_search == bool(text) and not answer.places.any()
        for place, name in enumerate(names):
            flags = answer.labels[:, place].tolist()
            assert flags == [ids[row] in done[name] for row in rows], name
            seen[name] += sum(flags)
    assert all(seen[name] for name in ("click", "add_to_cart", "purchase"))


def test_what_was_shown_is_labelled_by_the_events_that_name_the_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(answers_in_log, "LEAST_SHOWN", 3)
    monkeypatch.setattr(answers_in_log, "LEAST_NAMED", 2)
    ranker = shelf.ranker()
    ids = ranker.sources.catalog.item_ids
    start = shelf.log().events[0].time
    events, shown = [], []
    for number in range(8):
        time, visitor = start + 86_400.0 * number, f"v{number}"
        query = "" if number % 2 else "skillet"
        if query:
            events.append(shelf.search(query, time, visitor))
        now = Session.empty(visitor)
        after = now.after(events[-1]) if query else now
        rows = ranker.rank(RankRequest(after, time, query)).rows
        page = tuple(ids[row] for row in rows[:6])
        surface = "search" if query else "home"
        shown.append(ShownAnswer(f"t{number}", visitor, time, surface, query, page, 2, False))
        clicked = replace(shelf.view(page[1], time + 5, visitor), attribution_token=f"t{number}")
        bought = replace(clicked, type=EventType.PURCHASE, item_id=page[3], time=time + 9)
        # The same item, but not from this answer.
        other = replace(clicked, item_id=page[4], attribution_token="another", time=time + 10)
        # What somebody else says of it.
        strange = replace(clicked, visitor_id="w", item_id=page[2], time=time + 11)
        events += [clicked, bought, other, strange]
        if number == 7:
            events.append(replace(bought, type=EventType.RETURN, time=time + 90_000.0))
    # Shown under a filter, since a part of the query is a condition.
    filtered = replace(shown[0], attribution_token="f", query="skillet under 50")
    log = ReplayedLog.of(events, ranker.sources.catalog.row_of)
    moments = AnsweredMoments(log, ranker, [filtered, *shown], held_out_from=18, seed=1)
    assert moments.is_shown
    for moment in replay(log.events):
        moments(*moment)
    moments.finish()
    names = [action.name for action in moments.actions]
    assert names == ["click", "purchase", "return"]
    assert len(moments.learnt) + len(moments.held_out) == len(shown)
    for answer, of in zip([*moments.learnt, *moments.held_out], shown, strict=True):
        # What was learnt of is in another order: what something was done with goes first.
        order = np.argsort(answer.places)
        labels = {name: answer.labels[order, place] for place, name in enumerate(names)}
        assert labels["click"].tolist() == [False, True, False, True, False, False]
        assert labels["purchase"].tolist() == [False, False, False, True, False, False]
        assert labels["return"].tolist() == [False, False, False, of is shown[7], False, False]
        first = 3 if of.query else 3 + PLACES_PER_SURFACE
        assert answer.places[order].tolist() == list(range(first, first + 6))
        assert answer.is_search == bool(of.query)
        assert [event.query for event in answer.session.events] == ([of.query] if of.query else [])
