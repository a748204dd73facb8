"""How logged, judged and synthetic examples are mixed for the towers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.errors import InputError
from towers.config import Config
from towers.datasets.dataset import Dataset
from towers.datasets.examples import (
    FOLDS,
    RERANK_FOLDS,
    TEST_FOLD,
    VALIDATION_FOLD,
    Examples,
    ReplayedLog,
    browse_and_search_examples,
    catalogue_examples,
    joined,
    judged_examples,
    visit_examples,
)
from towers.datasets.stages import Stages
from towers.datasets.synthetic_sessions import SyntheticSession, VisitsReport, synthetic_sessions

_LEAST_DEED_COUNT = 2_000
"""Looks, purchases and the like from which on a log teaches alone; below, visits are made beside it.

A weighing, on the made-up shop of 240 items without categories. At 1,000 of them the log alone finds
the next item in the top ten 0.42 of the time (0.22 with made visits), but turns 0.20 of the page after
two views of another kind (0.97); at 3,000 it is 0.55 (0.31) and 0.42 (0.92).
"""


_LATE_SHARE = 0.05
"""Next to an early part that is enough, a late one of this share of the same: it is a ninth as long,
and the towers have learnt what sessions mean."""


_MADE_SHARE = 8


_JUDGED_REPEAT_COUNT = 3
"""Where no log tells what words mean: made queries for each judged one, and how often an epoch reads
the judged ones. A step draws one of the items that a query found good, so they differ each time."""


_VISIT_SHARE = 0.5
"""Made visits for each made query: enough to follow looks, few enough to leave room for words."""


_JUDGED_VISIT_SHARE = 0.25
"""The same where people judged what queries find."""


_VISIT_SEARCH_SHARE = 0.2


@dataclass(frozen=True)
class Parts:
    """The two parts of the log that training may know, and whether they are enough to learn from.

    What is not enough joins what is made from the catalogue, and does not take its place.

    Args:
        early: To learn from.
        late: To be checked on and to teach the reranker, from its ``learn_from`` on.
        early_teaches: Whether the towers can learn from ``early`` alone.
        late_teaches: Whether the reranker can learn from ``late`` alone.
    """

    early: ReplayedLog
    late: ReplayedLog
    early_teaches: bool
    late_teaches: bool

    @classmethod
    def of(cls, shop: Dataset) -> Parts:
        """Those of a shop, by its split."""
        early = shop.log(shop.rank_from)
        late = shop.log(shop.test_from, shop.rank_from)
        has_words = bool(shop.catalog.tokens.any())
        early_teaches = is_enough(early.deed_count, has_words=has_words)
        share = _LATE_SHARE if early_teaches else 1.0
        late_teaches = is_enough(late.deed_count, has_words=has_words, share=share)
        return cls(early, late, early_teaches, late_teaches)

    @property
    def tower_folds(self) -> range:
        """Folds of the judged queries that the towers learn from before anything is built on them."""
        return FOLDS[VALIDATION_FOLD + 1 :] if self.late_teaches else FOLDS[RERANK_FOLDS.stop :]

    @property
    def judged_repeat_count(self) -> int:
        """How often one pass over the examples reads each judged query."""
        return 1 if self.early_teaches else _JUDGED_REPEAT_COUNT


def is_enough(deed_count: int, *, has_words: bool, share: float = 1.0) -> bool:
    """Whether so many looks, purchases and the like teach more than the catalogue does.

    Args:
        has_words: Whether any item has a word, a brand, a category or a price. Where none has, the
            catalogue teaches nothing, and any deed will do.
        share: Share of the log that the deeds are of.
    """
    return deed_count >= (_LEAST_DEED_COUNT * share if has_words else 1)


def shop_visits(
    shop: Dataset, rows: np.ndarray, *, query_count: int, seed: int
) -> tuple[list[SyntheticSession], VisitsReport]:
    """Visits made from the catalogue for a shop without a log, beside so many queries.

    Args:
        rows: ``[n] int64`` what may be looked at and wanted.
    """
    share = _JUDGED_VISIT_SHARE if shop.judgments else _VISIT_SHARE
    return synthetic_sessions(
        shop.catalog,
        rows,
        count=int(query_count * share),
        # Where people's judgments teach what a query means, none that is made up is to contradict.
        search_share=0.0 if shop.judgments else _VISIT_SEARCH_SHARE,
        time=shop.test_from,
        seed=seed,
    )


def tower_examples(
    shop: Dataset, parts: Parts, config: Config, stages: Stages
) -> tuple[Examples, Examples, VisitsReport | None]:
    """What the towers learn from, what tells them when to stop, and the visits among the first.

    Raises:
        InputError: There is nothing to learn from.
    """
    settings = config.retrieval
    report = stages.start("replaying the log", len(parts.early.events))
    examples = [
        browse_and_search_examples(
            parts.early,
            shop.catalog,
            config,
            browse_limit=settings.browse_example_limit,
            search_limit=settings.search_example_limit,
            progress=report,
        )
    ]
    stages.start("making queries")
    judged = judged_examples(shop.judgments, shop.catalog, config, folds=parts.tower_folds)
    catalogue_limit = max(settings.search_example_limit // 3, 2_000 - examples[0].count)
    if judged.count:
        # What people really ask teaches more than what is made up, and is not to be drowned by it.
        made_share = 1 if parts.early_teaches else _MADE_SHARE
        catalogue_limit = min(catalogue_limit, max(2_000, made_share * judged.count))
    made = catalogue_examples(shop.catalog, config, limit=catalogue_limit)
    examples += [made, *[judged] * parts.judged_repeat_count]
    made_up: VisitsReport | None = None
    if not parts.early_teaches:
        stages.start("making visits")
        # Only what some query wants: what nobody has judged yet is to stay out of every comparison.
        wanted = np.unique(np.concatenate([part.targets.ravel() for part in examples]))
        rows = wanted[wanted >= 0].astype(np.int64)
        visits, made_up = shop_visits(shop, rows, query_count=catalogue_limit, seed=config.seed + 2)
        examples.append(visit_examples(visits, shop.catalog, config))
    learnt = joined(examples)
    if not learnt.count:
        raise InputError(
            f"{shop.path}: expected something to learn from, received neither words nor events"
        )
    held_out = judged_examples(
        shop.judgments, shop.catalog, config, folds=FOLDS[VALIDATION_FOLD : VALIDATION_FOLD + 1]
    )
    # A handful of moments would end the training by chance.
    limit = settings.validation_example_limit if parts.late_teaches else 0
    later = browse_and_search_examples(
        parts.late, shop.catalog, config, browse_limit=limit, search_limit=limit // 4
    )
    return learnt, joined([later, held_out]), made_up


def withheld_judged_examples(shop: Dataset, parts: Parts, config: Config) -> Examples:
    """Judged queries that the towers learn last of all, each as often as they read the others.

    Those are what told when to stop and what taught the reranker; with ``learn_test_part`` also the
    queries that the release would else be measured by.
    """
    folds = set(FOLDS) - set(parts.tower_folds)
    if not config.learn_test_part:
        folds.remove(TEST_FOLD)
    judged = judged_examples(shop.judgments, shop.catalog, config, folds=folds)
    return joined([judged] * parts.judged_repeat_count)
