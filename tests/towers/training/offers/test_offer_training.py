"""From tables with offers to a bundle whose model knows who redeems what."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from data.errors import InputError
from data.offers.offer import Offer, OfferKind, Redemption
from data.offers.offer_tables import OfferTables
from data.records import Event, EventType
from data.split import Split
from data.tables import Tables, events_table, items_table, read_tables, write_tables
from serving.cli.main import main
from tests.quick_training import Silence
from tests.towers import shelf
from tests.towers.offers.grocer import (
    DAY,
    EMBEDDINGS,
    MILK,
    NOW,
    NUTS,
    book,
    catalog,
    coupon,
    session,
    use,
)
from towers.bundle.bundle import load_bundle
from towers.bundle.layout import Layout
from towers.bundle.manifest import sign
from towers.datasets.dataset import Dataset
from towers.offers.offer_features import FEATURE_NAMES, offer_features
from towers.offers.offer_features import OfferTables as FeatureTables
from towers.offers.visitor_state import VisitorState
from towers.retrieval.sources.popular import Popular
from towers.training.offers.offer_evaluation import evaluate_offers, ranking_report
from towers.training.offers.offer_replay import OfferLog, OfferMoment, replay_offers
from towers.training.offers.offer_training import release_offers
from towers.training.offers.redemption_moments import mailing_moments, redemption_days
from towers.training.offers.uplift_trials import uplift_cases

BUY = EventType.PURCHASE
VISITOR_COUNT, ITEM_COUNT, DAY_COUNT = 160, 40, 120
TEST_FROM = 90 * DAY


def replayed(moment: OfferMoment, log: OfferLog) -> np.ndarray:
    ((_, matrix),) = replay_offers(log, [moment], lambda *steps: None)
    return matrix


def test_a_replayed_moment_has_the_features_that_a_server_would_compute() -> None:
    events = [
        Event(f"e{number}", BUY, visitor, NOW - days * DAY, item_id)
        for number, (visitor, item_id, days) in enumerate(
            [
                ("v", MILK, 9.0),
                ("w", NUTS, 5.0),
                ("v", NUTS, 4.0),
                ("v", MILK, 0.0),
                ("w", MILK, -1.0),
            ]
        )
    ]
    redemptions = [use("1", "a", time=NOW - DAY), use("2", "a", time=NOW)]
    offers = book([coupon("a", MILK), coupon("b", NUTS)])
    log = OfferLog(catalog(), EMBEDDINGS, events, offers, redemptions, NOW + 2 * DAY)
    matrix = replayed(OfferMoment("v", NOW, offers.all()), log)
    # What comes at the moment itself or later is not known yet.
    popular = Popular()
    for event in events[:3]:
        popular.take_in_event(catalog().row_of[event.item_id], event)
    found = book([coupon("a", MILK), coupon("b", NUTS)], redemptions[:1])
    before = session((BUY, MILK, 9.0), (BUY, NUTS, 4.0))
    state = VisitorState.of(before, NOW, found.catalog, EMBEDDINGS)
    tables = FeatureTables(found, popular.popularity, EMBEDDINGS)
    assert matrix.tolist() == offer_features(state, found.all(), tables).tolist()


def test_moments_ask_what_holds_and_labels_tell_what_was_redeemed() -> None:
    offers = book(
        [
            coupon("a", MILK, audience="vip", start_time=NOW - 5 * DAY, end_time=NOW + DAY),
            coupon("b", NUTS, audience="vip", start_time=NOW - 5 * DAY, end_time=NOW - 2 * DAY),
            coupon("c", NUTS, audience="others", start_time=NOW - 5 * DAY),
            coupon("d", NUTS, start_time=NOW - 9 * DAY, visitor_limit=1),
        ],
        audiences={"vip": frozenset({"v", "w"}), "others": frozenset({"x"})},
    )
    redemptions = [
        use("1", "d", time=NOW - 6 * DAY),
        use("2", "a", time=NOW - DAY),
        use("3", "a", time=NOW - DAY + 60.0),
    ]
    events = [Event("e", BUY, "v", NOW - 20 * DAY, MILK), Event("f", BUY, "v", NOW, MILK)]
    log = OfferLog(catalog(), EMBEDDINGS, events, offers, redemptions, NOW + 1.0)
    days = redemption_days(log, since=NOW - 3 * DAY)
    # On the second day a alone is open to v (b has ended, d is used up): nothing to choose from.
    assert days.moments == []
    everybody = redemption_days(log, since=0.0)
    assert everybody.moments == []
    mailed = mailing_moments(log, since=NOW - 6 * DAY)
    told = [
        (one.visitor_id, [placed.offer.offer_id for placed in one.offers], label.tolist())
        for one, label in zip(mailed.moments, mailed.labels, strict=True)
    ]
    assert told == [
        ("x", ["d", "c"], [False, False]),
        ("v", ["a", "b"], [True, False]),
        ("w", ["d", "a", "b"], [False, False, False]),
    ]


def test_outcomes_are_purchases_of_the_offers_items_while_it_holds() -> None:
    begin = NOW - 40 * DAY
    offers = book(
        [coupon("a", MILK, audience="vip", start_time=NOW - 5 * DAY, end_time=NOW - DAY)],
        audiences={"vip": frozenset({"v", "w"})},
    )
    bought = [("v", MILK, 3.0), ("w", MILK, 0.5), ("x", NUTS, 3.0), ("y", MILK, 4.0)]
    events = [Event(f"b{name}", BUY, name, begin, NUTS) for name in "vwxy"]
    events += sorted(
        (Event(f"e{name}", BUY, name, NOW - days * DAY, item) for name, item, days in bought),
        key=lambda one: one.time,
    )
    log = OfferLog(catalog(), EMBEDDINGS, events, offers, [], NOW)
    cases = uplift_cases(log, lambda *steps: None, seed=1)
    assert cases is not None
    told = sorted(
        zip(cases.visitors.tolist(), cases.treated.tolist(), cases.outcomes.tolist(), strict=True)
    )
    assert told == [(0, True, True), (1, True, False), (2, False, False), (3, False, True)]
    open_to_all = book([coupon("a", MILK, start_time=NOW - 5 * DAY)])
    log = OfferLog(catalog(), EMBEDDINGS, events, open_to_all, [], NOW)
    assert uplift_cases(log, lambda *steps: None, seed=1) is None


def shop(folder: Path) -> Tables:
    """Visitors who buy of two items each; coupons of one item each, redeemed by who buys it."""
    rng = np.random.default_rng(5)
    items = shelf.items()[:ITEM_COUNT]
    liked = {
        f"v{n}": rng.choice(ITEM_COUNT, 2, replace=False).tolist() for n in range(VISITOR_COUNT)
    }
    events, redemptions = [], []
    offers, audiences = [], []
    for round_ in range(4):
        start = (20 + 25 * round_) * DAY
        name = f"round {round_}"
        audiences += [(name, visitor) for visitor in liked if rng.random() < 0.5]
        offers += [
            Offer(
                f"{round_}-{place}",
                OfferKind.COUPON,
                (items[place].item_id,),
                audience=name,
                start_time=start,
                end_time=start + 20 * DAY,
            )
            for place in range(12)
        ]
    members = set(audiences)
    for visitor, places in liked.items():
        for day in np.sort(rng.choice(DAY_COUNT, 30, replace=False)).tolist():
            time = day * DAY + float(rng.integers(8, 20)) * 3_600
            place = places[int(rng.integers(0, 2))]
            events.append(
                Event(
                    f"{visitor}-{day}",
                    BUY,
                    visitor,
                    time,
                    items[place].item_id,
                    session_id=f"{visitor}-{day}",
                )
            )
            for offer in offers:
                is_for_it = offer.item_ids == (items[place].item_id,) and offer.is_live(time)
                if is_for_it and (offer.audience, visitor) in members and rng.random() < 0.7:
                    redemptions.append(
                        Redemption(f"r{len(redemptions)}", offer.offer_id, visitor, time)
                    )
    write_tables(
        folder,
        items=items_table(shelf.items()),
        events=events_table(sorted(events, key=lambda one: one.time)),
        judgments=shop_judgments(),
        split=Split(70 * DAY, TEST_FROM),
        report={},
        offers=OfferTables.of(offers, audiences, redemptions),
    )
    return read_tables(folder)


def shop_judgments() -> Any:
    from data.tables import judgments_table

    return judgments_table([])


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Tables, dict[str, Any]]:
    """A bundle with the model of these offers, its tables, and what training said."""
    folder = tmp_path_factory.mktemp("offers")
    tables = shop(folder / "tables")
    bundle = folder / "bundle"
    shutil.copytree(shelf.bundle_folder(), bundle)
    dataset = Dataset.of(tables, shelf.CONFIG.text)
    report = release_offers(
        Layout(bundle),
        tables,
        dataset,
        shelf.models().embeddings,
        until=TEST_FROM,
        stages=Silence(),
        seed=7,
    )
    assert report is not None
    sign(bundle, 0.0)
    return bundle, tables, report


def test_who_redeems_what_is_learnt_and_measured_on_what_was_withheld(
    released: tuple[Path, Tables, dict[str, Any]],
) -> None:
    path, tables, training = released
    assert training["offer_count"] == 48
    bundle = load_bundle(path)
    assert bundle.offer_model is not None
    # Nothing of the test part is in the bundle.
    uses = bundle.offers.uses
    assert all((uses.last_time(visitor) or 0.0) < TEST_FROM for visitor in uses.visitors)
    report = evaluate_offers(bundle, tables, Silence(), seed=7)
    systems = report["redemption_days"]["systems"]
    assert report["redemption_days"]["redeemed_moment_count"] > 20
    assert systems["offer_model"]["auc"]["mean"] > 0.95
    assert systems["offer_model"]["hit_rate_at_3"]["mean"] > 0.9
    assert systems["popular_items"]["auc"]["mean"] < 0.8
    lead = report["redemption_days"]["leads"]["popular_items"]["auc"]
    expected = systems["offer_model"]["auc"]["mean"] - systems["popular_items"]["auc"]["mean"]
    assert lead["mean"] == pytest.approx(expected)
    assert lead["low"] > 0.0


def test_offers_are_evaluated_from_the_command_line(
    released: tuple[Path, Tables, dict[str, Any]],
) -> None:
    path, tables, _ = released
    words = ["evaluate", str(path), str(tables.path), "--offers"]
    done = CliRunner().invoke(main, words, env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    assert "the model of offers" in done.output
    told = CliRunner().invoke(main, [*words, "--json"])
    assert {"redemption_days", "mailings", "uplift"} < set(json.loads(told.stdout))
    both = CliRunner().invoke(main, [*words, "--queries", str(path / "config.json")])
    assert both.exit_code == 2
    assert "--offers: expected neither --queries nor --sessions" in both.output


def test_without_offers_or_a_model_the_evaluation_says_so(
    released: tuple[Path, Tables, dict[str, Any]],
) -> None:
    path, tables, _ = released
    bundle = load_bundle(path)
    with pytest.raises(InputError, match="expected tables with offers, received none"):
        evaluate_offers(bundle, replace(tables, offers=None), Silence(), seed=7)
    without = load_bundle(shelf.bundle_folder())
    with pytest.raises(InputError, match="expected a bundle with a model of offers"):
        evaluate_offers(without, tables, Silence(), seed=7)


def test_a_report_of_rankings_is_made_of_the_moments_that_can_tell() -> None:
    labels = [np.array([True, False]), np.array([False, False]), np.array([False, True])]
    scores = {"model": [np.array([2.0, 1.0])] * 3, "other": [np.array([1.0, 2.0])] * 3}
    report = ranking_report(labels, scores, seed=1)
    assert report["redeemed_moment_count"] == 2
    assert report["systems"]["model"]["auc"]["mean"] == 0.5
    assert report["leads"]["other"]["auc"]["mean"] == 0.0
    # Pooled: positives 2 and 1 against negatives 1, 2, 1 and 2.
    assert report["systems"]["model"]["pooled_auc"] == pytest.approx((3.0 + 1.0) / 8)


def test_features_are_numbers_for_every_case_of_a_shop(
    released: tuple[Path, Tables, dict[str, Any]],
) -> None:
    path, tables, _ = released
    assert tables.offers is not None
    bundle = load_bundle(path)
    moment = OfferMoment("v1", TEST_FROM, bundle.offers.all())
    log = OfferLog(bundle.catalog, shelf.models().embeddings, [], bundle.offers, [], TEST_FROM)
    matrix = replayed(moment, log)
    assert matrix.shape == (48, len(FEATURE_NAMES))
    assert np.isfinite(matrix).all()
