"""The one list of features that the reranker reads, in training and in serving.

A feature is one function here and is computed nowhere else. All of them are float32, one value a
candidate, and finite.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from towers.candidates import SOURCES, Candidates, Sources
from towers.lexical import CODE_SCORE, ReadQuery
from towers.question import Reading, shares
from towers.text import PADDING, token, words

_FAR_RANK = 20.0
_FOLLOWED_COUNT = 5
_FOLLOWED_DECAY = 0.7
_NEVER_DAYS = 400.0
_LEARNT_TEMPERATURE = 0.07
"""Makes shares of the towers' scores; that of their own training is about the same."""
_LEAST_SHARE = 1e-5
_DENSE_CODE_COUNT = 50_000
"""Up to so many codes a table of all of them is quicker than a search for those that occur."""


@dataclass(frozen=True, slots=True)
class Feature:
    """A named column.

    Args:
        compute: Gives one value a candidate, ``[n]``, or one for all.
        needs: What a scene must have, or the value is 0 and nothing is computed: ``has_session``,
            ``has_bought`` or ``has_words``; empty for nothing.
    """

    name: str
    compute: Callable[[Scene], Any]
    needs: str = ""


class Scene:
    """One question with its candidates, and what several features share."""

    def __init__(self, reading: Reading, candidates: Candidates, sources: Sources) -> None:
        self.reading = reading
        self._source_scores: dict[str, np.ndarray] = {}
        self.candidates = candidates
        self.sources = sources
        self.catalog = sources.catalog
        self.rows = candidates.rows
        self.has_session = len(reading.rows) > 0
        self.has_bought = len(reading.bought_rows) > 0
        self.time = reading.question.time
        catalog, rows = self.catalog, self.rows
        self.leaf = catalog.leaf[rows]
        self.brand = catalog.brand[rows]
        self.price = np.nan_to_num(catalog.price[rows], nan=0.0)
        self.embeddings = sources.index.embeddings[rows]
        seen = reading.rows
        self.to_session = (
            self.embeddings @ sources.index.embeddings[seen[:10]].T
            if len(seen)
            else np.zeros((len(rows), 1), np.float32)
        )
        self._read_words()
        self.has_words = len(self.word_tokens) > 0
        self.learnt_scores: np.ndarray = self.embeddings @ reading.query
        # Without what an exact number adds, which has a feature of its own.
        lexical = self.source_score("lexical")
        self.has_code: np.ndarray = lexical >= CODE_SCORE
        self.lexical_scores: np.ndarray = np.mod(lexical, np.float32(CODE_SCORE))
        place = _places(reading.bought_rows, rows)
        self.bought_count: np.ndarray = np.where(
            place >= 0, _taken(reading.bought_counts, place), 0.0
        )
        self.bought_days: np.ndarray = np.where(
            place >= 0, _taken(reading.bought_days, place), _NEVER_DAYS
        )
        self.long_popularity: np.ndarray = sources.popularity.at(rows, self.time)
        self.recent_popularity: np.ndarray = sources.trend.at(rows, self.time)
        self.present_popularity: np.ndarray = sources.surge.at(rows, self.time)

    def _read_words(self) -> None:
        """What the query asks for, word by word: as written first, then as it may be meant.

        Sets ``word_weights [words]``, ``word_tokens [words]``, ``written_count``, ``tokens
        [candidates, slots]`` and ``has_word [words, candidates] bool``.
        """
        text, lexical = self.reading.text, self.sources.lexical
        if lexical is None:
            plain = dict.fromkeys(words(text), 1.0)
            query = ReadQuery(plain, [1.0] * len(plain), text)
        else:
            query = lexical.read(text)
        meant = query.meant
        buckets = self.catalog.text.bucket_count
        self.tokens = self.catalog.tokens[self.rows]
        self.written_count = sum(weight == 1.0 for weight in meant.values())
        rarities = np.array(query.rarities, np.float32)
        self.word_weights = np.array([*meant.values()], np.float32) * rarities
        self.word_tokens = [token("w:" + word, buckets) for word in meant]
        self.has_word = np.zeros((len(meant), len(self.rows)), bool)
        for row, number in zip(self.has_word, self.word_tokens, strict=True):
            (self.tokens == number).any(axis=1, out=row)

    def source_score(self, name: str) -> np.ndarray:
        """Score that a source gave each candidate, 0 where it did not find it."""
        if name not in self._source_scores:
            self._source_scores[name] = self.candidates.scores[name].at(self.rows)
        return self._source_scores[name]

    def source_rank(self, name: str) -> np.ndarray:
        """1 at the top of a source's list, falling to 0; 0 where it did not find the item."""
        ranks = self.candidates.ranks[:, SOURCES.index(name)]
        return np.where(ranks >= 0, _FAR_RANK / (_FAR_RANK + ranks), 0.0)

    def session_share(self, column: np.ndarray, count: int | None = None) -> np.ndarray:
        """Share of the session's interest in items that agree with each candidate on ``column``."""
        seen = self.reading.rows[:count]
        return _share_agreeing(column[seen], self.reading.interest[:count], column[self.rows])

    def history_share(self, column: np.ndarray) -> np.ndarray:
        """The same for what was bought before."""
        bought = self.reading.bought_rows
        return _share_agreeing(column[bought], self.reading.bought_counts, column[self.rows])


