"""A network's variables: copied, put back, averaged and told apart."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import keras
import numpy as np


def copy_values(variables: Sequence[keras.Variable]) -> list[np.ndarray]:
    """Copies, which later steps leave alone."""
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def assign_values(
    variables: Sequence[keras.Variable], arrays: Sequence[np.ndarray]
) -> None:
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)


@contextmanager
def averaged(trainer: keras.Model, trained: Sequence[np.ndarray]) -> Iterator[None]:
    """The network with its averaged weights, for the time of a block.

    Args:
        trainer: compiled with an optimizer that may keep averages.
        trained: what its variables are to be again afterwards.
    """
    trainable = trainer.trainable_variables
    trainer.optimizer.finalize_variable_values(trainable)
    # JAX would share the averages with the network, and lose both in predicting
    assign_values(trainable, copy_values(trainable))
    yield
    assign_values(trainer.variables, trained)


def weights_digest(network: keras.Model) -> str:
    """Equal for networks whose weights are, bit for bit."""
    digest = hashlib.sha256()
    for weight in network.get_weights():
        digest.update(weight.tobytes())
    return digest.hexdigest()
