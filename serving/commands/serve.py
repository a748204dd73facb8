"""``nextclick serve``: answers from a bundle until it is told to stop."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from serving.commands.options import DEFAULT_ADDRESS, json_option, reports_errors


@click.command()
@click.argument("bundle", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--address", default=DEFAULT_ADDRESS, show_default=True, metavar="HOST:PORT")
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the log and of live changes; without one nothing outlives the server.",
)
@click.option("--threads", type=click.IntRange(1, 64), default=4, show_default=True)
@click.option(
    "--log-features",
    type=click.FloatRange(0.0, 1.0),
    default=0.0,
    metavar="SHARE",
    help="Share of answers whose reranker features are logged, 0 to 1.",
)
@click.option("--reflection", is_flag=True, help="Describe the interface to whoever asks.")
@json_option
@reports_errors
def serve(
    bundle: Path,
    address: str,
    state: Path | None,
    threads: int,
    log_features: float,
    reflection: bool,
    as_json: bool,
) -> None:
    """Answer from BUNDLE until SIGTERM or Ctrl-C; port 0 takes any free one."""
    from serving.engine import Engine
    from serving.server import ServerSettings
    from serving.server import serve as start

    engine = Engine.open(bundle, state, log_feature_share=log_features)
    try:
        settings = ServerSettings(thread_count=threads, reflection=reflection)
        running = start(engine, address, settings)
        host = address.rpartition(":")[0]
        listening = f"{host}:{running.port}"
        bundle_id = engine.status().bundle_id

        def say_so() -> None:
            if as_json:
                ready = {"address": listening, "pid": os.getpid(), "bundle_id": bundle_id}
                click.echo(json.dumps(ready))
            else:
                click.echo(f"serving {bundle_id} on {listening}, pid {os.getpid()}")

        running.run_until_signal(say_so)
    finally:
        engine.close()
