"""Test-time augmentation: images through a trained network, in several views each."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from pipeline.data.shards import Shards, images_at_once
from pipeline.data.tree import NUM_ANSWERS
from pipeline.errors import PipelineError
from pipeline.models.augmentation import resampled, transforms_about_centre
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
    """The views that are averaged; those that one resampling makes are together."""
    half = config.num_zooms // 2
    # evenly spread in the logarithm, with 1 in the middle
    zooms = config.zoom ** (np.arange(-half, half + 1) / max(half, 1))
    views = [
        View(mirrored, number / config.num_rotations, float(zoom))
        for zoom in zooms
        for mirrored in (False, True)[: 1 + config.flips]
        for number in range(config.num_rotations)
    ]
    return sorted(views, key=lambda view: (view.zoom, resampling(view)[0]))


def distinct_views(views: Sequence[View], invariant: bool) -> list[View]:
    """The views that a network tells apart: all, or else the first of each resampling.

    All resamplings have equally many views, so that the mean is the same.

    Args:
        views: of `list_views`.
        invariant: whether quarter turns and mirrors are the same to the network.
    """
    if not invariant:
        return [*views]
    first: dict[tuple[float, float], View] = {}
    for view in views:
        first.setdefault(resampling(view), view)
    return [*first.values()]


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


def seen_in(images: np.ndarray, views: Iterable[View]) -> Iterator[np.ndarray]:
    """The same images (B, S, S, 3) in one view after the other, each of that shape.

    Views that differ by quarter turns and mirrors alone, where they follow each other,
    are resampled once: to turn an image by a quarter moves its pixels and no more.
    """
    for (turn, zoom), group in itertools.groupby(views, key=resampling):
        turned = resample(images, turn, zoom)
        for view in group:
            yield turn_quarters(turned, int(4 * view.turn), view.mirrored)


def resampling(view: View) -> tuple[float, float]:
    """What is left of a view's turn beyond whole quarters, and its zoom."""
    return round(view.turn % 0.25, 12), view.zoom


def turn_quarters(images: np.ndarray, quarters: int, mirrored: bool) -> np.ndarray:
    """Images (B, S, S, C) turned counter-clockwise, then mirrored if they are to be."""
    count, size, _, channels = images.shape
    places = np.rot90(np.arange(size * size).reshape(size, size), quarters)
    if mirrored:
        places = places[:, ::-1]
    pixels = images.reshape(count, -1, channels)
    # pixel by pixel, which is 2.5 times as fast as to copy what np.rot90 gives
    return pixels.take(places.ravel(), axis=1, mode="clip").reshape(images.shape)


def resample(images: np.ndarray, turn: float, zoom: float) -> np.ndarray:
    """Images turned and magnified; as they are where no pixel falls between."""
    if turn == 0 and zoom == 1:
        return images
    every = np.ones(len(images))
    transforms = transforms_about_centre(
        images.shape[1],
        angle=2 * np.pi * turn * every,
        mirror=every,
        scale=zoom * every,
        move=np.zeros((2, len(images))),
    )
    return keras.ops.convert_to_numpy(resampled(images, transforms))


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
        for seen in seen_in(images, views):
            fractions[part] += network.predict_on_batch(seen)
            advance(len(images))
    return fractions / len(views)
