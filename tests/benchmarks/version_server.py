"""Runs ``nextclick serve`` of the version on ``PYTHONPATH``, with a higher limit of calls in flight.

The command has no option for the limit, and the default of 8 refuses calls of 32 callers. The whole
command is run, and not only its server, so that all that it sets up is measured. The names of the
modules are those of the first and of later versions.
"""

from __future__ import annotations

import functools
import sys

from version_modules import first_module

IN_FLIGHT_LIMIT = 128


def main() -> None:
    """Runs the command with the arguments of this script."""
    edge = first_module("serving.edge.server", "serving.server")
    edge.ServerSettings = functools.partial(
        edge.ServerSettings, in_flight_limit=IN_FLIGHT_LIMIT, event_limit=IN_FLIGHT_LIMIT
    )
    command = first_module("serving.cli.main", "serving.cli").main
    command(["serve", *sys.argv[1:]])


if __name__ == "__main__":
    main()
