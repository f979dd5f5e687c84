"""From features to 37 vote fractions."""

import keras
import numpy as np
from keras import ops

from pipeline.tree import (
    NUM_ANSWERS,
    answer_slice,
    fractions_to_shares,
    from_top,
    parent_column,
)

SMALLEST_SHARE = 1e-3  # keeps the first logits of rare answers finite


@keras.saving.register_keras_serializable(package="galaxy_zoo")
class TreeSoftmax(keras.layers.Layer):
    """Softmax within each question, times the share of its parent.

    (B, 37) logits -> (B, 37) fractions that obey the decision tree by construction.
    """

    def call(self, logits: keras.KerasTensor) -> keras.KerasTensor:
        answers: dict[int, keras.KerasTensor] = {}
        for question in from_top():
            columns = answer_slice(question)
            fractions = ops.softmax(logits[:, columns], axis=-1)
            parent = parent_column(question)
            if parent is not None:
                fractions = fractions * answers[parent]
            for place, column in enumerate(range(columns.start, columns.stop)):
                answers[column] = fractions[:, place : place + 1]
        return ops.concatenate([answers[column] for column in sorted(answers)], axis=-1)


def tree_head(features: keras.KerasTensor, means: np.ndarray) -> keras.KerasTensor:
    """(B, F) -> (B, 37), obeying the tree; starts out at the means (37,)."""
    shares = fractions_to_shares(means[None])[0]
    bias = np.log(np.maximum(shares, SMALLEST_SHARE))
    return TreeSoftmax(dtype="float32", name="fractions")(logits(features, bias))


def sigmoid_head(features: keras.KerasTensor, means: np.ndarray) -> keras.KerasTensor:
    """(B, F) -> (B, 37), each answer for itself; starts out at the means (37,)."""
    means = np.clip(means, SMALLEST_SHARE, 1 - SMALLEST_SHARE)
    bias = np.log(means / (1 - means))
    return keras.layers.Activation("sigmoid", dtype="float32", name="fractions")(
        logits(features, bias)
    )


def logits(features: keras.KerasTensor, bias: np.ndarray) -> keras.KerasTensor:
    return keras.layers.Dense(
        NUM_ANSWERS,
        kernel_initializer=keras.initializers.RandomNormal(stddev=0.01, seed=0),
        bias_initializer=keras.initializers.Constant(bias.tolist()),
        dtype="float32",
        name="logits",
    )(features)
