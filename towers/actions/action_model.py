"""Probabilities of several actions from one network, calibrated.

The network (ESMM; Ma et al. 2018, arXiv 1804.07931) learns every action over all items that were
shown, not only over those that were clicked. What it says is one input of a logistic regression for
each action, beside those of the purchase probability (``ranking.calibration``).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from towers.actions.shopper_actions import ACTIONS, parents
from towers.ranking.calibration import INPUT_NAMES
from towers.ranking.litert_models import LiteModel

_NETWORK_NAME = "actions.tflite"
_FACTS_NAME = "actions.json"
_LOGIT_LIMIT = 60.0


@dataclass(frozen=True, eq=False)
class ActionModel:
    """The network and its calibration.

    Args:
        network: ``features [n, features]`` to ``[n, actions]`` logits.
        content: The network's file.
        names: The actions, some of ``ACTIONS`` in their order.
        weights: ``[actions, 1 + len(INPUT_NAMES)] float64``: of its own logit, then of the inputs.
        intercepts: ``[actions] float64``.
        thresholds: ``[actions] float64`` probabilities of the best F1: from these on it is predicted.
    """

    network: LiteModel
    content: bytes
    names: tuple[str, ...]
    weights: np.ndarray
    intercepts: np.ndarray
    thresholds: np.ndarray

    def logits(self, features: np.ndarray) -> np.ndarray:
        """``[n, actions] float32`` of ``features [n, features] float32``, not calibrated."""
        return self.network.run_rows(features)

    def probabilities(self, features: np.ndarray, inputs: np.ndarray) -> np.ndarray:
        """``[n, actions] float64``, 0 to 1; none above that of the action that it needs.

        Args:
            features: ``[n, features] float32`` of the reranker.
            inputs: ``[n, len(INPUT_NAMES)]`` of the same items.
        """
        own = self.logits(features).astype(np.float64)
        common = inputs @ self.weights[:, 1:].T
        logits = own * self.weights[:, 0] + common + self.intercepts
        probabilities = 1.0 / (1.0 + np.exp(-np.clip(logits, -_LOGIT_LIMIT, _LOGIT_LIMIT)))
        actions = [action for action in ACTIONS if action.name in self.names]
        for place, parent in enumerate(parents(actions)):
            if parent >= 0:
                np.minimum(
                    probabilities[:, place], probabilities[:, parent], out=probabilities[:, place]
                )
        return probabilities

    def save(self, folder: Path) -> None:
        """Writes the model into an existing folder."""
        (folder / _NETWORK_NAME).write_bytes(self.content)
        tree = {
            "actions": self.names,
            "inputs": INPUT_NAMES,
            "weights": self.weights.tolist(),
            "intercepts": self.intercepts.tolist(),
            "thresholds": self.thresholds.tolist(),
        }
        (folder / _FACTS_NAME).write_text(json.dumps(tree, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> ActionModel | None:
        """The model that ``save`` wrote; None where there is none.

        Raises:
            ValueError: It is of other actions or inputs.
        """
        path = folder / _FACTS_NAME
        if not path.is_file():
            return None
        tree = json.loads(path.read_text(encoding="utf-8"))
        names, weights = tuple(tree["actions"]), np.array(tree["weights"], np.float64)
        known = tuple(action.name for action in ACTIONS if action.name in names)
        shape = (len(names), 1 + len(INPUT_NAMES))
        if names != known or tuple(tree["inputs"]) != INPUT_NAMES or weights.shape != shape:
            raise ValueError(f"{_FACTS_NAME}: expected actions and inputs of this version")
        content = (folder / _NETWORK_NAME).read_bytes()
        vectors = (np.array(tree[name], np.float64) for name in ("intercepts", "thresholds"))
        return cls(LiteModel(content), content, names, weights, *vectors)
