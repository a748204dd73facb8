"""Offers and their evaluation as tables for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rich.markup import escape
from rich.table import Table

from serving.api.offers.offer_requests import OfferAnswer, OfferResult

_SYSTEM_LABELS = {
    "offer_model": "the model of offers",
    "logistic_regression": "logistic regression on its features",
    "redeemed_most": "redeemed most",
    "popular_items": "most popular items",
    "bought_by_visitor": "items bought by the visitor",
    "near_to_taste": "nearest to the visitor's taste",
    "uplift_model": "the model of uplift",
}
_TITLES = {
    "redemption_days": "what was redeemed, on {moments:,} days of a redemption, {offers:.0f} offers each",
    "mailings": "what will be redeemed, at {moments:,} mailings, {offers:.0f} offers each",
}


def offer_table(answer: OfferAnswer) -> Table:
    """The offers of an answer, a row each."""
    left_out = ", ".join(
        f"{count:,} {reason.replace('_', ' ')}" for reason, count in answer.left_out_counts.items()
    )
    caption = f"bundle {answer.bundle_id}" + (f"; left out: {left_out}" if left_out else "")
    table = Table(caption=caption, caption_justify="left")
    table.add_column("rank", justify="right")
    for name in ("offer", "kind", "text", "value", "until"):
        table.add_column(name, overflow="fold")
    for name in ("redeemed", "uplift", "affinity"):
        table.add_column(name, justify="right")
    for name in ("items", "why"):
        table.add_column(name, overflow="fold")
    for rank, one in enumerate(answer.offers, start=1):
        table.add_row(
            f"{rank}",
            escape(one.offer_id),
            one.kind.label,
            escape(one.text),
            _value(one),
            "" if one.end_time is None else f"{datetime.fromtimestamp(one.end_time, UTC):%Y-%m-%d}",
            "" if one.probability is None else f"{one.probability:.1%}",
            "" if one.uplift is None else f"{one.uplift:+.1%}",
            f"{one.affinity:.2f}",
            escape(", ".join(one.item_ids)),
            escape(one.reason.text),
        )
    return table


def offer_evaluation_tables(report: Mapping[str, Any]) -> list[Table]:
    """The metrics of the model of offers and of its baselines."""
    tables = [_asked(report[name], title) for name, title in _TITLES.items()]
    if report["uplift"] is not None:
        tables.append(_uplift(report["uplift"]))
    return tables


def _asked(part: Mapping[str, Any], title: str) -> Table:
    table = Table(
        title=title.format(moments=part["redeemed_moment_count"], offers=part["offer_count"]),
        title_justify="left",
        caption="in brackets 95 % intervals; lead: the model's value minus this system's",
        caption_justify="left",
    )
    table.add_column("system", no_wrap=True)
    for name in ("AUC", "lead", "hit rate@3", "lead", "pooled AUC"):
        table.add_column(name, justify="right")
    for name, values in part["systems"].items():
        lead = part["leads"].get(name)
        table.add_row(
            _SYSTEM_LABELS.get(name, name),
            _interval(values["auc"]),
            _interval(lead["auc"]) if lead else "",
            _interval(values["hit_rate_at_3"]),
            _interval(lead["hit_rate_at_3"]) if lead else "",
            f"{values['pooled_auc']:.3f}",
            style="bold" if name == "offer_model" else "",
        )
    return table


def _uplift(part: Mapping[str, Any]) -> Table:
    fifths = ", ".join(f"{effect:+.3f}" for effect in part["by_fifth"])
    table = Table(
        title=(
            f"what offers change: {part['case_count']:,} visitors and offers, "
            f"{part['treated_count']:,} of them sent"
        ),
        title_justify="left",
        caption=(
            f"effect on buying an item of the offer: {part['effect']:+.4f} weighted by inverse "
            f"propensity, {part['naive_effect']:+.4f} as it comes; by fifths of predicted uplift, "
            f"best first: {fifths}"
        ),
        caption_justify="left",
    )
    table.add_column("order")
    table.add_column("Qini (0: chance)", justify="right")
    for name, values in part["qini"].items():
        cell = f"{values['mean']:.4f} ({values['low']:.4f}–{values['high']:.4f})"
        table.add_row(_SYSTEM_LABELS.get(name, name), cell)
    return table


def _value(offer: OfferResult) -> str:
    if offer.percent_off is not None:
        return f"{offer.percent_off:g} % off"
    return "" if offer.amount_off is None else f"{offer.amount_off:g} off"


def _interval(values: Mapping[str, float]) -> str:
    return f"{values['mean']:.3f} ({values['low']:.3f}–{values['high']:.3f})"
