"""Answers, server status and load test results as tables for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from rich import box
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from serving.api.answers import (
    Answer,
    Completed,
    EmptyReason,
    EventEffect,
    Facet,
    FacetValue,
    FeatureEffect,
    RelaxationKind,
    Result,
    Segment,
    Understood,
    UnderstoodUse,
)
from serving.api.reports import Status

if TYPE_CHECKING:
    from serving.load.freshness import Freshness
    from serving.load.load_step import LoadStep
    from towers.speech.understanding import Transcript

_RELAXED = {
    RelaxationKind.TYPO_CORRECTED: "corrected to “{}”",
    RelaxationKind.WORD_DROPPED: "without “{}”",
    RelaxationKind.MEANING_ONLY: "by meaning only",
}
_USED = {
    UnderstoodUse.RECOGNISED: "“{}” is the {} {}",
    UnderstoodUse.FILTER: "“{}” read as {} {}",
    UnderstoodUse.SORT: "“{}” read as {} {}",
    UnderstoodUse.PREFERENCE: "“{}” read as {} {}",
    UnderstoodUse.OVERRIDDEN: "“{}” left to the request's own {} or order",
    UnderstoodUse.NO_ITEM_LEFT: "“{}” not applied: no item is left by {} {}",
    UnderstoodUse.TEXT: "“{}” searched for as words",
}
INTERACTION_BY_TYPE = {
    "search": "searched for",
    "view": "viewed",
    "favorite": "added to favorites",
    "unfavorite": "removed from favorites",
    "add_to_cart": "added to the cart",
    "remove_from_cart": "removed from the cart",
    "purchase": "bought",
    "review": "reviewed",
    "return": "returned",
}


def answer_table(answer: Answer, previous: Answer | None = None, first_rank: int = 1) -> Table:
    """The results of an answer, a row each.

    Args:
        answer: What to show.
        previous: An earlier answer to the same request; if given, a column shows how far each item
            moved: ``▲3``, ``▼1``, ``=``, or ``new``.
        first_rank: Rank of the first result; above 1 on later pages.
    """
    is_explained = any(
        one.reason
        or one.event_effects
        or one.feature_effects
        or one.adjustments
        or one.merchandising
        or one.rules
        for one in answer.results
    )
    # Where the score is the model's alone, a second column would say it again.
    has_other_parts = any(one.adjustments or one.merchandising for one in answer.results)
    table = Table(caption=_caption(answer), caption_justify="left")
    table.add_column("rank", justify="right")
    if previous is not None:
        table.add_column("moved", justify="right")
    table.add_column("item")
    table.add_column("title", overflow="fold")
    table.add_column("price", justify="right")
    table.add_column("score", justify="right")
    table.add_column("found by")
    if has_other_parts:
        table.add_column("model", justify="right")
    actions = list(dict.fromkeys(one.action for result in answer.results for one in result.actions))
    for action in actions:
        table.add_column(action.replace("_", " "), justify="right")
    is_on_offer = any(one.offer_id or one.earlier_price is not None for one in answer.results)
    if is_on_offer:
        table.add_column("on offer", overflow="fold")
    if is_explained:
        table.add_column("why", overflow="fold")
    earlier_ranks = {
        result.item_id: rank
        for rank, result in enumerate(previous.results if previous else (), first_rank)
    }
    related_rank = -1
    if answer.relevant_count is not None:
        related_rank = max(answer.relevant_count + 1, first_rank)
    for rank, result in enumerate(answer.results, first_rank):
        if rank == related_rank:
            before_title = [""] * (2 if previous is None else 3)
            table.add_row(*before_title, "[dim]only related from here on[/]", end_section=True)
        cells = [str(rank)]
        if previous is not None:
            cells.append(_moved(rank, earlier_ranks.get(result.item_id)))
        price = "" if result.price is None else f"{result.price:,.2f}"
        title = escape(result.title) + ("" if result.in_stock else " [dim](not in stock)[/]")
        title += f" [dim]+{result.variant_count:,} more[/]" if result.variant_count else ""
        found_by = ", ".join(f"{hit.source} {hit.rank}" for hit in result.sources)
        cells += [escape(result.item_id), title, price, f"{result.score:.3f}", escape(found_by)]
        if has_other_parts:
            cells.append(f"{result.model_score:.3f}")
        probabilities = {one.action: f"{one.probability:.1%}" for one in result.actions}
        cells += [probabilities.get(action, "") for action in actions]
        if is_on_offer:
            cells.append(escape(_on_offer(result)))
        if is_explained:
            cells.append(escape(why(result)))
        table.add_row(*cells)
    return table


def _on_offer(result: Result) -> str:
    was = "" if result.earlier_price is None else f"was {result.earlier_price:,.2f}"
    return ", ".join(part for part in (result.offer_id, was) if part)


def transcript_table(transcripts: Sequence[Transcript]) -> Table:
    """What was heard and what is searched for, a row for each reading."""
    table = Table()
    table.add_column("heard", overflow="fold")
    table.add_column("searched for", overflow="fold")
    table.add_column("probability", justify="right")
    for one in transcripts:
        table.add_row(escape(one.text), escape(one.query), f"{one.probability:.2f}")
    return table


def facet_table(facet: Facet) -> Table:
    """The values of a facet and their counts, a row each."""
    table = Table()
    table.add_column(escape(facet.name))
    table.add_column("items", justify="right")
    for value in facet.values:
        table.add_row(escape(_facet_label(value)), f"{value.count:,}")
    return table


def _facet_label(value: FacetValue) -> str:
    if value.min_price is not None and value.max_price is not None:
        low, high = f"{value.min_price:,.2f}", f"{value.max_price:,.2f}"
        return low if low == high else f"{low} – {high}"
    return " > ".join(value.category) or value.value


def completion_table(completed: Completed) -> Table:
    """Suggestions, a row each, the typed part in bold."""
    caption = f"corrected to “{completed.corrected_text}”" if completed.corrected_text else None
    table = Table(caption=caption and escape(caption), caption_justify="left")
    for name in ("kind", "suggestion", "item", "category"):
        table.add_column(name, overflow="fold")
    for one in completed.suggestions:
        text = Text(one.text)
        for start, end in one.highlights:
            text.stylize("bold", start, end)
        path = escape(" > ".join(one.category))
        table.add_row(one.kind.name.lower(), text, escape(one.item_id), path)
    return table


def why(result: Result) -> str:
    """Why a result has its score, in words: the shopper's reason, rules and adjustments with their
    amounts, then the session event and the feature with the strongest effects on the model's score.
    """
    parts = [result.reason] if result.reason else []
    parts += [f"{one.amount:+.2f} by rule {one.name}" for one in result.merchandising]
    named = {one.name for one in result.merchandising}
    parts += [f"by rule {name}" for name in result.rules if name not in named]
    parts += [f"{one.amount:+.2f} {one.name.replace('_', ' ')}" for one in result.adjustments]
    if result.event_effects:
        strongest = max(result.event_effects, key=_strength)
        interaction = INTERACTION_BY_TYPE.get(strongest.event_type, strongest.event_type)
        what = f"“{strongest.query}”" if strongest.query else strongest.item_id
        parts.append(f"{strongest.effect:+.2f} {interaction} {what}")
    if result.feature_effects:
        feature = max(result.feature_effects, key=_strength)
        name = feature.feature.replace("_", " ")
        parts.append(f"{feature.effect:+.2f} {name} {feature.value:.3g}")
    if result.modalities:
        shares = (f"its {one.name} {one.share:.2g}" for one in result.modalities)
        parts.append(f"vector by {', '.join(shares)}")
    return "\n".join(parts)


def status_table(status: Status) -> Table:
    """The status of a server, a row per value."""
    table = Table(show_header=False)
    rows: dict[str, object] = {
        "bundle": status.bundle_id,
        "bundle folder": status.bundle_path,
        "previous bundle folder": status.previous_bundle_path or "none",
        "items": f"{status.item_count:,}",
        "items changed since the bundle was built": f"{status.live_item_count:,}",
        "variants": f"{status.variant_group_count:,} groups of {status.variant_item_count:,} items",
        "visitors with a session": f"{status.visitor_count:,}",
        "events in the log": f"{status.logged_event_count:,}",
        "events of unknown items": f"{status.unknown_item_event_count:,}",
        "rules version": status.rules_version or "none",
        "error in the rules file": status.rules_error or "none",
        "uptime": f"{status.uptime_seconds:,.0f} s",
        **dict(sorted(status.versions.items())),
    }
    for name, value in rows.items():
        table.add_row(name, escape(str(value)))
    return table


def freshness_table(report: Freshness) -> Table:
    """Freshness of answers at one rate, a row per value."""
    table = Table(show_header=False)
    rows = {
        "events and requests per second": f"{report.rate:g} and {report.rate:g}",
        "acknowledged events followed by a request": f"{report.probe_count:,}",
        "answers that reflect the event": f"{report.fresh_count:,}",
        "latency from ack to answer": ", ".join(
            f"{name} {value:.2f} ms" for name, value in report.fresh_ms.items()
        ),
        "latency from call to ack": ", ".join(
            f"{name} {value:.2f} ms" for name, value in report.ack_ms.items()
        ),
        "errors": ", ".join(f"{code} {n:,}" for code, n in report.error_counts.items()) or "none",
    }
    for name, value in rows.items():
        table.add_row(name, value)
    return table


def load_table(steps: Sequence[LoadStep]) -> Table:
    """Results of a load test, a row per step; latencies in milliseconds."""
    caption = "latency of answered calls in ms"
    if steps and steps[-1].server_rss_mb is not None:
        caption += f"; server: {steps[-1].server_rss_mb:,} MB, CPU in ms per call"
    # Eleven columns on a terminal of 80.
    table = Table(
        caption=caption, caption_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )
    names = list(steps[0].latency_ms) if steps else []
    for name in ("load", "sent", "answered", "goodput/s", *names, "CPU", "errors"):
        justify: Literal["left", "right"] = "left" if name in ("load", "errors") else "right"
        table.add_column(name, justify=justify, no_wrap=name != "errors")
    for step in steps:
        load = f"{step.caller_count} callers" if step.caller_count else f"{step.offered_rate:g}/s"
        errors = ", ".join(f"{code} {count:,}" for code, count in step.error_counts.items())
        table.add_row(
            load,
            f"{step.sent_count:,}",
            f"{step.ok_count:,}",
            f"{step.goodput:,.1f}",
            *(_milliseconds(step.latency_ms[name]) for name in names),
            "" if step.server_cpu_ms is None else _milliseconds(step.server_cpu_ms),
            errors or "none",
        )
    return table


def _milliseconds(value: float) -> str:
    """Three digits or more: ``0.46``, ``17.3``, ``1,204``."""
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def _caption(answer: Answer) -> str:
    parts = [f"bundle {answer.bundle_id}", f"answer {answer.attribution_token}"]
    if answer.segment is not Segment.UNSPECIFIED:
        parts.append(answer.segment.label.replace("_", " "))
    if answer.match_count is not None:
        plus = "+" if answer.is_match_count_lower_bound else ""
        groups = "" if answer.group_count is None else f" in {answer.group_count:,} groups"
        parts.append(f"{answer.match_count:,}{plus} matching{groups}")
    if answer.is_order_expired:
        parts.append("the first page's order has expired: items may repeat")
    if answer.missing:
        parts.append(f"missing: {', '.join(answer.missing)}")
    if answer.rules:
        parts.append(f"rules: {', '.join(answer.rules)}")
    parts += [f"{one.name} moved {one.moved_count:,}" for one in answer.policy_steps]
    if answer.redirect_uri:
        parts.append(f"redirect to {answer.redirect_uri}")
    parts += map(_understood, answer.understood)
    parts += [_RELAXED[one.kind].format(one.text) for one in answer.relaxations]
    if answer.empty_reason is not EmptyReason.UNSPECIFIED:
        parts.append(answer.empty_reason.name.lower().replace("_", " "))
    return escape(" · ".join(parts))


def _understood(part: Understood) -> str:
    """What was made of a part of the query, in words."""
    value = " > ".join(part.category) or part.value
    return _USED[part.use].format(part.text, part.kind.name.lower(), value)


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
