"""Every feature of every candidate, worked out again from items and events one by one."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from data.records import Event, EventType, Item
from data.synthetic import END_TIME
from tests.towers import shelf
from tests.towers.decayed_counts import decayed
from towers.catalog.item_tokens import item_tokens
from towers.indexes.lexical_index import CODE_SCORE
from towers.ranking import field_matches, list_scores
from towers.ranking.feature_context import FeatureContext
from towers.ranking.features import FEATURE_NAMES, FEATURES, feature_matrix
from towers.ranking.ranker import Ranker
from towers.retrieval import fusion
from towers.retrieval.candidates import SOURCES, Candidates
from towers.retrieval.rank_request import EncodedRequest, RankRequest
from towers.retrieval.source import TextVectors
from towers.retrieval.sources.popular import Popular
from towers.retrieval.sources.semantic import Semantic
from towers.sessions.session import Session
from towers.text.parsed_query import Term
from towers.text.title_heads import head_keys, noun_key
from towers.text.tokens import token
from towers.text.words import surface_words, words

NOW = END_TIME
WORTH = {EventType.VIEW: 1.0, EventType.ADD_TO_CART: 2.0, EventType.PURCHASE: 2.0}


@pytest.fixture(scope="module")
def ranker() -> Ranker:
    """Fresh sources over the shop, with prices missing and items that have no category."""
    ranker = shelf.ranker()
    ranker.sources.semantic = Semantic(shelf.text_vectors())
    for number in (3, 40, 41, 100):
        ranker.sources.catalog.upsert(shelf_item(number))
    return ranker


def shelf_item(row: int) -> Item:
    """The item of a row, as this file's catalogue has it."""
    item = shelf.items()[row]
    if row in (3, 40):
        return replace(item, price=None)
    return replace(item, category=(), brand="") if row in (41, 100) else item


@dataclass(frozen=True, eq=False)
class Case:
    """One question, and plain access to what its features are made of."""

    ranker: Ranker
    encoded: EncodedRequest
    found: Candidates

    @property
    def session(self) -> Session:
        return self.encoded.rank_request.session

    @property
    def seen(self) -> list[tuple[int, float]]:
        """Rows and weights of the session's items, newest first."""
        pairs = [(event.item_id, WORTH.get(event.type)) for event in reversed(self.session.events)]
        row_of = self.ranker.sources.catalog.row_of
        return [(row_of[item_id], weight) for item_id, weight in pairs if weight]

    @property
    def bought(self) -> dict[int, tuple[int, float]]:
        """Times and days since the last, by row."""
        row_of = self.ranker.sources.catalog.row_of
        return {
            row_of[item_id]: (times, (NOW - last) / 86_400)
            for item_id, (times, last) in self.session.bought.items()
        }

    @property
    def weights(self) -> dict[str, float]:
        return dict(self.ranker.sources.lexical.parse(self.encoded.text).stem_weights)

    def tokens(self, row: int) -> list[int]:
        return [int(n) for n in item_tokens(shelf_item(row), shelf.CONFIG.text) if n]

    def has(self, row: int, word: str) -> bool:
        return token(f"w:{word}", shelf.CONFIG.text.bucket_count) in self.tokens(row)

    def rarity(self, word: str) -> float:
        return self.ranker.sources.lexical.rarities([word])[0]

    def embedding(self, row: int) -> np.ndarray:
        return self.ranker.sources.index.embeddings[row].astype(np.float64)


def share(pairs: Sequence[tuple[int, float]], row: int, key: Callable[[Item], object]) -> float:
    total = sum(weight for _, weight in pairs)
    alike = sum(w for other, w in pairs if key(shelf_item(other)) == key(shelf_item(row)))
    return alike / total if total else 0.0


def largest_as_one(case: Case, source: str, row: int) -> float:
    scores = case.found.scores[source].at(case.found.rows)
    value = float(case.found.scores[source].at(np.array([row]))[0])
    return value / max(1e-6, float(scores.max(initial=0.0)))


@cache
def text_vectors() -> TextVectors:
    return shelf.text_vectors()


@cache
def lexical_score(case: Case, row: int) -> float:
    """By asking the index itself."""
    if not case.encoded.text:
        return 0.0
    lexical = case.ranker.sources.lexical
    rows, scores = lexical.search(lexical.parse(case.encoded.text), 60)
    value = dict(zip(rows.tolist(), scores.tolist(), strict=True)).get(row, 0.0)
    return value - CODE_SCORE if value >= CODE_SCORE else value


