"""The comparison of behaviour models as tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table

_MEASURES = {
    "accuracy": "acc.",
    "precision": "prec.",
    "recall": "rec.",
    "f1": "F1",
    "auc": "AUC",
    "log_loss": "log loss",
    "ndcg@10": "NDCG @10",
}


def behaviour_tables(report: Mapping[str, Any]) -> Iterator[Table | str]:
    """Two tables for each task that the log holds, or a sentence why it does not."""
    from towers.behaviour.comparison import MAIN_MEASURE
    from towers.behaviour.picture import MODEL_LABELS, TASK_TITLES

    for name, task in report["tasks"].items():
        title = TASK_TITLES[name]
        if "skipped" in task:
            yield f"{title} left out: {task['skipped']}"
            continue
        main = MAIN_MEASURE[name]
        best = max(one[main] for one in task["models"].values())
        counts = {part: f"{one['used']:,}" for part, one in task["counts"].items()}
        measures = [name for name in _MEASURES if name in next(iter(task["models"].values()))]
        quality = Table(
            title=f"{title} ({counts['training']} training, {counts['test']} test moments)",
            title_justify="left",
            caption=_caption(task),
            caption_justify="left",
        )
        times = Table()
        quality.add_column("model", no_wrap=True)
        times.add_column("model", no_wrap=True)
        for measure in measures:
            quality.add_column(_MEASURES[measure], justify="right", min_width=5)
        interval = f"{_MEASURES[main]}, 95 % interval"
        for heading in (interval, "training, s", "an answer, µs"):
            times.add_column(heading, justify="right")
        for model, one in task["models"].items():
            label, style = MODEL_LABELS[model], "bold" if one[main] == best else ""
            low, high = one["interval"]
            quality.add_row(label, *(f"{one[measure]:.3f}" for measure in measures), style=style)
            times.add_row(
                label,
                f"{low:.3f}–{high:.3f}",
                f"{one['training_seconds']:.1f}",
                f"{one['answer_microseconds']:.1f}",
                style=style,
            )
        yield quality
        yield times


def _caption(task: Mapping[str, Any]) -> str:
    if "classes" in task:
        classes = ", ".join(f"{name} {count:,}" for name, count in task["classes"].items())
        averages = (
            "precision, recall and F1 of the second, at the threshold of the best F1 in validation"
            if len(task["classes"]) == 2
            else "precision, recall, F1 and AUC are macro averages"
        )
        return f"test moments: {classes}; {averages}"
    return (
        f"in {task['candidate_recall']:.1%} of test moments the item that came is a candidate; the "
        "others are misses (not in AUC and log loss)\naccuracy: it leads the list; precision, "
        "recall and F1 of the first ten"
    )


def actions_table(report: Mapping[str, Any]) -> Table:
    """What shoppers do with an item that is shown, a row for each action that was predicted."""
    table = Table(
        title=f"actions, learnt from {report['answer_count']:,} {report['learnt_from']}, "
        f"measured on {report['held_out_answer_count']:,} later ones",
        title_justify="left",
    )
    table.add_column("action")
    for name in ("share", "AUC", "ECE", "acc.", "prec.", "rec.", "F1"):
        table.add_column(name, justify="right", no_wrap=True)
    rivals = [one.get("classical_auc", {}) for one in report["actions"].values()]
    if any(rivals):
        table.add_column("AUC of the best classical model")
    for (action, one), classical in zip(report["actions"].items(), rivals, strict=True):
        cells = [action.replace("_", " "), f"{one['base_rate']:.2%}", f"{one['auc']:.3f}"]
        cells.append(f"{one['ece']:.4f}")
        cells += [f"{one[name]:.3f}" for name in ("accuracy", "precision", "recall", "f1")]
        if classical:
            best = max(classical, key=classical.__getitem__)
            cells.append(f"{classical[best]:.3f} {best.replace('_', ' ')}")
        table.add_row(*cells)
    return table
