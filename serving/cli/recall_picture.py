"""Recall over search time of a vector index as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from towers.indexes.index_tuning import IndexTrial


def draw_recall(path: Path, trials: Sequence[IndexTrial], target: float) -> None:
    """Writes a PNG: all trials, a line along the best of each tree, a circle round the chosen one."""
    # Without pyplot's global state, since this also runs inside other processes.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for leaf_count, has_soar in dict.fromkeys((one.leaf_count, one.has_soar) for one in trials):
        of_tree = sorted(
            (one.search_us, one.recall)
            for one in trials
            if (one.leaf_count, one.has_soar) == (leaf_count, has_soar)
        )
        label = f"{leaf_count:,} leaves" + (" with SOAR" if has_soar else "")
        best = [one for at, one in enumerate(of_tree) if one[1] > _highest(of_tree[:at])]
        (line,) = axes.plot(*zip(*best, strict=True), marker="o", label=label)
        axes.plot(*zip(*of_tree, strict=True), ".", color=line.get_color(), alpha=0.4)
    for one in trials:
        if one.is_chosen:
            axes.plot(one.search_us, one.recall, "o", ms=14, mfc="none", color="black")
    axes.axhline(target, linestyle=":", color="grey", label="target")
    axes.set(xlabel="microseconds of a search, median", ylabel="recall")
    axes.legend()
    figure.savefig(path, dpi=120)


def _highest(trials: Sequence[tuple[float, float]]) -> float:
    return max((recall for _, recall in trials), default=-1.0)
