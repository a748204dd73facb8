"""Softmax over sampled items, for catalogues too large to be scored at every step."""

from __future__ import annotations

from towers.models.legacy_keras import tf


def mean_cross_entropy(
    queries: tf.Tensor,
    candidates: tf.Tensor,
    rows: tf.Tensor,
    targets: tf.Tensor,
    *,
    temperature: float,
    expected: tf.Tensor | None,
) -> tf.Tensor:
    """Mean over the queries of the cross-entropy of each query's own target.

    A query's other targets among the candidates are masked: as false negatives they would push
    relevant items away. Repeated candidates all stay, the target included: with logits corrected by
    the log of the expected count, the candidates estimate the sum over the whole catalogue only if
    every occurrence counts.

    Args:
        queries: ``[n, dim]``.
        candidates: ``[m, dim]``, ``m >= n``; the target of query ``i`` is candidate ``i``.
        rows: ``[m] int32`` item rows of the candidates.
        targets: ``[n, k] int32`` all known targets of each query, −1 where there are fewer.
        temperature: Products are divided by it.
        expected: ``[m]``, above 0: expected count of each candidate among one step's candidates,
            this query's own target not counted, for the logQ correction (Yi et al. 2019). A count,
            not a probability: above 1 for popular items. None: no correction, and repeats of the target
            are masked too.
    """
    logits = tf.matmul(queries, candidates, transpose_b=True) / temperature
    if expected is not None:
        logits -= tf.math.log(expected)
    own = rows[: tf.shape(queries)[0], None]
    is_target = tf.reduce_any(targets[:, :, None] == rows[None, None, :], axis=1)
    if expected is None:
        # Uncorrected, a repeat of the target is a false negative like any other target.
        is_own = tf.eye(tf.shape(queries)[0], tf.shape(candidates)[0]) > 0
        is_false_negative = is_target & ~is_own
    else:
        is_false_negative = is_target & (rows[None, :] != own)
    kept = tf.where(is_false_negative, tf.constant(-float("inf"), tf.float32), logits)
    return tf.reduce_mean(tf.reduce_logsumexp(kept, axis=1) - tf.linalg.diag_part(logits))
