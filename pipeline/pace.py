"""How fast a training goes, by its own first steps, and what fits into a given time."""

import dataclasses
import time
from collections.abc import Callable, Iterator

from pipeline.fitting import Training

WARM_UP = 3  # steps: the first traces the network, the next find their memory
MEASURED_SECONDS = 10.0  # at least, of each of fitting and validating
VALIDATION_IMAGES = 256  # of one measured step


def seconds_per_epoch(training: Training) -> float:
    """What an epoch and the validation after it will take, all batches alike.

    Args:
        training: a fresh one, which is of no further use.
    """
    data = training.data
    fitting = seconds_per_image(fit_steps(training), MEASURED_SECONDS)
    few = data.validation[:VALIDATION_IMAGES]
    training.data = dataclasses.replace(data, validation=few)
    validating = seconds_per_image(validation_steps(training), MEASURED_SECONDS)
    return fitting * training.num_fitted + validating * len(data.validation)


def fit_steps(training: Training) -> Iterator[int]:
    """Fits batch after batch without end; yields the images of each."""
    while True:
        for inputs, targets, weights in training.batches():
            training.trainer.train_on_batch(inputs, targets, weights)
            yield len(targets)


def validation_steps(training: Training) -> Iterator[int]:
    """Scores the held-out images without end; yields how many they are."""
    while True:
        training.score_validation()
        yield len(training.data.validation)


def seconds_per_image(
    steps: Iterator[int],
    at_least: float,
    clock: Callable[[], float] = time.monotonic,
) -> float:
    """Runs steps for some seconds, not counting those that warm up.

    Args:
        steps: each does its work when it is asked for, and says of how many images.
        at_least: seconds; the step under way then is finished and counted.
        clock: seconds from anywhere.
    """
    for _ in range(WARM_UP):
        next(steps)
    started, num_images = clock(), 0
    while clock() - started < at_least or not num_images:
        num_images += next(steps)
    return (clock() - started) / num_images
