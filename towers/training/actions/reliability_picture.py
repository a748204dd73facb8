"""What was predicted beside what happened, as a picture: a panel for each action."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from towers.training.calibration_metrics import expected_calibration_error

_BIN_COUNT = 10
_COLUMN_COUNT = 3


@dataclass(frozen=True, eq=False)
class Outcomes:
    """Predictions ``[n]`` of one action, and whether it happened, ``[n] bool``."""

    name: str
    predicted: np.ndarray
    happened: np.ndarray

    def bins(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean prediction and frequency of ten bins of equal counts, rising; ``[bins]`` each."""
        order = np.argsort(self.predicted, kind="stable")
        parts = [part for part in np.array_split(order, _BIN_COUNT) if len(part)]
        means = [self.predicted[part].mean() for part in parts]
        return np.array(means), np.array([self.happened[part].mean() for part in parts])


def draw_reliability(path: Path, outcomes: Sequence[Outcomes]) -> None:
    """Writes a PNG; both axes are logarithmic, since most actions are rare."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    width = min(len(outcomes), _COLUMN_COUNT)
    height = -(-len(outcomes) // _COLUMN_COUNT)
    figure = Figure(figsize=(3.6 * width, 3.6 * height), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(height, width, squeeze=False)
    for axes in grid.flat[len(outcomes) :]:
        axes.set_visible(False)
    for axes, one in zip(grid.flat, outcomes, strict=False):
        predicted, happened = one.bins()
        least = max(min(predicted.min(), happened[happened > 0].min(initial=1.0)) / 2, 1e-6)
        axes.plot([least, 1], [least, 1], color="0.7", linewidth=1)
        axes.plot(predicted, np.maximum(happened, least), "o-", color="tab:blue", markersize=4)
        axes.set(xscale="log", yscale="log", xlim=(least, 1), ylim=(least, 1))
        axes.set_title(
            f"{one.name}, calibration error "
            f"{expected_calibration_error(one.predicted, one.happened):.4f}",
            fontsize=9,
        )
        axes.set_xlabel("predicted", fontsize=8)
        axes.set_ylabel("happened", fontsize=8)
        axes.tick_params(labelsize=7)
    figure.savefig(path, dpi=120)
