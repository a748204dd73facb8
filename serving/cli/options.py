"""Options shared by commands, and exit codes: 0 success, 1 failure, 2 invalid use."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import wraps
from typing import Any, TypeVar

import click
from rich.console import Console

from data.errors import NextclickError, RequestError
from serving.api.requests import AttributeCondition, FacetRequest, Filter, SortOrder

Command = TypeVar("Command", bound=Callable[..., Any])

DEFAULT_ADDRESS = "127.0.0.1:50051"

address_option = click.option(
    "--address",
    default=DEFAULT_ADDRESS,
    envvar="NEXTCLICK_ADDRESS",
    show_envvar=True,
    show_default=True,
    metavar="HOST:PORT",
    help="Address of the server.",
)
visitor_option = click.option(
    "--visitor", default="", metavar="ID", help="Visitor id; empty for an anonymous visitor."
)


def _moment(_: click.Context, __: click.Parameter, text: str | None) -> float | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"expected an ISO 8601 time, received {text!r}") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


items_time_option = click.option(
    "--items-time",
    callback=_moment,
    metavar="TIME",
    help="When the shop exported the items, ISO 8601: live changes made later override the "
    "export. If omitted, all live changes do.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


class _WrongUse(click.ClickException):
    """A request that the interface does not allow."""

    exit_code = 2


def reports_errors(command: Command) -> Command:
    """Turns an error of ours into a one-line message and an exit code."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except NextclickError as error:
            kind = _WrongUse if isinstance(error, RequestError) else click.ClickException
            raise kind(str(error)) from error

    return run  # type: ignore[return-value]


def page_options(command: Command) -> Command:
    """Adds the options of every command that requests a page of items."""
    for option in reversed(
        [
            address_option,
            visitor_option,
            click.option(
                "--page-size", default=20, show_default=True, help="Results per page, 1 to 100."
            ),
            click.option(
                "--offset",
                default=0,
                help="Results to skip. Without --order-key by rank as of now: what happens between"
                " two pages makes them repeat or skip items.",
            ),
            click.option(
                "--order-key",
                default="",
                metavar="ANSWER",
                help="First answer, whose order the page continues for ten minutes.",
            ),
            click.option(
                "--category", metavar="PATH", help='Only items in this category: "Dairy > Milk".'
            ),
            click.option(
                "--brand",
                "brands",
                multiple=True,
                help="Only this brand; repeat it to allow several.",
            ),
            click.option("--min-price", type=float, help="Lowest price, inclusive."),
            click.option("--max-price", type=float, help="Highest price, inclusive."),
            click.option(
                "--price", metavar="MIN-MAX", help="Price range; either end may be left out."
            ),
            click.option("--in-stock", is_flag=True, help="Only items in stock."),
            click.option(
                "--where",
                "conditions",
                multiple=True,
                metavar="NAME=VALUE",
                help="Only items with this attribute value; may be repeated, values of one name"
                " are alternatives. For numbers also NAME>=VALUE and NAME<=VALUE.",
            ),
            click.option(
                "--group-by",
                default="",
                metavar="NAME",
                help="Show each group once: variant, an attribute, or none; by default as the shop's"
                " policy says.",
            ),
            click.option(
                "--sort",
                "sort_by",
                type=click.Choice([order.name.lower() for order in SortOrder]),
                default="relevance",
                show_default=True,
                help="Order of the results.",
            ),
            click.option(
                "--facet",
                "facets",
                multiple=True,
                metavar="NAME",
                help="Facet to count: brand, category, price, in_stock or an attribute;"
                " may be repeated.",
            ),
            click.option("--explain", is_flag=True, help="Show why each item has its score."),
            click.option(
                "--actions",
                "predict_actions",
                is_flag=True,
                help="Show how likely the visitor clicks, carts, buys and returns each item.",
            ),
            json_option,
        ]
    ):
        command = option(command)
    return command


def filter_from(options: dict[str, Any]) -> Filter:
    """Removes the filter's options from ``options`` and returns them as a filter."""
    low, high = options.pop("min_price"), options.pop("max_price")
    price_range = options.pop("price")
    if price_range is not None:
        if low is not None or high is not None:
            raise click.UsageError("expected --price, or --min-price and --max-price")
        low, high = _price_range(price_range)
    return Filter(
        category=category_path(options.pop("category") or ""),
        brands=tuple(options.pop("brands")),
        min_price=low,
        max_price=high,
        in_stock_only=options.pop("in_stock"),
        attributes=_attribute_conditions(options.pop("conditions")),
    )


def listing_from(options: dict[str, Any]) -> dict[str, Any]:
    """Removes sort order and facets from ``options`` and returns them as fields of a request."""
    return {
        "sort_by": SortOrder[options.pop("sort_by").upper()],
        "facets": tuple(FacetRequest(name) for name in options.pop("facets")),
    }


def category_path(text: str) -> tuple[str, ...]:
    """``"Dairy > Milk"`` as a path; a ``>`` without blanks around it is part of a name."""
    return tuple(part.strip() for part in re.split(r"\s>\s", text) if part.strip())


def _price_range(text: str) -> tuple[float | None, float | None]:
    low, _, high = text.partition("-")
    try:
        return float(low) if low else None, float(high) if high else None
    except ValueError:
        raise click.BadParameter(
            f"expected MIN-MAX, received {text!r}", param_hint="--price"
        ) from None


def _attribute_conditions(texts: Sequence[str]) -> tuple[AttributeCondition, ...]:
    conditions: dict[str, AttributeCondition] = {}
    for text in texts:
        found = re.fullmatch(r"(?s)(.+?)(>=|<=|=)(.+)", text)
        if not found:
            raise click.BadParameter(
                f"expected NAME=VALUE, received {text!r}", param_hint="--where"
            )
        name, sign, value = found.groups()
        known = conditions.get(name, AttributeCondition(name))
        if sign == "=":
            conditions[name] = dataclasses.replace(known, values=(*known.values, value))
            continue
        try:
            bound = float(value)
        except ValueError:
            raise click.BadParameter(
                f"{name}: expected a number, received {value!r}", param_hint="--where"
            ) from None
        if sign == ">=":
            conditions[name] = dataclasses.replace(known, min_value=bound)
        else:
            conditions[name] = dataclasses.replace(known, max_value=bound)
    return tuple(conditions.values())


def print_json(value: Any) -> None:
    """Prints a dataclass, or a list of them, as JSON."""
    click.echo(json.dumps(_plain(value), ensure_ascii=False, indent=2))


def console() -> Console:
    """The console on which tables are printed."""
    return Console()


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return value
