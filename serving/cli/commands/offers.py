"""``nextclick offers``: asks a running server for offers, and changes them."""

from __future__ import annotations

from typing import TextIO

import click

from data.offers.offer import KIND_BY_LABEL
from serving.cli.options import address_option, console, json_option, print_json, reports_errors

_ORDERS = ("probability", "uplift")


@click.group()
def offers() -> None:
    """Coupons, promotions and services of a running server."""


@offers.command()
@click.option("--visitor", default="", help="Visitor id; without one, offers to everybody.")
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice(list(KIND_BY_LABEL)),
    help="Only this kind; may be repeated.",
)
@click.option(
    "--item",
    "items",
    multiple=True,
    metavar="ID",
    help="Item in the cart or of the page; may be repeated.",
)
@click.option("--limit", default=10, show_default=True, help="Maximum number of offers, 1 to 100.")
@click.option(
    "--order",
    type=click.Choice(_ORDERS),
    default=_ORDERS[0],
    show_default=True,
    help="Most likely redeemed first, or those that change most.",
)
@address_option
@json_option
@reports_errors
def recommend(
    visitor: str,
    kinds: tuple[str, ...],
    items: tuple[str, ...],
    limit: int,
    order: str,
    address: str,
    as_json: bool,
) -> None:
    """Offers for a visitor: those that hold, that the visitor may have and may want."""
    from serving.api.offers.offer_requests import OfferRequest
    from serving.cli.tables.offer_tables import offer_table
    from serving.edge.client import Client
    from towers.offers.offer_ranking import OfferOrder

    request = OfferRequest(
        visitor,
        tuple(KIND_BY_LABEL[kind] for kind in kinds),
        items,
        limit,
        OfferOrder[order.upper()],
    )
    with Client(address) as client:
        answer = client.recommend_offers(request)
    if as_json:
        print_json(answer)
    else:
        console().print(offer_table(answer))


@offers.command()
@click.argument("file", type=click.File(encoding="utf-8"))
@address_option
@json_option
@reports_errors
def update(file: TextIO, address: str, as_json: bool) -> None:
    """Add or replace the offers of FILE, in JSON Lines, all or none; - for stdin."""
    from serving.cli.jsonl_input import read_offers
    from serving.edge.client import Client

    changed = list(read_offers(file, file.name))
    with Client(address) as client:
        report = client.update_offers(changed)
    if as_json:
        print_json(report)
    else:
        click.echo(f"added {report.added_count:,}, updated {report.updated_count:,}")


@offers.command()
@click.argument("offer_ids", metavar="ID...", nargs=-1, required=True)
@address_option
@json_option
@reports_errors
def delete(offer_ids: tuple[str, ...], address: str, as_json: bool) -> None:
    """Delete offers: no later answer makes them."""
    from serving.edge.client import Client

    with Client(address) as client:
        report = client.update_offers((), offer_ids)
    if as_json:
        print_json(report)
    else:
        click.echo(f"deleted {report.deleted_count:,}")
