"""What a policy costs, gains and would be worth, and metrics by segment, as tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from serving.policy.steps import DIVERSITY

_ENGINE = "engine"

_SEGMENT_MEASURES = (
    "ndcg@10",
    "p@10",
    "r@10",
    "r@100",
    "mrr@10",
    "f1@10",
    "ild@10",
    "brand_hhi@10",
)

_ESTIMATES = {
    "logged": "what was shown",
    "ips": "this bundle and policy: IPS",
    "snips": "… self-normalised (SNIPS)",
    "dr": "… doubly robust",
    "matched": "plain mean where both agree (biased)",
    "support": "share of its choices that could be drawn",
}


def policy_tables(part: Mapping[str, Any], title: str) -> list[Table]:
    """Of a section of the evaluation: the lists as such, and its segments, where it has them."""
    tables = [_lists(part, title)] if _ENGINE in part.get("coverage@10", ()) else []
    if "segments" in part:
        tables.append(_segments(part["segments"]))
    return tables


def off_policy_table(report: Mapping[str, Any]) -> Table:
    """Estimates of what a bundle and policy are worth, a row each."""
    table = Table(
        title=f"bundle {report['bundle_id']}, from {report['slot_count']:,} slots of logged answers that"
        f" were up to chance, {report['drawn_count']:,} of them with a drawn item",
        title_justify="left",
        caption=f"per answer and in that slot alone, in brackets 95 % intervals; both policies agree in"
        f" {report['matched_count']:,}, worth {report['effective_sample_size']:,.0f} answers",
        caption_justify="left",
    )
    for name in ("value of", "clicks", "purchases"):
        table.add_column(name, justify="left" if name == "value of" else "right")
    for name, label in _ESTIMATES.items():
        table.add_row(label, *(_interval(report[reward][name]) for reward in ("click", "purchase")))
    return table


def _lists(part: Mapping[str, Any], title: str) -> Table:
    """The engine's lists under each value of diversity tried, the first row as served."""
    table = Table(
        title=f"{title}: the first ten as a list",
        title_justify="left",
        caption="ild: mean of 1 − cosine of pairs; brand hhi: sum of squared shares of brands;"
        " coverage: share of the catalogue in any first ten; variants: share of first tens with two of"
        " one group",
        caption_justify="left",
    )
    table.add_column("diversity", no_wrap=True)
    for name in ("ndcg@10", "cost", "ild@10", "gain", "brand hhi@10", "coverage@10", "variants@10"):
        table.add_column(name, justify="right")
    systems, coverage = part["systems"], part["coverage@10"]
    served = systems[_ENGINE]
    for name in (_ENGINE, *(name for name in systems if name.startswith(DIVERSITY))):
        ndcg, distance = systems[name]["ndcg@10"]["mean"], systems[name]["ild@10"]["mean"]
        table.add_row(
            "as served" if name == _ENGINE else name.removeprefix(DIVERSITY),
            f"{ndcg:.4f}",
            _change(ndcg, served["ndcg@10"]["mean"]),
            f"{distance:.4f}",
            _change(distance, served["ild@10"]["mean"]),
            f"{systems[name]['brand_hhi@10']['mean']:.3f}",
            f"{coverage[name]:.2%}",
            f"{systems[name]['variants@10']['mean']:.1%}"
            if "variants@10" in systems[name]
            else "–",
        )
    return table


def _segments(parts: Mapping[str, Any]) -> Table:
    """The engine's metrics by segment, a row each."""
    table = Table(title="by segment of the visitor", title_justify="left")
    table.add_column("segment", no_wrap=True)
    table.add_column("moments", justify="right")
    for measure in _SEGMENT_MEASURES:
        table.add_column(measure.replace("_", " "), justify="right")
    for name, part in parts.items():
        found = part["systems"][_ENGINE]
        cells = [_interval(found["ndcg@10"], 3)]
        cells += [f"{found[measure]['mean']:.3f}" for measure in _SEGMENT_MEASURES[1:]]
        table.add_row(name.replace("_", " "), f"{part['request_count']:,}", *cells)
    return table


def _interval(values: Mapping[str, float], digits: int = 4) -> str:
    mean, low, high = (f"{values[key]:.{digits}f}" for key in ("mean", "low", "high"))
    return f"{mean} ({low}–{high})"


def _change(value: float, base: float) -> str:
    return f"{value / base - 1:+.1%}" if base else "–"
