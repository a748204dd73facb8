"""One field: every model trained, measured and compared, and the best one's predictions."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from data.errors import ConfigError
from towers.attributes.abstention import Confidence
from towers.attributes.classifiers import Scores
from towers.attributes.item_features import View
from towers.attributes.models import HEAD, best_temperature, can_fit, fit_model, guess, guesses
from towers.attributes.targets import Target
from towers.attributes.validation_items import NearCopies, matched, near_copies_of
from towers.bootstrap import mean_interval

FOLDS = 5
LEARNT_LIMIT = 20_000
"""Filled items that models learn from and are measured on; a larger catalogue is sampled."""
VALIDATED_MINIMUM = 1_000
"""Predictions for filled items that the threshold is chosen on, where there are as many."""


UNSEEN_MINIMUM = 30
_TOLD_SHARE = 0.9
"""Of the filled items, that the encoder's own classes must be able to tell."""
LEARNT_ONLY = -1
"""Fold of items that are only learnt from."""


@dataclass(frozen=True)
class ModelScore:
    """What one model is worth on the validation items.

    ``precision``, ``recall`` and ``f1`` are macro averages over the classes that occur there;
    ``interval`` is the 95 % one of ``accuracy``.
    """

    accuracy: float
    interval: tuple[float, float]
    precision: float
    recall: float
    f1: float
    training_seconds: float
    answer_microseconds: float


@dataclass(frozen=True, eq=False)
class Prediction:
    """Predictions for the items that lack a field.

    Args:
        model: The one with the best accuracy in validation; of equals the one with the best macro F1.
        scores: Of all models that were tried.
        confidence: Probabilities and threshold, from ``validated_count`` items.
        expected_coverage, expected_precision: Share of those items above the threshold, and how many of
            these were right.
        near_copies: Of how many items one was learnt from; None where there are too few items to tell.
        rows: ``[n] int64`` rows asked.
        classes: ``[n] int64`` likeliest class of each.
        probabilities: ``[n] float64`` that it is right.
    """

    model: str
    scores: dict[str, ModelScore]
    confidence: Confidence
    validated_count: int
    expected_coverage: float
    expected_precision: float
    near_copies: NearCopies | None
    rows: np.ndarray
    classes: np.ndarray
    probabilities: np.ndarray

    def report(self) -> dict[str, object]:
        """Plain JSON, without the predictions."""
        threshold = self.confidence.threshold
        return {
            "model": self.model,
            "models": {name: asdict(score) for name, score in self.scores.items()},
            "threshold": threshold if np.isfinite(threshold) else None,
            "validated_count": self.validated_count,
            "expected_coverage": self.expected_coverage,
            "expected_precision": self.expected_precision,
            "near_copies": None if self.near_copies is None else asdict(self.near_copies),
        }


def predict_field(
    target: Target,
    view: View,
    asked: np.ndarray,
    *,
    models: Sequence[str],
    precision: float,
    unseen: np.ndarray | None = None,
    has_pictures_alone: bool = False,
    seed: int,
    progress: Callable[[str], object] = lambda model: None,
) -> Prediction:
    """Compares models on a fifth of the filled items, and predicts with the best one.

    Further fifths are predicted by the best model, trained on the others each time, until
    ``VALIDATED_MINIMUM`` items are; temperature, probabilities and threshold are learnt from these. Then
    it is trained on all filled items.

    The encoder's own classes have more items to be measured on: beside those that it has not seen, those
    that one of its networks has not. Where more of the held-out items than of those asked have a
    near-copy among the learnt ones, the surplus is left out. With too few items left, nothing is given.

    Args:
        asked: ``[n] int64`` rows to predict.
        models: Names to compare.
        precision: Of the predictions that are given.
        unseen: ``[items] bool``, items on whose features nothing was trained before, nor on near-copies
            of them: models are measured on these alone. With fewer than ``UNSEEN_MINIMUM`` filled ones
            among them, models are compared on any, which promises too much, so that all predictions are
            below the threshold. None: all.
        has_pictures_alone: Whether the items asked have a picture or a sound, and no title nor
            description; then the encoder's own classes predict, whatever the comparison says, where it
            knows the values of nearly all filled items.
        progress: Called with the name of each model when its training begins.

    Raises:
        ConfigError: No model can be fitted, as the encoder's classes without an encoder.
    """
    rng = np.random.default_rng(seed)
    filled = rng.permutation(target.filled)[:LEARNT_LIMIT]
    folds = first_folds = _folds(filled, unseen)
    labels = target.labels
    held_out, learnt = filled[folds == 0], filled[folds != 0]
    copies = near_copies_of(view, learnt, held_out, asked, seed=seed)
    is_enough = _is_enough(filled, unseen)

    def like_asked(rows: np.ndarray, learnt: np.ndarray) -> np.ndarray:
        if copies is None or copies.is_alike:
            return rows
        return matched(view, learnt, rows, copies, seed=seed)

    alike = like_asked(held_out, learnt)
    if len(alike) >= UNSEEN_MINIMUM:
        held_out = alike
    else:
        is_enough = is_enough and len(alike) == len(held_out)
    first_scores: dict[str, np.ndarray] = {}
    measured: dict[str, ModelScore] = {}
    for name in models:
        if not can_fit(name, view):
            continue
        progress(name)
        first_scores[name], measured[name] = _measured(name, view, target, learnt, held_out, seed)
    if not measured:
        raise ConfigError(
            f"model: expected one that reads what the items have, received {', '.join(models)}"
        )
    values = labels[filled][labels[filled] >= 0]
    told = np.isin(np.array(target.classes), view.head_classes)[values]
    is_told = len(told) > 0 and float(told.mean()) >= _TOLD_SHARE
    best = chosen_model(measured, has_pictures_alone=has_pictures_alone and is_told)
    if best == HEAD and view.head_unseen is not None and (folds == LEARNT_ONLY).any():
        folds = _more_folds(folds, view.head_unseen[filled])
    temperature = best_temperature(first_scores[best], labels[held_out])
    shares: list[np.ndarray] = []
    is_right: list[np.ndarray] = []
    for fold in range(int(folds.max()) + 1):
        if sum(map(len, shares)) >= VALIDATED_MINIMUM:
            break
        rows, found = held_out, first_scores[best]
        if fold:
            progress(best)
            rows, learnt = filled[folds == fold], filled[folds != fold]
            # Of a fold that some networks have seen, the vectors tell nothing of likeness.
            rows = rows if LEARNT_ONLY in first_folds else like_asked(rows, learnt)
            if not len(rows):
                continue
            found = _learnt(best, view, target, learnt, seed)(rows)
        # One network alone is surer than the mean of several.
        is_alone = fold > 0 and LEARNT_ONLY in first_folds
        answers = guess(found, best_temperature(found, labels[rows]) if is_alone else temperature)
        shares.append(answers.shares)
        is_right.append(answers.classes == labels[rows])
    share, right = np.concatenate(shares), np.concatenate(is_right)
    confidence = Confidence.of(share, right, precision=precision)
    if not is_enough:
        confidence = replace(confidence, threshold=math.inf)
    given = confidence.probabilities(share) >= confidence.threshold
    progress(best)
    final = guesses(_learnt(best, view, target, filled, seed), asked, temperature)
    return Prediction(
        best,
        measured,
        confidence,
        len(share),
        float(given.mean()),
        float(right[given].mean()) if given.any() else 0.0,
        copies,
        asked,
        final.classes,
        confidence.probabilities(final.shares),
    )


