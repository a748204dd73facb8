"""How two bundles compare on live traffic, as tables for the terminal."""

from __future__ import annotations

from datetime import UTC, datetime

from rich.markup import escape
from rich.table import Table

from serving.api.reports import InterleavingReport, InterleavingTally, Leader


def interleaving_tables(report: InterleavingReport) -> tuple[Table, Table]:
    """What is compared, a row per value; and the tallies, a row per surface and action."""
    facts = Table(show_header=False)
    state = "runs" if report.is_running else f"ended: {report.end_reason}"
    for name, value in {
        "interleaving": state,
        "active bundle": report.active_bundle_id,
        "other bundle": report.bundle_id,
        "other bundle folder": report.bundle_path,
        "share of the visitors": f"{report.share:.1%}",
        "since": f"{datetime.fromtimestamp(report.start_time, UTC):%Y-%m-%d %H:%M:%S} UTC",
        "visitors in it": f"{report.visitor_count:,}",
        "answers that the other bundle failed": f"{report.failure_count:,}",
    }.items():
        facts.add_row(name, escape(value))
    tallies = Table(title="The other bundle against the active one")
    for name in ("surface", "by"):
        tallies.add_column(name)
    for name in ("answers", "wins", "losses", "ties", "visitors", "its share", "p"):
        tallies.add_column(name, justify="right")
    tallies.add_column("leader")
    for tally in report.tallies:
        tallies.add_row(*_cells(tally))
    return facts, tallies


def _cells(tally: InterleavingTally) -> tuple[str, ...]:
    decided = tally.preferring_other_count + tally.preferring_active_count
    share = "–"
    if decided:
        mean = tally.preferring_other_count / decided
        share = f"{mean:.3f} ({tally.low:.3f}–{tally.high:.3f})"
    leaders = {Leader.ACTIVE: "active", Leader.OTHER: "other"}
    return (
        escape(tally.surface) or "all",
        tally.action,
        f"{tally.answer_count:,}",
        f"{tally.win_count:,}",
        f"{tally.loss_count:,}",
        f"{tally.tie_count:,}",
        f"{decided:,}",
        share,
        f"{tally.p_value:.3f}",
        leaders.get(tally.leader, "–"),
    )
