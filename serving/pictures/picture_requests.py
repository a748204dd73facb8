"""A search by picture, and its validation."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from data.errors import RequestError
from data.media.picture import BYTE_LIMIT
from serving.api.requests import Filter, SearchRequest
from serving.api.validation import checked_search


@dataclass(frozen=True, slots=True)
class PictureSearchRequest:
    """One search by picture.

    Args:
        image: The picture as stored, JPEG, PNG or WebP.
        query: Words that narrow it; empty for none.
        visitor_id, page_size, filter: As in ``SearchRequest``.
        record: Whether a query is added to the session and to the log, as a search event.
    """

    image: bytes
    query: str = ""
    visitor_id: str = ""
    page_size: int = 20
    filter: Filter = field(default_factory=Filter)
    record: bool = True

    @property
    def as_search(self) -> SearchRequest:
        """The request without its picture."""
        return SearchRequest(
            self.query, self.visitor_id, self.page_size, filter=self.filter, record=self.record
        )


def checked_picture_search(request: PictureSearchRequest) -> PictureSearchRequest:
    """The request with the query stripped and the page size clipped to its range.

    The picture itself is checked when it is read.

    Raises:
        RequestError: A field is out of its range.
    """
    if not 0 < len(request.image) <= BYTE_LIMIT:
        raise RequestError("image", f"1 to {BYTE_LIMIT:,} bytes", len(request.image))
    query = request.query.strip()
    # A search needs words, a search by picture does not.
    checked = checked_search(replace(request.as_search, query=query or "-"))
    return replace(request, query=query, page_size=checked.page_size)
