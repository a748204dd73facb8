"""An answer names the rules that changed it, and no others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data.sources.own_log import iter_impressions
from data.synthetic import category_of
from serving.api.answers import Answer
from serving.api.requests import FacetRequest, Filter, SearchRequest, SortOrder
from serving.engine import Engine
from serving.evaluation.feature_parity import recompute_features
from towers.ranking import ranker

ASKED = SearchRequest("espresso", "v", page_size=10, record=False)


def ids(answer: Answer) -> list[str]:
    return [result.item_id for result in answer.results]


@pytest.fixture
def order(shelf_engine: Callable[..., Engine]) -> list[str]:
    """All 240 items in the order of the plain answer."""
    engine, found = shelf_engine(), list[str]()
    for offset in range(0, 240, 80):
        found += ids(engine.search(replace(ASKED, page_size=80, offset=offset)))
    assert len(set(found)) == 240
    return found


def hide(*item_ids: str, name: str = "h") -> str:
    return f'[[hide]]\nname = "{name}"\nitems = {list(item_ids)}\n'


def pin(item_id: str, position: int, name: str = "p") -> str:
    return f'[[pin]]\nname = "{name}"\nitem = "{item_id}"\nposition = {position}\n'


def boost(item_id: str, strength: float, name: str = "b", kind: str = "boost") -> str:
    return f'[[{kind}]]\nname = "{name}"\nitems = ["{item_id}"]\nstrength = {strength}\n'


@pytest.mark.parametrize("place", [10, 11, 60, 239])
def test_a_hiding_of_what_comes_after_the_page_is_not_named(
    shelf_engine: Callable[..., Engine], order: list[str], place: int
) -> None:
    plain = shelf_engine().search(ASKED)
    answer = shelf_engine(hide(order[place], "nowhere")).search(ASKED)
    assert answer.rules == () and answer.results == plain.results


@pytest.mark.parametrize(("offset", "place"), [(0, 0), (0, 9), (10, 3), (10, 19), (230, 235)])
def test_a_hiding_of_what_would_be_on_this_page_or_before_is_named(
    shelf_engine: Callable[..., Engine], order: list[str], offset: int, place: int
) -> None:
    engine = shelf_engine(hide(order[place]))
    answer = engine.search(replace(ASKED, offset=offset))
    assert answer.rules == ("h",)
    left = [item_id for item_id in order if item_id != order[place]]
    assert ids(answer) == left[offset : offset + 10]


def test_of_hidings_of_the_same_item_the_first_is_named(
    shelf_engine: Callable[..., Engine], order: list[str]
) -> None:
    rules = hide(order[2], name="one") + hide(order[2], name="two")
    assert shelf_engine(rules).search(ASKED).rules == ("one",)
    # Without the first two, the eleventh would stand on the page.
    rules = hide(order[10], name="eleventh") + hide(order[2], name="third")
    assert shelf_engine(rules).search(ASKED).rules == ("third",)
    rules = hide(order[2], name="third") + hide(order[10], name="eleventh")
    assert shelf_engine(rules).search(ASKED).rules == ("third", "eleventh")


def test_in_counts_and_other_orders_a_hiding_is_named_where_it_hides_a_match(
    shelf_engine: Callable[..., Engine], order: list[str]
) -> None:
    by_price = replace(ASKED, filter=Filter(("Kitchen", "Coffee")), sort_by=SortOrder.PRICE_LOW)
    coffee = ids(shelf_engine().search(by_price))[-1]
    other = next(one for one in reversed(order) if category_of(one)[0] == "Garden")
    for way in ({"sort_by": SortOrder.PRICE_LOW}, {"facets": (FacetRequest("brand"),)}):
        asked = replace(ASKED, filter=Filter(("Kitchen", "Coffee")), **way)  # type: ignore[arg-type]
        whole = shelf_engine().search(asked).match_count
        named = shelf_engine(hide(coffee)).search(asked)
        unnamed = shelf_engine(hide(other)).search(asked)
        assert whole is not None
        assert (named.rules, named.match_count) == (("h",), whole - 1)
        assert (unnamed.rules, unnamed.match_count) == ((), whole)


def test_a_pin_is_named_where_it_moves_something(
    shelf_engine: Callable[..., Engine], order: list[str]
) -> None:
    def rules(text: str, offset: int = 0) -> tuple[str, ...]:
        return shelf_engine(text).search(replace(ASKED, offset=offset)).rules

    assert rules(pin("nowhere", 1)) == ()
    assert rules(pin(order[0], 1)) == () and rules(pin(order[4], 5)) == ()
    assert rules(pin(order[4], 1)) == ("p",)
    assert rules(pin(order[200], 3)) == ("p",)
    assert rules(pin(order[200], 30)) == () and rules(pin(order[200], 30), 25) == ("p",)
    # It is gone from where it would have been.
    assert rules(pin(order[3], 90)) == ("p",)


def test_a_pin_that_moves_nothing_changes_no_score(
    shelf_engine: Callable[..., Engine], order: list[str]
) -> None:
    def told(rules: str, asked: SearchRequest = ASKED) -> list[tuple[object, ...]]:
        answer = shelf_engine(rules).search(asked)
        return [(r.item_id, r.score, r.model_score, r.merchandising) for r in answer.results]

    item = shelf_engine().search(ASKED).results[0]
    alone = Filter(brands=(item.brand,), min_price=item.price, max_price=item.price)
    only = replace(ASKED, filter=alone)
    assert len(told("", only)) == 1 and told("", only)[0][1] != 0
    assert told(pin(item.item_id, 1), only) == told("", only)
    for position in (1, 5, 10):
        assert told(pin(order[position - 1], position)) == told("")
    two = pin(order[1], 2, name="second") + pin(order[2], 3, name="third")
    assert told(two) == told("")
    later = replace(ASKED, offset=10)
    assert told(pin(order[10], 11), later) == told("", later)
    # With a boost it has its own score, boost included, where no pin has to hold it.
    boosted = boost(order[8], 9)
    assert told(boosted + pin(order[8], 1, name="b2"))[1:] == told(boosted)[1:]


@pytest.mark.parametrize("seed", range(6))
def test_scores_never_increase_down_a_page_with_pins(
    shelf_engine: Callable[..., Engine], order: list[str], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    picked, positions = rng.choice(14, 6, replace=False), rng.choice(12, 6, replace=False)
    text = "".join(
        pin(order[item], position + 1, name=f"p{item}")
        for item, position in zip(picked.tolist(), positions.tolist(), strict=True)
    )
    engine = shelf_engine(text + boost(order[3], 1))
    scores: list[float] = []
    for offset in (0, 5, 10):
        for one in engine.search(replace(ASKED, offset=offset, page_size=5)).results:
            parts = [part.amount for part in (*one.adjustments, *one.merchandising)]
            assert one.score == pytest.approx(one.model_score + sum(parts), abs=1e-5)
            assert all(parts)
            scores.append(one.score)
    assert scores == sorted(scores, reverse=True)


def test_a_boost_is_named_where_it_moves_something(
    shelf_engine: Callable[..., Engine], order: list[str]
) -> None:
    def rules(text: str) -> tuple[str, ...]:
        return shelf_engine(text).search(ASKED).rules

    assert rules(boost("nowhere", 9)) == ()
    assert rules(boost(order[0], 9)) == ()
    assert rules(boost(order[8], 9)) == ("b",)
    assert rules(boost(order[60], 0.0001)) == ()
    assert rules(boost(order[60], 5, kind="bury")) == ()
    assert rules(boost(order[1], 5, kind="bury")) == ("b",)
    answer = shelf_engine(boost(order[8], 9) + boost(order[0], 1e-6, name="idle")).search(ASKED)
    assert answer.rules == ("b",)
    assert [one.rules for one in answer.results[:2]] == [("b",), ()]
    # What a rule adds is told all the same.
    assert [part.name for part in answer.results[1].merchandising] == ["idle"]


def test_scores_are_the_sum_of_the_models_adjustments_and_rules(
    shelf_engine: Callable[..., Engine], order: list[str]
) -> None:
    text = boost(order[8], 2) + boost(order[0], 1, "sink", "bury") + pin(order[50], 2)
    plain = {
        one.item_id: one for one in shelf_engine().search(replace(ASKED, page_size=60)).results
    }
    spread = None
    for one in shelf_engine(text).search(replace(ASKED, page_size=60)).results:
        parts = [part.amount for part in (*one.adjustments, *one.merchandising)]
        assert one.score == pytest.approx(one.model_score + sum(parts), abs=1e-5)
        if one.item_id in plain:
            assert one.model_score == pytest.approx(plain[one.item_id].model_score, abs=1e-6)
        amounts = {part.name: part.amount for part in one.merchandising}
        if one.item_id == order[8]:
            spread = amounts["b"] / 2
        assert set(amounts) == {order[8]: {"b"}, order[0]: {"sink"}, order[50]: {"p"}}.get(
            one.item_id, set()
        )
        if one.item_id == order[0] and spread is not None:
            assert amounts["sink"] == pytest.approx(-spread)
    assert spread is not None and spread > 0


def test_a_synonym_is_named_where_it_finds_or_moves_something(
    shelf_engine: Callable[..., Engine],
) -> None:
    def rules(words: str, finds: str) -> tuple[str, ...]:
        text = f'[[synonym]]\nname = "s"\nwords = ["{words}"]\nfinds = ["{finds}"]\n'
        return shelf_engine(text).search(ASKED).rules

    assert rules("espresso", "zzyzx") == ()
    assert rules("espresso", "espresso coffee") == ("s",)
    assert rules("espresso", "shoes") == ("s",)
    assert rules("tea", "shoes") == ()
    two = '[[synonym]]\nname = "idle"\nwords = ["espresso"]\nfinds = ["zzyzx"]\n'
    two += '[[synonym]]\nname = "busy"\nwords = ["espresso"]\nfinds = ["shoes"]\n'
    assert shelf_engine(two).search(ASKED).rules == ("busy",)


def test_the_number_of_synonyms_does_not_change_how_often_features_are_computed(
    shelf_engine: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("shoes", "zzyzx", "tea", "phone", "lamp")
    text = "".join(
        f'[[synonym]]\nname = "{word}"\nwords = ["espresso"]\nfinds = ["{word}"]\n'
        for word in words
    )
    # A rule is first among those after it in the file.
    named = {
        word
        for word in words
        if shelf_engine(text[text.index(f'[[synonym]]\nname = "{word}"') :]).search(ASKED).rules[:1]
        == (word,)
    }
    engine, plain = shelf_engine(text), shelf_engine()
    calls: list[object] = []
    compute = ranker.feature_matrix
    monkeypatch.setattr(ranker, "feature_matrix", lambda *of: calls.append(of) or compute(*of))
    assert set(engine.search(ASKED).rules) == named and "zzyzx" not in named
    # Without synonyms, with them, and for the probability of results that only they found.
    assert len(calls) <= 3 < len(words)
    calls.clear()
    kitchen = replace(ASKED, filter=Filter(("Kitchen",)), page_size=100)
    plain.search(kitchen)
    assert len(calls) == 2


def test_a_hiding_is_named_where_it_changes_only_a_facet(
    shelf_engine: Callable[..., Engine],
) -> None:
    by_price = replace(ASKED, page_size=100, sort_by=SortOrder.PRICE_LOW)
    matches = shelf_engine().search(by_price).results
    brand = matches[0].brand
    other = next(one for one in matches if one.brand != brand)
    asked = replace(ASKED, filter=Filter(brands=(brand,)), facets=(FacetRequest("brand"),))
    plain = shelf_engine().search(asked)
    changed = shelf_engine(hide(other.item_id) + hide(other.item_id, name="again")).search(asked)
    counts = {one.value: one.count for one in plain.facets[0].values}
    left = {one.value: one.count for one in changed.facets[0].values}
    assert left.get(other.brand, 0) == counts[other.brand] - 1
    assert changed.rules == ("h",) and changed.match_count == plain.match_count
    # A facet that counts only items of the brand does not see it.
    in_stock = replace(asked, facets=(FacetRequest("in_stock"),))
    assert shelf_engine(hide(other.item_id)).search(in_stock).rules == ()


def test_in_other_orders_synonyms_change_nothing_and_features_are_logged(
    shelf_engine: Callable[..., Engine], tmp_path: Path
) -> None:
    synonym = '[[synonym]]\nname = "s"\nwords = ["espresso"]\nfinds = ["shoes"]\n'
    asked = replace(ASKED, sort_by=SortOrder.PRICE_LOW, page_size=3)
    plain, engine = shelf_engine().search(asked), shelf_engine(synonym, log_feature_share=1.0)
    answer = engine.search(asked)
    assert answer.rules == () and answer.results == plain.results
    engine.close()
    (impression,) = iter_impressions(tmp_path / "state1")
    assert impression.features is not None


def test_rules_are_named_by_kind_then_in_file_order(
    shelf_engine: Callable[..., Engine], order: list[str]
) -> None:
    text = hide(order[3], name="hide") + boost(order[9], 9, name="late")
    text += boost(order[8], 9, name="later") + pin(order[6], 1, name="pin")
    assert shelf_engine(text).search(ASKED).rules == ("pin", "late", "later", "hide")


def test_of_redirects_the_one_in_force_is_named(shelf_engine: Callable[..., Engine]) -> None:
    redirect = '[[redirect]]\nname = "{0}"\ncontains = "{1}"\nuri = "/{0}"\n'
    text = redirect.format("tea", "tea") + redirect.format("a", "espresso")
    answer = shelf_engine(text + redirect.format("b", "espresso")).search(ASKED)
    assert (answer.redirect_uri, answer.rules) == ("/a", ("a",))


def test_features_are_logged_unless_a_rule_changed_the_answer(
    shelf_engine: Callable[..., Engine],
    order: list[str],
    calibrated_bundle: Path,
    tmp_path: Path,
) -> None:
    text = hide(order[100], "nowhere", name="unrelated") + pin("nowhere", 1, "unknown")
    first = shelf_engine("").search(replace(ASKED, query="espresso beans")).results[0].item_id
    text += f'[[hide]]\nname = "met"\nquery = "espresso beans"\nitems = ["{first}"]\n'
    engine = shelf_engine(text, log_feature_share=1.0)
    assert engine.search(ASKED).rules == ()
    assert engine.search(replace(ASKED, query="espresso beans")).rules == ("met",)
    engine.close()
    plain, changed = recompute_features(calibrated_bundle, tmp_path / "state2")
    assert plain.impression.features is not None and changed.impression.features is None
    assert np.array_equal(plain.impression.features, plain.features)


def test_where_most_of_the_list_is_hidden_rules_are_named_by_their_effect(
    shelf_engine: Callable[..., Engine], order: list[str]
) -> None:
    most = hide(*order[:150], name="most")
    alone = shelf_engine(most).search(ASKED)
    assert alone.rules == ("most",)
    far = next(one for one in reversed(order) if one not in ids(alone))
    idle = hide(far, name="idle") + hide("nowhere", name="unknown")
    answer = shelf_engine(most + idle + hide(*order[:3], name="late")).search(ASKED)
    assert (answer.rules, ids(answer)) == (("most",), ids(alone))
    (last,) = {ids(alone)[-1]}
    boosted = shelf_engine(boost(last, 9) + most).search(ASKED)
    assert ids(boosted)[0] == last and boosted.rules == ("b", "most")
    assert boosted.results[0].rules == ("b",)
    assert shelf_engine(boost(ids(alone)[0], 9) + most).search(ASKED).rules == ("most",)
    # An item of the hidden ones is boosted in vain.
    assert shelf_engine(boost(order[0], 9) + most).search(ASKED).rules == ("most",)
    pinned = shelf_engine(pin(last, 2) + most).search(ASKED)
    assert ids(pinned)[1] == last and pinned.rules == ("p", "most")


def test_a_hiding_of_most_of_the_candidates_still_fills_every_page(
    shelf_engine: Callable[..., Engine], order: list[str]
) -> None:
    gone = set(order[:200])
    engine = shelf_engine(hide(*sorted(gone)))
    found: list[str] = []
    for offset in range(0, 40, 10):
        answer = engine.search(replace(ASKED, offset=offset))
        assert answer.rules == ("h",) and len(answer.results) == 10
        found += ids(answer)
    assert len(set(found)) == 40 and not gone & set(found)