def popularity(row: int, half_life_days: float) -> float:
    """Decayed by hand over all events of the shop; no day of it is without events."""
    return decayed(shelf.events(), shelf.items()[row].item_id, NOW, half_life_days)


def price_to_session(case: Case, row: int) -> float:
    prices = [p for r, _ in case.seen if (p := shelf_item(r).price)]
    price = shelf_item(row).price
    if not prices or not price:
        return 0.0
    return math.log(price) - sum(map(math.log, prices)) / len(prices)


def overdue(case: Case, row: int) -> float:
    if row not in case.bought:
        return 0.0
    times, days = case.bought[row]
    usual = max(1.0, *(d for _, d in case.bought.values())) / times
    return math.log((1 + days) / (1 + usual))


def followed(case: Case, row: int) -> float:
    total = 0.0
    for position, (seen, _) in enumerate(case.seen[:5]):
        table = case.ranker.sources.cooccurrence
        positions = np.flatnonzero(table.companions[seen] == row)
        total += 0.7**position * sum(float(table.follow_shares[seen, at]) for at in positions)
    return math.sqrt(total)


def pair_share(case: Case, row: int) -> float:
    typed = [word for word, weight in case.weights.items() if weight == 1.0]
    if len(typed) < 2:
        return 0.0
    numbers = [token(f"w:{word}", shelf.CONFIG.text.bucket_count) for word in typed]
    beside = set(pairwise(case.tokens(row)))
    return sum(pair in beside for pair in pairwise(numbers)) / (len(numbers) - 1)


def last_word(case: Case, row: int) -> float:
    typed = [word for word, weight in case.weights.items() if weight == 1.0]
    return float(case.has(row, typed[-1])) if typed else 0.0


def weight_of(case: Case, word: str) -> float:
    return case.weights[word] * case.rarity(word)


def rarity_share(case: Case, row: int) -> float:
    total = sum(weight_of(case, word) for word in case.weights)
    had = sum(weight_of(case, word) for word in case.weights if case.has(row, word))
    return had / total if total else 0.0


def similarity(case: Case, row: int) -> list[float]:
    return [float(case.embedding(row) @ case.embedding(seen)) for seen, _ in case.seen[:10]] or [0]


@cache
def semantic(case: Case, row: int) -> float:
    """Cosine of the item's vector with the query's stems: weighted mean, one residual layer."""
    text = text_vectors()
    encoder, dim = text.encoder, text.encoder.dim
    mean = np.zeros(dim)
    for stem in case.encoded.query.corrected_stems:
        if stem in encoder.words:
            at = encoder.words[stem]
            mean += float(encoder.weights[at]) * encoder.vectors[at].astype(np.float64)
    if not mean.any():
        return 0.0
    mean /= math.sqrt(mean @ mean)
    found = mean + np.tanh(mean @ encoder.hidden) @ encoder.out
    return float(found @ text.index.embeddings[row]) / math.sqrt(found @ found)


def over_best(case: Case, row: int, score: Callable[[Case, int], float]) -> float:
    best = max(0.05, *(score(case, other) for other in case.found.rows.tolist()))
    return max(-1.0, score(case, row) / best)


def numbers(stems: Sequence[str]) -> list[int]:
    return [token(f"w:{stem}", shelf.CONFIG.text.bucket_count) for stem in stems]


