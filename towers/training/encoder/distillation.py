"""Item vectors by the large text encoder, and the small encoder of queries distilled from it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from data.records import Item
from towers.catalog.items import Catalog
from towers.datasets.synthetic_queries import catalogue_query
from towers.models.legacy_keras import keras, tf
from towers.retrieval.sources.semantic import item_text
from towers.text.distilled_encoder import DistilledEncoder
from towers.text.spelling.english_words import frequent_english_words
from towers.text.word_vectors import plain_vectors
from towers.text.words import stem, surface_words, words
from towers.text.writing.folding import has_chinese
from towers.training.encoder.text_encoder import TextEncoder

DIM = 128
"""Of the vectors in a bundle: a PCA of the large encoder's."""

_QUERY_COUNT = 9_000
_WORD_COUNT = 5_000
"""Frequent words of the catalogue that the large encoder reads alone."""
_COMMON_COUNT = 20_000
_LONGEST_QUERY = 8
_UNIT_COUNT = 128
_EPOCH_COUNT = 6
_BATCH_SIZE = 256
_LEARNING_RATE = 0.002
_RIDGE = 1.0


@dataclass(frozen=True)
class Distilled:
    """What comes of the large encoder.

    Args:
        items: ``[items, DIM] float32`` unit rows.
        encoder: Reads queries into the same space.
        agreement: Mean cosine of both encoders on held-out queries.
    """

    items: np.ndarray
    encoder: DistilledEncoder
    agreement: float


