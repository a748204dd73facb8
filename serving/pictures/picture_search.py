"""Answers searches by picture: the nearest pictures of items, with words too where there are any."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

import numpy as np

from data.errors import InputError, RequestError, UnsupportedError
from data.records import Event, Impression
from serving.answering.active_bundle import ActiveBundle
from serving.answering.merchandising import merchandising_of, shown_request
from serving.answering.rank_request_builders import search_event, search_rank_request
from serving.answering.rule_file import RuleFile
from serving.api.answers import Answer, EmptyReason, Result, ScorePart, SourceHit
from serving.api.requests import Filter
from serving.api.validation import check_attributes
from serving.pictures.picture_requests import PictureSearchRequest
from serving.state.event_log import EventLog
from serving.state.session_store import SessionStore
from towers.bundle.bundle import Bundle
from towers.modalities.item_pictures import ItemPictures
from towers.modalities.pictures import is_installed, read_picture
from towers.ranking.ranker import Check, no_check
from towers.retrieval.allowed_items import AllowedItems
from towers.retrieval.rank_request import RankRequest
from towers.sessions.session import Session

SOURCE_NAME, WORDS = "pictures", "words"
"""Names of the source and of the score adjustment in answers."""

_CALL = "SearchByImage"
_SURFACE = "image"
_CANDIDATE_COUNT = 200
_WORDS_WEIGHT = 0.3
"""What the best item by words gains, as a cosine. Of .1, .2, .3, .5 and 1, with one to three words of
the product's description beside a photograph of it, .3 and .5 have the right one of 81 groceries most
often in the first 5."""
_WORDS_HALF_RANK = 5.0
"""Rank by words at which half of it is left."""


@dataclass(frozen=True)
class PictureSearch:
    """Search by picture of one service; thread-safe.

    Args:
        active: Returns the bundle in use.
        rules: Query rules; of these hidings apply.
        sessions: The visitors' sessions.
        log: Receives searches and impressions.
        remember: Adds a search to its session, and gives that.
        clock: Seconds since 1970, UTC.
    """

    active: Callable[[], ActiveBundle]
    rules: RuleFile
    sessions: SessionStore
    log: EventLog
    remember: Callable[[Event], Session]
    clock: Callable[[], float]

    def search(self, request: PictureSearchRequest, before_stage: Check = no_check) -> Answer:
        """The items whose pictures are most similar, first; one page.

        Items changed since the bundle was made keep the picture that they had then; new ones have none.

        Raises:
            UnsupportedError: The extra ``vision`` is not installed, or the bundle has no pictures.
            RequestError: The picture cannot be read, or the catalogue does not know an attribute.
        """
        bundle, now = self.active().bundle, self.clock()
        pictures = _supported(bundle)
        plain = request.as_search
        check_attributes(plain, bundle.catalog.attributes)
        vector = _vector(pictures, request.image)
        session = self.sessions.get(request.visitor_id)
        if request.query and request.record and request.visitor_id:
            event = search_event(plain, secrets.token_hex(16), now)
            session = self.remember(event)
            self.log.enqueue_event(event)
        rank_request = RankRequest(session.at(now), now, mask=bundle.catalog.mask(plain.filter))
        if request.query:
            rank_request = search_rank_request(plain, session, now, bundle.catalog)
        query = bundle.ranker.parse(request.query, [], is_literal=True)
        rules = self.rules.current(now).matching(plain, query, now)
        hidings = tuple(rule for rule in rules if rule.kind == "hide")
        rank_request = shown_request(rank_request, merchandising_of(hidings, rank_request, bundle))
        before_stage()
        allowed = AllowedItems.of(bundle.catalog, rank_request).flags()
        rows, scores = pictures.nearest(vector, allowed, _CANDIDATE_COUNT)
        missing: tuple[str, ...] = ()
        by_words = np.zeros(len(rows), np.float32)
        if request.query:
            shortlist = bundle.ranker.rank(rank_request, before_stage=before_stage)
            missing = shortlist.missing
            rows, scores, by_words = _with_words(pictures, vector, (rows, scores), shortlist.rows)
        order = np.argsort(-(scores + by_words), kind="stable")[: request.page_size]
        token = secrets.token_hex(16)
        answer = Answer(
            _results(bundle, rows, scores, by_words, order),
            token,
            bundle.manifest.bundle_id,
            None,
            missing,
            match_count=int(np.count_nonzero(allowed[pictures.contents.rows])),
            empty_reason=EmptyReason.UNSPECIFIED if len(order) else _empty_reason(allowed),
            session_event_count=len(session.events),
        )
        self.log.enqueue_impression(
            Impression(
                token,
                request.visitor_id,
                now,
                _SURFACE,
                request.query,
                answer.bundle_id,
                tuple(result.item_id for result in answer.results),
                filter={} if request.filter == Filter() else asdict(request.filter),
            )
        )
        return answer


def _supported(bundle: Bundle) -> ItemPictures:
    if not is_installed():
        raise UnsupportedError(
            f"{_CALL}: expected the extra vision on the server, received none;"
            " pip install 'nextclick[vision]'"
        )
    if bundle.pictures is None:
        raise UnsupportedError(
            f"{_CALL}: expected a bundle with an image encoder, received one without;"
            " train on items with pictures"
        )
    return bundle.pictures


def _vector(pictures: ItemPictures, image: bytes) -> np.ndarray:
    try:
        levels = read_picture(image, pictures.encoder.size)
    except InputError as error:
        raise RequestError.of_message("image", str(error)) from error
    vector = pictures.encoder.encode_arrays(levels[None])[0]
    if not vector.any():
        raise RequestError.of_message(
            "image",
            "image: expected a picture of which the bundle's encoder gives a vector, received none",
        )
    return vector


def _with_words(
    pictures: ItemPictures,
    vector: np.ndarray,
    nearest: tuple[np.ndarray, np.ndarray],
    ranked: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The nearest pictures and the items found by words: rows, cosines, and what words add.

    An item without a picture counts as unlike every picture.

    Args:
        ranked: ``[n] int64`` rows found by words, best first.
    """
    rows, scores = nearest
    others = ranked[~np.isin(ranked, rows)]
    cosines = np.zeros(len(others), np.float32)
    known = pictures.contents.rows
    if len(known):
        places = np.minimum(np.searchsorted(known, others), len(known) - 1)
        has_picture = known[places] == others
        cosines[has_picture] = pictures.index.scores(vector, places[has_picture])
    every = np.concatenate([rows, others])
    rank_of = {row: rank for rank, row in enumerate(ranked.tolist())}
    ranks = np.array([rank_of.get(row, np.inf) for row in every.tolist()])
    added = _WORDS_WEIGHT / (1 + ranks / _WORDS_HALF_RANK)
    return every, np.concatenate([scores, cosines]), added.astype(np.float32)


