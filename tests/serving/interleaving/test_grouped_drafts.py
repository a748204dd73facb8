"""Pages of groups of two bundles: groups are drafted, as the active bundle makes them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data.synthetic import END_TIME
from serving.api.answers import Answer
from serving.api.requests import Filter, Placement, RecommendRequest, SearchRequest
from serving.engine import Engine
from serving.interleaving.experiment import Experiment
from serving.interleaving.team_draft import TeamDraft
from tests.serving.grouped_shop import bundle_of
from tests.towers import shelf

NOW = END_TIME + 60.0
SIZE = 8
RULES = """version = "1"
[[pin]]
item = "p0200"
position = 3
[policy]
group_by = "variant"
exploration = 0.2
new_days = 3650
"""
SEARCH = SearchRequest("espresso", "v", SIZE, record=False)
HOME = RecommendRequest(Placement.HOME, "v", page_size=SIZE)
REQUESTS = (SEARCH, HOME, replace(HOME, filter=Filter(in_stock_only=True)))
Request = SearchRequest | RecommendRequest


def groups_at_random(seed: int) -> np.ndarray:
    """Groups of one to six items all over the catalogue, ``[240] int32``; a fifth stand alone."""
    draw = np.random.default_rng(seed)
    codes = draw.integers(0, 80, len(shelf.items())).astype(np.int32)
    codes[draw.random(len(codes)) < 0.2] = -1
    return codes


class Two:
    """Each of two bundles by itself, and both compared; they group the same items otherwise."""

    def __init__(self, folder: Path, trained: Path) -> None:
        self.codes = groups_at_random(1)
        self.paths = (
            bundle_of(shelf.bundle_folder(), folder / "active", self.codes),
            bundle_of(trained, folder / "other", groups_at_random(2)),
        )
        rules = folder / "rules.toml"
        rules.write_text(RULES.replace("exploration = 0.2\n", ""), encoding="utf-8")
        exploring = folder / "exploring.toml"
        exploring.write_text(RULES, encoding="utf-8")

        def opened(name: str, bundle: Path, file: Path) -> Engine:
            return Engine.open(bundle, folder / name, rules=file, clock=lambda: NOW)

        self.alone = opened("alone", self.paths[0], rules)
        self.other = opened("apart", self.paths[1], rules)
        self.both = opened("both", self.paths[0], exploring)
        self.both.interleave(str(self.paths[1]), 1.0)
        self.item_ids = [item.item_id for item in shelf.items()]

    def group(self, item_id: str) -> object:
        code = int(self.codes[self.item_ids.index(item_id)])
        return item_id if code < 0 else code

    def close(self) -> None:
        for engine in (self.alone, self.other, self.both):
            engine.close()


@pytest.fixture
def two(tmp_path: Path, shop_bundle: Path) -> Iterator[Two]:
    two = Two(tmp_path, shop_bundle)
    yield two
    two.close()


def ask(engine: Engine, request: Request) -> Answer:
    return (
        engine.search(request) if isinstance(request, SearchRequest) else engine.recommend(request)
    )


def ids(answer: Answer) -> list[str]:
    return [result.item_id for result in answer.results]


def whole(engine: Engine, request: Request) -> list[Answer]:
    """All pages of an answer."""
    pages = [ask(engine, request)]
    while (offset := pages[-1].next_offset) is not None:
        key = pages[-1].order_key
        pages.append(ask(engine, replace(request, offset=offset, order_key=key)))
        assert not pages[-1].is_order_expired
    return pages


@pytest.mark.parametrize("request_", REQUESTS, ids=["search", "home", "in stock"])
def test_groups_are_drafted_and_no_later_page_repeats_or_skips_one(
    two: Two, request_: Request
) -> None:
    own, of_other = ids(ask(two.alone, request_)), ids(ask(two.other, request_))
    pages = whole(two.both, request_)
    answer = pages[0]
    assert answer.interleaved_bundle_id == two.other.bundle.manifest.bundle_id
    assert answer.group_by == "variant" and not answer.missing
    own.remove("p0200")
    # By another road: a draft of the groups' names, which never show a group twice.
    listed = {two.group(one) for page in whole(two.alone, request_) for one in ids(page)}
    leaders = {two.group(one): one for one in own}
    may_lead = allowed_leaders(two)
    others = [
        two.group(one)
        for one in of_other
        if two.group(one) in leaders or (one in may_lead and two.group(one) in listed)
    ]
    others = [one for one in dict.fromkeys(others) if one != two.group("p0200")]
    if isinstance(request_, RecommendRequest):
        report = two.both.status().interleaving
        assert report is not None
        experiment = Experiment(
            report.active_bundle_id, report.bundle_id, "", 1.0, report.start_time, 0
        )
        draft = TeamDraft(random.Random(experiment.seed(answer.attribution_token)))
        numbers = {one: number for number, one in enumerate([*leaders, *others])}
        draft.choose([numbers[one] for one in leaders], [numbers[one] for one in others], SIZE - 1)
        shown = [numbers[two.group(one)] for one in ids(answer) if one != "p0200"]
        assert shown == draft.chosen
    assert ids(answer)[2] == "p0200"
    # Chance may draw the active bundle's own page, but not twenty times.
    drawn = [{*ids(ask(two.both, request_))} for _ in range(20)]
    assert any(page != {*own, "p0200"} for page in drawn)
    for one in ids(answer):
        assert leaders.get(two.group(one), one) == one or one == "p0200"

    seen = [two.group(one) for page in pages for one in ids(page)]
    assert len(seen) == len({*seen}) and {*seen} == listed
    assert all(page.relevant_count == answer.relevant_count for page in pages)
    assert answer.group_count == ask(two.alone, request_).group_count


def allowed_leaders(two: Two) -> set[str]:
    """Items in stock, and those of groups without any."""
    stocked = {item.item_id for item in shelf.items() if item.in_stock}
    with_stock = {two.group(one) for one in stocked}
    return {one for one in two.item_ids if one in stocked or two.group(one) not in with_stock}


def test_the_further_members_are_those_of_the_active_bundles_groups(two: Two) -> None:
    answer = ask(two.both, HOME)
    assert answer.interleaved_bundle_id
    for result in answer.results:
        group = two.group(result.item_id)
        of_group = {one for one in two.item_ids if two.group(one) == group}
        assert {*result.variant_ids} == of_group - {result.item_id}
        assert result.variant_count == len(result.variant_ids)


def test_groups_that_a_request_asks_for_are_drafted_too(two: Two) -> None:
    for name in ("variant", "size", "none"):
        answer = ask(two.both, replace(HOME, group_by=name))
        assert answer.interleaved_bundle_id and answer.group_by == ("" if name == "none" else name)


def test_where_the_other_bundle_has_no_groups_the_active_ones_hold(
    two: Two, shop_bundle: Path
) -> None:
    two.both.interleave(str(shop_bundle), 1.0)
    answer = ask(two.both, HOME)
    assert answer.interleaved_bundle_id and answer.group_by == "variant" and not answer.missing
    groups = [two.group(one) for one in ids(answer)]
    assert len({*groups}) == SIZE