def _share_agreeing(codes: np.ndarray, weights: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Share of the weights that stands at each wanted code, ``[n] float32``."""
    length = 1 + int(max(codes.max(initial=-1), wanted.max(initial=-1)))
    if length > _DENSE_CODE_COUNT:
        return shares(codes, weights).at(wanted)
    total = float(weights.sum())
    table = np.bincount(codes, weights=weights / total if total else weights, minlength=length)
    return table[wanted].astype(np.float32)


def _places(haystack: np.ndarray, needles: np.ndarray) -> np.ndarray:
    """Place of each needle in ``haystack``, −1 where it is not there."""
    if not len(haystack):
        return np.full(len(needles), -1)
    order = np.argsort(haystack, kind="stable")
    found = np.minimum(np.searchsorted(haystack, needles, sorter=order), len(haystack) - 1)
    return np.where(haystack[order[found]] == needles, order[found], -1)


def _taken(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    return values[places] if len(values) else np.zeros(len(places), np.float32)


def _word_share(scene: Scene) -> np.ndarray | float:
    """Share of the query's words that the item has, by token number."""
    return scene.has_word.mean(axis=0) if len(scene.has_word) else 0.0


def _rarity_share(scene: Scene) -> np.ndarray | float:
    """The same, a rare word counting for more than a common one."""
    weights = scene.word_weights
    return weights @ scene.has_word / max(float(weights.sum()), 1e-6) if len(weights) else 0.0


def _heaviest_missing(scene: Scene) -> np.ndarray | float:
    """Weight of the rarest word of the query that the item lacks."""
    missing = scene.word_weights[:, None] * ~scene.has_word
    return missing.max(axis=0, initial=0.0)


def _pair_share(scene: Scene) -> np.ndarray | float:
    """Share of the query's neighbouring words that stand side by side in the item too."""
    numbers, tokens = scene.word_tokens[: scene.written_count], scene.tokens
    if len(numbers) < 2:
        return 0.0
    together = np.zeros(len(tokens))
    for left, right in pairwise(numbers):
        together += ((tokens[:, :-1] == left) & (tokens[:, 1:] == right)).any(axis=1)
    return together / (len(numbers) - 1)


def _last_word(scene: Scene) -> np.ndarray | float:
    """Whether the item has the last word of the query, which mostly names the kind of thing."""
    return scene.has_word[scene.written_count - 1] if scene.written_count else 0.0


def _item_share(scene: Scene) -> np.ndarray:
    """Share of the item's own words that the query names."""
    lengths = (scene.tokens != PADDING).sum(axis=1)
    return scene.has_word.sum(axis=0) / np.maximum(lengths, 1)


def _lexical_to_best(scene: Scene) -> np.ndarray:
    """Lexical score as a share of the best candidate's."""
    scores = scene.lexical_scores
    return scores / max(float(scores.max(initial=0.0)), 1e-6)


def _learnt_to_best(scene: Scene) -> np.ndarray:
    return scene.learnt_scores - scene.learnt_scores.max(initial=-1.0)


def _mean_session_price(scene: Scene) -> float:
    prices = scene.catalog.price[scene.reading.rows]
    prices = prices[prices > 0]
    return float(np.log(prices).mean()) if len(prices) else 0.0


def _price_to_session(scene: Scene) -> np.ndarray | float:
    mean = _mean_session_price(scene)
    known = scene.price > 0
    return np.where(known, np.log(np.where(known, scene.price, 1.0)) - mean, 0.0) if mean else 0.0


def _overdue(scene: Scene) -> np.ndarray:
    """Log of days since the last purchase over the usual days between two; 0 if never bought."""
    known_days = float(scene.reading.bought_days.max(initial=1.0))
    usual = known_days / np.maximum(scene.bought_count, 1.0)
    ratio = np.log((1.0 + scene.bought_days) / (1.0 + usual))
    return np.where(scene.bought_count > 0, ratio, 0.0)


def _followed_score(scene: Scene) -> np.ndarray | float:
    """How often each candidate came after the newest items of the session, the newest most."""
    newest = scene.reading.rows[:_FOLLOWED_COUNT]
    if scene.sources.covisits is None or not len(newest):
        return 0.0
    weights = (_FOLLOWED_DECAY ** np.arange(len(newest))).astype(np.float32)
    return np.sqrt(scene.sources.covisits.followers(newest, weights).at(scene.rows))


def _seen_place(scene: Scene) -> np.ndarray:
    """1 for the newest item of the session, 1/2 for the one before; 0 for what was not seen."""
    place = _places(scene.reading.rows, scene.rows)
    return np.where(place >= 0, 1.0 / (1.0 + np.maximum(place, 0)), 0.0)


def _longest_look(scene: Scene) -> np.ndarray:
    """Length of the longest look at each candidate in this session, 0 to 1."""
    is_same = scene.rows[:, None] == scene.reading.rows[None, :]
    return np.where(is_same, scene.reading.looks, 0.0).max(axis=1, initial=0.0)


def _looked_at_similarity(scene: Scene) -> np.ndarray:
    """Mean similarity to the newest items, each weighing as long as it was looked at."""
    looks = scene.reading.looks[: scene.to_session.shape[1]]
    if not len(looks):
        return np.zeros(len(scene.rows))
    return scene.to_session @ looks / max(float(looks.sum()), 1e-6)


def _largest_as_one(scores: np.ndarray) -> np.ndarray:
    """Scores of one list over their largest, so that long and short sessions compare."""
    return scores / max(float(scores.max(initial=0.0)), 1e-6)


def _learnt_share(scene: Scene) -> np.ndarray:
    """Each candidate's share of what the towers expect, over all candidates."""
    powers = np.exp(_learnt_to_best(scene) / _LEARNT_TEMPERATURE)
    return powers / max(float(powers.sum()), 1e-6)


def _neighbour_vote(scene: Scene) -> np.ndarray:
    """Each candidate's share of the neighbours' votes, over all items."""
    votes = scene.source_score("neighbours")
    total = float(scene.candidates.scores["neighbours"].values.sum())
    return votes / max(total, 1e-6)


def _log_share(shares: np.ndarray) -> np.ndarray:
    """Logarithm of shares in units of the least that counts; 0 stays 0."""
    return np.log1p(shares / _LEAST_SHARE)


def _blended(scene: Scene) -> np.ndarray:
    """The two halves that know sessions best, averaged as probabilities: good before any training."""
    return _log_share((_learnt_share(scene) + _neighbour_vote(scene)) / 2)


def _seen_count(scene: Scene) -> np.ndarray:
    seen = scene.reading.rows
    return (scene.rows[:, None] == seen[None, :]).sum(axis=1) if len(seen) else np.zeros(1)


def _rank_feature(source: str) -> Feature:
    return Feature(f"{source}_rank", lambda scene: scene.source_rank(source))


FEATURES: tuple[Feature, ...] = (
    Feature("learnt_score", lambda s: s.learnt_scores),
    Feature("learnt_to_best", _learnt_to_best),
    *(_rank_feature(source) for source in SOURCES),
    Feature("lexical_score", lambda s: s.lexical_scores, "has_words"),
    Feature("lexical_to_best", _lexical_to_best, "has_words"),
    Feature("code_match", lambda s: s.has_code, "has_words"),
    Feature("covisited_score", lambda s: s.source_score("covisited"), "has_session"),
    Feature("neighbour_score", lambda s: s.source_score("neighbours"), "has_session"),
    Feature(
        "covisited_share", lambda s: _largest_as_one(s.source_score("covisited")), "has_session"
    ),
    Feature(
        "neighbour_share", lambda s: _largest_as_one(s.source_score("neighbours")), "has_session"
    ),
    Feature("learnt_log_share", lambda s: _log_share(_learnt_share(s))),
    Feature("neighbour_log_vote", lambda s: _log_share(_neighbour_vote(s)), "has_session"),
    Feature("blended", _blended),
    Feature("followed_score", _followed_score, "has_session"),
    Feature("source_count", lambda s: (s.candidates.ranks >= 0).sum(axis=1)),
    Feature("query_word_share", _word_share, "has_words"),
    Feature("query_rarity_share", _rarity_share, "has_words"),
    Feature("heaviest_missing", _heaviest_missing, "has_words"),
    Feature("query_pair_share", _pair_share, "has_words"),
    Feature("last_word", _last_word, "has_words"),
    Feature("item_word_share", _item_share, "has_words"),
    Feature("query_word_count", lambda s: s.written_count),
    Feature("is_search", lambda s: s.reading.is_search),
    Feature("bought_count", lambda s: np.log1p(s.bought_count), "has_bought"),
    Feature(
        "bought_share",
        lambda s: s.bought_count / max(1, s.reading.question.session.visit_count),
        "has_bought",
    ),
    Feature("bought_days", lambda s: np.log1p(s.bought_days)),
    Feature("overdue", _overdue, "has_bought"),
    Feature("history_item_count", lambda s: np.log1p(len(s.reading.bought_rows))),
    Feature("history_category_share", lambda s: s.history_share(s.catalog.leaf), "has_bought"),
    Feature("history_brand_share", lambda s: s.history_share(s.catalog.brand), "has_bought"),
    Feature("popularity", lambda s: np.log1p(s.long_popularity)),
    Feature("recent_popularity", lambda s: np.log1p(s.recent_popularity)),
    Feature(
        "trend",
        lambda s: np.log((1 + s.recent_popularity) / (1 + s.long_popularity)),
    ),
    Feature(
        "surge",
        lambda s: np.log((1 + s.present_popularity) / (1 + s.recent_popularity)),
    ),
    Feature("rebuy_share", lambda s: s.sources.rebuy.at(s.rows, s.catalog)),
    Feature("price", lambda s: np.log1p(s.price)),
    Feature("price_to_session", _price_to_session, "has_session"),
    Feature("session_event_count", lambda s: np.log1p(len(s.reading.rows))),
    Feature("session_category_share", lambda s: s.session_share(s.catalog.leaf), "has_session"),
    Feature("session_top_share", lambda s: s.session_share(s.catalog.top), "has_session"),
    Feature("session_brand_share", lambda s: s.session_share(s.catalog.brand), "has_session"),
    Feature("newest_category_same", lambda s: s.session_share(s.catalog.leaf, 1), "has_session"),
    Feature("newest_similarity", lambda s: s.to_session[:, 0], "has_session"),
    Feature("nearest_similarity", lambda s: s.to_session.max(axis=1), "has_session"),
    Feature("mean_similarity", lambda s: s.to_session.mean(axis=1), "has_session"),
    Feature("looked_at_similarity", _looked_at_similarity, "has_session"),
    Feature("longest_look", _longest_look, "has_session"),
    Feature("seen_count", _seen_count, "has_session"),
    Feature("seen_place", _seen_place, "has_session"),
)

FEATURE_NAMES: tuple[str, ...] = tuple(feature.name for feature in FEATURES)


def feature_matrix(scene: Scene) -> np.ndarray:
    """All features of all candidates, ``[candidates, features] float32``."""
    matrix = np.empty((len(FEATURES), len(scene.rows)), np.float32)
    for column, feature in zip(matrix, FEATURES, strict=True):
        is_there = not feature.needs or getattr(scene, feature.needs)
        column[:] = feature.compute(scene) if is_there else 0.0
    return np.ascontiguousarray(matrix.T)
