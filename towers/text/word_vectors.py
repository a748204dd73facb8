"""Pretrained vectors of English words, to initialise the towers' token tables.

From the token table of WordLlama (github.com/dleemiller/WordLlama), whose wheel includes the weights.
Used in training only; serving has the trained tables.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from towers.text.tokens import token
from towers.text.words import stem

_WEIGHTS = "weights/l2_supercat_256.safetensors"
_TOKENIZER = "tokenizers/l2_supercat_tokenizer_config.json"
_NUMBER_WEIGHT = 0.3
"""Weight of words with digits, whose subword vectors carry little meaning."""
_COMMON_POWER = 0.25


@dataclass(frozen=True)
class WordVectors:
    """Vectors by token number.

    Args:
        numbers: ``[words] int32``, each once.
        vectors: ``[words, dim] float32``, of mean length 1.
    """

    numbers: np.ndarray
    vectors: np.ndarray


def word_vectors(counts: Mapping[str, int], *, dim: int, bucket_count: int) -> WordVectors | None:
    """Vectors of a catalogue's words; None where WordLlama is not installed.

    A word is the sum of its subword vectors, a stem the mean of its words; a PCA, weighted by word
    frequency, reduces them to ``dim`` dimensions.

    Args:
        counts: Items by surface word.
    """
    folder = _wordllama_folder()
    names = sorted(counts)
    if folder is None or not names:
        return None
    of_words = _sums_of_pieces(names, folder)
    digits = np.array([any(map(str.isdigit, name)) for name in names])
    of_words *= np.where(digits, np.float32(_NUMBER_WEIGHT), np.float32(1))[:, None]
    numbers = np.array([token("w:" + stem(name), bucket_count) for name in names], np.int32)
    weights = np.array([counts[name] for name in names], np.float32)
    unique, position = np.unique(numbers, return_inverse=True)
    totals = np.bincount(position, weights=weights)
    means = np.zeros((len(unique), of_words.shape[1]), np.float64)
    np.add.at(means, position, of_words * weights[:, None])
    means /= totals[:, None]
    spread = means * totals[:, None] ** _COMMON_POWER
    _, directions = np.linalg.eigh(spread.T @ spread)
    rotated = means @ directions[:, ::-1]
    vectors = np.zeros((len(unique), dim), np.float32)
    vectors[:, : rotated.shape[1]] = rotated[:, :dim]
    length = float(np.linalg.norm(vectors, axis=1).mean())
    return WordVectors(unique.astype(np.int32), vectors / np.float32(max(length, 1e-6)))


def plain_vectors(names: Sequence[str]) -> np.ndarray | None:
    """``[names, 256] float32`` vectors of words as they come; None where WordLlama is not installed."""
    folder = _wordllama_folder()
    return None if folder is None or not names else _sums_of_pieces(names, folder)


def _wordllama_folder() -> Path | None:
    found = importlib.util.find_spec("wordllama")
    if found is None or found.origin is None:
        return None
    return Path(found.origin).parent


def _sums_of_pieces(names: Sequence[str], folder: Path) -> np.ndarray:
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    (table,) = load_file(folder / _WEIGHTS).values()
    tokenizer = Tokenizer.from_file(str(folder / _TOKENIZER))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    pieces = tokenizer.encode_batch(list(names), add_special_tokens=False)
    sums = np.zeros((len(names), table.shape[1]), np.float32)
    for row, of_name in zip(sums, pieces, strict=True):
        np.sum(table[of_name.ids], axis=0, dtype=np.float32, out=row)
    return sums
