"""Team-draft interleaving: one list out of two, and which of them contributed each item.

Radlinski, Kurup and Joachims, How does clickthrough data reflect retrieval quality?, CIKM 2008: as when
two captains choose their teams, the list with fewer items in the result chooses next, chance decides
where both have as many, and each chooses the best of its items that is not there yet. Neither list is
favoured by position, so whichever has more of its items clicked is preferred.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

ACTIVE, OTHER, NEITHER = "a", "b", "-"
"""The teams: items of the first list, of the second, and what stands there whatever the lists say."""


def _any_fits(item: int, chosen: Sequence[int]) -> bool:
    return True


class TeamDraft:
    """A draft in progress.

    Args:
        rng: Decides who chooses where both lists have contributed as many.
        fits: Whether an item may join those chosen; of a list of which none may, the first is taken, so
            that no page is short.

    Attributes:
        chosen: The items, in order.
        teams: ``ACTIVE`` or ``OTHER`` of each.
    """

    def __init__(
        self,
        rng: random.Random,
        *,
        fits: Callable[[int, Sequence[int]], bool] = _any_fits,
    ) -> None:
        self._rng = rng
        self._fits = fits
        self.chosen: list[int] = []
        self.teams: list[str] = []

    def choose(self, active: Sequence[int], other: Sequence[int], count: int) -> None:
        """Adds ``count`` items of two lists, best first each; fewer where both end."""
        left = {
            team: [item for item in items if item not in self.chosen]
            for team, items in ((ACTIVE, active), (OTHER, other))
        }
        for _ in range(count):
            team = self._next_team()
            if not left[team]:
                team = OTHER if team == ACTIVE else ACTIVE
            if not left[team]:
                return
            fitting = (item for item in left[team] if self._fits(item, self.chosen))
            item = next(fitting, left[team][0])
            self.chosen.append(item)
            self.teams.append(team)
            for items in left.values():
                if item in items:
                    items.remove(item)

    def _next_team(self) -> str:
        lead = self.teams.count(ACTIVE) - self.teams.count(OTHER)
        if lead:
            return OTHER if lead > 0 else ACTIVE
        return ACTIVE if self._rng.random() < 0.5 else OTHER
