"""The results of a page as columns; a result is made of them only where somebody reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, overload

import numpy as np

from serving.api.answers import (
    EventEffect,
    FeatureEffect,
    ModalityShare,
    Result,
    ScorePart,
    SourceHit,
)
from serving.api.item_cards import ItemCard


class Variants(NamedTuple):
    """Members of a result's group that match the request, besides the result itself.

    Args:
        member_count: All of them.
        item_ids: The first of them.
    """

    member_count: int = 0
    item_ids: tuple[str, ...] = ()


class Effects(NamedTuple):
    """Why a result is where it is: its fields of the same names."""

    event_effects: tuple[EventEffect, ...] = ()
    feature_effects: tuple[FeatureEffect, ...] = ()
    reason: str = ""
    modalities: tuple[ModalityShare, ...] = ()


_NO_VARIANTS = Variants()
_NO_EFFECTS = Effects()


@dataclass(frozen=True, eq=False, slots=True)
class ResultColumns(Sequence[Result]):
    """A sequence of results without rules.

    Args:
        cards: What the catalogue says of each item.
        scores, model_scores: ``[n] float32``, as in ``Result``.
        probabilities: ``[n] float64``; None where none is known.
        source_names: Names of all sources.
        ranks: ``[n, sources] int32`` rank in each source from 0, −1 where that did not find it.
        adjustments, merchandising: ``[n] float64`` amounts by name, 0 where a result has no such part.
        variants: Further members of the group of each result; empty: there are no groups.
        effects: Those of the result at a position; None: they are not asked for.
    """

    cards: Sequence[ItemCard]
    scores: np.ndarray
    model_scores: np.ndarray
    probabilities: np.ndarray | None
    source_names: tuple[str, ...]
    ranks: np.ndarray
    adjustments: Mapping[str, np.ndarray]
    merchandising: Mapping[str, np.ndarray]
    variants: Sequence[Variants] = ()
    effects: Callable[[int], Effects] | None = None

    def __len__(self) -> int:
        return len(self.cards)

    def __iter__(self) -> Iterator[Result]:
        return map(self._result, range(len(self)))

    @overload
    def __getitem__(self, index: int) -> Result: ...
    @overload
    def __getitem__(self, index: slice) -> list[Result]: ...
    def __getitem__(self, index: int | slice) -> Result | list[Result]:
        positions = range(len(self))[index]
        if isinstance(positions, range):
            return [*map(self._result, positions)]
        return self._result(positions)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and [*self] == [*other]

    def _result(self, position: int) -> Result:
        card, probabilities = self.cards[position], self.probabilities
        variants = self.variants[position] if self.variants else _NO_VARIANTS
        effects = _NO_EFFECTS if self.effects is None else self.effects(position)
        return Result(
            item_id=card.item_id,
            title=card.title,
            category=card.category,
            brand=card.brand,
            price=card.price,
            in_stock=card.in_stock,
            score=float(self.scores[position]),
            sources=self.hits(position),
            purchase_probability=None if probabilities is None else float(probabilities[position]),
            model_score=float(self.model_scores[position]),
            adjustments=parts_at(self.adjustments, position),
            merchandising=parts_at(self.merchandising, position),
            predicted_attributes=card.predicted_attributes,
            variant_count=variants.member_count,
            variant_ids=variants.item_ids,
            event_effects=effects.event_effects,
            feature_effects=effects.feature_effects,
            reason=effects.reason,
            modalities=effects.modalities,
        )

    def hits(self, position: int) -> tuple[SourceHit, ...]:
        """The sources that found the result at a position."""
        ranks = enumerate(self.ranks[position].tolist())
        return tuple([_hit(self.source_names[number], rank) for number, rank in ranks if rank >= 0])


def parts_at(columns: Mapping[str, np.ndarray], position: int) -> tuple[ScorePart, ...]:
    """Non-zero score parts of the item at one position."""
    named = [(name, float(column[position])) for name, column in columns.items()]
    return tuple(ScorePart(name, amount) for name, amount in named if amount)


@lru_cache(maxsize=10_000)
def _hit(source: str, rank: int) -> SourceHit:
    """A source hit with its rank from 1; cached, since few distinct ones occur."""
    return SourceHit(source, rank + 1)
