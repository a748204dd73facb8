"""TensorFlow as the models need it: with Keras 2, which TensorFlow Recommenders is written for.

Imported in place of TensorFlow itself, since the choice of Keras counts only before the first import.
"""

from __future__ import annotations

import os

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
# Without a GPU, TensorFlow logs several warnings about it.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf
import tensorflow_recommenders as tfrs
import tf_keras as keras

__all__ = ["keras", "tf", "tfrs"]
