"""The command group of ``nextclick``; a command's module is imported when it is called."""

from __future__ import annotations

import os
from importlib import import_module

import click

# Must precede the import of NumPy: matrix products here are many and small, and with two threads
# each they would contend for the cores. TensorFlow has its own threads.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

COMMANDS = {
    "prepare": "serving.cli.commands.prepare:prepare",
    "train": "serving.cli.commands.train:train",
    "evaluate": "serving.cli.commands.evaluate:evaluate",
    "offpolicy": "serving.cli.commands.offpolicy:offpolicy",
    "check": "serving.cli.commands.check:check",
    "compare": "serving.cli.commands.compare:compare",
    "demand": "serving.cli.commands.demand:demand",
    "attributes": "serving.cli.commands.attributes:attributes",
    "embed": "serving.cli.commands.embed:embed",
    "index": "serving.cli.commands.index:index",
    "serve": "serving.cli.commands.serve:serve",
    "snapshot": "serving.cli.commands.snapshot:snapshot",
    "search": "serving.cli.commands.ask:search",
    "complete": "serving.cli.commands.ask:complete",
    "recommend": "serving.cli.commands.ask:recommend",
    "record": "serving.cli.commands.record:record",
    "items": "serving.cli.commands.items:items",
    "offers": "serving.cli.commands.offers:offers",
    "publish": "serving.cli.commands.admin:publish",
    "interleave": "serving.cli.commands.admin:interleave",
    "status": "serving.cli.commands.admin:status",
    "loadtest": "serving.cli.commands.loadtest:loadtest",
    "demo": "serving.cli.commands.demo:demo",
    "doctor": "serving.cli.commands.doctor:doctor",
}
"""Module and function of each command, in the order a new shop would use them."""


class _LazyGroup(click.Group):
    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[name].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="nextclick")
def main() -> None:
    """Search and recommendations for a shop, adapted to each visitor's session."""
