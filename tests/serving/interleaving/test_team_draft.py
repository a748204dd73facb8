"""Drafts of two lists, against the rules of the game."""

from __future__ import annotations

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as some

from serving.interleaving.team_draft import ACTIVE, OTHER, TeamDraft

lists = some.lists(some.integers(0, 12), unique=True, max_size=9)


class Coins(random.Random):
    """Coins that fall as stated: true, the active list chooses."""

    def __init__(self, falls: list[bool]) -> None:
        super().__init__(0)
        self.falls = falls

    def random(self) -> float:
        return 0.25 if self.falls.pop(0) else 0.75


def drafted(active: list[int], other: list[int], count: int, falls: list[bool]) -> TeamDraft:
    draft = TeamDraft(Coins(falls))
    draft.choose(active, other, count)
    return draft


def test_the_example_of_two_captains_by_hand() -> None:
    active, other = [1, 2, 3, 4], [2, 5, 1, 6]
    first = drafted(active, other, 4, [True, True])
    # Active takes 1; other, behind, its best 2; active its best left, 3; other 5.
    assert (first.chosen, first.teams) == ([1, 2, 3, 5], [ACTIVE, OTHER, ACTIVE, OTHER])
    second = drafted(active, other, 4, [False, True])
    # Other takes 2; active 1; then active 3; other 5.
    assert (second.chosen, second.teams) == ([2, 1, 3, 5], [OTHER, ACTIVE, ACTIVE, OTHER])


@given(lists, lists, some.integers(0, 12), some.integers(0, 2**32))
def test_each_choice_is_its_lists_best_left_and_teams_stay_level(
    active: list[int], other: list[int], count: int, seed: int
) -> None:
    draft = TeamDraft(random.Random(seed))
    draft.choose(active, other, count)
    assert len(draft.chosen) == min(count, len({*active, *other})) == len(draft.teams)
    for place, (item, team) in enumerate(zip(draft.chosen, draft.teams, strict=True)):
        before = {*draft.chosen[:place]}
        left = {ACTIVE: [i for i in active if i not in before]}
        left[OTHER] = [i for i in other if i not in before]
        assert left[team][0] == item
        sizes = Counter(draft.teams[:place])
        level = sizes[ACTIVE] - sizes[OTHER]
        if level and left[ACTIVE] and left[OTHER]:
            assert team == (OTHER if level > 0 else ACTIVE)


def test_either_list_leads_half_of_the_drafts_and_equal_lists_stay_as_they_are() -> None:
    firsts = Counter[str]()
    for seed in range(400):
        draft = TeamDraft(random.Random(f"token {seed}"))
        draft.choose([1, 2, 3], [1, 2, 3], 3)
        assert draft.chosen == [1, 2, 3]
        firsts[draft.teams[0]] += 1
    # 400 fair coins: 200 ± 10.
    assert 160 < firsts[ACTIVE] < 240


def test_what_does_not_fit_waits_until_nothing_else_is_left() -> None:
    def fits(item: int, chosen: object) -> bool:
        return item != 1

    draft = TeamDraft(Coins([True, True]), fits=fits)
    draft.choose([1, 2], [1, 3], 3)
    assert draft.chosen == [2, 3, 1]


def test_a_second_part_goes_on_with_the_same_teams() -> None:
    draft = TeamDraft(Coins([True, True, False]))
    draft.choose([1, 2], [2, 1], 1)
    draft.choose([7, 8], [8, 7], 2)
    assert draft.chosen == [1, 8, 7] and draft.teams == [ACTIVE, OTHER, ACTIVE]
