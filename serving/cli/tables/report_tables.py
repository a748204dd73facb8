"""Reports of preparation, training and evaluation as tables for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from serving.cli.tables.system_tables import SYSTEM_LABELS, interval, pairs, section_tables

if TYPE_CHECKING:
    from serving.evaluation.searches.query_check import CheckReport

_KIND_LABELS = {
    "type": "type words",
    "slip": "with a typo",
    "category": "categories",
    "brand": "brands",
    "brand_type": "brand and type",
}
_SHORT_SYSTEM_LABELS = {"fixed_rule": "rule", "two_towers": "towers"}


def quality_table(report: Mapping[str, Any]) -> Table:
    """The quality report of ``prepare``, a row per value."""
    items, events, split = report["items"], report["events"], report["split"]
    by_type = ", ".join(f"{count:,} {name}" for name, count in events["by_type"].items())
    parts = split["parts"]
    sessions = report["sessions"]
    return pairs(
        {
            "items": f"{items['count']:,}, {items['with_events_count']:,} of them with events",
            **_known_later(items["known_later"]),
            "events": f"{events['count']:,}: {by_type}" if by_type else "none",
            "visitors": f"{events['visitor_count']:,}",
            "sessions": f"{sessions['count']:,}, median {sessions['length']['median']:g} events",
            "judgments": f"{report['judgments']['count']:,}",
            **_predicted_rows(report.get("predicted")),
            "first and last event": f"{events['first_time'] or '–'}, {events['last_time'] or '–'}",
            "tower training part": f"{parts['retrieval']['event_count']:,} events",
            "reranker training part": f"{parts['rank']['event_count']:,} from {split['rank_from']}",
            "test part": f"{parts['test']['event_count']:,} from {split['test_from']}",
        }
    )


def _predicted_rows(counts: Mapping[str, int] | None) -> dict[str, str]:
    if not counts:
        return {}
    left_out = ", ".join(
        f"{count:,} {name.removesuffix('_count').replace('_', ' ')}"
        for name, count in counts.items()
        if count and name not in ("used_count", "spelling_count")
    )
    used = f"{counts['used_count']:,}, and {counts['spelling_count']:,} spellings"
    return {"predicted values": used + (f"; left out: {left_out}" if left_out else "")}


def _known_later(counts: Mapping[str, int]) -> dict[str, str]:
    if not counts:
        return {}
    fields = [
        f"{name.removesuffix('_changed_count')} of {count:,}"
        for name, count in counts.items()
        if name.endswith("_changed_count")
    ]
    first = counts["price_first_known_count"]
    summary_text = f"{', '.join(fields)}; {first:,} had no price before"
    return {"fields changed in the test part": summary_text}


def training_table(report: Mapping[str, Any]) -> Table:
    """The training report, a row per value."""
    rows: dict[str, str] = {}
    for name in ("towers", "reranker"):
        curves = report[name]
        if curves["training"]:
            best = curves["best_epoch"]
            held_out = (
                f", validation {curves['validation'][best]:.3f} (gap {curves['gap']:+.3f})"
                if curves["validation"]
                else ""
            )
            rows[f"{name}: loss"] = (
                f"{curves['training'][best]:.3f}{held_out}, epoch {best + 1} of "
                f"{len(curves['training'])}"
            )
    asked = report["lists"] or {}
    for name, visits in (("towers", report["visits"]), ("reranker", asked.get("visits"))):
        if visits:
            rows[f"{name}: synthetic sessions"] = (
                f"{visits['made_count']:,} of {visits['asked_count']:,}; {visits['alone_count']:,} "
                "left out: too few similar items"
            )
    predicted = report["predicted"]
    if predicted["value_count"]:
        by_field = ", ".join(f"{name} {count:,}" for name, count in predicted["by_field"].items())
        rows["predicted values"] = f"of {predicted['item_count']:,} items: {by_field}"
    rows["variants"] = variants_text(report["variants"])
    index = report["index"]
    rows["index: recall against exact search"] = (
        f"{index['recall']:.3f}, {index['item_count']:,} items"
    )
    for name, value in report["litert_parity"].items():
        rows[f"LiteRT: {name.replace('_', ' ')}"] = f"{value:.5g}"
    rows["seconds"] = ", ".join(
        f"{name} {seconds:g}" for name, seconds in report["seconds"].items() if seconds >= 1
    )
    return pairs(rows)


def variants_text(report: Mapping[str, Any]) -> str:
    """The groups of variants in a line: how many, and the largest ones."""
    if not report["groups"]:
        return "none found"
    by = f", by {report['attribute']}" if report["attribute"] else ""
    if report["look_alikes"]:
        by += f", {report['look_alikes']:,} of them near-duplicates by their pictures"
    largest = "; ".join(
        f"{one['items']:,} of “{one['title'][:40]}”" for one in report["largest"][:3]
    )
    return f"{report['groups']:,} groups of {report['items']:,} items{by}; largest {largest}"


def comparison_table(report: Mapping[str, Any]) -> Table:
    """The comparison of session encoders, a row each."""
    table = Table(
        title=f"next item, ranked among all items, at {report['request_count']:,} moments",
        title_justify="left",
        caption="in brackets 95 % intervals; encode: median of one session",
        caption_justify="left",
    )
    table.add_column("session encoder", no_wrap=True)
    measures = ("hr@20", "mrr@20", "ndcg@20")
    for title in (
        *measures,
        "encode, µs",
        "training, s",
        "epochs (kept)",
        "validation − training loss",
    ):
        table.add_column(title, justify="right")
    for name, one in report["encoders"].items():
        table.add_row(
            name,
            *(interval(one["metrics"][measure]) for measure in measures),
            f"{one['encode_microseconds']:.0f}",
            f"{one['training_seconds']:.1f}",
            f"{one['epoch_count']} ({one['kept_epoch']})",
            "–" if one["gap"] is None else f"{one['gap']:+.3f}",
        )
    return table


def evaluation_tables(report: Mapping[str, Any]) -> list[Table]:
    """Metrics of every system with intervals, then index recall and stage latencies."""
    tables = section_tables(report)
    if "misspelt" in report:
        tables.append(_misspelt(report["misspelt"]))
    if "title_precision" in report:
        tables.append(_title_precision(report["title_precision"]))
    if "turn" in report:
        shift = report["turn"]
        rows = {
            f"next page after {kind.replace('_', ' ')}": (
                f"share of the new category in its top ten {interval(shift[kind])},"
                f" of the new top-level category {interval(shift[kind + '_top'])}"
            )
            for kind in ("two_views", "one_search")
        }
        rows["results most similar to a badly reviewed item"] = (
            f"drop by {interval(shift['review_fall'])} ranks within the first 100"
        )
        rows["simulated visitors who change category"] = f"{shift['shopper_count']:,} of each kind"
        tables.append(pairs(rows))
    if report.get("purchase_probability"):
        tables.append(_purchases(report["purchase_probability"]))
    if "index" in report:
        index = report["index"]
        rows = {
            "index: recall@100 against exact search": f"{index['recall@100']:.4f}"
            f" over {index['query_count']:,} queries, {index['item_count']:,} items"
        }
        for name, value in report["median_ms"].items():
            rows[f"median ms: {name.replace('_', ' ')}"] = f"{value:.3f}"
        # A catalogue of titles alone has no fields to filter by.
        if report.get("filters", {}).get("filter_count"):
            rows["filters"] = _filters(report["filters"])
        tables.append(pairs(rows))
    return tables


def _filters(found: Mapping[str, Any]) -> str:
    return (
        f"{found['filter_count']:,} random filters that pass"
        f" {found['share_min']:.2%} to {found['share_max']:.0%} of the items:"
        f" recall@20 {found['learnt_recall@20']:.3f} learnt, {found['lexical_recall@20']:.3f}"
        f" lexical; {found['outside_count']:,} results that fail the filter,"
        f" {found['short_page_count']:,} short pages; median {found['median_ms']:.2f} ms"
    )


def metrics_table(report: Mapping[str, Any]) -> Table:
    """Counts and metrics of one system, a row each."""
    rows = {
        name.replace("_", " "): f"{value:,}" for name, value in report.items() if name != "metrics"
    }
    for name, values in report.get("metrics", {}).items():
        rows[name] = interval(values)
    return pairs(rows)


def check_table(report: CheckReport) -> Table:
    """The queries of a check that fail, a row each."""
    table = Table(title=f"bundle {report.bundle_id}: queries that fail", title_justify="left")
    table.add_column("line", justify="right")
    for name in ("query", "why", "first results"):
        table.add_column(name, overflow="fold")
    for verdict in report.failed:
        cells = (verdict.query, "\n".join(verdict.failures), ", ".join(verdict.found))
        # As Text: "title:zebra:" is no emoji.
        table.add_row(f"{verdict.line:,}", *map(Text, cells))
    return table


def _misspelt(report: Mapping[str, Any]) -> Table:
    title = f"{report['query_count']:,} queries, with and without a typo: {report['measure']}"
    table = Table(title=title, title_justify="left")
    table.add_column("system", no_wrap=True)
    for name in ("as typed", "with a typo", "drop"):
        table.add_column(name, justify="right")
    for name, one in report["systems"].items():
        table.add_row(
            SYSTEM_LABELS.get(name, name),
            f"{one['as_typed']['mean']:.3f}",
            f"{one['misspelt']['mean']:.3f}",
            interval(one["fall"]),
        )
    return table


def _title_precision(report: Mapping[str, Any]) -> Table:
    """Title precision, a row per kind of query and a column per system."""
    lowest = ", ".join(f"{one['text']} {one['engine']:.1f}" for one in report["lowest"])
    table = Table(
        title=f"{report['measure']}: share of the first results that hold the query's words",
        title_justify="left",
        caption="of what the catalogue holds; is it: results whose head noun is the type word, not "
        "what goes with it; lead: over the fused list"
        + (f"\nlowest: {escape(lowest)}" if lowest else ""),
        caption_justify="left",
    )
    table.add_column("queries", no_wrap=True)
    systems = list(
        dict.fromkeys(name for part in report["kinds"].values() for name in part["systems"])
    )
    for name in systems:
        table.add_column(_SHORT_SYSTEM_LABELS.get(name, name), justify="right", no_wrap=True)
    table.add_column("lead", justify="right", overflow="fold")
    parts = [(_KIND_LABELS[kind], part) for kind, part in report["kinds"].items()]
    parts += [(f"{_KIND_LABELS[kind]}: is it", p) for kind, p in report["head_kinds"].items()]
    for label, part in parts:
        cells = [f"{part['systems'][name]['mean']:.3f}" for name in systems]
        name = f"{label} ({part['query_count']:,})"
        table.add_row(name, *cells, interval(part["lead"]["fused"]))
    return table


def _purchases(part: Mapping[str, float]) -> Table:
    """Calibration of the purchase probabilities, a row per metric."""
    rows = {
        "purchase probability: results": f"{part['count']:,}, bought {part['base_rate']:.4f}",
        "calibration error (ECE)": f"{part['ece']:.5f}",
        "Brier score": f"{part['brier']:.5f}, base rate alone {part['brier_of_base_rate']:.5f}",
        "AUC": f"{part['auc']:.4f}",
        f"predicted as bought from {part['threshold']:.4f} on": (
            f"accuracy {part['accuracy']:.4f}, precision {part['precision']:.4f}, "
            f"recall {part['recall']:.4f}, F1 {part['f1']:.4f}"
        ),
    }
    return pairs(rows)
