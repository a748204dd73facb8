"""``nextclick search``, ``recommend`` and ``complete``: what a shopper sees."""

from __future__ import annotations

from typing import Any

import click

from serving.api.answers import Answer
from serving.api.requests import KINDS, CompleteRequest, Placement, RecommendRequest, SearchRequest
from serving.cli.options import (
    address_option,
    console,
    filter_from,
    json_option,
    listing_from,
    page_options,
    print_json,
    reports_errors,
)

KIND_BY_NAME = {kind.name.lower(): kind for kind in KINDS}
PLACEMENT_BY_NAME = {
    placement.name.lower(): placement
    for placement in Placement
    if placement is not Placement.UNSPECIFIED
}


@click.command()
@click.argument("text")
@page_options
@click.option("--no-record", is_flag=True, help="Keep the search out of the session and the log.")
@reports_errors
def search(text: str, address: str, as_json: bool, no_record: bool, **options: Any) -> None:
    """Ask the search box for TEXT."""
    from serving.edge.client import Client

    request = SearchRequest(
        text,
        visitor_id=options.pop("visitor"),
        filter=filter_from(options),
        record=not no_record,
        **listing_from(options),
        **options,
    )
    with Client(address) as client:
        _show(client.search(request), request.offset, as_json=as_json)


@click.command()
@click.option(
    "--placement", type=click.Choice(list(PLACEMENT_BY_NAME)), default="home", show_default=True
)
@click.option("--item", "items", multiple=True, metavar="ID", help="Of the page or in the cart.")
@page_options
@reports_errors
def recommend(
    placement: str, items: tuple[str, ...], address: str, as_json: bool, **options: Any
) -> None:
    """Ask for the items of a browse page."""
    from serving.edge.client import Client

    request = RecommendRequest(
        PLACEMENT_BY_NAME[placement],
        visitor_id=options.pop("visitor"),
        item_ids=items,
        filter=filter_from(options),
        **listing_from(options),
        **options,
    )
    with Client(address) as client:
        _show(client.recommend(request), request.offset, as_json=as_json)


@click.command()
@click.argument("text")
@click.option("--max-results", default=10, show_default=True, help="Suggestions, 1 to 50.")
@click.option(
    "--kind", "kinds", multiple=True, type=click.Choice(list(KIND_BY_NAME)), help="Only these."
)
@address_option
@json_option
@reports_errors
def complete(
    text: str, max_results: int, kinds: tuple[str, ...], address: str, as_json: bool
) -> None:
    """Suggest what somebody who has typed TEXT may be after."""
    from serving.cli.answer_tables import completion_table
    from serving.edge.client import Client

    wanted = tuple(KIND_BY_NAME[kind] for kind in kinds)
    with Client(address) as client:
        completed = client.complete(CompleteRequest(text, max_results, wanted))
    if as_json:
        print_json(completed)
    else:
        console().print(completion_table(completed))


def _show(answer: Answer, offset: int, *, as_json: bool) -> None:
    from serving.cli.answer_tables import answer_table, facet_table

    if as_json:
        print_json(answer)
    else:
        console().print(answer_table(answer, first_rank=offset + 1))
        for facet in answer.facets:
            console().print(facet_table(facet))
