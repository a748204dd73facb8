"""The policy in the engine's answers: in its order, told, logged, and never past its bounds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data.records import Event, EventType
from data.sources.own_log import iter_impressions
from data.synthetic import END_TIME
from serving.api.answers import Answer, Segment
from serving.api.requests import Filter, Placement, RecommendRequest, SearchRequest, SortOrder
from serving.edge.client import Client
from serving.edge.server import ServerSettings, serve
from serving.engine import Engine
from serving.paging.relevance import RELATED_ONLY
from serving.policy.diversity import diverse_order
from serving.policy.exploration import explore
from serving.policy.settings import Policy
from serving.policy.steps import Decided, PageRequest, decided
from tests.towers import shelf
from towers.ranking.ranker import Ranker
from towers.ranking.shortlist import Shortlist
from towers.retrieval.rank_request import RankRequest
from towers.sessions.session import Session

HOME = RecommendRequest(Placement.HOME, "v", page_size=10)
SEARCH = SearchRequest("dark espresso", "v", page_size=10, record=False)
EXPLORE = "[policy]\nexploration = 0.2\n"


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., Engine]]:
    engines = []

    def opened(rules: str = "") -> Engine:
        path = tmp_path / f"rules{len(engines)}.toml"
        path.write_text('version = "1"\n' + rules, encoding="utf-8")
        state = tmp_path / f"state{len(engines)}"
        engines.append(
            Engine.open(shelf.bundle_folder(), state, rules=path, clock=lambda: END_TIME + 60.0)
        )
        return engines[-1]

    yield opened
    for engine in engines:
        engine.close()


@pytest.fixture(scope="module")
def ranker() -> Ranker:
    return shelf.ranker()


@pytest.fixture(scope="module")
def home_list(ranker: Ranker) -> Shortlist:
    return ranker.rank(RankRequest(Session.empty("v"), END_TIME + 60.0))


def ids(answer: Answer) -> list[str]:
    return [result.item_id for result in answer.results]


def parts_sum(answer: Answer) -> None:
    """Scores fall, and are the sum of their parts up to rounding."""
    scores = [result.score for result in answer.results]
    assert scores == sorted(scores, reverse=True)
    for one in answer.results:
        parts = sum(part.amount for part in (*one.adjustments, *one.merchandising))
        assert one.score == pytest.approx(one.model_score + parts, abs=1e-4)


def intra_list_distance(engine: Engine, answer: Answer) -> float:
    rows = [engine.bundle.catalog.row_of[item_id] for item_id in ids(answer)]
    embeddings = engine.bundle.ranker.sources.index.embeddings[rows]
    pairs = [1 - a @ b for n, a in enumerate(embeddings) for b in embeddings[n + 1 :]]
    return float(np.mean(pairs))


def test_diversity_spreads_a_page_keeps_its_scores_and_tells_whom_it_moved(
    opened: Callable[..., Engine],
) -> None:
    off, on = opened(), opened("[policy]\ndiversity = 0.5\n")
    plain, diverse = (engine.recommend(replace(HOME, page_size=100)) for engine in (off, on))
    assert plain.policy_steps == () and len(diverse.policy_steps) == 1
    first = replace(HOME, page_size=10)
    assert intra_list_distance(on, on.recommend(first)) > 1.05 * intra_list_distance(
        off, off.recommend(first)
    )
    assert [r.score for r in plain.results] == [r.score for r in diverse.results]
    parts_sum(diverse)
    ranked = off.bundle.ranker.rank(RankRequest(Session.empty("v"), END_TIME + 60.0))
    assert ids(plain) == [off.bundle.catalog.item_ids[row] for row in ranked.rows[:100]]
    # The order is that of the list's own scores and embeddings.
    embeddings = on.bundle.ranker.sources.index.embeddings[ranked.rows[:256]]
    order = diverse_order(ranked.scores, embeddings, 0.5)
    assert ids(diverse) == [off.bundle.catalog.item_ids[row] for row in ranked.rows[order[:100]]]
    (step,) = diverse.policy_steps
    assert step.name == "diversity"
    assert step.moved_count == np.count_nonzero(order != np.arange(len(order)))
    for place, result in enumerate(diverse.results):
        named = [part.name for part in result.adjustments if part.name == "diversity"]
        assert bool(named) == (ranked.scores[place] != ranked.scores[order[place]])


def test_a_list_without_model_scores_is_spread_as_one_with_them(
    ranker: Ranker, home_list: Shortlist
) -> None:
    # Fusion scores lie so close that their softmax would tell no item from another.
    page = PageRequest(10, True, "t")
    scores = home_list.scores
    logits = scores * np.float32(6.0 / (scores[0] - scores[-1]))
    order = diverse_order(logits, ranker.sources.index.embeddings[home_list.rows[:256]], 0.3)
    for scale in (1e-3, 1.0):
        close = replace(
            home_list, model_scores=home_list.model_scores * np.float32(scale), adjustments={}
        )
        fused = replace(close, missing=("reranker",))
        done = decided(fused, Policy(diversity=0.3), page, ranker.sources)
        assert done.shortlist.rows.tolist() == home_list.rows[order].tolist()


def test_what_is_only_related_is_spread_by_its_own_shares(
    ranker: Ranker, home_list: Shortlist
) -> None:
    # Twelve relevant results; the push of the others takes nothing of what tells them apart.
    pushed = np.where(np.arange(len(home_list.rows)) < 12, 0.0, -20.0).astype(np.float32)
    apart = home_list.adjusted(RELATED_ONLY, pushed, np.arange(len(home_list.rows)))
    done = decided(apart, Policy(diversity=0.3), PageRequest(10, True, "t"), ranker.sources)
    rows = home_list.rows
    assert set(done.shortlist.rows[:12].tolist()) == set(rows[:12].tolist())
    kinds = np.arange(len(rows)) >= 12
    embeddings = ranker.sources.index.embeddings[rows[:256]]
    order = diverse_order(home_list.scores, embeddings, 0.3, kinds=kinds)
    assert done.shortlist.rows.tolist() == rows[order].tolist()


def test_in_a_search_nothing_relevant_falls_behind_what_is_only_related(
    opened: Callable[..., Engine],
) -> None:
    text = "[policy]\ndiversity = 0.9\nbrand_cap = 1\ncategory_cap = 1\nexploration = 0.2\n"
    off, on = opened(), opened(text)
    for query in ("dark espresso", "moccado", "running shoes"):
        asked = replace(SEARCH, query=query, page_size=50)
        plain, shown = off.search(asked), on.search(asked)
        assert plain.relevant_count == shown.relevant_count
        relevant = plain.relevant_count or 0
        assert relevant > 0
        assert set(ids(plain)[:relevant]) == set(ids(shown)[:relevant]), query
        parts_sum(shown)


def test_caps_hold_on_every_page_and_pages_hold_still(opened: Callable[..., Engine]) -> None:
    off, on = opened(), opened("[policy]\ndiversity = 0.3\nbrand_cap = 2\n")
    asked = replace(HOME, page_size=6)
    seen: list[str] = []
    plain = ids(off.recommend(replace(HOME, page_size=100)))
    key, offset, pages = "", 0, 0
    while pages < 3:
        answer = on.recommend(replace(asked, order_key=key, offset=offset))
        assert max(Counter(result.brand for result in answer.results).values()) <= 2
        parts_sum(answer)
        seen += ids(answer)
        assert answer.next_offset is not None
        key, offset, pages = answer.order_key, answer.next_offset, pages + 1
        # What happens between two pages does not move what is still to come.
        on.record([Event(f"e{pages}", EventType.VIEW, "v", END_TIME + 60.0, ids(answer)[0])])
    assert len(set(seen)) == 18 and set(seen) <= set(plain)
    names = {step.name for step in on.recommend(asked).policy_steps}
    assert names == {"diversity", "brand_cap"}


def test_rules_come_before_the_policy_and_a_pin_stays(opened: Callable[..., Engine]) -> None:
    last = ids(opened().recommend(replace(HOME, page_size=60)))[-1]
    engine = opened(
        f'[policy]\ndiversity = 0.8\nbrand_cap = 1\n[[pin]]\nitem = "{last}"\nposition = 2\n'
    )
    answer = engine.recommend(replace(HOME, page_size=5))
    assert ids(answer)[1] == last and answer.results[1].rules == ("pin 1",)
    assert max(Counter(result.brand for result in answer.results).values()) == 1
    assert [step.name for step in answer.policy_steps][-1] == "brand_cap"
    scores = [result.score for result in answer.results]
    assert scores == sorted(scores, reverse=True)


def test_another_order_and_an_items_own_code_are_left_alone(
    opened: Callable[..., Engine], tmp_path: Path
) -> None:
    text = "[policy]\ndiversity = 0.9\nbrand_cap = 1\nexploration = 0.2\n"
    off, on = opened(), opened(text)
    for request in (
        replace(SEARCH, query="p0007"),
        replace(SEARCH, query="espresso", sort_by=SortOrder.PRICE_LOW),
    ):
        assert ids(off.search(request)) == ids(on.search(request))
        assert on.search(request).policy_steps == ()
    on.log.flush()
    assert all(not shown.propensities for shown in iter_impressions(tmp_path / "state1"))


def test_a_draw_changes_one_place_is_logged_and_can_be_drawn_again(
    opened: Callable[..., Engine], ranker: Ranker, home_list: Shortlist
) -> None:
    policy, count = Policy(exploration=0.2, new_days=3_650), 600
    plain = home_list.rows.tolist()
    explored = 0
    for number in range(count):
        page = PageRequest(10, True, f"token{number}")
        done = decided(home_list, policy, page, ranker.sources)
        rows = done.shortlist.rows.tolist()
        propensities = done.propensities(done.shortlist.rows[:10])
        places = [place for place in range(10) if rows[place] != plain[place]]
        assert sum(value != 1.0 for value in propensities) == 1
        assert (np.diff(done.shortlist.scores) <= 0).all() and sorted(rows) == sorted(plain)
        if places:
            explored += 1
            (place,) = places
            assert 3 <= place < 10 and propensities[place] == done.propensity < 0.2
            assert [step.name for step in done.steps] == ["exploration"]
            # It changes places with an item behind the page.
            assert rows.index(plain[place]) == plain.index(rows[place]) >= 10
        else:
            assert 0.8 in propensities and done.steps == ()
        again = decided(home_list, policy, page, ranker.sources)
        assert again.shortlist.rows.tolist() == rows and again.propensity == done.propensity
    # Four standard deviations of a binomial.
    assert abs(explored - 0.2 * count) < 4 * (count * 0.2 * 0.8) ** 0.5


def test_the_share_of_engines_answers_is_the_stated_one_and_the_log_holds_its_propensities(
    opened: Callable[..., Engine], tmp_path: Path
) -> None:
    engine = opened(EXPLORE + "new_days = 3650\n")
    answers = [engine.recommend(HOME) for _ in range(200)]
    second = engine.recommend(replace(HOME, offset=10, order_key=answers[-1].order_key))
    engine.log.flush()
    shown = {one.attribution_token: one for one in iter_impressions(tmp_path / "state0")}
    explored = 0
    for answer in answers:
        impression = shown[answer.attribution_token]
        assert impression.item_ids == tuple(ids(answer))
        (chance,) = {value for value in impression.propensities if value != 1.0}
        is_explored = any(step.name == "exploration" for step in answer.policy_steps)
        assert (chance == 0.8) != is_explored
        explored += is_explored
        place = impression.propensities.index(chance)
        moved = [part.name for part in answer.results[place].adjustments]
        assert ("exploration" in moved) == is_explored
    assert 15 <= explored <= 65
    assert set(shown[second.attribution_token].propensities) == {1.0}


def test_nothing_new_means_nothing_is_up_to_chance(ranker: Ranker, home_list: Shortlist) -> None:
    page = PageRequest(10, True, "t")
    short = decided(home_list.first(8), Policy(exploration=0.2), page, ranker.sources)
    assert short.propensities(short.shortlist.rows) == (1.0,) * 8 and short.steps == ()
    tiny = decided(home_list, Policy(exploration=0.2), replace(page, size=3), ranker.sources)
    assert tiny.propensities(tiny.shortlist.rows[:3]) == (1.0,) * 3
    off = decided(home_list, Policy(diversity=0.5), page, ranker.sources)
    assert off.propensities(off.shortlist.rows[:3]) == ()
    assert Decided(home_list).propensities(home_list.rows) == ()
    assert explore(0, [], np.zeros(1, np.float32), 0.1, None) is None  # type: ignore[arg-type]


def test_the_policy_depends_on_the_segment_which_the_answer_tells(
    opened: Callable[..., Engine],
) -> None:
    engine = opened("[policy.segment.returning]\ndiversity = 0.9\n")
    server = serve(engine, "127.0.0.1:0", ServerSettings())
    with Client(f"127.0.0.1:{server.port}") as client:
        before = client.recommend(HOME)
        assert before.segment is Segment.NEW_VISITOR and before.policy_steps == ()
        client.record([Event("b", EventType.PURCHASE, "v", END_TIME, "p0003")])
        after = client.recommend(HOME)
        assert after.segment is Segment.RETURNING
        assert [step.name for step in after.policy_steps] == ["diversity"]
        assert after.policy_steps[0].moved_count > 0
        found = client.search(replace(SEARCH, filter=Filter(max_price=1e6)))
        assert found.segment is Segment.RETURNING and found.policy_steps
    server.stop(grace_seconds=1.0)


def test_features_are_not_logged_of_answers_that_the_policy_changed(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text('version = "1"\n[policy.surface.home]\ndiversity = 0.5\n', encoding="utf-8")
    engine = Engine.open(
        shelf.bundle_folder(),
        tmp_path / "state",
        rules=path,
        log_feature_share=1.0,
        clock=lambda: END_TIME + 60.0,
    )
    engine.recommend(HOME)
    engine.search(SEARCH)
    engine.close()
    home, search = iter_impressions(tmp_path / "state")
    assert home.features is None and search.features is not None


def test_a_failing_policy_is_left_out_and_named(
    opened: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    off, on = opened(), opened("[policy]\nbrand_cap = 1\n")
    # A catalogue whose brands cannot be read.
    monkeypatch.setattr("serving.policy.steps.Caps", None)
    answer = on.recommend(HOME)
    assert "policy" in answer.missing and ids(answer) == ids(off.recommend(HOME))
