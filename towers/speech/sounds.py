"""How alike words sound: the words of a vocabulary that another may be a mishearing of.

English words are keyed by Metaphone (Philips 1990); Chinese ones by pinyin without tones, since
mishearings of Chinese are mostly homophones. Words of other scripts sound like themselves only.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from rapidfuzz import process
from rapidfuzz.distance import OSA, Levenshtein

from towers.speech.voice_extra import missing_voice
from towers.text.writing.folding import has_chinese

_KEY_EDITS = 2
"""Most edits between the keys of similar words."""
_BASE_COST, _KEY_COST, _LETTER_COST = 0.5, 5.0, 2.5
"""Negative log probability of a mishearing up to a constant: of any, and by the shares of the sound and
of the letters that differ; fitted by eye to some thirty slips of Whisper."""
_SYLLABLE_COST = 15.0
"""Instead of both, of Chinese: by the share of pinyin that differs; much of it is alike anyway."""
_COST_LIMIT = 5.0
_CANDIDATE_LIMIT = 12
_SHORTEST = 2


class SoundAlike(NamedTuple):
    """A word of the vocabulary, and the cost of hearing another word instead of it, above 0."""

    word: str
    cost: float


class SoundIndex:
    """Words by sound.

    Args:
        words: The vocabulary; numbers and words with digits are left out.
    """

    def __init__(self, words: Iterable[str]) -> None:
        self._words_by_key: dict[str, list[str]] = {}
        for word in sorted(set(words)):
            if key := sound_key(word):
                self._words_by_key.setdefault(key, []).append(word)
        self._keys = list(self._words_by_key)

    def alike(self, word: str) -> list[SoundAlike]:
        """Other words that sound like ``word``, the most similar first."""
        key = sound_key(word)
        if not key:
            return []
        near = process.extract(
            key, self._keys, scorer=Levenshtein.distance, score_cutoff=_KEY_EDITS, limit=None
        )
        found = [
            SoundAlike(other, cost)
            for near_key, _, _ in near
            for other in self._words_by_key[near_key]
            if other != word and (cost := _cost(word, other)) <= _COST_LIMIT
        ]
        return sorted(found, key=lambda one: (one.cost, one.word))[:_CANDIDATE_LIMIT]


def _cost(word: str, other: str) -> float:
    sounds = Levenshtein.normalized_distance(sound_key(word), sound_key(other))
    if has_chinese(word):
        # Of homophones no character need be the same.
        return _BASE_COST + _SYLLABLE_COST * sounds
    return _BASE_COST + _KEY_COST * sounds + _LETTER_COST * OSA.normalized_distance(word, other)


@lru_cache(maxsize=100_000)
def sound_key(word: str) -> str:
    """The key of a word's sound; empty where it has none, such as numbers and single letters."""
    if has_chinese(word):
        from pypinyin import lazy_pinyin

        return " ".join(lazy_pinyin(word)) if len(word) >= _SHORTEST else ""
    if len(word) < _SHORTEST or not (word.isascii() and word.isalpha()):
        return ""
    try:
        from jellyfish import metaphone
    except ImportError as error:
        raise missing_voice("jellyfish") from error
    return metaphone(word)
