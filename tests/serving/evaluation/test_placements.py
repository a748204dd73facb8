"""What counts as an answer to the placements promotion and after-sales."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from data.offers.offer import Offer, OfferKind
from data.records import Event, EventType
from data.synthetic import END_TIME
from data.tables import Tables, iter_events
from serving.cli.tables.report_tables import evaluation_tables
from serving.engine import Engine
from serving.evaluation.after_sales import AfterSalesEvaluation, purchase_moments
from serving.evaluation.as_served import Clock
from serving.evaluation.promotion import PromotionEvaluation
from tests.serving.placements.small_log import (
    CASE,
    CATALOG,
    NOW,
    OTHER_PHONE,
    PHONE,
    small_log_bundle,
)
from towers.datasets.replayed_log import ReplayedLog

DAY = 86_400.0


@pytest.fixture
def engine(shop_bundle: Path, tmp_path: Path) -> Iterator[Engine]:
    engine = Engine.open(shop_bundle, tmp_path / "state", clock=Clock(END_TIME + 60.0))
    yield engine
    engine.close()


def test_only_what_is_on_offer_is_an_answer_to_a_promotion(engine: Engine) -> None:
    ids, now = engine.bundle.catalog.item_ids, END_TIME + 60.0
    session = engine.sessions.get("v")
    evaluation = PromotionEvaluation(engine, {}, 20)
    evaluation.ask("v", session, now, np.array([0, 1]))
    assert evaluation.report(seed=1) == {}
    engine.offers.update([Offer("c", OfferKind.COUPON, tuple(ids[:4]))])
    evaluation.ask("v", session, now, np.array([9]))
    assert evaluation.report(seed=1) == {}
    evaluation.ask("v", session, now, np.array([0, 9]))
    report = evaluation.report(seed=1)
    # Of the two items one is on offer, and all systems rank the four that are.
    assert report["request_count"] == 1 and report["on_offer_count"]["mean"] == 4.0
    assert report["systems"]["engine"]["r@100"]["mean"] == 1.0
    assert {"engine", "times_redemption", "popular", "covisited"} <= set(report["systems"])


def test_only_what_the_page_could_show_is_an_answer_after_a_purchase(tmp_path: Path) -> None:
    bundle = small_log_bundle(tmp_path / "bundle")
    engine = Engine.open(bundle, tmp_path / "state", clock=Clock(NOW))
    evaluation = AfterSalesEvaluation(engine, 20)
    phone, other, case = CATALOG.rows([PHONE, OTHER_PHONE, CASE])
    evaluation.ask(engine.sessions.get("nobody"), NOW, np.array([case]))
    engine.record([Event("e", EventType.PURCHASE, "v", NOW - 30.0, item_id=PHONE)])
    session = engine.sessions.get("v")
    # Bought for good: neither it nor its like is an answer.
    evaluation.ask(session, NOW, np.array([phone, other]))
    assert evaluation.report(seed=1) == {}
    evaluation.ask(session, NOW, np.array([phone, other, case]))
    report = evaluation.report(seed=1)
    assert report["request_count"] == 1
    # The case is all that people buy after the phone.
    assert report["systems"]["engine"]["ndcg@10"]["mean"] == 1.0
    assert report["substitute_share@10"]["mean"] == 0.0
    assert {"engine", "popular", "covisited", "session_knn"} <= set(report["systems"])
    engine.close()


def test_moments_are_the_ends_of_visits_with_a_purchase(shop_tables: Tables) -> None:
    row_of = {item_id: row for row, item_id in enumerate(shop_tables.items["item_id"].to_pylist())}
    split = shop_tables.split.test_from
    log = ReplayedLog.of(list(iter_events(shop_tables.events)), row_of, learn_from_time=split)
    test_seconds = log.events[-1].time - log.events[log.learn_from].time
    # Of a month of log a week or so is for testing.
    assert test_seconds < 14 * DAY
    span = test_seconds / 2
    moments = purchase_moments(log, limit=5, rng=np.random.default_rng(3))
    assert 0 < len(moments) <= 5
    for number, rows in moments.items():
        event = log.events[number]
        mine = [n for n, one in enumerate(log.events) if one.visitor_id == event.visitor_id]
        visit = [n for n in mine if log.sessions[n] == log.sessions[number]]
        assert number == visit[-1] and event.time >= split
        assert any(log.events[n].type is EventType.PURCHASE for n in visit)
        later = {
            int(log.rows[n])
            for n in mine
            if log.events[n].type is EventType.PURCHASE
            and event.time + 1_800.0 < log.events[n].time <= event.time + span
        }
        assert later == {*rows.tolist()}
        assert event.time <= log.events[-1].time - span


def test_promotion_and_after_sales_have_tables_of_their_own() -> None:
    interval = {"mean": 0.25, "low": 0.2, "high": 0.3}
    measures = dict.fromkeys(("ndcg@10", "r@10", "r@100", "mrr@10"), interval)
    part = {
        "request_count": 12,
        "systems": {"engine": measures, "times_redemption": measures},
        "lead_at_ndcg@10": {"times_redemption": interval},
    }
    report = {
        "promotion": {**part, "on_offer_count": {**interval, "mean": 1_234.0}},
        "after_sales": {**part, "substitute_share@10": interval},
    }
    out = io.StringIO()
    for table in evaluation_tables(report):
        Console(file=out, width=160).print(table)
    text = out.getvalue()
    assert "what comes into the basket of what is on offer, at 12 moments" in text
    assert "times odds of redemption" in text and "1,234" in text
    assert "what is bought in the days after a purchase, at 12 moments" in text
    assert "substitutes of what was bought for good" in text and "0.250 (0.200–0.300)" in text
