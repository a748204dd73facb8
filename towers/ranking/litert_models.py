"""Runs the exported models with LiteRT, so that serving does not need TensorFlow."""

from __future__ import annotations

import os
import threading
from collections import defaultdict, deque
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from towers.compiled import F32, I32, NONE, compiled, read, written
from towers.sessions.query_input import QueryInput

_ROWS_AT_ONCE, _ROW_STEP = 256, 32
"""Rows are padded to a multiple of the step: an interpreter allocates anew for every other number."""


class LiteModel:
    """One ``.tflite`` model, with a pool of interpreters, which are not thread-safe.

    Args:
        content: Bytes of the file, verified by the caller.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._idle: defaultdict[int, deque[_Runner]] = defaultdict(deque)

    @classmethod
    def load(cls, path: Path) -> LiteModel:
        """The model of a file."""
        return cls(path.read_bytes())

    def run(self, **inputs: np.ndarray) -> np.ndarray:
        """The single output for the named inputs, a new array.

        Shapes are those of the export, except for the number of rows, which is free; each number that
        is used has interpreters of its own.
        """
        idle = self._idle[len(next(iter(inputs.values())))]
        try:
            # Last in, first out: its memory is most likely still in the CPU cache.
            runner = idle.pop()
        except IndexError:
            runner = _Runner(self._content, inputs)
        result = runner.run(inputs)
        idle.append(runner)
        return result

    def run_rows(self, features: np.ndarray) -> np.ndarray:
        """The output for any number of rows of ``features``, the model's only input; none for none.

        In parts, to bound the memory that the interpreters keep.
        """
        if len(features) <= _ROWS_AT_ONCE:
            return self._part(features)
        starts = range(0, len(features), _ROWS_AT_ONCE)
        parts = [self._part(features[start : start + _ROWS_AT_ONCE]) for start in starts]
        return np.concatenate(parts)

    def _part(self, features: np.ndarray) -> np.ndarray:
        count = len(features)
        if count and count % _ROW_STEP == 0:
            return self.run(features=features)
        padded = np.zeros(
            (max(1, -(-count // _ROW_STEP)) * _ROW_STEP, features.shape[1]), np.float32
        )
        padded[:count] = features
        return self.run(features=padded)[:count]


class _Runner:
    """An interpreter with its input indexes by name, for the shapes of its first inputs.

    The library's own signature runner reallocates the inputs at every call. Inputs are copied by
    ``set_tensor``: .4 microseconds each, against .8 into the views that ``tensor`` gives.
    """

    def __init__(self, content: bytes, inputs: Mapping[str, np.ndarray]) -> None:
        with _quiet():
            self._interpreter = Interpreter(model_content=content, num_threads=1)
        signature = self._interpreter.get_signature_runner()
        details = signature.get_input_details()
        self._indexes = {name: int(one["index"]) for name, one in details.items()}
        (output,) = signature.get_output_details().values()
        self._output = int(output["index"])
        # It counts as a reference to memory that is about to move.
        del signature
        for name, value in inputs.items():
            self._interpreter.resize_tensor_input(self._indexes[name], value.shape)
        self._interpreter.allocate_tensors()

    def run(self, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        interpreter, indexes = self._interpreter, self._indexes
        for name, value in inputs.items():
            interpreter.set_tensor(indexes[name], value)
        interpreter.invoke()
        output: np.ndarray = interpreter.get_tensor(self._output)
        return output


class ArrayModel:
    """A ``.tflite`` model of one array to another, of our own or brought by the shop.

    Input and output are read off the file, which need not have a signature. Rows are run in one call
    where the model can be resized, else one by one. For work in batch: one call runs at a time.

    ``input_shape`` is that of one row, -1 for a side that the file leaves open; such a model runs once
    ``set_sides`` has been called.

    Args:
        content: Bytes of the file.

    Raises:
        ValueError: It has more than one input.
    """

    def __init__(self, content: bytes) -> None:
        self._lock = threading.Lock()
        with _quiet():
            self._interpreter = Interpreter(model_content=content, num_threads=os.cpu_count())
        details = self._interpreter.get_input_details()
        if len(details) != 1:
            raise ValueError(f"expected one input, received {len(details)}")
        (self._input,) = details
        # Of an open side, the shape says 1.
        sides = [int(size) for size in self._input.get("shape_signature", self._input["shape"])]
        self._is_free = len(sides) > 1 and sides[0] == -1
        self.input_shape = (1, *sides[1:]) if self._is_free else tuple(sides)
        self.input_type: type = self._input["dtype"]
        self._row_count = 0

    def set_sides(self, shape: tuple[int, ...]) -> None:
        """Sets the sides that the file leaves open: ``shape`` of one row, in place of ``input_shape``."""
        if shape != self.input_shape:
            self._interpreter.resize_tensor_input(self._input["index"], shape)
            self.input_shape = shape

    def run(self, rows: np.ndarray) -> np.ndarray:
        """The output, ``[n, …]``, of ``rows [n, …]`` in the model's own shape and type."""
        with self._lock:
            step = len(rows) if self._is_free else 1
            parts = [self._part(rows[start : start + step]) for start in range(0, len(rows), step)]
        return np.concatenate(parts)

    def _part(self, rows: np.ndarray) -> np.ndarray:
        if len(rows) != self._row_count:
            if self._is_free:
                self._interpreter.resize_tensor_input(self._input["index"], rows.shape)
            self._interpreter.allocate_tensors()
            self._row_count = len(rows)
        # An input of one dimension is one row.
        is_row = len(self.input_shape) < rows.ndim
        self._interpreter.set_tensor(self._input["index"], rows[0] if is_row else rows)
        self._interpreter.invoke()
        output = self._interpreter.get_output_details()[0]
        found: np.ndarray = self._interpreter.get_tensor(output["index"])
        scale, zero = output["quantization"]
        return (found.astype(np.float32) - zero) * scale if scale else found


