"""Latency over rate as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from serving.load.load_step import LoadStep


def draw_latency(path: Path, steps: Sequence[LoadStep]) -> None:
    """Writes a PNG: percentiles of latency over answered calls per second, one line each.

    Args:
        path: The file to write.
        steps: Steps of a load test; those without an answer are left out.
    """
    # Without pyplot's global state.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    answered = sorted(
        (step for step in steps if step.ok_count), key=lambda step: step.ok_count / step.seconds
    )
    figure = Figure(figsize=(7.0, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    rates = [step.ok_count / step.seconds for step in answered]
    for name in ("p50", "p90", "p99", "p99.9"):
        axes.plot(rates, [step.latency_ms[name] for step in answered], marker="o", label=name)
    for step, rate in zip(answered, rates, strict=True):
        load = f"{step.caller_count} callers" if step.caller_count else f"{step.offered_rate:g}/s"
        refused = sum(step.error_counts.values())
        text = load + (f"\n{refused:,} failed" if refused else "")
        point = (rate, step.latency_ms["p99.9"])
        axes.annotate(text, point, (0, 6), textcoords="offset points", ha="center")
    axes.set(xlabel="answered calls per second", ylabel="latency, ms", yscale="log")
    axes.margins(0.1, 0.15)
    axes.grid(visible=True, which="both", alpha=0.3)
    if answered:
        axes.legend()
    figure.savefig(path, dpi=120)
