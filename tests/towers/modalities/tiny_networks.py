"""Networks of one operation in LiteRT's format, as a shop might bring its own."""

from __future__ import annotations

import warnings


def first_values(
    shape: tuple[int | None, ...], count: int = 4, *, factor: float = 1.0, value_count: int = 0
) -> bytes:
    """A network that gives the first values of each row of a float32 input, of ``shape``.

    Args:
        factor: What the values are multiplied by.
        value_count: Of the one row that the network can take, whatever ``shape`` leaves open; 0 for any.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from towers.models.legacy_keras import tf

        def run(x: tf.Tensor) -> dict[str, tf.Tensor]:
            rows = 1 if len(shape) == 1 or shape[0] == 1 else -1
            flat = tf.reshape(x, (rows, -1 if rows == 1 else size))
            if value_count:
                return {"vectors": flat @ tf.eye(value_count, count)}
            return {"vectors": flat[:, :count] * factor}

        size = 1
        for one in shape[1:]:
            size *= one or 1
        concrete = tf.function(run).get_concrete_function(x=tf.TensorSpec(shape, tf.float32))
        converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], tf.Module())
        content: bytes = converter.convert()
        return content