@dataclass(frozen=True)
class Fields:
    """The words of a query, and of the fields of one item; stems of one token number are one word."""

    case: Case
    row: int

    @property
    def terms(self) -> list[Term]:
        terms = self.case.encoded.query.terms
        return [term for term in terms if term.is_required] or list(terms)

    @property
    def head(self) -> Term:
        """The head term, or the last one."""
        return self.case.encoded.query.head_term or self.terms[-1]

    @property
    def title(self) -> list[int]:
        return numbers(words(shelf_item(self.row).title))

    @property
    def leaf(self) -> list[int]:
        return numbers(words(" ".join(shelf_item(self.row).category[-1:])))

    @property
    def path(self) -> list[int]:
        return numbers(words(" ".join(shelf_item(self.row).category)))

    @property
    def brand(self) -> list[int]:
        return numbers(words(shelf_item(self.row).brand))

    def phrases(self, term: Term) -> list[tuple[str, ...]]:
        return [*term.alternatives, *(other.stems for other in term.corrections)]

    def has(self, term: Term, field: Sequence[int]) -> bool:
        return any(set(numbers(phrase)) <= set(field) for phrase in self.phrases(term))

    def weight(self, term: Term) -> float:
        """Inverse document frequency of the rarest stem; of an unknown word that of the rarest term."""
        query = self.case.encoded.query
        rarity = dict(zip(query.stem_weights, query.rarities, strict=True))

        def own(one: Term) -> float:
            return max(rarity.get(stem, 0.0) for phrase in self.phrases(one) for stem in phrase)

        return own(term) or max(own(one) for one in self.terms) or 1.0

    def share(self, *fields: Sequence[int]) -> float:
        """Weight of the terms that any of the fields has."""
        if not self.case.weights:
            return 0.0
        held = [term for term in self.terms if any(self.has(term, field) for field in fields)]
        return sum(map(self.weight, held)) / sum(map(self.weight, self.terms))

    def coverage(self, field: Sequence[int]) -> float:
        of_query = {n for term in self.terms for one in self.phrases(term) for n in numbers(one)}
        return sum(number in of_query for number in field) / max(1, len(field))

    @property
    def head_places(self) -> list[int]:
        """Positions in the title of words of the head term."""
        if not self.case.weights:
            return []
        of_head = {number for phrase in self.phrases(self.head) for number in numbers(phrase)}
        return [place for place, number in enumerate(self.title) if number in of_head]

    @property
    def head_in_title(self) -> float:
        return float(bool(self.case.weights) and self.has(self.head, self.title))

    @property
    def head_in_leaf(self) -> float:
        return float(bool(self.case.weights) and self.has(self.head, self.leaf))

    @property
    def head_is_title_head(self) -> float:
        item = shelf_item(self.row)
        heads = head_keys(item.title, item.brand)
        typed = surface_words(item.title)
        return float(any(noun_key(typed[place]) in heads for place in self.head_places))


def search_score(case: Case, row: int) -> float:
    """The fixed rule, with the weights as they are tuned: sources, fields, bigrams."""
    if not case.weights:
        return 0.0
    fields = Fields(case, row)
    code = BY_HAND["code_match"](case, row)
    any_share = fields.share(fields.title, fields.path, fields.brand)
    of_sources = fusion._CODE_WEIGHT * code + over_best(case, row, lexical_score)
    of_sources += fusion._LEARNT_WEIGHT * over_best(case, row, learnt)
    of_sources += fusion._SEMANTIC_WEIGHT * over_best(case, row, semantic)
    of_fields = field_matches._FIELD_WEIGHT * any_share**2
    of_fields += field_matches._TITLE_WEIGHT * fields.share(fields.title) ** 2
    of_head = field_matches._HEAD_WEIGHT * any_share / len(fields.terms)
    of_head *= fields.head_in_title + fields.head_is_title_head
    of_pairs = list_scores._PAIR_WEIGHT * pair_share(case, row)
    of_data = list_scores._COMPLETENESS_WEIGHT * completeness(case, row)
    return float(of_sources + of_fields + of_head + of_pairs + of_data)


def completeness(case: Case, row: int) -> float:
    """Of five optional fields, how many the item has."""
    item = shelf_item(row)
    given = (item.brand, item.category, item.price, item.attributes, item.description)
    return sum(bool(one) for one in given) / len(given)


def learnt(case: Case, row: int) -> float:
    return float(case.embedding(row) @ case.encoded.query_embedding)


def learnt_share(case: Case, row: int) -> float:
    """Softmax at temperature 0.07 over the candidates."""
    total = sum(math.exp(learnt(case, other) / 0.07) for other in case.found.rows.tolist())
    return math.exp(learnt(case, row) / 0.07) / total


def neighbour_vote(case: Case, row: int) -> float:
    votes = case.found.scores["neighbours"]
    given = dict(zip(votes.rows.tolist(), votes.values.tolist(), strict=True))
    return given.get(row, 0.0) / sum(given.values()) if given else 0.0


def rank_share(source: str) -> Callable[[Case, int], float]:
    def by_rank(case: Case, row: int) -> float:
        position = int(np.flatnonzero(case.found.rows == row)[0])
        rank = int(case.found.ranks[position, SOURCES.index(source)])
        return 20 / (20 + rank) if rank >= 0 else 0.0

    return by_rank


