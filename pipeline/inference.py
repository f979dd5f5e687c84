"""Images through a trained network, each in several orientations."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from pipeline.models import (  # noqa: F401  a saved network needs its layers
    applications,
    dieleman2014,
    heads,
)
from pipeline.shards import Shards


def load_network(path: Path) -> keras.Model:
    return keras.saving.load_model(path, compile=False)


def oriented(images: np.ndarray, view: int) -> np.ndarray:
    """One of the eight flips and quarter-turns of (B, S, S, 3); 0 is as it was."""
    turned = np.rot90(images, view % 4, axes=(1, 2))
    return np.ascontiguousarray(turned[:, :, ::-1] if view >= 4 else turned)


def predict_rows(
    network: keras.Model,
    shards: Shards,
    rows: np.ndarray,
    views: int = 1,
    batch_size: int = 256,
    advance: Callable[[int], object] = lambda num_images: None,
) -> np.ndarray:
    """Predicts some rows of a split, averaged over orientations.

    Args:
        network: (B, S, S, 3) -> (B, 37).
        shards: the images.
        rows: which of them, (N,).
        views: 1 to 8 orientations.
        batch_size: images in one step.
        advance: told how many images were done, after each step.

    Returns:
        (N, 37) float64.
    """
    fractions = np.zeros((len(rows), network.output_shape[-1]))
    for start in range(0, len(rows), batch_size):
        part = slice(start, start + batch_size)
        images = shards.gather(rows[part])
        for view in range(views):
            fractions[part] += network.predict_on_batch(oriented(images, view))
        advance(len(images))
    return fractions / views
