"""Images through a trained network, each in several copies."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from pipeline.config import PredictConfig
from pipeline.models import (  # noqa: F401  a saved network needs its layers
    applications,
    dieleman2014,
    heads,
    normalized,
    standardized,
)
from pipeline.models.augmentation import Warp, transforms_about_centre
from pipeline.shards import Shards


class Copy(NamedTuple):
    """How one copy of an image differs from it.

    Attributes:
        mirrored: whether left and right change places, after the turn.
        turn: counter-clockwise, in full turns.
        zoom: how much larger.
    """

    mirrored: bool = False
    turn: float = 0.0
    zoom: float = 1.0


def list_copies(config: PredictConfig) -> list[Copy]:
    """The copies that are averaged."""
    half = config.zooms // 2
    # evenly spread in the logarithm, with 1 in the middle
    zooms = config.zoom ** (np.arange(-half, half + 1) / max(half, 1))
    return [
        Copy(mirrored, number / config.turns, float(zoom))
        for zoom in zooms
        for mirrored in (False, True)[: 1 + config.flips]
        for number in range(config.turns)
    ]


def load_network(path: Path) -> keras.Model:
    return keras.saving.load_model(path, compile=False)


def make_copies(images: np.ndarray, copy: Copy) -> np.ndarray:
    """The same copy of each image (B, S, S, 3), exact where no pixel falls between."""
    if copy.zoom == 1 and (4 * copy.turn).is_integer():
        turned = np.rot90(images, int(4 * copy.turn), axes=(1, 2))
        return np.ascontiguousarray(turned[:, :, ::-1] if copy.mirrored else turned)
    every = np.ones(len(images))
    transforms = transforms_about_centre(
        images.shape[1],
        angle=2 * np.pi * copy.turn * every,
        mirror=-every if copy.mirrored else every,
        scale=copy.zoom * every,
        move=np.zeros((2, len(images))),
    )
    return keras.ops.convert_to_numpy(Warp()(images, transforms))


def predict_rows(
    network: keras.Model,
    shards: Shards,
    rows: np.ndarray,
    copies: Sequence[Copy] = (Copy(),),
    batch_size: int = 256,
    advance: Callable[[int], object] = lambda num_images: None,
) -> np.ndarray:
    """Predicts some rows of a split, averaged over copies.

    Args:
        network: (B, S, S, 3) -> (B, 37).
        shards: the images.
        rows: which of them, (N,).
        copies: of each image.
        batch_size: images in one step.
        advance: told how many copies were done, after each step.

    Returns:
        (N, 37) float64.
    """
    fractions = np.zeros((len(rows), network.output_shape[-1]))
    for start in range(0, len(rows), batch_size):
        part = slice(start, start + batch_size)
        images = shards.gather(rows[part])
        for copy in copies:
            fractions[part] += network.predict_on_batch(make_copies(images, copy))
            advance(len(images))
    return fractions / len(copies)