def views(case: Case) -> list[tuple[int, float]]:
    """Rows of the session's items, newest first, and the dwell share of each, 0 to 1."""
    events, row_of = case.session.events, case.ranker.sources.catalog.row_of
    reported = []
    for event, later in zip(events, (*events[1:], None), strict=False):
        if not WORTH.get(event.type):
            continue
        seconds = 0.0
        if event.type is EventType.VIEW and later is not None:
            seconds = min(600.0, later.time - event.time)
        reported.append((row_of[event.item_id], math.log(1 + seconds) / math.log(601)))
    return reported[::-1]


def looked_at_similarity(case: Case, row: int) -> float:
    newest = list(zip(similarity(case, row), views(case), strict=False))
    total = sum(look for _, (_, look) in newest)
    return sum(like * look for like, (_, look) in newest) / total if total else 0.0


def buyers_and_returners(relevant: Callable[[Item], bool]) -> tuple[int, int]:
    """Pairs of a visitor and an item bought, and those of them bought once more on a later visit."""
    items = {item.item_id: item for item in shelf.items()}
    bought: dict[tuple[str, str], float] = {}
    again: set[tuple[str, str]] = set()
    for event in shelf.events():
        pair = (event.visitor_id, event.item_id)
        if event.type is EventType.PURCHASE and relevant(items[event.item_id]):
            if pair in bought and event.time > bought[pair] + 30 * 60:
                again.add(pair)
            bought[pair] = event.time
        elif event.type is EventType.RETURN and pair not in again:
            bought.pop(pair, None)
    return len(bought), len(again)


def rebuy_share(case: Case, row: int) -> float:
    """Ten buyers of the category, and for that of the shop, are added to those of the item."""
    own = shelf.items()[row]
    share = 0.0
    for relevant in (
        lambda item: True,
        lambda item: item.category == own.category,
        lambda item: item.item_id == own.item_id,
    ):
        buyers, again = buyers_and_returners(relevant)
        share = (again + 10 * share) / (buyers + 10) if share else again / max(1, buyers)
    return share


def times_bought(case: Case, row: int) -> int:
    return case.bought.get(row, (0, 0.0))[0]


