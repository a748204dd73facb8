"""Two bundles on one engine: what visitors see, what is counted, and what survives a restart.

The active bundle is the shelf's, which has learnt nothing; the other one is trained on the same shop.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from data.errors import BundleError, OverloadError
from data.records import Event, EventType, Impression, Item
from data.sources.own_log import iter_impressions
from data.synthetic import END_TIME
from serving.answering.facets import facets_of
from serving.answering.pipeline import Answered
from serving.api.answers import Answer, Facet
from serving.api.reports import InterleavingReport, InterleavingTally, Leader
from serving.api.requests import (
    FacetRequest,
    Filter,
    Placement,
    RecommendRequest,
    SearchRequest,
    SortOrder,
)
from serving.engine import Engine
from serving.interleaving.experiment import FILE_NAME, Experiment
from serving.interleaving.team_draft import ACTIVE, OTHER, TeamDraft
from serving.paging.match_set import MatchSet
from tests.towers import shelf

Request = SearchRequest | RecommendRequest
SIZE = 8


class Clock:
    """A clock that is set by hand."""

    now = END_TIME + 60.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


Opened = Callable[..., Engine]


@pytest.fixture
def opened(tmp_path: Path, clock: Clock) -> Iterator[Opened]:
    """Opens engines on the state folder of a name."""
    engines: list[Engine] = []

    def open_(name: str = "state", rules: str = "", bundle: Path | None = None) -> Engine:
        path = tmp_path / f"{name}.toml"
        path.write_text('version = "1"\n' + rules, encoding="utf-8")
        folder = bundle or shelf.bundle_folder()
        state = tmp_path / name
        engines.append(Engine.open(folder, state, rules=path, clock=clock, log_feature_share=1.0))
        return engines[-1]

    yield open_
    for engine in engines:
        engine.close()


def ask(engine: Engine, request: Request) -> Answer:
    if isinstance(request, SearchRequest):
        return engine.search(request)
    return engine.recommend(request)


def ids(answer: Answer) -> list[str]:
    return [result.item_id for result in answer.results]


def last_shown(engine: Engine, state: Path) -> Impression:
    engine.log.flush()
    return [*iter_impressions(state)][-1]


def report_of(engine: Engine) -> InterleavingReport:
    report = engine.status().interleaving
    assert report is not None
    return report


def clicks_of(engine: Engine) -> InterleavingTally:
    (found,) = [
        one for one in report_of(engine).tallies if (one.surface, one.action) == ("", "click")
    ]
    return found


def click(engine: Engine, answer: Answer, item_id: str, visitor: str, at: float) -> None:
    token = answer.attribution_token
    event = Event(f"{token}{item_id}", EventType.VIEW, visitor, at, item_id)
    engine.record([replace(event, attribution_token=token)])


REQUESTS: tuple[Request, ...] = (
    SearchRequest("espresso", "v", SIZE, record=False),
    RecommendRequest(Placement.HOME, "v", page_size=SIZE),
    RecommendRequest(Placement.ITEM, "v", ("p0005",), SIZE),
    RecommendRequest(Placement.CATEGORY, "v", (), SIZE, filter=Filter(("Kitchen",))),
    SearchRequest("moccado", "v", SIZE, record=False, filter=Filter(max_price=100.0)),
)


@pytest.mark.parametrize("request_", REQUESTS, ids=["search", "home", "item", "category", "filter"])
def test_a_page_is_the_draft_of_what_each_bundle_answers_by_itself(
    opened: Opened, shop_bundle: Path, tmp_path: Path, clock: Clock, request_: Request
) -> None:
    alone, other = opened("alone"), opened("other", bundle=shop_bundle)
    both = opened()
    both.interleave(str(shop_bundle), 1.0)
    differing = 0
    for number in range(3):
        # Each page follows what the visitor has just looked at, in both bundles.
        looked = Event(f"e{number}", EventType.VIEW, "v", clock.now, f"p{20 * number + 7:04d}")
        for engine in (alone, other, both):
            engine.record([looked])
        clock.now += 1.0
        lists = [ids(ask(engine, request_)) for engine in (alone, other)]
        answer = ask(both, request_)
        seed = Experiment(
            alone.bundle.manifest.bundle_id,
            other.bundle.manifest.bundle_id,
            str(shop_bundle),
            1.0,
            report_of(both).start_time,
            0,
        ).seed(answer.attribution_token)
        row_of = alone.bundle.catalog.row_of
        draft = TeamDraft(random.Random(seed))
        if isinstance(request_, SearchRequest):
            # What either bundle holds for only related is not put before what is relevant.
            whole = alone.search(replace(request_, page_size=100))
            assert whole.relevant_count is not None and whole.relevant_count >= SIZE
            related = {
                one.item_id
                for one in whole.results
                if any(part.name == "related_only" for part in one.adjustments)
            }
            of_other = other.search(request_).relevant_count
            lists[1] = [one for one in lists[1][:of_other] if one not in related]
        draft.choose(*([row_of[one] for one in part] for part in lists), SIZE)
        assert [row_of[one] for one in ids(answer)] == draft.chosen
        shown = last_shown(both, tmp_path / "state")
        assert shown.teams == "".join(draft.teams)
        assert shown.bundle_id == answer.bundle_id == alone.bundle.manifest.bundle_id
        assert shown.interleaved_bundle_id == other.bundle.manifest.bundle_id
        assert answer.interleaved_bundle_id == shown.interleaved_bundle_id
        assert list(shown.item_ids) == ids(answer) and shown.features is None
        differing += lists[0] != lists[1]
        scores = [result.score for result in answer.results]
        assert scores == sorted(scores, reverse=True)
        for result in answer.results:
            parts = (*result.adjustments, *result.merchandising)
            total = result.model_score + sum(part.amount for part in parts)
            assert result.score == pytest.approx(total, abs=1e-4)
    assert differing == 3


def test_nothing_only_related_comes_before_what_is_relevant(
    opened: Opened, shop_bundle: Path
) -> None:
    alone, both = opened("alone"), opened()
    both.interleave(str(shop_bundle), 1.0)
    told = 0
    for item in shelf.items()[::24]:
        request = SearchRequest(item.title, "v", SIZE, record=False)
        whole, answer = alone.search(request), both.search(request)
        count = whole.relevant_count
        if not answer.interleaved_bundle_id or count is None or not 1 < count < SIZE:
            continue
        assert answer.relevant_count == count
        assert {*ids(answer)[:count]} == {*ids(whole)[:count]}
        told += ids(answer) != ids(whole)
    assert told


def shop_with(engine: Engine, liked: Callable[[str, Answer], list[str]], count: int) -> None:
    """Visitors who look at an item, ask for the home page, and click what they like."""
    clock = engine._clock
    assert isinstance(clock, Clock)
    for number in range(count):
        clock.now += 5.0
        visitor = f"shopper{number}"
        item = f"p{1 + number * 7 % 240:04d}"
        engine.record([Event(f"look{number}", EventType.VIEW, visitor, clock.now, item)])
        clock.now += 1.0
        answer = engine.recommend(RecommendRequest(Placement.HOME, visitor, page_size=SIZE))
        for item_id in liked(visitor, answer):
            click(engine, answer, item_id, visitor, clock.now)


def own_page(path: Path, engine: Engine, clock: Clock, state: Path) -> Callable[[str], list[str]]:
    """What a bundle shows by itself to a visitor of another engine."""
    alone = Engine.open(path, state, clock=clock)
    alone.sessions = engine.sessions

    def page(visitor: str) -> list[str]:
        return ids(alone.recommend(RecommendRequest(Placement.HOME, visitor, page_size=SIZE)))

    return page


def test_shoppers_who_want_what_the_other_bundle_finds_make_it_win(
    opened: Opened, shop_bundle: Path, tmp_path: Path, clock: Clock
) -> None:
    engine = opened()
    engine.interleave(str(shop_bundle), 1.0)
    page = own_page(shop_bundle, engine, clock, tmp_path / "alone")

    def liked(visitor: str, answer: Answer) -> list[str]:
        wanted = page(visitor)[:4]
        return [one for one in ids(answer) if one in wanted]

    shop_with(engine, liked, 40)
    found = clicks_of(engine)
    assert found.leader is Leader.OTHER and found.answer_count == 40
    assert found.win_count > 25 > 5 > found.loss_count and found.low > 0.5
    shown = [*iter_impressions(tmp_path / "state")]
    assert report_of(engine).visitor_count == len({one.visitor_id for one in shown}) == 40


def test_equal_bundles_are_level(opened: Opened, tmp_path: Path) -> None:
    twin = tmp_path / "twin"
    shutil.copytree(shelf.bundle_folder(), twin)
    engine = opened()
    engine.interleave(str(twin), 1.0)
    rng = random.Random(5)

    def liked(visitor: str, answer: Answer) -> list[str]:
        # The first places are clicked more, whoever has them.
        return [one for place, one in enumerate(ids(answer)) if rng.random() < 0.5 / (1 + place)]

    shop_with(engine, liked, 120)
    found = clicks_of(engine)
    # Drafts are drawn from random tokens: at 5 % one run in twenty would find a leader.
    assert found.p_value > 1e-4
    assert found.preferring_other_count + found.preferring_active_count > 40


def test_where_the_other_bundle_fails_the_answer_is_the_active_ones(
    opened: Opened, shop_bundle: Path, tmp_path: Path
) -> None:
    engine, alone = opened(), opened("alone")
    engine.interleave(str(shop_bundle), 1.0)
    other = engine._bundles.other
    assert other is not None
    # The brand of a result is no optional part.
    other.bundle.catalog.brand_codes.names.clear()
    home = RecommendRequest(Placement.HOME, "v", page_size=SIZE)
    for _ in range(3):
        answer = engine.recommend(home)
        assert ids(answer) == ids(alone.recommend(home)) and not answer.interleaved_bundle_id
    report = report_of(engine)
    assert report.failure_count == 3 and report.is_running and not report.tallies
    assert not last_shown(engine, tmp_path / "state").teams


def test_a_caller_who_has_gone_is_no_failure(opened: Opened, shop_bundle: Path) -> None:
    engine = opened()
    engine.interleave(str(shop_bundle), 1.0)
    calls = 0

    def gone() -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            # The active bundle asks twice.
            raise TimeoutError("gone")

    with pytest.raises(TimeoutError):
        engine.recommend(RecommendRequest(Placement.HOME, "v"), gone)
    assert report_of(engine).failure_count == 0


RULES = """
[[pin]]
item = "p0200"
position = 2
[[pin]]
item = "p0201"
position = 12
[[hide]]
categories = ["Kitchen"]
[policy]
brand_cap = 2
exploration = 0.2
new_days = 3650
"""


def test_pins_hidings_caps_filters_and_deletions_hold_for_both(
    opened: Opened, shop_bundle: Path, tmp_path: Path
) -> None:
    engine = opened(rules=RULES)
    engine.interleave(str(shop_bundle), 1.0)
    catalog = engine.bundle.catalog
    free = opened("free", bundle=shop_bundle)
    plain = RecommendRequest(Placement.HOME, "v", page_size=SIZE)
    gone = ids(free.recommend(replace(plain, filter=Filter(in_stock_only=True))))[:2]
    engine.delete_items(gone)
    for number in range(12):
        request = replace(plain, visitor_id=f"v{number}", filter=Filter(in_stock_only=True))
        answer = engine.recommend(request)
        shown = last_shown(engine, tmp_path / "state")
        assert answer.interleaved_bundle_id and shown.propensities == ()
        assert ids(answer)[1] == "p0200" and shown.teams[1] == "-"
        assert shown.teams.count("-") == 1
        assert not {*gone} & {*ids(answer)} and len({*ids(answer)}) == SIZE
        for result in answer.results:
            assert "Kitchen" not in result.category and result.in_stock
        brands = [catalog.brand[catalog.row_of[one]] for one in ids(answer)]
        assert max(brands.count(one) for one in brands if catalog.brand_codes.names[one]) <= 2


def test_live_changes_reach_the_other_bundle(opened: Opened, shop_bundle: Path) -> None:
    engine = opened()
    engine.interleave(str(shop_bundle), 1.0)
    other = engine._bundles.other
    assert other is not None
    engine.update_items([Item("n1", "Blue lantern", category=("Light",), price=3.0)])
    assert "n1" in other.bundle.catalog.row_of
    answer = engine.search(SearchRequest("blue lantern", "v", SIZE))
    assert ids(answer)[0] == "n1" and answer.interleaved_bundle_id
    engine.delete_items(["n1"])
    assert "n1" not in ids(engine.search(SearchRequest("blue lantern", "v", SIZE)))
    before = other.bundle.ranker.sources.popular.popularity.at(
        other.bundle.catalog.rows(["p0009"]), END_TIME
    )
    engine.record([Event("e", EventType.PURCHASE, "w", END_TIME + 61, "p0009")])
    after = other.bundle.ranker.sources.popular.popularity.at(
        other.bundle.catalog.rows(["p0009"]), END_TIME
    )
    assert after > before


@pytest.mark.parametrize("rules", ["", RULES], ids=["plain", "rules"])
@pytest.mark.parametrize("request_", REQUESTS[:3], ids=["search", "home", "item"])
def test_later_pages_repeat_nothing_and_skip_nothing(
    opened: Opened, shop_bundle: Path, request_: Request, rules: str
) -> None:
    engine = opened(rules=rules)
    engine.interleave(str(shop_bundle), 1.0)
    answer = ask(engine, replace(request_, page_size=SIZE))
    seen = ids(answer)
    assert answer.interleaved_bundle_id
    relevant = answer.relevant_count
    while answer.next_offset is not None:
        page = replace(request_, offset=answer.next_offset, order_key=answer.order_key)
        answer = ask(engine, page)
        assert not answer.is_order_expired and not answer.interleaved_bundle_id
        assert answer.relevant_count == relevant
        seen += ids(answer)
    assert len(seen) == len({*seen})
    alone = opened("alone", rules=rules)
    answer = ask(alone, request_)
    whole = ids(answer)
    while answer.next_offset is not None:
        page = replace(request_, offset=answer.next_offset, order_key=answer.order_key)
        answer = ask(alone, page)
        whole += ids(answer)
    assert {*seen} == {*whole}
    if rules:
        assert seen[11] == whole[11] == "p0201"


def test_a_restart_goes_on_with_the_same_tally_and_the_same_visitors(
    opened: Opened, shop_bundle: Path, clock: Clock
) -> None:
    engine = opened()
    engine.interleave(str(shop_bundle), 0.5)
    rng = random.Random(3)
    shop_with(engine, lambda _, answer: rng.sample(ids(answer), 2), 40)
    before = report_of(engine)
    assert 8 < before.visitor_count < 32 and before.tallies[0].answer_count == before.visitor_count
    home = RecommendRequest(Placement.HOME, page_size=SIZE)

    def takes_part(engine: Engine) -> list[bool]:
        visitors = [f"shopper{number}" for number in range(40)]
        answers = [engine.recommend(replace(home, visitor_id=one)) for one in visitors]
        return [bool(answer.interleaved_bundle_id) for answer in answers]

    engine.close()
    again = opened()
    assert report_of(again) == before
    flags = takes_part(again)
    assert sum(flags) == before.visitor_count and takes_part(again) == flags


def test_it_ends_by_hand_and_with_another_bundle_and_its_clicks_still_count(
    opened: Opened, shop_bundle: Path, clock: Clock
) -> None:
    engine = opened()
    with pytest.raises(BundleError, match="expected a comparison that runs, received none"):
        engine.stop_interleaving()
    engine.interleave(str(shop_bundle), 1.0)
    home = RecommendRequest(Placement.HOME, "v", page_size=SIZE)
    answer = engine.recommend(home)
    engine.stop_interleaving()
    report = report_of(engine)
    assert not report.is_running and report.end_reason == "stopped by an operator"
    assert not engine.recommend(home).interleaved_bundle_id
    clock.now += 1.0
    click(engine, answer, ids(answer)[0], "v", clock.now)
    one = clicks_of(engine)
    assert one.win_count + one.loss_count == 1
    engine.close()
    engine = opened()
    assert report_of(engine) == replace(report, tallies=report_of(engine).tallies)
    assert clicks_of(engine) == one and engine._bundles.other is None

    clock.now += 1.0
    engine.interleave(str(shop_bundle), 1.0)
    assert report_of(engine).tallies == ()
    engine.recommend(home)
    status = engine.publish(str(shop_bundle))
    assert status.interleaving is not None and not status.interleaving.is_running
    assert status.interleaving.end_reason == "another bundle was published"
    assert not engine.recommend(home).interleaved_bundle_id
    engine.close()
    engine = opened()
    assert report_of(engine).end_reason == "another bundle was published"


def test_a_comparison_that_was_dropped_is_not_taken_up_again(
    opened: Opened, shop_bundle: Path, clock: Clock
) -> None:
    engine = opened()
    engine.interleave(str(shop_bundle), 1.0)
    other = engine._bundles.other
    assert other is not None
    # Its counts fail, as those of a broken bundle would.
    object.__setattr__(other.bundle, "offers", None)
    engine.record([Event("e", EventType.VIEW, "v", clock.now, "p0009")])
    told = report_of(engine)
    assert not told.is_running and told.end_reason.startswith(f"{shop_bundle} failed: ")
    engine.close()
    again = opened()
    assert report_of(again) == told and again._bundles.other is None


rename = Path.rename


def full_disk(path: Path, target: Path) -> Path:
    """A rename that fails for the file of the comparison."""
    if target.name == FILE_NAME:
        raise OSError(28, "No space left on device")
    return rename(path, target)


def test_an_end_that_cannot_be_recorded_is_recorded_later_or_forgotten(
    opened: Opened, shop_bundle: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    engine = opened()
    engine.interleave(str(shop_bundle), 1.0)
    file = tmp_path / "state" / FILE_NAME
    with monkeypatch.context() as full:
        full.setattr(Path, "rename", full_disk)
        engine.stop_interleaving()
    assert not report_of(engine).is_running
    # A restart after a crash would take up what this file says.
    assert not file.exists()
    engine.close()
    assert json.loads(file.read_text())["end_reason"] == "stopped by an operator"

    engine = opened()
    engine.interleave(str(shop_bundle), 1.0)
    with monkeypatch.context() as full:
        full.setattr(Path, "rename", full_disk)
        with pytest.raises(OverloadError):
            engine.interleave(str(shop_bundle), 0.5)
    told = report_of(engine)
    assert "could not be recorded" in told.end_reason
    engine.close()
    assert report_of(opened()) == told


def test_facets_are_counted_once_for_an_answer_of_two_bundles(
    opened: Opened, shop_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, alone = opened(), opened("alone")
    engine.interleave(str(shop_bundle), 1.0)
    counted: list[MatchSet] = []

    def counting(matches: MatchSet, *parts: Any) -> tuple[Facet, ...]:
        counted.append(matches)
        return facets_of(matches, *parts)

    monkeypatch.setattr("serving.answering.pipeline.facets_of", counting)
    request = SearchRequest("espresso", "v", SIZE, facets=(FacetRequest("brand"),), record=False)
    answer = engine.search(request)
    assert answer.interleaved_bundle_id
    assert [one.sources for one in counted] == [engine.bundle.ranker.sources]
    assert answer.facets and answer.facets == alone.search(request).facets


def test_a_start_with_another_bundle_ends_it(opened: Opened, shop_bundle: Path) -> None:
    engine = opened()
    engine.interleave(str(shop_bundle), 1.0)
    engine.close()
    report = report_of(opened(bundle=shop_bundle))
    assert not report.is_running
    assert report.end_reason.startswith("the server was started with bundle ")


def test_a_bundle_that_is_none_changes_nothing(
    opened: Opened, shop_bundle: Path, tmp_path: Path
) -> None:
    engine = opened()
    with pytest.raises(BundleError):
        engine.interleave(str(tmp_path / "none"), 1.0)
    assert engine.status().interleaving is None and engine._bundles.other is None
    engine.interleave(str(shop_bundle), 1.0)
    with pytest.raises(BundleError):
        engine.interleave(str(tmp_path / "none"), 1.0)
    assert report_of(engine).is_running
    assert engine.recommend(RecommendRequest(Placement.HOME, "v")).interleaved_bundle_id


def test_only_first_pages_by_relevance_are_drafted(
    opened: Opened, shop_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = opened()
    engine.interleave(str(shop_bundle), 1.0)
    asked: list[Answered] = []
    interleaving = engine._interleaving
    drafted = interleaving.drafted

    def counted(trial, own, *parts):  # type: ignore[no-untyped-def]
        asked.append(own)
        return drafted(trial, own, *parts)

    monkeypatch.setattr(interleaving, "drafted", counted)
    for request in (
        SearchRequest("espresso", "v", SIZE, sort_by=SortOrder.PRICE_LOW),
        SearchRequest("espresso", "v", SIZE, offset=SIZE),
        RecommendRequest(Placement.PROMOTION, "v"),
    ):
        assert not ask(engine, request).interleaved_bundle_id
    assert not asked
    # An item's own code, and the cheapest: found out by the active bundle alone.
    for query in ("p0042", "cheapest espresso"):
        assert not engine.search(SearchRequest(query, "v", SIZE)).interleaved_bundle_id
    assert len(asked) == 2 and report_of(engine).tallies == ()


def test_teams_are_equally_strong_over_many_answers(
    opened: Opened, shop_bundle: Path, tmp_path: Path
) -> None:
    engine = opened()
    engine.interleave(str(shop_bundle), 1.0)
    for number in range(40):
        engine.recommend(RecommendRequest(Placement.HOME, f"v{number}", page_size=SIZE))
    engine.log.flush()
    teams = [one.teams for one in iter_impressions(tmp_path / "state")]
    assert all(one.count(ACTIVE) == one.count(OTHER) == SIZE // 2 for one in teams)
    assert 8 < sum(one[0] == OTHER for one in teams) < 32
