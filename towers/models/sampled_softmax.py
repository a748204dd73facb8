"""The softmax over sampled items, where a catalogue is too large to be scored at every step."""

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
    """Mean over the queries of the cross-entropy of the candidate that each of them wants.

    Whatever else a query wants is no rival: such a false negative would push apart what belongs
    together. What it wants may stand there more than once, as any other candidate may: with logits
    less the logarithm of how often each item is expected, the candidates together stand for the
    whole catalogue only if each of them counts.

    Args:
        queries: ``[n, dim]``.
        candidates: ``[m, dim]``, ``m >= n``: query ``i`` wants candidate ``i``.
        rows: ``[m] int32`` item rows of the candidates.
        targets: ``[n, k] int32`` all that each query is known to want, −1 where there is less.
        temperature: Products are divided by it.
        expected: ``[m]``, above 0: how often each candidate is expected among those of one step
            that are there whatever this query wants, for the logQ correction (Yi et al. 2019). A
            count and no probability: above 1 for what is popular. None: all as often.
    """
    logits = tf.matmul(queries, candidates, transpose_b=True) / temperature
    if expected is not None:
        logits -= tf.math.log(expected)
    own = rows[: tf.shape(queries)[0], None]
    is_wanted = tf.reduce_any(targets[:, :, None] == rows[None, None, :], axis=1)
    is_left_out = is_wanted & (rows[None, :] != own)
    kept = tf.where(is_left_out, tf.constant(-float("inf"), tf.float32), logits)
    return tf.reduce_mean(tf.reduce_logsumexp(kept, axis=1) - tf.linalg.diag_part(logits))
