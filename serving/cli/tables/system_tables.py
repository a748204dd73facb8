"""The metrics of every system, by section of an evaluation, as tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.markup import escape
from rich.table import Table

from serving.cli.tables.policy_tables import policy_tables
from serving.policy.steps import DIVERSITY

SYSTEM_LABELS = {
    "engine": "engine as served",
    "one_event_behind": "one event behind",
    "fixed_rule": "the fixed rule alone",
    "fused": "fused, before reranking",
    "tf_idf": "TF-IDF of titles",
    "text_encoder": "text encoder as it comes",
    "tf_idf_and_text_encoder": "both of these",
    "two_towers": "two towers alone",
    "lexical": "lexical alone",
    "popular": "popular",
    "trending": "trending",
    "covisited": "co-visited",
    "session_knn": "session-kNN",
    "bought_most": "most bought",
    "linear_regression": "linear regression",
    "logistic_regression": "logistic regression",
    "naive_bayes": "naive Bayes",
    "lambda_mart": "LambdaMART",
    "tifu_knn": "TIFU-kNN",
    "up_cf": "UP-CF",
    "times_redemption": "… times odds of redemption",
}
_SHOWN_MEASURES = ("ndcg@10", "r@10", "r@100", "mrr@10")
_SECTIONS = {
    "browse": "next items, at {count:,} moments of the test part",
    "cross_sell": "what else of another kind comes into the basket, at {count:,} moments",
    "promotion": "what comes into the basket of what is on offer, at {count:,} moments",
    "after_sales": "what is bought in the days after a purchase, at {count:,} moments",
    "search": "judged queries held out from training ({count:,})",
    "search_made": "synthetic queries ({count:,}), one relevant item each",
}


_SHARES = {
    "cross_sell": "share of the basket's own categories in the first ten",
    "after_sales": "share of substitutes of what was bought for good in the first ten",
}
_CLOSEST_COUNT = 4


def section_tables(report: Mapping[str, Any]) -> list[Table]:
    """Metrics of every system with intervals, and what else belongs to a section."""
    tables = []
    for section, title in _SECTIONS.items():
        if section in report:
            part = report[section]
            titled = title.format(count=part["request_count"])
            tables += [_systems(part, titled), *policy_tables(part, titled)]
            if "seeds_at_ndcg@10" in part:
                tables.append(_seeds(part["seeds_at_ndcg@10"]))
            if section in _SHARES:
                tables.append(pairs({_SHARES[section]: interval(part["substitute_share@10"])}))
            if "on_offer_count" in part:
                tables.append(pairs({"items on offer": f"{part['on_offer_count']['mean']:,.0f}"}))
    return tables


def _systems(part: Mapping[str, Any], title: str) -> Table:
    table = Table(
        title=title,
        title_justify="left",
        caption="in brackets 95 % intervals; lead: the engine's ndcg@10 minus this system's",
        caption_justify="left",
    )
    table.add_column("system", no_wrap=True)
    for measure in _SHOWN_MEASURES:
        table.add_column(measure, justify="right")
    table.add_column("lead", justify="right")
    for name, values in part["systems"].items():
        if name.startswith(DIVERSITY):
            continue
        lead = part["lead_at_ndcg@10"].get(name)
        cells = [
            interval(values[measure]) if measure == "ndcg@10" else f"{values[measure]['mean']:.3f}"
            for measure in _SHOWN_MEASURES
        ]
        style = "bold" if name == "engine" else ""
        table.add_row(
            SYSTEM_LABELS.get(name, name), *cells, interval(lead) if lead else "", style=style
        )
    return table


def _seeds(spread: Mapping[str, Any]) -> Table:
    """The engine's spread over the seeds of its reranker, and that of its smallest leads."""
    leads = sorted(spread["leads"].items(), key=lambda item: float(item[1]["mean"]))
    rows = {f"ndcg@10 over {spread['count']} seeds of the reranker": _deviation(spread["engine"])}
    for name, lead in leads[:_CLOSEST_COUNT]:
        rows[f"lead over {SYSTEM_LABELS.get(name, name)}"] = _deviation(lead)
    return pairs(rows)


def _deviation(values: Mapping[str, float]) -> str:
    spread = f"{values['low']:.4f} to {values['high']:.4f}"
    return f"{values['mean']:.4f} ± {values['deviation']:.4f} ({spread})"


def interval(values: Mapping[str, float]) -> str:
    """A mean with its interval."""
    return f"{values['mean']:.3f} ({values['low']:.3f}–{values['high']:.3f})"


def pairs(rows: Mapping[str, str]) -> Table:
    """Names and values, a row each."""
    table = Table(show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows.items():
        table.add_row(name, escape(value))
    return table
