"""Random turns, mirrors, zooms and shifts, all in one resampling."""

import keras
import numpy as np
from keras import ops

from pipeline.config import TrainConfig


def draw_transforms(
    config: TrainConfig,
    num_images: int,
    image_size: int,
    shift: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """One random transform for each image.

    Args:
        config: which kinds are asked for, and how much of each.
        num_images: B.
        image_size: S.
        shift: how far to move at most, in pixels of the images.
        rng: where chance comes from.

    Returns:
        (B, 8) float32, each the first two rows and what is left of the third of the
        matrix from output pixels to input pixels, as `ops.image.affine_transform`
        takes it.
    """
    angle = rng.uniform(0, 2 * np.pi, num_images) * config.rotate
    mirror = np.where(rng.random(num_images) < 0.5 * config.flip, -1.0, 1.0)
    # evenly spread in the logarithm: as many magnified as reduced
    scale = config.zoom ** rng.uniform(-1, 1, num_images)
    move = rng.uniform(-shift, shift, (2, num_images))
    return transforms_about_centre(image_size, angle, mirror, scale, move)


def transforms_about_centre(
    image_size: int,
    angle: np.ndarray,
    mirror: np.ndarray,
    scale: np.ndarray,
    move: np.ndarray,
) -> np.ndarray:
    """Turns about the centre, then mirrors, magnifies and moves.

    Args:
        image_size: S.
        angle: (B,) in radians, counter-clockwise.
        mirror: (B,) -1 where left and right change places, else 1.
        scale: (B,) how much larger.
        move: (2, B) how far along the rows and along the columns to look, in pixels.

    Returns:
        (B, 8) float32, as `draw_transforms` says.
    """
    cos, sin = np.cos(angle) / scale, np.sin(angle) / scale
    a, b, c, d = mirror * cos, -sin, mirror * sin, cos
    centre = (image_size - 1) / 2
    transforms = np.zeros((len(angle), 8), np.float32)
    transforms[:, 0], transforms[:, 1] = a, b
    transforms[:, 2] = centre - (a + b) * centre + move[0]
    transforms[:, 3], transforms[:, 4] = c, d
    transforms[:, 5] = centre - (c + d) * centre + move[1]
    return transforms


class Warp(keras.layers.Layer):
    """Images (B, S, S, 3) and transforms (B, 8) -> the images resampled."""

    def call(
        self, images: keras.KerasTensor, transforms: keras.KerasTensor
    ) -> keras.KerasTensor:
        return ops.image.affine_transform(
            ops.cast(images, "float32"),
            transforms,
            interpolation="bilinear",
            fill_mode="reflect",
            data_format="channels_last",
        )
