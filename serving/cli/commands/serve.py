"""``nextclick serve``: runs the gRPC server until SIGTERM or Ctrl-C."""

from __future__ import annotations

import faulthandler
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click

from serving.cli.options import DEFAULT_ADDRESS, json_option, reports_errors
from serving.edge.interpreter import long_lived, set_short_timers, set_thread_switches
from towers.bundle.manifest import verify
from towers.uncollected import uncollected

_END_SECONDS = 60.0
"""The last resort, far beyond what calls in flight and the files take: then the stacks of all threads are
printed and the process ends. What was acknowledged is on disk."""


@click.command()
@click.argument("bundle", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--address",
    default=DEFAULT_ADDRESS,
    show_default=True,
    metavar="HOST:PORT",
    help="Address to listen on; port 0 picks a free port.",
)
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the event log and of live item changes; without it, both are lost at exit.",
)
@click.option(
    "--rules",
    type=click.Path(dir_okay=False, path_type=Path),
    help="TOML file of query rules; reloaded when it changes.",
)
@click.option(
    "--threads",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Answers computed concurrently; more than 1 helps with millions of items.",
)
@click.option(
    "--log-features",
    type=click.FloatRange(0.0, 1.0),
    default=0.0,
    metavar="SHARE",
    help="Share of answers whose reranker features are logged, 0 to 1.",
)
@click.option("--reflection", is_flag=True, help="Enable gRPC server reflection.")
@json_option
@reports_errors
def serve(
    bundle: Path,
    address: str,
    state: Path | None,
    rules: Path | None,
    threads: int,
    log_features: float,
    reflection: bool,
    as_json: bool,
) -> None:
    """Serve BUNDLE over gRPC until SIGTERM or Ctrl-C."""
    set_thread_switches()
    set_short_timers()
    # The bundle is read while modules are imported, which takes about as long.
    with uncollected(), ThreadPoolExecutor(1) as pool:
        manifest = pool.submit(verify, bundle)
        from serving.edge.server import ServerSettings, stop_signals
        from serving.edge.server import serve as start
        from serving.engine import Engine

    with long_lived():
        engine = Engine.open(
            bundle,
            state,
            manifest=manifest.result(),
            rules=rules,
            log_feature_share=log_features,
        )
    try:
        defaults = ServerSettings()
        settings = ServerSettings(
            thread_count=threads,
            in_flight_limit=max(defaults.in_flight_limit, 2 * threads),
            reflection=reflection,
        )
        running = start(engine, address, settings)
        host = address.rpartition(":")[0]
        listening = f"{host}:{running.port}"
        bundle_id = engine.status().bundle_id

        def announce() -> None:
            if as_json:
                ready = {
                    "address": listening,
                    "pid": os.getpid(),
                    "bundle_id": bundle_id,
                    "start_seconds": round(_seconds_since_start(), 2),
                    "resident_mb": _resident_mb(),
                }
                click.echo(json.dumps(ready))
            else:
                click.echo(
                    f"serving {bundle_id} on {listening}, pid {os.getpid()}, after "
                    f"{_seconds_since_start():.1f} s, {_resident_mb()} MB"
                )

        # Before it is announced, so that who reads it can stop the server at once.
        with stop_signals() as wait_for_signal:
            announce()
            wait_for_signal()
            faulthandler.dump_traceback_later(_END_SECONDS, exit=True)
            if not running.stop():
                # What holds it up; the files are closed all the same.
                faulthandler.dump_traceback()
            engine.close()
    finally:
        engine.close()
    sys.stdout.flush()
    # To tear down the interpreter could only hang, on a thread of a native library. A change that still
    # runs is cut off as by a crash, which leaves all of it or nothing.
    os._exit(0)


def _seconds_since_start() -> float:
    """Seconds since this process was started, interpreter start-up included (Linux)."""
    fields = Path("/proc/self/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    # Field 22 of proc(5), counted after the name: start time in clock ticks since boot.
    started = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started


def _resident_mb() -> int:
    """Memory of this process that is in use, in MB of 10^6 bytes (Linux)."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6)