def distil(
    teacher: TextEncoder,
    items: Sequence[Item],
    catalog: Catalog,
    *,
    seed: int,
    progress: Callable[[int], None] | None = None,
    readable: Callable[[str], str] = str,
) -> Distilled:
    """Encodes all items, and trains the small encoder on made queries of the catalogue.

    Args:
        progress: Called with the number of texts encoded so far.
        readable: A text as the large encoder can read it; the small one learns to read both.
    """
    large = teacher.encode([readable(item_text(item)) for item in items], progress)
    projection = _principal_directions(large)
    rng = random.Random(seed)
    rows = [rng.randrange(catalog.count) for _ in range(_QUERY_COUNT)]
    made = (catalogue_query(catalog, row, rng, has_errors=False) for row in rows)
    queries = sorted({text for text in made if text})
    rng.shuffle(queries)
    in_english = [readable(query) for query in queries]
    of_queries = _projected(teacher.encode(in_english), projection)
    titles = [*catalog.titles, *_others(map(readable, catalog.titles), catalog.titles)]
    stems, vectors = _word_table(teacher, titles, projection, readable)
    frequency = _document_frequency(titles)
    known = {word: row for row, word in enumerate(stems)}
    weights = np.array(
        [np.log((2 + catalog.count) / (1 + frequency[word])) for word in stems], np.float32
    )
    held_out = max(1, len(queries) // 20)
    taught = list(zip(queries, of_queries, strict=True))[held_out:]
    if in_english != queries:
        taught += list(zip(in_english, of_queries, strict=True))[held_out:]
    slots = _slots([words(query) for query, _ in taught], known)
    targets = np.array([vector for _, vector in taught], np.float32).reshape(len(taught), DIM)
    trained = _trained(slots, targets, vectors, weights, seed=seed)
    encoder = DistilledEncoder(known, *trained)
    agreement = [
        float(encoder.encode(words(query)) @ vector)
        for query, vector in zip(queries[:held_out], of_queries[:held_out], strict=True)
    ]
    return Distilled(_projected(large, projection), encoder, float(np.mean(agreement)))


def _others(texts: Iterable[str], than: Sequence[str]) -> list[str]:
    return [text for text, other in zip(texts, than, strict=True) if text != other]


def _word_table(
    teacher: TextEncoder,
    titles: Sequence[str],
    projection: np.ndarray,
    readable: Callable[[str], str],
) -> tuple[list[str], np.ndarray]:
    """Stems of the catalogue and of ordinary English, with start vectors ``[stems, DIM]``.

    The most frequent words of the catalogue are read by the large encoder. All others are placed by a
    ridge regression from WordLlama's vectors, so that a "couch" is near the sofas of a shop that has no
    "couch"; where WordLlama is absent, only the catalogue's words are known. Of a catalogue in another
    language, whose glosses are few of the words that are typed, the large encoder reads the others too.
    """
    counts = Counter(word for title in titles for word in set(_plain_words(title)))
    plain = {word: count for word, count in counts.items() if word.isalpha() and len(word) > 1}
    frequent = sorted(plain, key=lambda word: (-plain[word], word))[:_WORD_COUNT]
    in_english = [readable(word) for word in frequent]
    read = _projected(teacher.encode(in_english), projection)
    table: dict[str, np.ndarray] = {}
    for word, vector in zip(frequent, read, strict=True):
        table.setdefault(stem(word), vector)
    common = frequent_english_words(_COMMON_COUNT)
    others = [word for word in common if stem(word) not in table]
    if in_english != frequent:
        for word, vector in zip(
            others, _projected(teacher.encode(others), projection), strict=True
        ):
            table.setdefault(stem(word), vector)
        return list(table), np.array([*table.values()], np.float32)
    of_all = plain_vectors([*frequent, *others])
    if of_all is not None and frequent:
        known, unknown = of_all[: len(frequent)], of_all[len(frequent) :]
        gram = known.T @ known + _RIDGE * np.eye(known.shape[1], dtype=np.float32)
        mapping = np.linalg.solve(gram, known.T @ read)
        for word, vector in zip(others, _unit_rows(unknown @ mapping), strict=True):
            table.setdefault(stem(word), vector)
    return list(table), np.array([*table.values()], np.float32).reshape(len(table), DIM)


def _plain_words(title: str) -> Sequence[str]:
    return surface_words(title) if has_chinese(title) else title.lower().split()


def _trained(
    slots: np.ndarray, targets: np.ndarray, vectors: np.ndarray, weights: np.ndarray, *, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Vectors, weights and the residual layer after training for the cosine to ``targets``."""
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    dim = vectors.shape[1]
    # Row 0 is padding.
    table = tf.Variable(np.concatenate([np.zeros((1, dim), np.float32), vectors]))
    scale = tf.Variable(np.concatenate([np.zeros(1, np.float32), weights]))
    hidden = tf.Variable(rng.normal(0, 0.2, (dim, _UNIT_COUNT)).astype(np.float32))
    out = tf.Variable(np.zeros((_UNIT_COUNT, dim), np.float32))
    variables = [table, scale, hidden, out]
    optimizer = keras.optimizers.Adam(_LEARNING_RATE)

    @tf.function(reduce_retracing=True)
    def step(part: tf.Tensor, wanted: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            of_slots = tf.gather(tf.maximum(scale, 0.0), part) * tf.cast(part > 0, tf.float32)
            mean = tf.einsum("nk,nkd->nd", of_slots, tf.gather(table, part))
            mean = tf.math.l2_normalize(mean, axis=-1)
            given = tf.math.l2_normalize(mean + tf.tanh(mean @ hidden) @ out, axis=-1)
            loss = -tf.reduce_mean(tf.reduce_sum(given * wanted, axis=-1))
        gradients = tape.gradient(loss, variables)
        optimizer.apply_gradients(
            (tf.convert_to_tensor(gradient), variable)
            for gradient, variable in zip(gradients, variables, strict=True)
        )

    for _ in range(_EPOCH_COUNT):
        order = rng.permutation(len(slots))
        for start in range(0, len(order), _BATCH_SIZE):
            part = order[start : start + _BATCH_SIZE]
            step(tf.constant(slots[part]), tf.constant(targets[part]))
    return (
        table.numpy()[1:],
        np.maximum(scale.numpy()[1:], 0.0),
        hidden.numpy(),
        out.numpy(),
    )


def _slots(of_queries: Sequence[Sequence[str]], known: dict[str, int]) -> np.ndarray:
    slots = np.zeros((len(of_queries), _LONGEST_QUERY), np.int32)
    for row, stems in zip(slots, of_queries, strict=True):
        rows = [1 + known[one] for one in stems if one in known][:_LONGEST_QUERY]
        row[: len(rows)] = rows
    return slots


def _document_frequency(titles: Sequence[str]) -> Counter[str]:
    return Counter(word for title in titles for word in set(words(title)))


def _principal_directions(vectors: np.ndarray) -> np.ndarray:
    """``[large dim, DIM]`` directions that keep the most of the cosines; uncentred."""
    _, directions = np.linalg.eigh(vectors.T @ vectors)
    return np.ascontiguousarray(directions[:, ::-1][:, :DIM])


def _projected(vectors: np.ndarray, projection: np.ndarray) -> np.ndarray:
    return _unit_rows(vectors @ projection)


def _unit_rows(vectors: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: np.ndarray = (vectors / np.maximum(norms, 1e-6)).astype(np.float32)
    return unit
