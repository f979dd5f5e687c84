"""The batches of an epoch: the same ones whenever it is run."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from pipeline.models.augmentation import draw_transforms
from pipeline.settings.networks import TrainConfig
from pipeline.training.training_set import TrainingSet


class BatchSizes(NamedTuple):
    """How an epoch is cut into batches; what fills none is left out."""

    batch_size: int
    steps: int

    @property
    def num_fitted(self) -> int:
        """Images fitted in one epoch."""
        return self.batch_size * self.steps


class Batch(NamedTuple):
    """What one step is fitted to.

    Attributes:
        inputs: images (B, S, S, 3) uint8 and transforms (B, 9) float32.
        targets: (B, 37) float32.
        weights: (B,) float32, how much each galaxy counts.
    """

    inputs: tuple[np.ndarray, np.ndarray]
    targets: np.ndarray
    weights: np.ndarray


def batch_sizes(config: TrainConfig, data: TrainingSet) -> BatchSizes:
    batch_size = min(config.batch_size, len(data.train))
    return BatchSizes(batch_size, len(data.train) // batch_size)


def batches(
    config: TrainConfig, data: TrainingSet, weights: np.ndarray, epoch: int
) -> Iterator[Batch]:
    """Yields the batches of an epoch, in an order that seed and epoch fix.

    Args:
        config: the settings, augmentation among them.
        data: the galaxies.
        weights: (N,) float32, how much each of the training shards counts.
        epoch: its number, from 0 on.
    """
    sizes = batch_sizes(config, data)
    rng = np.random.default_rng((config.seed, epoch))
    order = rng.permutation(data.train)[: sizes.num_fitted]
    image_size, shift = data.shards.image_size, config.shift * data.scale
    for rows in order.reshape(sizes.steps, sizes.batch_size):
        transforms = draw_transforms(config, len(rows), image_size, shift, rng)
        inputs = data.shards.gather(rows), transforms
        yield Batch(inputs, data.targets[rows], weights[rows])
