"""Runs the exported models with LiteRT: what a server needs instead of TensorFlow."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from towers.query_input import QueryInput


class LiteModel:
    """One ``.tflite`` model; each thread runs its own interpreter, since they are not shared.

    Args:
        content: The file's bytes, verified by the caller.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._local = threading.local()

    @classmethod
    def load(cls, path: Path) -> LiteModel:
        """The model of a file."""
        return cls(path.read_bytes())

    def run(self, **inputs: np.ndarray) -> np.ndarray:
        """The one output for the named inputs, a fresh array; shapes are those of the export."""
        runner = getattr(self._local, "runner", None)
        if runner is None:
            # Kept on the thread: the runner does not hold its interpreter alive by itself.
            with _quiet():
                self._local.interpreter = Interpreter(model_content=self._content, num_threads=1)
                runner = self._local.runner = self._local.interpreter.get_signature_runner()
        (output,) = runner(**inputs).values()
        return np.array(output, np.float32)


class _quiet:  # noqa: N801
    """Keeps the library's greeting off the terminal: it writes to the descriptor itself."""

    def __enter__(self) -> None:
        self._saved = os.dup(2)
        sink = os.open(os.devnull, os.O_WRONLY)
        os.dup2(sink, 2)
        os.close(sink)

    def __exit__(self, *_: object) -> None:
        os.dup2(self._saved, 2)
        os.close(self._saved)


class QueryEncoder:
    """The query tower: sessions to ``[dim] float32`` unit rows."""

    def __init__(self, model: LiteModel) -> None:
        self._model = model

    def encode(self, inputs: QueryInput, embeddings: np.ndarray) -> np.ndarray:
        """Embeds one session; ``embeddings [rows, dim]`` are the items' own."""
        rows = inputs.event_rows
        items = np.where((rows >= 0)[:, None], embeddings[np.maximum(rows, 0)], np.float32(0))
        bought = inputs.history_rows >= 0
        weights = inputs.history_weights[bought]
        total = max(float(weights.sum()), 1e-6)
        taste = weights @ embeddings[inputs.history_rows[bought]] / np.float32(total)
        return self._model.run(
            event_embeddings=items[None],
            event_types=inputs.event_types[None],
            event_ages=inputs.event_ages[None],
            event_dwells=inputs.event_dwells[None],
            text_slot=np.array([inputs.text_slot], np.int32),
            tokens=inputs.tokens[None],
            taste=taste[None].astype(np.float32),
        )[0]


class Reranker:
    """The deep & cross model: features to scores.

    Args:
        batch_size: Rows that the exported model takes at once; fewer are padded.
    """

    def __init__(self, model: LiteModel, batch_size: int) -> None:
        self._model = model
        self._batch_size = batch_size

    def scores(self, features: np.ndarray) -> np.ndarray:
        """``[n] float32`` logits of ``features [n, features] float32``; larger is better."""
        size = self._batch_size
        parts = []
        for start in range(0, len(features), size):
            block = features[start : start + size]
            padded = np.zeros((size, features.shape[1]), np.float32)
            padded[: len(block)] = block
            parts.append(self._model.run(features=padded)[: len(block)])
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)


class ItemEncoder:
    """The candidate tower for items that training never saw: tokens to unit rows."""

    def __init__(self, model: LiteModel) -> None:
        self._model = model

    def encode(self, tokens: np.ndarray) -> np.ndarray:
        """``[dim] float32`` of one item's ``tokens [slots] int32``."""
        return self._model.run(tokens=tokens[None])[0]
