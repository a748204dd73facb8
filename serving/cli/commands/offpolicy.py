"""``nextclick offpolicy``: what a bundle or policy would be worth, from a log with propensities."""

from __future__ import annotations

from pathlib import Path

import click

from serving.cli.options import console, json_option, print_json, reports_errors
from serving.cli.progress import stage_bars


@click.command()
@click.argument("bundle", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("state", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--rules",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="TOML file of the rules and policy to judge; its own exploration is left out.",
)
@click.option("--seed", type=int, default=7, show_default=True, help="Seed of the intervals.")
@json_option
@reports_errors
def offpolicy(bundle: Path, state: Path, rules: Path | None, seed: int, as_json: bool) -> None:
    """Estimate what BUNDLE would be worth from STATE, the state folder of a server that explored.

    Its answers left one slot to chance. Estimated are the clicks and purchases per answer in that slot,
    had BUNDLE and --rules filled it: by inverse propensities (IPS), self-normalised (SNIPS) and doubly
    robust. Of the rest of the page the log cannot tell.
    """
    from serving.cli.tables.policy_tables import off_policy_table
    from serving.off_policy.report import off_policy_report

    with stage_bars() as bars:
        progress = bars.start("replaying the log")
        report = off_policy_report(bundle, state, rules, seed=seed, progress=progress)
    if as_json:
        print_json(report)
    else:
        console().print(off_policy_table(report))