BY_HAND: dict[str, Callable[[Case, int], float]] = {
    "learnt_score": learnt,
    "learnt_to_best": lambda c, r: learnt(c, r) - max(learnt(c, o) for o in c.found.rows.tolist()),
    **{f"{source}_rank": rank_share(source) for source in SOURCES},
    "lexical_score": lexical_score,
    "lexical_to_best": lambda c, r: (
        lexical_score(c, r) / max([1e-6, *(lexical_score(c, o) for o in c.found.rows.tolist())])
    ),
    "code_match": lambda c, r: float(shelf_item(r).item_id in c.encoded.text),
    "semantic_score": semantic,
    "semantic_to_best": lambda c, r: (
        semantic(c, r) - max(semantic(c, o) for o in c.found.rows.tolist()) if c.weights else 0.0
    ),
    "search_score": search_score,
    "title_share": lambda c, r: Fields(c, r).share(Fields(c, r).title),
    "leaf_share": lambda c, r: Fields(c, r).share(Fields(c, r).leaf),
    "brand_share": lambda c, r: Fields(c, r).share(Fields(c, r).brand),
    "field_share": lambda c, r: Fields(c, r).share(
        Fields(c, r).title, Fields(c, r).path, Fields(c, r).brand
    ),
    "title_coverage": lambda c, r: Fields(c, r).coverage(Fields(c, r).title) if c.weights else 0.0,
    "leaf_coverage": lambda c, r: Fields(c, r).coverage(Fields(c, r).leaf) if c.weights else 0.0,
    "head_in_title": lambda c, r: Fields(c, r).head_in_title,
    "head_in_leaf": lambda c, r: Fields(c, r).head_in_leaf,
    "head_is_title_head": lambda c, r: Fields(c, r).head_is_title_head,
    "head_position": lambda c, r: 1 / (1 + min(Fields(c, r).head_places, default=math.inf)),
    "covisited_score": lambda c, r: c.found.scores["covisited"].at(np.array([r]))[0],
    "neighbour_score": lambda c, r: c.found.scores["neighbours"].at(np.array([r]))[0],
    "covisited_share": lambda c, r: largest_as_one(c, "covisited", r),
    "neighbour_share": lambda c, r: largest_as_one(c, "neighbours", r),
    "learnt_log_share": lambda c, r: math.log(1 + learnt_share(c, r) * 1e5),
    "neighbour_log_vote": lambda c, r: math.log(1 + neighbour_vote(c, r) * 1e5),
    "blended": lambda c, r: math.log(1 + (learnt_share(c, r) + neighbour_vote(c, r)) * 5e4),
    "followed_score": followed,
    "source_count": lambda c, r: sum(rank_share(source)(c, r) > 0 for source in SOURCES),
    "query_word_share": lambda c, r: (
        sum(c.has(r, word) for word in c.weights) / len(c.weights) if c.weights else 0.0
    ),
    "query_rarity_share": rarity_share,
    "heaviest_missing": lambda c, r: max(
        [0.0, *(weight_of(c, word) for word in c.weights if not c.has(r, word))]
    ),
    "query_pair_share": pair_share,
    "last_word": last_word,
    "item_word_share": lambda c, r: sum(c.has(r, w) for w in c.weights) / max(1, len(c.tokens(r))),
    "query_word_count": lambda c, r: len(words(c.encoded.text)),
    "is_search": lambda c, r: float(bool(c.encoded.rank_request.text)),
    "bought_count": lambda c, r: math.log(1 + times_bought(c, r)),
    "bought_share": lambda c, r: times_bought(c, r) / max(1, c.session.visit_count),
    "bought_days": lambda c, r: math.log(1 + c.bought.get(r, (0, 400.0))[1]),
    "overdue": overdue,
    "history_item_count": lambda c, r: math.log(1 + len(c.bought)),
    "history_category_share": lambda c, r: share(
        [(row, times) for row, (times, _) in c.bought.items()], r, lambda item: item.category
    ),
    "history_brand_share": lambda c, r: share(
        [(row, times) for row, (times, _) in c.bought.items()], r, lambda item: item.brand
    ),
    "popularity": lambda c, r: math.log(1 + popularity(r, 30.0)),
    "recent_popularity": lambda c, r: math.log(1 + popularity(r, 3.0)),
    "trend": lambda c, r: math.log((1 + popularity(r, 3.0)) / (1 + popularity(r, 30.0))),
    "surge": lambda c, r: math.log((1 + popularity(r, 1 / 24)) / (1 + popularity(r, 3.0))),
    "rebuy_share": rebuy_share,
    "completeness": completeness,
    "price": lambda c, r: math.log(1 + (shelf_item(r).price or 0.0)),
    "price_to_session": price_to_session,
    "session_event_count": lambda c, r: math.log(1 + len(c.seen)),
    "session_category_share": lambda c, r: share(c.seen, r, lambda item: item.category),
    "session_top_share": lambda c, r: share(c.seen, r, lambda item: item.category[:1]),
    "session_brand_share": lambda c, r: share(c.seen, r, lambda item: item.brand),
    "newest_category_same": lambda c, r: share(c.seen[:1], r, lambda item: item.category),
    "newest_similarity": lambda c, r: similarity(c, r)[0],
    "nearest_similarity": lambda c, r: max(similarity(c, r)),
    "mean_similarity": lambda c, r: sum(similarity(c, r)) / len(similarity(c, r)),
    "looked_at_similarity": looked_at_similarity,
    "longest_look": lambda c, r: max([0.0, *(look for seen, look in views(c) if seen == r)]),
    "seen_count": lambda c, r: sum(row == r for row, _ in c.seen),
    "seen_place": lambda c, r: next(
        (1 / (1 + position) for position, (row, _) in enumerate(c.seen) if row == r), 0.0
    ),
}

OF_A_SEARCH = (
    *("semantic_score", "semantic_to_best", "search_score", "title_share", "leaf_share"),
    *("brand_share", "field_share", "title_coverage", "leaf_coverage", "head_in_title"),
    *("head_in_leaf", "head_is_title_head", "head_position"),
)


def only_in_a_search(by_hand: Callable[[Case, int], float]) -> Callable[[Case, int], float]:
    """0 on a browse page, even after a search."""
    return lambda case, row: by_hand(case, row) if case.encoded.is_search else 0.0


BY_HAND |= {name: only_in_a_search(BY_HAND[name]) for name in OF_A_SEARCH}


