"""The results of a page as columns; a result is made of them only where somebody reads it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import overload

from serving.api.answers import Result, ScorePart, SourceHit

Parts = tuple[ScorePart, ...]


@dataclass(frozen=True, eq=False, slots=True)
class ResultColumns(Sequence[Result]):
    """A sequence of results without effects and rules.

    Args:
        item_ids, titles, categories, brands, prices, in_stock, scores, model_scores, probabilities: The
            fields of ``Result``, one value each per result.
        source_names: Names of all sources.
        ranks: Of each result its rank in each source from 0, −1 where that did not find it.
        adjustments, merchandising: As in ``Result``; None where no result has any.
    """

    item_ids: Sequence[str]
    titles: Sequence[str]
    categories: Sequence[tuple[str, ...]]
    brands: Sequence[str]
    prices: Sequence[float | None]
    in_stock: Sequence[bool]
    scores: Sequence[float]
    model_scores: Sequence[float]
    probabilities: Sequence[float | None]
    source_names: tuple[str, ...]
    ranks: Sequence[Sequence[int]]
    adjustments: Sequence[Parts] | None = None
    merchandising: Sequence[Parts] | None = None

    def __len__(self) -> int:
        return len(self.item_ids)

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
        return Result(
            item_id=self.item_ids[position],
            title=self.titles[position],
            category=self.categories[position],
            brand=self.brands[position],
            price=self.prices[position],
            in_stock=self.in_stock[position],
            score=self.scores[position],
            sources=tuple(
                _hit(self.source_names[number], rank)
                for number, rank in enumerate(self.ranks[position])
                if rank >= 0
            ),
            purchase_probability=self.probabilities[position],
            model_score=self.model_scores[position],
            adjustments=self.adjustments[position] if self.adjustments else (),
            merchandising=self.merchandising[position] if self.merchandising else (),
        )


@lru_cache(maxsize=10_000)
def _hit(source: str, rank: int) -> SourceHit:
    """A source hit with its rank from 1; cached, since few distinct ones occur."""
    return SourceHit(source, rank + 1)
