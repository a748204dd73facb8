"""Answers, states and load as tables, for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from serving.requests import Answer, EventEffect, FeatureEffect, Result, Status

if TYPE_CHECKING:
    from serving.freshness import Freshness
    from serving.loadtest import LoadStep

DEED_BY_TYPE = {
    "search": "searched for",
    "view": "viewed",
    "favorite": "favoured",
    "unfavorite": "no longer favoured",
    "add_to_cart": "put into the cart",
    "remove_from_cart": "took out of the cart",
    "purchase": "bought",
    "review": "reviewed",
    "return": "sent back",
}


def answer_table(answer: Answer, previous: Answer | None = None, first_rank: int = 1) -> Table:
    """The results of an answer, a row each.

    Args:
        answer: What to show.
        previous: An earlier answer to the same question; with one, a column shows how far each item
            moved: ``▲3``, ``▼1``, ``=``, or ``new``.
        first_rank: Rank of the first result; above 1 on later pages.
    """
    is_explained = any(one.event_effects or one.feature_effects for one in answer.results)
    table = Table(caption=_caption(answer), caption_justify="left")
    table.add_column("rank", justify="right")
    if previous is not None:
        table.add_column("moved", justify="right")
    table.add_column("item")
    table.add_column("title", overflow="fold")
    table.add_column("price", justify="right")
    table.add_column("score", justify="right")
    table.add_column("found by")
    if is_explained:
        table.add_column("why", overflow="fold")
    earlier_ranks = {
        result.item_id: rank
        for rank, result in enumerate(previous.results if previous else (), first_rank)
    }
    for rank, result in enumerate(answer.results, first_rank):
        cells = [str(rank)]
        if previous is not None:
            cells.append(_moved(rank, earlier_ranks.get(result.item_id)))
        price = "" if result.price is None else f"{result.price:,.2f}"
        title = escape(result.title) + ("" if result.in_stock else " [dim](not in stock)[/]")
        found_by = ", ".join(f"{hit.source} {hit.rank}" for hit in result.sources)
        cells += [escape(result.item_id), title, price, f"{result.score:.3f}", escape(found_by)]
        if is_explained:
            cells.append(escape(why(result)))
        table.add_row(*cells)
    return table


def why(result: Result) -> str:
    """What moved a result most, in words: one event of the session, and below it one feature."""
    parts = []
    if result.event_effects:
        strongest = max(result.event_effects, key=_strength)
        deed = DEED_BY_TYPE.get(strongest.event_type, strongest.event_type)
        what = f"“{strongest.query}”" if strongest.query else strongest.item_id
        parts.append(f"{strongest.effect:+.2f} {deed} {what}")
    if result.feature_effects:
        feature = max(result.feature_effects, key=_strength)
        name = feature.feature.replace("_", " ")
        parts.append(f"{feature.effect:+.2f} {name} {feature.value:.3g}")
    return "\n".join(parts)


def status_table(status: Status) -> Table:
    """The state of a service, a row each."""
    table = Table(show_header=False)
    rows: dict[str, object] = {
        "bundle": status.bundle_id,
        "folder": status.bundle_path,
        "folder before": status.previous_bundle_path or "none",
        "items": f"{status.item_count:,}",
        "items changed live": f"{status.live_item_count:,}",
        "visitors": f"{status.visitor_count:,}",
        "events in the log": f"{status.logged_event_count:,}",
        "events of unknown items": f"{status.unknown_item_event_count:,}",
        "up for": f"{status.uptime_seconds:,.0f} s",
        **dict(sorted(status.versions.items())),
    }
    for name, value in rows.items():
        table.add_row(name, escape(str(value)))
    return table


def freshness_table(report: Freshness) -> Table:
    """How soon answers knew of events, a row each."""
    table = Table(show_header=False)
    rows = {
        "events and requests a second": f"{report.rate:g} and {report.rate:g}",
        "events acked, then asked": f"{report.probe_count:,}",
        "answers that knew the event": f"{report.fresh_count:,}",
        "from the ack to the answer": ", ".join(
            f"{name} {value:.2f} ms" for name, value in report.fresh_ms.items()
        ),
        "from the call to the ack": ", ".join(
            f"{name} {value:.2f} ms" for name, value in report.ack_ms.items()
        ),
        "errors": ", ".join(f"{code} {n:,}" for code, n in report.error_counts.items()) or "none",
    }
    for name, value in rows.items():
        table.add_row(name, value)
    return table


def load_table(steps: Sequence[LoadStep]) -> Table:
    """What came of each step of a load test, a row each; latencies in milliseconds."""
    table = Table(caption="latency in ms, of answered calls", caption_justify="left")
    names = list(steps[0].latency_ms) if steps else []
    for name in ("load", "sent", "answered", "goodput /s", *names, "errors"):
        table.add_column(name, justify="left" if name in ("load", "errors") else "right")
    for step in steps:
        load = f"{step.caller_count} callers" if step.caller_count else f"{step.offered_rate:g}/s"
        errors = ", ".join(f"{code} {count:,}" for code, count in step.error_counts.items())
        table.add_row(
            load,
            f"{step.sent_count:,}",
            f"{step.ok_count:,}",
            f"{step.goodput:,.1f}",
            *(f"{step.latency_ms[name]:,.2f}" for name in names),
            errors or "none",
        )
    return table


def _caption(answer: Answer) -> str:
    parts = [f"bundle {answer.bundle_id}", f"answer {answer.attribution_token}"]
    if answer.missing:
        parts.append(f"missing: {', '.join(answer.missing)}")
    return escape(" · ".join(parts))


def _moved(rank: int, earlier_rank: int | None) -> str:
    if earlier_rank is None:
        return "[cyan]new[/]"
    if earlier_rank == rank:
        return "="
    if earlier_rank > rank:
        return f"[green]▲{earlier_rank - rank}[/]"
    return f"[red]▼{rank - earlier_rank}[/]"


def _strength(effect: EventEffect | FeatureEffect) -> float:
    return abs(effect.effect)
