"""``nextclick snapshot``: folds the event log beside a server, for its next start or publication."""

from __future__ import annotations

import time
from pathlib import Path

import click

from serving.cli.options import json_option, print_json, reports_errors


@click.command()
@click.argument("bundle", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("state", type=click.Path(exists=True, file_okay=False, path_type=Path))
@json_option
@reports_errors
def snapshot(bundle: Path, state: Path, as_json: bool) -> None:
    """Write a snapshot of the folder STATE, from which BUNDLE is served or published next.

    It goes on from the last snapshot and replaces it: a folder has one, for one bundle. A server may be
    running; it is not disturbed, but for the processor and as much memory as it takes itself.
    """
    from serving.log_fold import fold_log

    begin = time.monotonic()
    fold = fold_log(bundle, state)
    report = {
        "event_count": fold.event_count,
        "replayed_event_count": fold.replayed_count,
        "visitor_count": fold.visitors.sessions.visitor_count,
        "seconds": round(time.monotonic() - begin, 2),
    }
    if as_json:
        print_json(report)
    else:
        click.echo(
            f"{report['event_count']:,} events, sessions of {report['visitor_count']:,} visitors, "
            f"after {report['seconds']} s"
        )