def made_case(ranker: Ranker, seed: int) -> Case:
    rng = random.Random(seed)
    ids = [item.item_id for item in shelf.items()]
    session, time = Session.empty("v"), NOW - 40 * 86_400
    for number in range(rng.choice([0, 3, 25])):
        time += rng.uniform(0, 1.4) * 86_400
        item_id = rng.choice(ids[:60])
        session = session.after(Event(f"b{number}", EventType.PURCHASE, "v", time, item_id))
    time = NOW - 600
    for number in range(rng.choice([0, 1, 4, 14])):
        time += 30
        type_ = rng.choice([EventType.VIEW, EventType.VIEW, EventType.ADD_TO_CART])
        session = session.after(Event(f"e{number}", type_, "v", time, rng.choice(ids[:60])))
    queries = [
        "", "", "espresso", "Moccado dark espresso", "智能手机", "skilet copper", "p0033 espresso",
        "running shoes", "castela saucepan for coffee",
    ]  # fmt: skip
    query = rng.choice(queries)
    is_search = bool(query) and rng.random() < 0.7
    if query:
        session = session.after(shelf.search(query, NOW))
    encoded = ranker.read(RankRequest(session.at(NOW), NOW, query if is_search else ""))
    return Case(ranker, encoded, ranker.candidates(encoded))


@pytest.mark.parametrize("seed", range(16))
def test_every_feature_equals_its_meaning_worked_out_item_by_item(
    ranker: Ranker, seed: int
) -> None:
    case = made_case(ranker, seed)
    matrix = feature_matrix(FeatureContext(case.encoded, case.found, ranker.sources))
    positions = random.Random(seed).sample(range(len(case.found.rows)), 6)
    for position in positions:
        row = int(case.found.rows[position])
        for column, name in enumerate(FEATURE_NAMES):
            expected = BY_HAND[name](case, row)
            assert matrix[position, column] == pytest.approx(expected, rel=1e-4, abs=2e-6), (
                name,
                row,
            )


def test_every_feature_is_worked_out_in_this_file() -> None:
    assert set(BY_HAND) == set(FEATURE_NAMES)
    assert len(set(FEATURE_NAMES)) == len(FEATURES)


def test_no_feature_is_the_same_in_all_cases(ranker: Ranker) -> None:
    """Else the test above would compare nothing but zeros."""
    cases = [made_case(ranker, seed) for seed in range(16)]
    rows = np.concatenate(
        [feature_matrix(FeatureContext(case.encoded, case.found, ranker.sources)) for case in cases]
    )
    constant = [
        name for name, spread in zip(FEATURE_NAMES, rows.std(axis=0), strict=True) if not spread
    ]
    assert constant == []


@pytest.mark.parametrize("away", ["lexical", "cooccurrence", "session_knn"])
def test_features_stay_finite_whatever_source_is_away(away: str) -> None:
    ranker = shelf.ranker()
    setattr(ranker.sources, away, None)
    for seed in range(12):
        case = made_case(ranker, seed)
        matrix = feature_matrix(FeatureContext(case.encoded, case.found, ranker.sources))
        assert matrix.shape == (len(case.found.rows), len(FEATURES))
        assert matrix.dtype == np.float32 and matrix.flags.c_contiguous
        assert np.isfinite(matrix).all()


@pytest.mark.parametrize("seed", range(4))
def test_features_do_not_depend_on_the_order_of_the_candidates(ranker: Ranker, seed: int) -> None:
    case = made_case(ranker, seed)
    found = case.found
    order = np.random.default_rng(seed).permutation(len(found.rows))
    with_intent_shift = Candidates(
        found.rows[order], found.ranks[order], found.scores, found.missing
    )
    plain, other = (
        feature_matrix(FeatureContext(case.encoded, candidates, ranker.sources))
        for candidates in (found, with_intent_shift)
    )
    # Sums over all candidates are added up in another order.
    assert np.allclose(other, plain[order], rtol=1e-5, atol=1e-6)


def test_no_candidates_make_an_empty_matrix(ranker: Ranker) -> None:
    rank_request = RankRequest(Session.empty("v"), NOW, "espresso", mask=np.zeros(240, bool))
    encoded = ranker.read(rank_request)
    context = FeatureContext(encoded, ranker.candidates(encoded), ranker.sources)
    assert feature_matrix(context).shape == (0, len(FEATURES))


def test_a_shop_where_nothing_ever_happened_has_features_too() -> None:
    sources = shelf.sources(shelf.lexical())
    sources.popular = Popular()
    case = made_case(shelf.ranker_of(sources), 1)
    matrix = feature_matrix(FeatureContext(case.encoded, case.found, sources))
    assert np.isfinite(matrix).all()
    assert not matrix[:, FEATURE_NAMES.index("popularity")].any()
