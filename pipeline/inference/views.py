"""Test-time augmentation: images through a trained network, in several views each."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from pipeline.data.shards import Shards, images_at_once
from pipeline.data.tree import NUM_ANSWERS
from pipeline.errors import PipelineError
from pipeline.models.augmentation import Warp, transforms_about_centre
from pipeline.models.backbones import UNREADABLE
from pipeline.settings.schema import PredictConfig


class View(NamedTuple):
    """How a view of an image differs from it.

    Attributes:
        mirrored: whether left and right change places, after the turn.
        turn: counter-clockwise, in full turns.
        zoom: how much larger.
    """

    mirrored: bool = False
    turn: float = 0.0
    zoom: float = 1.0


def list_views(config: PredictConfig) -> list[View]:
    """The views that are averaged."""
    half = config.num_zooms // 2
    # evenly spread in the logarithm, with 1 in the middle
    zooms = config.zoom ** (np.arange(-half, half + 1) / max(half, 1))
    return [
        View(mirrored, number / config.num_rotations, float(zoom))
        for zoom in zooms
        for mirrored in (False, True)[: 1 + config.flips]
        for number in range(config.num_rotations)
    ]


def load_network(path: Path, image_size: int) -> keras.Model:
    """A saved network; whoever made the file, nothing that it names is run.

    Raises:
        PipelineError: it does not load, or is not one for images of that size.
    """
    try:
        network = keras.saving.load_model(path, compile=False, safe_mode=True)
        shapes = network.input_shape, network.output_shape
    except UNREADABLE as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        first = reason.split(". ")[0].rstrip(".")[:300]
        raise PipelineError(
            f"{path} does not load with Keras {keras.__version__}: {first}."
        ) from error
    wanted = (None, image_size, image_size, 3), (None, NUM_ANSWERS)
    if shapes != wanted:
        raise PipelineError(
            f"{path} is not a network for images of {image_size} px: it takes and "
            f"gives {shapes}, where it should be {wanted}."
        )
    return network


def see(images: np.ndarray, view: View) -> np.ndarray:
    """The same view of each image (B, S, S, 3), exact where no pixel falls between."""
    if view.zoom == 1 and (4 * view.turn).is_integer():
        turned = np.rot90(images, int(4 * view.turn), axes=(1, 2))
        return np.ascontiguousarray(turned[:, :, ::-1] if view.mirrored else turned)
    every = np.ones(len(images))
    transforms = transforms_about_centre(
        images.shape[1],
        angle=2 * np.pi * view.turn * every,
        mirror=-every if view.mirrored else every,
        scale=view.zoom * every,
        move=np.zeros((2, len(images))),
    )
    return keras.ops.convert_to_numpy(Warp()(images, transforms))


def predict_rows(
    network: keras.Model,
    shards: Shards,
    rows: np.ndarray,
    views: Sequence[View] = (View(),),
    batch_size: int = 256,
    advance: Callable[[int], object] = lambda num_images: None,
) -> np.ndarray:
    """Predicts some rows of a split, averaged over views.

    Args:
        network: (B, S, S, 3) -> (B, 37).
        shards: the images.
        rows: which of them, (N,).
        views: of each image.
        batch_size: images in one step, fewer where they are large.
        advance: told how many views were predicted, after each step.

    Returns:
        (N, 37) float64.
    """
    fractions = np.zeros((len(rows), network.output_shape[-1]))
    step = images_at_once(batch_size, shards.image_size)
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        images = shards.gather(rows[part])
        for view in views:
            fractions[part] += network.predict_on_batch(see(images, view))
            advance(len(images))
    return fractions / len(views)
