"""What a training minimises."""

import keras
import numpy as np
from keras import ops

from pipeline.data.tree import NUM_ANSWERS, QUESTIONS, answer_slice, parent_column
from pipeline.settings.networks import TrainConfig

SMALLEST = 1e-5  # bounds the logarithm of a share, and the division by a parent


def build_loss(config: TrainConfig) -> keras.Loss:
    """The loss that the settings ask for: (B, 37) volunteers', (B, 37) predicted."""
    if config.loss == "huber":
        return keras.losses.Huber(delta=config.huber_delta)
    if config.loss == "votes":
        return VoteCrossEntropy()
    return keras.losses.MeanSquaredError()


class VoteCrossEntropy(keras.losses.Loss):
    """How unlikely the votes are, for each volunteer and averaged over the 37 answers.

    A question's votes are drawn from its predicted shares, and it counts by how many
    volunteers were asked it. So an error counts more where volunteers agree and votes
    scatter less, and many a share is learned from fewer galaxies than by squares, which
    take all labels for equally sure.
    """

    def call(
        self, targets: keras.KerasTensor, fractions: keras.KerasTensor
    ) -> keras.KerasTensor:
        shares = fractions / (parents(fractions) + SMALLEST**2)
        return -ops.mean(targets * ops.log(shares + SMALLEST), axis=-1)


def parents(fractions: keras.KerasTensor) -> keras.KerasTensor:
    """What the answers of each answer's question sum to: (B, 37) -> (B, 37)."""
    return ops.matmul(fractions, PARENT_OF) + ops.convert_to_tensor(IS_ROOT)


def parent_matrix() -> np.ndarray:
    """(37, 37) float32, 1 where the row's answer leads to the column's question."""
    matrix = np.zeros((NUM_ANSWERS, NUM_ANSWERS), np.float32)
    for question in QUESTIONS:
        parent = parent_column(question)
        if parent is not None:
            matrix[parent, answer_slice(question)] = 1
    return matrix


PARENT_OF = parent_matrix()
IS_ROOT = 1 - PARENT_OF.sum(axis=0)  # of questions that everybody is asked
