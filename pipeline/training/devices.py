"""What takes the steps of a training: one device, or several that share each batch."""

import functools
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Protocol

import keras
import numpy as np

from pipeline.errors import PipelineError
from pipeline.settings.backend import backend_name
from pipeline.settings.networks import TrainConfig
from pipeline.settings.team import join_team, team
from pipeline.training.batches import Batch
from pipeline.training.losses import build_loss

if TYPE_CHECKING:
    import tensorflow as tf


class Devices(Protocol):
    """What a training asks of them.

    Attributes:
        number: how many there are.
    """

    number: int

    def scope(self) -> AbstractContextManager[object]:
        """Where networks and optimizers are made."""

    def prepare(self, trainer: keras.Model, config: TrainConfig) -> None:
        """Told what is trained, and anew when its optimizer is another one."""

    def fit(self, batch: Batch) -> tuple[float, float]:
        """Takes a step; returns the loss before it, and the RMSE."""

    def agree(self, number: int, what: str) -> None:
        """Sees that a number is the same on all machines."""


class OneDevice:
    """The one that Keras finds by itself."""

    number = 1

    def scope(self) -> AbstractContextManager[object]:
        return nullcontext()

    def prepare(self, trainer: keras.Model, config: TrainConfig) -> None:
        self.trainer = trainer

    def fit(self, batch: Batch) -> tuple[float, float]:
        loss, rmse = map(float, self.trainer.train_on_batch(*batch))
        return loss, rmse

    def agree(self, number: int, what: str) -> None:
        pass


class SeveralDevices:
    """Each computes the gradients of its share of a batch; all apply their sum.

    `train_on_batch` would give the whole batch to every device.
    """

    def __init__(self, strategy: "tf.distribute.Strategy") -> None:
        self.strategy = strategy
        self.number = strategy.num_replicas_in_sync

    def scope(self) -> AbstractContextManager[object]:
        return self.strategy.scope()

    def prepare(self, trainer: keras.Model, config: TrainConfig) -> None:
        import tensorflow as tf

        if config.batch_size < self.number:
            raise PipelineError(
                f"train.batch_size={config.batch_size} is too small for "
                f"{self.number} devices. Raise it, or hide some of them by "
                "CUDA_VISIBLE_DEVICES."
            )
        self.trainer, self.loss = trainer, build_loss(config)
        self.loss.reduction = None  # one number for each galaxy
        self.step = tf.function(self.sum_over_devices, reduce_retracing=True)

    def fit(self, batch: Batch) -> tuple[float, float]:
        size = len(batch.targets)
        with telling_of_others():
            shares = self.strategy.experimental_distribute_values_from_function(
                lambda context: self.share(batch, context.replica_id_in_sync_group)
            )
            loss, squares = map(float, self.step(shares, np.float32(size)))
        return loss, float(np.sqrt(squares))

    def share(self, batch: Batch, number: int) -> tuple[Any, ...]:
        """What falls to a device: rows that follow each other, as equal as can be."""
        import tensorflow as tf

        bounds = np.linspace(0, len(batch.targets), self.number + 1).astype(int)
        own = slice(bounds[number], bounds[number + 1])
        arrays = *batch.inputs, batch.targets, batch.weights
        return tuple(tf.constant(array[own]) for array in arrays)

    def sum_over_devices(self, shares: Any, size: Any) -> tuple[Any, Any]:
        """The mean loss over the batch, and the mean square of the errors."""
        import tensorflow as tf

        found = self.strategy.run(self.fit_share, args=(*shares, size))
        total = tf.distribute.ReduceOp.SUM
        return tuple(self.strategy.reduce(total, part, axis=None) for part in found)

    def fit_share(
        self, images: Any, transforms: Any, targets: Any, weights: Any, size: Any
    ) -> tuple[Any, Any]:
        """A device's part of these means; the optimizer adds its gradients up."""
        import tensorflow as tf

        optimizer, variables = self.trainer.optimizer, self.trainer.trainable_variables
        with tf.GradientTape() as tape:
            predicted = self.trainer([images, transforms], training=True)
            losses = self.loss(targets, predicted, sample_weight=weights)
            loss = tf.reduce_sum(losses) / size
            scaled = optimizer.scale_loss(loss)
        tensors = [variable.value for variable in variables]
        optimizer.apply_gradients(
            zip(tape.gradient(scaled, tensors), variables, strict=True)
        )
        errors = tf.square(tf.cast(predicted, targets.dtype) - targets)
        return loss, tf.reduce_sum(tf.reduce_mean(errors, axis=1)) / size

    def agree(self, number: int, what: str) -> None:
        """Sees that a number is the same on all machines.

        Args:
            number: below 2 ** 40, so that the sum over all is exact.
            what: it tells of.

        Raises:
            PipelineError: it is not.
        """
        import tensorflow as tf

        @tf.function
        def total() -> Any:
            own = self.strategy.run(lambda: tf.constant(number, tf.int64))
            return self.strategy.reduce(tf.distribute.ReduceOp.SUM, own, axis=None)

        with telling_of_others():
            found = int(total())
        if found != number * self.number:
            raise PipelineError(
                f"The machines of this training do not have the same {what}. Do all "
                "see the same work directory, and run the same command?"
            )


def find_devices() -> Devices:
    """The devices that a training has; Keras is loaded."""
    if backend_name() != "tensorflow":
        return OneDevice()
    if together := join_team():
        return SeveralDevices(together)
    names = accelerators()
    return SeveralDevices(mirrored(names)) if names[1:] else OneDevice()


@functools.cache  # two in one process would take each other's messages for their own
def mirrored(names: tuple[str, ...]) -> "tf.distribute.Strategy":
    import tensorflow as tf

    return tf.distribute.MirroredStrategy(list(names))


def accelerators() -> tuple[str, ...]:
    """The GPUs that TensorFlow sees."""
    import tensorflow as tf

    return tuple(device.name for device in tf.config.list_logical_devices("GPU"))


def outside(network: keras.Model) -> keras.Model:
    """The same layers and weights for this process alone, to predict with.

    A network that was made for several devices would predict a batch on each.
    """
    return keras.Model(network.inputs, network.outputs, name=network.name)


@contextmanager
def telling_of_others() -> Iterator[None]:
    """Another machine that is gone is one line."""
    import tensorflow as tf

    try:
        yield
    except tf.errors.OpError as error:
        found = re.search(r"aborted by: ([^\n.]*)", str(error))
        if team() is None or not found:
            raise
        reason = found[1].strip(": ")
        raise PipelineError(
            f"Another machine of this training is gone ({reason}). Finished epochs are "
            "kept: run the same command on all of them to resume."
        ) from error
