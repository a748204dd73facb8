"""What another bundle and policy put in the slots of logged answers, by replaying the log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

from data.records import Event, Impression
from data.sources.own_log import LOG_NAME, last_known_sequence, open_log, read_entries
from serving.answering.pipeline import answered
from serving.answering.rank_request_builders import search_rank_request
from serving.answering.rules import Rules
from serving.api.filter_codec import logged_filter
from serving.api.requests import Placement, RecommendRequest, SearchRequest
from serving.off_policy.logged_slots import chance_place
from serving.paging.kept_orders import KeptOrders
from serving.placements.placement_list import recommend_rank_request
from serving.policy.settings import SEARCH
from towers.bundle.bundle import Bundle
from towers.sessions.session import Session


def chosen_items(
    bundle: Bundle, rules: Rules, state: Path, report: Callable[[int], object]
) -> Mapping[str, str]:
    """The item that a bundle and rules put in each slot that was up to chance, by attribution token.

    Every answer is made again at its place in the log: from its visitor's session and the counts as of
    then, for the logged request. What the rules themselves leave to chance is not drawn, and live changes
    of items are not made again.

    Args:
        bundle: Freshly loaded: the counts of its sources are advanced.
        report: Called with the number of entries read.

    Returns:
        Item ids; empty where the page is too short to have the slot.

    Raises:
        InputError: The log cannot be read.
    """
    rules = rules.without_exploration()
    sessions: dict[str, Session] = {}
    found: dict[str, str] = {}
    with closing(open_log(state / LOG_NAME, read_only=True)) as log:
        last_read = last_known_sequence(log, LOG_NAME, bundle.facts.log_positions)
        for number, entry in enumerate(read_entries(log, LOG_NAME)):
            report(number)
            record = entry.record
            if isinstance(record, Event):
                before = sessions.get(record.visitor_id) or Session.empty(record.visitor_id)
                sessions[record.visitor_id] = before.after(record)
                is_counted = bundle.facts.has_counted_entry(
                    entry.sequence, record.time, last_read=last_read
                )
                bundle.ranker.record(record, is_counted=is_counted)
                continue
            place = chance_place(record)
            if place >= 0:
                session = sessions.get(record.visitor_id) or Session.empty(record.visitor_id)
                page = page_again(bundle, rules, record, session)
                found[record.attribution_token] = page[place] if place < len(page) else ""
    return found


def page_again(bundle: Bundle, rules: Rules, shown: Impression, session: Session) -> list[str]:
    """The items of an answer to a logged request, with the draws of its token.

    Args:
        session: Of the visitor, just before.
    """
    filter_, size = logged_filter(shown.filter), len(shown.item_ids)
    request: SearchRequest | RecommendRequest
    if shown.surface == SEARCH:
        request = SearchRequest(
            shown.query,
            shown.visitor_id,
            size,
            filter=filter_,
            record=False,
            is_literal=shown.literal,
        )
        asked = search_rank_request(request, session, shown.time, bundle.catalog)
    else:
        request = RecommendRequest(
            Placement[shown.surface.upper()],
            shown.visitor_id,
            shown.context_item_ids,
            size,
            filter=filter_,
        )
        asked = recommend_rank_request(request, session, shown.time, bundle)
    done = answered(bundle, rules, asked, request, shown.attribution_token, KeptOrders())
    return [result.item_id for result in done.answer.results]
