"""From features to 37 vote fractions."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from pipeline.data.tree import (
    NUM_ANSWERS,
    answer_slice,
    fractions_to_shares,
    from_top,
    parent_column,
)

SMALLEST_SHARE = 1e-3  # keeps the first logits of rare answers finite
UNDIVIDED_STEPS = 625  # the winner's
HEAD_LAYERS = ("logits", "fractions")  # float32, whatever the others compute in
TINY = 1e-12  # far below any sum of answers, but 0 / 0 would be no number


def down_the_tree(
    logits: keras.KerasTensor,
    to_shares: Callable[[keras.KerasTensor], keras.KerasTensor],
) -> keras.KerasTensor:
    """Each question's shares, times the fraction of its parent: (B, 37) -> (B, 37)."""
    answers: dict[int, keras.KerasTensor] = {}
    for question in from_top():
        columns = answer_slice(question)
        fractions = to_shares(logits[:, columns])
        parent = parent_column(question)
        if parent is not None:
            fractions = fractions * answers[parent]
        for place, column in enumerate(range(columns.start, columns.stop)):
            answers[column] = fractions[:, place : place + 1]
    return ops.concatenate([answers[column] for column in sorted(answers)], axis=-1)


@keras.saving.register_keras_serializable(package="galaxy_zoo")
class TreeSoftmax(keras.layers.Layer):
    """Softmax within each question, times the share of its parent.

    (B, 37) logits -> (B, 37) fractions that obey the decision tree by construction.
    """

    def call(self, logits: keras.KerasTensor) -> keras.KerasTensor:
        return down_the_tree(logits, ops.softmax)


@keras.saving.register_keras_serializable(package="galaxy_zoo")
class TreeRelu(keras.layers.Layer):
    """Rectified, divided by the question's sum, times the share of its parent.

    (B, 37) logits -> (B, 37) fractions that obey the decision tree, but for questions
    whose answers are all 0. A fraction can be exactly 0, as half of all labels are.
    The first steps of a training are taken without the division: with it, an answer
    is soon pushed below 0 for every galaxy, and never comes back.

    Source: Dieleman, Willett and Dambre 2015, "Rotation-invariant convolutional
    neural networks for galaxy morphology prediction", section 6.2.

    Attributes:
        undivided_steps: how many.
    """

    def __init__(self, undivided_steps: int = 0, **options: Any) -> None:
        super().__init__(**options)
        self.undivided_steps = undivided_steps

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.step = self.add_weight(
            shape=(), dtype="int32", initializer="zeros", trainable=False, name="step"
        )

    def call(
        self, logits: keras.KerasTensor, training: bool = False
    ) -> keras.KerasTensor:
        divided = down_the_tree(logits, rectified_shares)
        if not training:
            return divided
        self.step.assign(self.step + 1)
        undivided = down_the_tree(logits, ops.relu)
        return ops.where(self.step <= self.undivided_steps, undivided, divided)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"undivided_steps": self.undivided_steps}


def rectified_shares(logits: keras.KerasTensor) -> keras.KerasTensor:
    rectified = ops.relu(logits)
    return rectified / (ops.sum(rectified, axis=-1, keepdims=True) + TINY)


def tree_head(
    features: keras.KerasTensor, means: np.ndarray, seed: int = 0
) -> keras.KerasTensor:
    """(B, F) -> (B, 37), obeying the tree; starts out at the means (37,)."""
    shares = fractions_to_shares(means[None])[0]
    bias = np.log(np.maximum(shares, SMALLEST_SHARE))
    return TreeSoftmax(dtype="float32", name="fractions")(logits(features, bias, seed))


def sigmoid_head(
    features: keras.KerasTensor, means: np.ndarray, seed: int = 0
) -> keras.KerasTensor:
    """(B, F) -> (B, 37), each answer for itself; starts out at the means (37,)."""
    means = np.clip(means, SMALLEST_SHARE, 1 - SMALLEST_SHARE)
    bias = np.log(means / (1 - means))
    return keras.layers.Activation("sigmoid", dtype="float32", name="fractions")(
        logits(features, bias, seed)
    )


def relu_head(
    features: keras.KerasTensor, means: np.ndarray, seed: int = 0
) -> keras.KerasTensor:
    """(B, F) -> (B, 37), obeying the tree; starts out at the means (37,)."""
    bias = fractions_to_shares(means[None])[0]
    return TreeRelu(UNDIVIDED_STEPS, dtype="float32", name="fractions")(
        logits(features, bias, seed)
    )


def linear_head(
    features: keras.KerasTensor, means: np.ndarray, seed: int = 0
) -> keras.KerasTensor:
    """(B, F) -> (B, 37), any numbers; starts out at the means (37,)."""
    return keras.layers.Activation("linear", dtype="float32", name="fractions")(
        logits(features, means, seed)
    )


def logits(
    features: keras.KerasTensor, bias: np.ndarray, seed: int
) -> keras.KerasTensor:
    return keras.layers.Dense(
        NUM_ANSWERS,
        kernel_initializer=keras.initializers.RandomNormal(stddev=0.01, seed=seed),
        bias_initializer=keras.initializers.Constant(bias.tolist()),
        dtype="float32",
        name="logits",
    )(features)
