"""The softmax over sampled items, where a catalogue is too large to be scored at every step."""

from __future__ import annotations

from towers.models.legacy_keras import tf

_LEAST_EXPECTED = 1e-6


def mean_cross_entropy(
    queries: tf.Tensor,
    candidates: tf.Tensor,
    rows: tf.Tensor,
    targets: tf.Tensor,
    *,
    temperature: float,
    expected: tf.Tensor | None,
) -> tf.Tensor:
    """Mean over the queries of the cross-entropy of the candidate that each of them wants.

    Whatever else a query wants, and what it wants if it stands there twice, is no rival: such a
    false negative would push apart what belongs together.

    Args:
        queries: ``[n, dim]``.
        candidates: ``[m, dim]``, ``m >= n``: query ``i`` wants candidate ``i``.
        rows: ``[m] int32`` item rows of the candidates.
        targets: ``[n, k] int32`` all that each query is known to want, −1 where there is less.
        temperature: Products are divided by it.
        expected: ``[m]`` how often each candidate is expected among those of one step, for the
            logQ correction (Yi et al. 2019); None: all as often.
    """
    logits = tf.matmul(queries, candidates, transpose_b=True) / temperature
    if expected is not None:
        logits -= tf.math.log(tf.clip_by_value(expected, _LEAST_EXPECTED, 1.0))
    is_own = tf.eye(tf.shape(queries)[0], tf.shape(candidates)[0]) > 0
    is_wanted = tf.reduce_any(targets[:, :, None] == rows[None, None, :], axis=1)
    rivals = tf.where(is_wanted & ~is_own, tf.constant(-float("inf"), tf.float32), logits)
    return tf.reduce_mean(tf.reduce_logsumexp(rivals, axis=1) - tf.linalg.diag_part(logits))