def _folds(filled: np.ndarray, unseen: np.ndarray | None) -> np.ndarray:
    """``[n] int64`` the fold of each of ``filled``; ``LEARNT_ONLY`` for seen ones."""
    folds = np.arange(len(filled)) % FOLDS
    if unseen is None or unseen[filled].all() or not _is_enough(filled, unseen):
        return folds
    apart = np.flatnonzero(unseen[filled])
    limit = max(UNSEEN_MINIMUM, len(filled) // FOLDS)
    folds = np.full(len(filled), LEARNT_ONLY, np.int64)
    folds[apart[:limit]] = 0
    return folds


def _more_folds(folds: np.ndarray, unseen: np.ndarray) -> np.ndarray:
    """The folds with further ones, of ``unseen`` items that were learnt from."""
    apart = np.flatnonzero(unseen & (folds == LEARNT_ONLY))
    folds = folds.copy()
    folds[apart] = 1 + np.arange(len(apart)) % (FOLDS - 1)
    return folds


def chosen_model(measured: Mapping[str, ModelScore], *, has_pictures_alone: bool) -> str:
    """The most accurate model; of items with a picture and no text, the encoder's own classes.

    What is fitted to vectors of pictures finds those that the encoder has learnt further apart than new
    ones are, and measures too well on near-copies: of photographs of groceries from other shops, the
    encoder's classes told .645, a linear SVM .611, which had led on held-out ones with .80 to .72.
    """
    if has_pictures_alone and HEAD in measured:
        return HEAD
    return max(measured, key=lambda name: (measured[name].accuracy, measured[name].f1))


def _is_enough(filled: np.ndarray, unseen: np.ndarray | None) -> bool:
    """Whether models can be measured on items that nothing has seen."""
    return unseen is None or int(np.count_nonzero(unseen[filled])) >= UNSEEN_MINIMUM


def _learnt(name: str, view: View, target: Target, rows: np.ndarray, seed: int) -> Scores:
    """A model of the rows whose value is a class."""
    known = rows[target.labels[rows] >= 0]
    return fit_model(name, view, target.classes, known, target.labels[known], seed=seed)


def _measured(
    name: str,
    view: View,
    target: Target,
    learnt: np.ndarray,
    held_out: np.ndarray,
    seed: int,
) -> tuple[np.ndarray, ModelScore]:
    """A model's scores of the items that it did not learn from, and what they are worth."""
    began = time.perf_counter()
    scores = _learnt(name, view, target, learnt, seed)
    seconds = time.perf_counter() - began
    # The first call of a network compiles it.
    scores(held_out[:1])
    began = time.perf_counter()
    found = scores(held_out)
    elapsed = time.perf_counter() - began
    return found, score_of(
        guess(found, 1.0).classes,
        target.labels[held_out],
        training_seconds=seconds,
        answer_microseconds=elapsed / max(len(held_out), 1) * 1e6,
        seed=seed,
    )


def score_of(
    predicted: np.ndarray,
    labels: np.ndarray,
    *,
    training_seconds: float,
    answer_microseconds: float,
    seed: int,
) -> ModelScore:
    """The metrics of predicted classes ``[n]``; a label that is no class is an error of any model."""
    from sklearn.metrics import precision_recall_fscore_support

    precision, recall, f1, _ = precision_recall_fscore_support(
        labels,
        predicted,
        average="macro",
        labels=np.unique(labels[labels >= 0]),
        zero_division=0.0,
    )
    interval = mean_interval((predicted == labels).astype(np.float64), seed=seed)
    return ModelScore(
        interval["mean"],
        (interval["low"], interval["high"]),
        float(precision),
        float(recall),
        float(f1),
        training_seconds,
        answer_microseconds,
    )
