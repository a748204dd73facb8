"""The comparison of the models as a picture: a row for each field, a line for each model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from towers.attributes.classifiers import CLASSICAL

MODEL_LABELS = {
    "naive_bayes": "naive Bayes",
    "linear_svm": "linear SVM",
    "decision_tree": "decision tree",
    "random_forest": "random forest",
    "nearest_neighbours": "nearest neighbours",
    "dnn": "DNN",
    "transformer": "transformer",
    "picture_head": "image encoder",
}


def draw_models(path: Path, attributes: Mapping[str, Mapping[str, Any]]) -> None:
    """Writes a PNG; fields that were skipped are left out.

    Args:
        path: The file to write.
        attributes: As in the report of ``fill``.
    """
    # Without pyplot's global state, since this also runs inside other processes.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    drawn = {name: one for name, one in attributes.items() if "groups" in one}
    figure = Figure(figsize=(12.0, 2.6 * max(1, len(drawn))), layout="constrained")
    FigureCanvasAgg(figure)
    for row, (field, one) in enumerate(drawn.items()):
        group = max(one["groups"], key=lambda part: part["items"])
        models = group["models"]
        panels = [figure.add_subplot(len(drawn), 3, 3 * row + column) for column in (1, 2, 3)]
        for place, (model, score) in enumerate(models.items()):
            color = "tab:blue" if model in CLASSICAL else "tab:orange"
            marker = "D" if model == group["model"] else "o"
            panels[0].plot(score["interval"], [place, place], color=color)
            panels[0].plot(score["accuracy"], place, marker, color=color)
            panels[1].barh(place, score["f1"], color=color)
            panels[2].plot(max(score["training_seconds"], 1e-3), place, "o", color=color)
        panels[0].set(title=field, xlabel="accuracy, 95 % interval (diamond: chosen)")
        panels[1].set(xlabel="macro F1")
        panels[2].set(xlabel="training, s", xscale="log")
        labels = [MODEL_LABELS[model] for model in models]
        for panel in panels:
            panel.set_yticks(
                range(len(models)), labels if panel is panels[0] else [""] * len(labels)
            )
            panel.set_ylim(len(models) - 0.5, -0.5)
            panel.grid(axis="x", alpha=0.3)
    figure.savefig(path, dpi=100)
