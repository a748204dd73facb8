"""``nextclick search``, ``recommend`` and ``complete``: requests to a running server."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from data.errors import RequestError
from data.media.picture import BYTE_LIMIT as PICTURE_BYTE_LIMIT
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
from serving.pictures.picture_requests import PictureSearchRequest
from serving.voice.voice_requests import VoiceRequest
from towers.speech.recording import BYTE_LIMIT

KIND_BY_NAME = {kind.name.lower(): kind for kind in KINDS}
PLACEMENT_BY_NAME = {
    placement.name.lower(): placement
    for placement in Placement
    if placement is not Placement.UNSPECIFIED
}

_PLAIN = SearchRequest("")
_NOT_OF_FILES = (
    *("offset", "order_key", "sort_by", "facets", "explain", "is_literal", "predict_actions"),
    "group_by",
)
"""Fields that searches by picture and by voice lack."""

_VOICE_TIMEOUT_SECONDS = 60.0
"""The first recording waits until the server has loaded the speech model."""


@click.command()
@click.argument("text", required=False)
@page_options
@click.option(
    "--image",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Search by this picture, JPEG, PNG or WebP; TEXT narrows it.",
)
@click.option(
    "--voice",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Search for what is said in this WAV or FLAC file of up to 15 s, instead of TEXT.",
)
@click.option(
    "--language",
    default="",
    metavar="CODE",
    help="Language of the speech: en or zh, for example; by default one of the shop's, detected.",
)
@click.option("--no-record", is_flag=True, help="Do not add the search to session and log.")
@click.option(
    "--literal",
    "is_literal",
    is_flag=True,
    help="Take all of TEXT as words: read no part of it as a condition on price or stock.",
)
@reports_errors
def search(text: str | None, address: str, as_json: bool, no_record: bool, **options: Any) -> None:
    """Search for TEXT, for what looks like a picture, or for what is said in a recording."""
    from serving.edge.client import Client

    voice, language, image = (options.pop(name) for name in ("voice", "language", "image"))
    request = SearchRequest(
        text or "",
        visitor_id=options.pop("visitor"),
        filter=filter_from(options),
        record=not no_record,
        **listing_from(options),
        **options,
    )
    if image is not None and voice is not None:
        raise click.UsageError("expected --image or --voice, received both")
    if (text is None and image is None) == (voice is None):
        raise click.UsageError("expected TEXT, --image FILE or --voice FILE")
    if language and voice is None:
        raise click.UsageError("expected --language with --voice only")
    if image is None and voice is None:
        with Client(address) as client:
            _show(client.search(request), request.offset, as_json=as_json)
        return
    if replace(request, **{name: getattr(_PLAIN, name) for name in _NOT_OF_FILES}) != request:
        names = (
            "--offset, --order-key, --sort, --group-by, --facet, --explain, --actions and --literal"
        )
        raise click.UsageError(f"expected none of {names} with --image or --voice")
    if image is not None:
        with Client(address) as client:
            _show(client.search_by_image(_picture_request(image, request)), 0, as_json=as_json)
    elif voice is not None:
        spoken = VoiceRequest(_content(voice, BYTE_LIMIT), request, language)
        _search_by_voice(spoken, address, as_json=as_json)


def _picture_request(image: Path, request: SearchRequest) -> PictureSearchRequest:
    content = _content(image, PICTURE_BYTE_LIMIT)
    if len(content) > PICTURE_BYTE_LIMIT:
        raise RequestError("image", f"1 to {PICTURE_BYTE_LIMIT:,} bytes", "a larger file")
    return PictureSearchRequest(
        content,
        request.query,
        visitor_id=request.visitor_id,
        filter=request.filter,
        page_size=request.page_size,
        record=request.record,
    )


@click.command()
@click.option(
    "--placement",
    type=click.Choice(list(PLACEMENT_BY_NAME)),
    default="home",
    show_default=True,
    help="Page that the items are for.",
)
@click.option(
    "--item",
    "items",
    multiple=True,
    metavar="ID",
    help="Item of the item page, in the cart, or bought (after_sales); may be repeated.",
)
@page_options
@reports_errors
def recommend(
    placement: str, items: tuple[str, ...], address: str, as_json: bool, **options: Any
) -> None:
    """Recommend items for a browse page."""
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
@click.option(
    "--max-results", default=10, show_default=True, help="Maximum number of suggestions, 1 to 50."
)
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice(list(KIND_BY_NAME)),
    help="Only this kind; may be repeated.",
)
@address_option
@json_option
@reports_errors
def complete(
    text: str, max_results: int, kinds: tuple[str, ...], address: str, as_json: bool
) -> None:
    """Suggest queries, categories and items that start with TEXT."""
    from serving.cli.tables.answer_tables import completion_table
    from serving.edge.client import Client

    requested_kinds = tuple(KIND_BY_NAME[kind] for kind in kinds)
    with Client(address) as client:
        completed = client.complete(CompleteRequest(text, max_results, requested_kinds))
    if as_json:
        print_json(completed)
    else:
        console().print(completion_table(completed))


def _content(path: Path, limit: int) -> bytes:
    with path.open("rb") as file:
        # One more than a server takes, which is refused by name; a device would never end.
        return file.read(limit + 1)


def _search_by_voice(request: VoiceRequest, address: str, *, as_json: bool) -> None:
    from serving.cli.tables.answer_tables import transcript_table
    from serving.edge.client import Client

    with Client(address, timeout_seconds=_VOICE_TIMEOUT_SECONDS) as client:
        heard = client.search_by_voice(request)
    if as_json:
        print_json(heard)
    else:
        console().print(transcript_table(heard.transcripts))
        _show(heard.answer, 0, as_json=False)


def _show(answer: Answer, offset: int, *, as_json: bool) -> None:
    from serving.api.offers.offer_requests import OfferAnswer
    from serving.cli.tables.answer_tables import answer_table, facet_table
    from serving.cli.tables.offer_tables import offer_table

    if as_json:
        print_json(answer)
    else:
        console().print(answer_table(answer, first_rank=offset + 1))
        for facet in answer.facets:
            console().print(facet_table(facet))
        if answer.services:
            console().print(offer_table(OfferAnswer(answer.services, answer.bundle_id)))
