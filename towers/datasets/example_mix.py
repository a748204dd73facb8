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
    browse_and_search_examples,
    catalogue_examples,
    joined,
    judged_examples,
    synthetic_session_examples,
)
from towers.datasets.progress import Progress
from towers.datasets.replayed_log import ReplayedLog
from towers.datasets.synthetic_sessions import (
    SyntheticSession,
    SyntheticSessionsReport,
    synthetic_sessions,
)

_LEAST_INTERACTION_COUNT = 2_000
"""Interactions from which on a log suffices alone; below, synthetic sessions are added.

A trade-off, measured on the synthetic shop of 240 items without categories. With 1,000 interactions
the log alone has hit rate@10 of the next item 0.42 (0.22 with synthetic sessions), but after an intent
shift (two views of another kind) only 0.20 of the page follows it (0.97); with 3,000 the figures are
0.55 (0.31) and 0.42 (0.92).
"""


_LATE_SHARE = 0.05
"""Where the early part suffices, the late one does with this share of the same count: it is a ninth as
long, and the towers are trained on real sessions already."""


_LEAST_MADE_COUNT, _MADE_PER_ITEM = 20_000, 3
"""Made queries of a catalogue: more of each item add training time and little else."""


_SYNTHETIC_SHARE = 8
"""Synthetic queries for each judged one where the log does not suffice."""


_JUDGED_REPEAT_COUNT = 3
"""How often an epoch repeats each judged query where the log does not suffice. A step samples one of
the query's relevant items, so that the repetitions differ."""


_SESSION_SHARE = 0.5
"""Synthetic sessions for each synthetic query: a balance of browsing and word meaning."""


_JUDGED_SESSION_SHARE = 0.25
"""The same where there are judged queries."""


_SESSION_SEARCH_SHARE = 0.2


@dataclass(frozen=True)
class Parts:
    """The two training parts of the log, and whether each is large enough to train on alone.

    A part that does not suffice is used together with synthetic data.

    Args:
        early: Trains the towers.
        late: Validates the towers and trains the reranker, from its ``learn_from`` on.
        early_suffices: Whether the towers can be trained on ``early`` alone.
        late_suffices: Whether the reranker can be trained on ``late`` alone.
    """

    early: ReplayedLog
    late: ReplayedLog
    early_suffices: bool
    late_suffices: bool

    @classmethod
    def of(cls, dataset: Dataset) -> Parts:
        """The parts of a dataset, by its split."""
        early = dataset.log(dataset.rank_from)
        late = dataset.log(dataset.test_from, dataset.rank_from)
        has_words = bool(dataset.catalog.tokens.any())
        early_suffices = is_enough(early.interaction_count, has_words=has_words)
        share = _LATE_SHARE if early_suffices else 1.0
        late_suffices = is_enough(late.interaction_count, has_words=has_words, share=share)
        return cls(early, late, early_suffices, late_suffices)

    @property
    def tower_folds(self) -> range:
        """Folds of the judged queries for the first training of the towers."""
        return FOLDS[VALIDATION_FOLD + 1 :] if self.late_suffices else FOLDS[RERANK_FOLDS.stop :]

    @property
    def judged_repeat_count(self) -> int:
        """How often an epoch repeats each judged query."""
        return 1 if self.early_suffices else _JUDGED_REPEAT_COUNT


def is_enough(interaction_count: int, *, has_words: bool, share: float = 1.0) -> bool:
    """Whether a log of so many interactions suffices for training without synthetic data.

    Args:
        has_words: Whether any item has a word, a brand, a category or a price. Where none has, no
            synthetic data can be generated, and any log suffices.
        share: Scales the threshold, for a part of the log.
    """
    return interaction_count >= (_LEAST_INTERACTION_COUNT * share if has_words else 1)


def synthetic_session_mix(
    dataset: Dataset, rows: np.ndarray, *, query_count: int, seed: int
) -> tuple[list[SyntheticSession], SyntheticSessionsReport]:
    """Synthetic sessions for a dataset without a sufficient log, in proportion to its queries.

    Args:
        rows: ``[n] int64`` items that may be viewed or relevant.
    """
    share = _JUDGED_SESSION_SHARE if dataset.judgments else _SESSION_SHARE
    return synthetic_sessions(
        dataset.catalog,
        rows,
        count=int(query_count * share),
        # Judged queries define relevance; synthetic searches might contradict them.
        search_share=0.0 if dataset.judgments else _SESSION_SEARCH_SHARE,
        time=dataset.test_from,
        seed=seed,
    )


def tower_examples(
    dataset: Dataset, parts: Parts, config: Config, stages: Progress
) -> tuple[Examples, Examples, SyntheticSessionsReport | None]:
    """Training examples of the towers, validation examples, and a report of the synthetic sessions.

    Raises:
        InputError: There is no training data.
    """
    settings = config.retrieval
    report = stages.start("replaying the log", len(parts.early.events))
    examples = [
        browse_and_search_examples(
            parts.early,
            dataset.catalog,
            config,
            browse_limit=settings.browse_example_limit,
            search_limit=settings.search_example_limit,
            progress=report,
        )
    ]
    stages.start("making queries")
    judged = judged_examples(dataset.judgments, dataset.catalog, config, folds=parts.tower_folds)
    made_limit = max(_LEAST_MADE_COUNT, _MADE_PER_ITEM * dataset.catalog.count)
    catalogue_limit = max(
        min(settings.search_example_limit // 3, made_limit), 2_000 - examples[0].count
    )
    if judged.count:
        # Judged queries are better training data than synthetic ones: limit the latter.
        synthetic_share = 1 if parts.early_suffices else _SYNTHETIC_SHARE
        catalogue_limit = min(catalogue_limit, max(2_000, synthetic_share * judged.count))
    synthetic = catalogue_examples(dataset.catalog, config, limit=catalogue_limit)
    examples += [synthetic, *[judged] * parts.judged_repeat_count]
    sessions_report: SyntheticSessionsReport | None = None
    if not parts.early_suffices:
        stages.start("making visits")
        # Only targets of some query: an item without judgments must not become a negative.
        targets = np.unique(np.concatenate([part.targets.ravel() for part in examples]))
        rows = targets[targets >= 0].astype(np.int64)
        sessions, sessions_report = synthetic_session_mix(
            dataset, rows, query_count=catalogue_limit, seed=config.seed + 2
        )
        examples.append(synthetic_session_examples(sessions, dataset.catalog, config))
    training = joined(examples)
    if not training.count:
        raise InputError(
            f"{dataset.path}: expected something to learn from, received neither words nor events"
        )
    held_out = judged_examples(
        dataset.judgments,
        dataset.catalog,
        config,
        folds=FOLDS[VALIDATION_FOLD : VALIDATION_FOLD + 1],
    )
    # With a handful of examples early stopping would act on noise.
    limit = settings.validation_example_limit if parts.late_suffices else 0
    later = browse_and_search_examples(
        parts.late, dataset.catalog, config, browse_limit=limit, search_limit=limit // 4
    )
    return training, joined([later, held_out]), sessions_report


def withheld_judged_examples(dataset: Dataset, parts: Parts, config: Config) -> Examples:
    """Judged queries for the fine-tuning of the towers, repeated as the others are.

    Those of the validation fold and of the reranker's folds; with ``learn_test_part`` also those of
    the test fold.
    """
    folds = set(FOLDS) - set(parts.tower_folds)
    if not config.learn_test_part:
        folds.remove(TEST_FOLD)
    judged = judged_examples(dataset.judgments, dataset.catalog, config, folds=folds)
    return joined([judged] * parts.judged_repeat_count)