def _results(
    bundle: Bundle, rows: np.ndarray, scores: np.ndarray, by_words: np.ndarray, order: np.ndarray
) -> tuple[Result, ...]:
    catalog = bundle.catalog
    rank_of = {
        position: rank for rank, position in enumerate(np.argsort(-scores, kind="stable"), 1)
    }
    results = []
    for position in order.tolist():
        row, price = int(rows[position]), float(catalog.price[rows[position]])
        cosine, added = float(scores[position]), float(by_words[position])
        result = Result(
            catalog.item_ids[row],
            catalog.titles[row],
            tuple(catalog.category_path(int(catalog.leaf[row]))),
            catalog.brand_codes.names[int(catalog.brand[row])],
            None if price != price else round(price, 4),
            bool(catalog.in_stock[row]),
            cosine + added,
            sources=(SourceHit(SOURCE_NAME, rank_of[position]),),
            model_score=cosine,
            predicted_attributes=catalog.attributes.predicted.get(row, ()),
        )
        if added:
            result = replace(result, adjustments=(ScorePart(WORDS, added),))
        results.append(result)
    return tuple(results)


def _empty_reason(allowed: np.ndarray) -> EmptyReason:
    return EmptyReason.NO_ITEM_LEFT if allowed.any() else EmptyReason.NO_ITEM_PASSES_FILTER
