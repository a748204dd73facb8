"""Which bundle's results visitors click, put into the cart and buy: a fold over the log.

An event counts for the answer whose attribution token it carries, and there for the bundle that
contributed its item; each item of an answer counts once. An answer is won by the bundle with more items
acted on. Visitors, not answers, are independent, so the test is over visitors.
"""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict, defaultdict
from dataclasses import dataclass, field
from types import MappingProxyType

from data.records import Event, EventType, Impression
from serving.api.reports import InterleavingTally, Leader
from serving.interleaving.sign_test import share_interval, sign_test
from serving.interleaving.team_draft import ACTIVE, NEITHER, OTHER

OPEN_ANSWER_LIMIT = 50_000
"""Answers that events may still count for: the newest, which take some 25 MB."""
SIGNIFICANCE = 0.05

ALL_SURFACES = ""
_CARTED = frozenset((EventType.ADD_TO_CART, EventType.PURCHASE))
ACTIONS = MappingProxyType(
    {
        "click": frozenset((EventType.VIEW, EventType.FAVORITE)) | _CARTED,
        "cart": _CARTED,
        "purchase": frozenset((EventType.PURCHASE,)),
    }
)
"""The events that show each action: what is bought was clicked, whether or not a view was recorded."""


@dataclass(slots=True)
class _OpenAnswer:
    """An answer that events may count for; ``acted`` holds an action with the item it was done to."""

    surface: str
    visitor: str
    team_of: dict[str, str]
    acted: set[tuple[str, str]] = field(default_factory=set)

    def lead(self, action: str) -> int:
        """1 where more items of the other bundle were acted on, −1 where fewer, 0 where as many."""
        teams = [self.team_of[item] for done, item in self.acted if done == action]
        balance = teams.count(OTHER) - teams.count(ACTIVE)
        return (balance > 0) - (balance < 0)


class Tally:
    """The wins and losses of one comparison; thread-safe.

    Args:
        active_id, other_id: The bundles that are compared.
        start_time: Earlier answers do not count; seconds since 1970.
        open_limit: How many of the newest answers events may count for.
    """

    def __init__(
        self,
        active_id: str,
        other_id: str,
        start_time: float,
        *,
        open_limit: int = OPEN_ANSWER_LIMIT,
    ) -> None:
        self._ids = active_id, other_id
        self._start_time = start_time
        self._open_limit = open_limit
        self._open: OrderedDict[str, _OpenAnswer] = OrderedDict()
        self._visitors: set[str] = set()
        self._anonymous_count = 0
        self._answer_counts: Counter[str] = Counter()
        # By surface and action: answers by who leads them, and visitors by wins less losses.
        self._leads: dict[tuple[str, str], Counter[int]] = defaultdict(Counter)
        self._balances: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        self._lock = threading.Lock()

    def take_in(self, record: Event | Impression) -> None:
        """Takes in an entry of the log; of answers those of the comparison count, each once."""
        with self._lock:
            if isinstance(record, Event):
                self._act(record)
            else:
                self._show(record)

    def _show(self, shown: Impression) -> None:
        token = shown.attribution_token
        is_ours = (shown.bundle_id, shown.interleaved_bundle_id) == self._ids
        if not is_ours or shown.time < self._start_time or token in self._open:
            return
        visitor = shown.visitor_id or token
        if shown.visitor_id:
            self._visitors.add(visitor)
        else:
            self._anonymous_count += 1
        team_of = {
            item_id: team
            for item_id, team in zip(shown.item_ids, shown.teams, strict=True)
            if team != NEITHER
        }
        self._open[token] = _OpenAnswer(shown.surface, visitor, team_of)
        for surface in (ALL_SURFACES, shown.surface):
            self._answer_counts[surface] += 1
        if len(self._open) > self._open_limit:
            self._open.popitem(last=False)

    def _act(self, event: Event) -> None:
        answer = self._open.get(event.attribution_token)
        if answer is None or event.item_id not in answer.team_of:
            return
        for action, types in ACTIONS.items():
            one = action, event.item_id
            if event.type not in types or one in answer.acted:
                continue
            is_first = all(done != action for done, _ in answer.acted)
            before = answer.lead(action)
            answer.acted.add(one)
            now = answer.lead(action)
            for surface in (ALL_SURFACES, answer.surface):
                leads = self._leads[surface, action]
                if not is_first:
                    leads[before] -= 1
                leads[now] += 1
                if now != before:
                    self._balances[surface, action][answer.visitor] += now - before

    @property
    def visitor_count(self) -> int:
        """Visitors who had interleaved answers, each anonymous answer being a visitor."""
        return len(self._visitors) + self._anonymous_count

    def rows(self) -> tuple[InterleavingTally, ...]:
        """All surfaces together, then each with answers by name; of each, all actions."""
        with self._lock:
            return tuple(
                self._row(surface, action)
                for surface in sorted(self._answer_counts)
                for action in ACTIONS
            )

    def _row(self, surface: str, action: str) -> InterleavingTally:
        leads, balances = self._leads[surface, action], self._balances[surface, action]
        for_other = sum(balance > 0 for balance in balances.values())
        for_active = sum(balance < 0 for balance in balances.values())
        low, high = share_interval(for_other, for_other + for_active)
        p_value, leader = sign_test(for_other, for_active), Leader.UNSPECIFIED
        if p_value < SIGNIFICANCE:
            leader = Leader.OTHER if for_other > for_active else Leader.ACTIVE
        return InterleavingTally(
            surface,
            action,
            self._answer_counts[surface],
            win_count=leads[1],
            loss_count=leads[-1],
            tie_count=leads[0],
            preferring_other_count=for_other,
            preferring_active_count=for_active,
            low=low,
            high=high,
            p_value=p_value,
            leader=leader,
        )