_stderr_lock = threading.Lock()


class _quiet:  # noqa: N801
    """Suppresses the library's start-up message, which it writes to file descriptor 2 directly.

    Serialised by a lock, since the descriptor belongs to the whole process.
    """

    def __enter__(self) -> None:
        _stderr_lock.acquire()
        self._saved = os.dup(2)
        sink = os.open(os.devnull, os.O_WRONLY)
        os.dup2(sink, 2)
        os.close(sink)

    def __exit__(self, *_: object) -> None:
        os.dup2(self._saved, 2)
        os.close(self._saved)
        _stderr_lock.release()


class QueryEncoder:
    """The query tower: sessions to ``[dim] float32`` unit rows."""

    def __init__(self, model: LiteModel) -> None:
        self._model = model

    def encode(self, inputs: QueryInput, embeddings: np.ndarray) -> np.ndarray:
        """Embeds one session; ``embeddings [rows, dim]`` are those of the items."""
        items = np.empty((1, len(inputs.event_rows), embeddings.shape[1]), np.float32)
        _gather(embeddings, inputs.event_rows, items[0])
        taste = np.zeros(embeddings.shape[1], np.float32)
        # Filled from the first slot on.
        if inputs.history_rows[0] >= 0:
            bought = inputs.history_rows >= 0
            weights = inputs.history_weights[bought]
            total = np.float32(max(float(weights.sum()), 1e-6))
            taste = weights @ embeddings[inputs.history_rows[bought]] / total
        return self._model.run(
            event_embeddings=items,
            event_types=inputs.event_types[None],
            event_ages=inputs.event_ages[None],
            event_dwells=inputs.event_dwells[None],
            text_slot=np.array([inputs.text_slot], np.int32),
            tokens=inputs.tokens[None],
            taste=taste[None],
        )[0]


@compiled(NONE, read(F32, 2), read(I32), written(F32, 2))
def _gather(embeddings: np.ndarray, rows: np.ndarray, found: np.ndarray) -> None:
    """Copies rows of ``embeddings``; zeros for those below 0."""
    for slot in range(len(rows)):
        row = rows[slot]
        if row >= len(embeddings):
            raise IndexError("event rows: expected rows of the embeddings, received others")
        for column in range(embeddings.shape[1]):
            found[slot, column] = embeddings[row, column] if row >= 0 else np.float32(0)


class Reranker:
    """The deep & cross model: features to scores."""

    def __init__(self, model: LiteModel) -> None:
        self._model = model

    def scores(self, features: np.ndarray) -> np.ndarray:
        """``[n] float32`` logits of ``features [n, features] float32``; larger is better."""
        return self._model.run_rows(features)


class ItemEncoder:
    """The candidate tower for items that training never saw: tokens to unit rows."""

    def __init__(self, model: LiteModel) -> None:
        self._model = model

    def encode(self, tokens: np.ndarray) -> np.ndarray:
        """``[dim] float32`` of one item's ``tokens [slots] int32``."""
        return self._model.run(tokens=tokens[None])[0]
