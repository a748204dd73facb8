"""Options that commands share, and how they end: 0 done, 1 failure, 2 wrong use."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import click
from rich.console import Console

from data.errors import NextclickError, RequestError
from serving.requests import Filter

Command = TypeVar("Command", bound=Callable[..., Any])

DEFAULT_ADDRESS = "127.0.0.1:50051"

address_option = click.option(
    "--address",
    default=DEFAULT_ADDRESS,
    envvar="NEXTCLICK_ADDRESS",
    show_envvar=True,
    show_default=True,
    metavar="HOST:PORT",
    help="Where the server listens.",
)
visitor_option = click.option(
    "--visitor", default="", metavar="ID", help="Who asks; empty for nobody in particular."
)
json_option = click.option("--json", "as_json", is_flag=True, help="JSON for machines.")


class _WrongUse(click.ClickException):
    """What was asked for is not as the interface says."""

    exit_code = 2


def reports_errors(command: Command) -> Command:
    """Ends a command with one line and the right exit code where the product refuses."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except NextclickError as error:
            kind = _WrongUse if isinstance(error, RequestError) else click.ClickException
            raise kind(str(error)) from error

    return run  # type: ignore[return-value]


def page_options(command: Command) -> Command:
    """The options of every command that asks for a page of items."""
    for option in reversed(
        [
            address_option,
            visitor_option,
            click.option("--page-size", default=20, show_default=True, help="Results, 1 to 100."),
            click.option("--offset", default=0, help="Results to pass over: the next page."),
            click.option("--category", metavar="PATH", help='Only below it: "Dairy > Milk".'),
            click.option("--brand", "brands", multiple=True, help="Any of these; may be repeated."),
            click.option("--min-price", type=float, help="Lowest price, inclusive."),
            click.option("--max-price", type=float, help="Highest price, inclusive."),
            click.option("--in-stock", is_flag=True, help="Only what can be bought now."),
            click.option("--explain", is_flag=True, help="Show what moved each item."),
            json_option,
        ]
    ):
        command = option(command)
    return command


def filter_from(options: dict[str, Any]) -> Filter:
    """Takes the options of a filter out of a command's options."""
    return Filter(
        category=category_path(options.pop("category") or ""),
        brands=tuple(options.pop("brands")),
        min_price=options.pop("min_price"),
        max_price=options.pop("max_price"),
        in_stock_only=options.pop("in_stock"),
    )


def category_path(text: str) -> tuple[str, ...]:
    """``"Dairy > Milk"`` as a path."""
    return tuple(part.strip() for part in text.split(">") if part.strip())


def print_json(value: Any) -> None:
    """Prints a dataclass, or a list of them, as JSON."""
    click.echo(json.dumps(_plain(value), ensure_ascii=False, indent=2))


def console() -> Console:
    """Where tables go."""
    return Console()


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return value
