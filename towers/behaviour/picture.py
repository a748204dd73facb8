"""The comparison as a picture: a row for each task, a line for each model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from towers.behaviour.comparison import MAIN_MEASURE, TASKS
from towers.models.predictors.behaviour_network import NETWORKS
from towers.training.baselines.classical_models import CLASSICAL

TASK_TITLES = {
    "visit_buys": "will this visit buy?",
    "next_type": "which type of event comes next?",
    "next_item": "which item comes next?",
}

MODEL_LABELS = {
    "class_shares": "class shares",
    "source_order": "source order",
    "co_occurrence": "co-occurrence",
    "linear_regression": "linear regression",
    "logistic_regression": "logistic regression",
    "naive_bayes": "naive Bayes",
    "linear_svm": "linear SVM",
    "decision_tree": "decision tree",
    "random_forest": "random forest",
    "boosting": "boosting",
    "dnn": "DNN",
    "gru": "GRU",
    "transformer": "transformer",
}

_MEASURE_LABELS = {"auc": "AUC", "ndcg@10": "NDCG@10"}
_TIMES = {"training_seconds": "training, s", "answer_microseconds": "an answer, µs"}


def draw_comparison(path: Path, tasks: Mapping[str, Mapping[str, Any]]) -> None:
    """Writes a PNG; tasks that were skipped are left out.

    Args:
        path: The file to write.
        tasks: As in the report of ``compare_behaviour``.
    """
    # Without pyplot's global state, since this also runs inside other processes.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    drawn = [name for name in TASKS if "models" in tasks[name]]
    figure = Figure(figsize=(12.0, 3.8 * max(1, len(drawn))), layout="constrained")
    FigureCanvasAgg(figure)
    for row, name in enumerate(drawn):
        models = tasks[name]["models"]
        labels = [MODEL_LABELS[model] for model in models]
        places = range(len(models))
        main = MAIN_MEASURE[name]
        panels = [figure.add_subplot(len(drawn), 3, 3 * row + column) for column in (1, 2, 3)]
        for place, (model, metrics) in zip(places, models.items(), strict=True):
            low, high = metrics["interval"]
            panels[0].plot([low, high], [place, place], color=_color(model))
            panels[0].plot(metrics[main], place, "o", color=_color(model))
            panels[1].barh(place, metrics["f1"], color=_color(model))
        panels[0].set(title=TASK_TITLES[name], xlabel=f"{_MEASURE_LABELS[main]}, 95 % interval")
        panels[1].set(xlabel="F1")
        for (key, label), marker in zip(_TIMES.items(), ("o", "x"), strict=True):
            # What was not trained has no times to show on a logarithmic axis.
            times = [metrics[key] or float("nan") for metrics in models.values()]
            panels[2].plot(times, places, marker, label=label, color="black")
        panels[2].set(xscale="log")
        panels[2].legend()
        for panel in panels:
            panel.set_yticks(places, labels if panel is panels[0] else [""] * len(labels))
            panel.set_ylim(len(models) - 0.5, -0.5)
            panel.grid(axis="x", alpha=0.3)
    figure.savefig(path, dpi=110)


def _color(model: str) -> str:
    if model in CLASSICAL:
        return "tab:blue"
    return "tab:orange" if model in NETWORKS else "grey"
