"""The probability that a visitor redeems an offer, and its uplift over no offer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from towers.offers.boosted_trees import BoostedTrees
from towers.offers.offer_features import FEATURE_NAMES

_FILE_NAME = "offer_model.json"


@dataclass(frozen=True, eq=False)
class OfferModel:
    """Two ensembles over the features of a visitor and an offer.

    Args:
        redemption: Logit of the probability that the visitor redeems the offer before it ends.
        uplift: By how much the offer raises the probability that the visitor buys one of its items
            before it ends, −1 to 1; None where nobody was left without an offer to compare with.
        affinity_threshold: Least affinity of an offer that visitors want, see ``offer_ranking``.
    """

    redemption: BoostedTrees
    uplift: BoostedTrees | None
    affinity_threshold: float

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """``[n] float64``, 0 to 1, of ``features [n, len(FEATURE_NAMES)]``."""
        logits = np.clip(self.redemption.scores(features), -60.0, 60.0)
        probabilities: np.ndarray = 1.0 / (1.0 + np.exp(-logits))
        return probabilities

    def uplifts(self, features: np.ndarray) -> np.ndarray | None:
        """``[n] float64``, −1 to 1; None where it was not learnt."""
        return None if self.uplift is None else np.clip(self.uplift.scores(features), -1.0, 1.0)

    def save(self, folder: Path) -> None:
        """Writes the model into an existing folder."""
        self.redemption.save(folder, "redemption")
        if self.uplift is not None:
            self.uplift.save(folder, "uplift")
        tree = {
            "feature_names": FEATURE_NAMES,
            "has_uplift": self.uplift is not None,
            "affinity_threshold": self.affinity_threshold,
        }
        (folder / _FILE_NAME).write_text(json.dumps(tree, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> OfferModel | None:
        """The model that ``save`` wrote; None where there is none.

        Raises:
            ValueError: It is of other features, or not sound.
        """
        path = folder / _FILE_NAME
        if not path.is_file():
            return None
        tree = json.loads(path.read_text(encoding="utf-8"))
        if tuple(tree["feature_names"]) != FEATURE_NAMES:
            raise ValueError(f"{_FILE_NAME}: expected the features of this version")
        count = len(FEATURE_NAMES)
        uplift = BoostedTrees.load(folder, "uplift", count) if tree["has_uplift"] else None
        redemption = BoostedTrees.load(folder, "redemption", count)
        return cls(redemption, uplift, float(tree["affinity_threshold"]))
