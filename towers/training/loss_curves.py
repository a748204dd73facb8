"""Training and validation loss by epoch as a picture, one panel for each stage."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from towers.models.fitting import Curves


def draw_curves(path: Path, curves: Mapping[str, Curves]) -> None:
    """Writes a PNG.

    Args:
        path: The file to write.
        curves: By panel title; curves without any epoch are left out.
    """
    # Without pyplot's global state, since this also runs inside other processes.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    drawn = {title: one for title, one in curves.items() if one.training}
    figure = Figure(figsize=(5.0 * max(1, len(drawn)), 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    for panel, (title, one) in enumerate(drawn.items(), 1):
        axes = figure.add_subplot(1, len(drawn), panel)
        epochs = range(1, len(one.training) + 1)
        axes.plot(epochs, one.training, marker="o", label="training")
        if one.validation:
            axes.plot(epochs, one.validation, marker="o", label="validation, later in time")
            axes.axvline(one.best_epoch + 1, linestyle=":", color="grey", label="kept")
        axes.set(title=title, xlabel="epoch", ylabel="loss")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend()
    figure.savefig(path, dpi=120)
