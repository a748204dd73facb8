"""Recorded calls, sent again in their order: those of a file, or of a server's own log.

The order is kept for each visitor; the pace is that of the load test. Calls begin again from the
first when all have been sent.
"""

from __future__ import annotations

import itertools
import json
import random
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from google.protobuf.json_format import ParseDict, ParseError

from data.errors import ConfigError, InputError
from data.records import Event, EventType, Impression
from data.sources.own_log import LOG_NAME, open_log, read_entries
from protos import discovery_pb2, events_pb2
from serving.api.filter_codec import logged_filter
from serving.api.proto_codec import write_event, write_recommend, write_search
from serving.api.requests import Placement, RecommendRequest, SearchRequest, SortOrder
from serving.load.calls import KINDS, Call, Share

_MESSAGES: dict[str, Any] = dict(
    zip(
        KINDS,
        (
            discovery_pb2.SearchItemsRequest,
            discovery_pb2.RecommendItemsRequest,
            events_pb2.RecordEventsRequest,
        ),
        strict=True,
    )
)
_SURFACES = {placement.name.lower(): placement for placement in Placement if placement}


@dataclass(frozen=True)
class RecordedTraffic:
    """Calls in their order.

    Args:
        recorded: Kind, serialised request, and visitor of each call.
        dropped_count: Entries of the source that cannot be sent again.
    """

    recorded: tuple[tuple[str, bytes, str], ...]
    dropped_count: int = 0

    def calls(self, rng: random.Random, share: Share) -> Iterator[Call]:
        """The calls of the share's visitors, over and over.

        Raises:
            ConfigError: There are none.
        """
        # By visitor, so that no other process overtakes the visitor's earlier calls.
        own = [
            (kind, message)
            for kind, message, visitor in self.recorded
            if zlib.crc32(visitor.encode()) % share.count == share.index
        ]
        if not own:
            raise ConfigError(
                f"recorded calls: expected 1 or more visitors for each of {share.count} client "
                f"processes, received {len(self.recorded):,} calls with none for one of them"
            )
        return (
            Call(kind, _MESSAGES[kind].FromString(message))
            for kind, message in itertools.cycle(own)
        )


def read_traffic(lines: Iterable[str], file_name: str) -> RecordedTraffic:
    """Calls of a JSON Lines file: an object per line, from the kind to the request message.

    ``{"search": {"query": "milk", "visitor_id": "anna", "page_size": 20}}``; messages are in
    protobuf's JSON format. Blank lines are skipped.

    Raises:
        InputError: A line is not such an object; it is named.
    """
    recorded = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            ((kind, fields),) = json.loads(line).items()
            message = ParseDict(fields, _MESSAGES[kind]())
        except (ValueError, AttributeError, KeyError, ParseError) as error:
            expected = f"an object of one of {', '.join(KINDS)} and its request"
            raise InputError.at(file_name, number, "call", expected, str(error)) from error
        recorded.append((kind, message.SerializeToString(), _visitor(kind, message)))
    return RecordedTraffic(tuple(recorded))


def read_log_traffic(path: Path, page_size: int = 20) -> RecordedTraffic:
    """Calls that led to a server's event log: its impressions as requests, its events as they are.

    Searches are taken from their impressions. Page sizes and facets are not logged: every request
    has ``page_size`` and no facets. Dropped are later pages, whose order was that of the first.

    Args:
        path: State folder of the server, or the log in it.
        page_size: Results per answer.

    Raises:
        InputError: There is no log, or it is damaged.
    """
    log_path = path / LOG_NAME if path.is_dir() else path
    recorded = []
    dropped_count = 0
    with closing(open_log(log_path, read_only=True)) as log:
        for entry in read_entries(log, log_path.name):
            one = entry.record
            if isinstance(one, Event):
                if one.type is EventType.SEARCH:
                    continue
                recorded.append(("record", _record_request(one), one.visitor_id))
            elif one.offset:
                dropped_count += 1
            else:
                recorded.append(_request(one, page_size))
    return RecordedTraffic(tuple(recorded), dropped_count)


def _visitor(kind: str, message: Any) -> str:
    if kind != "record":
        return str(message.visitor_id)
    return str(message.events[0].visitor_id) if message.events else ""


def _record_request(event: Event) -> bytes:
    # Without id, time and token: the service would take the event for a duplicate, and for old.
    message = write_event(replace(event, event_id="", attribution_token=""))
    message.ClearField("time")
    request = events_pb2.RecordEventsRequest(events=[message])
    return bytes(request.SerializeToString())


def _request(shown: Impression, page_size: int) -> tuple[str, bytes, str]:
    condition = logged_filter(shown.filter)
    order = SortOrder[shown.sort_by.upper()] if shown.sort_by else SortOrder.RELEVANCE
    if shown.surface in _SURFACES:
        request = RecommendRequest(
            _SURFACES[shown.surface],
            shown.visitor_id,
            shown.context_item_ids,
            page_size,
            filter=condition,
            sort_by=order,
        )
        return "recommend", bytes(write_recommend(request).SerializeToString()), shown.visitor_id
    search = SearchRequest(
        shown.query,
        shown.visitor_id,
        page_size=page_size,
        filter=condition,
        sort_by=order,
        is_literal=shown.literal,
    )
    return "search", bytes(write_search(search).SerializeToString()), shown.visitor_id
