"""Random turns, mirrors, zooms and shifts, all in one resampling; random light."""

import keras
import numpy as np
from keras import ops

from pipeline.settings.networks import TrainConfig

NUM_DRAWN = 9  # numbers of a random transform: eight of its matrix, one of its light
# The main axis along which the pixels of these galaxies differ, of 0 to 255, times
# the spread along it: what the winner of 2014 published for pixels of 0 to 1.
LIGHT = [255 * part for part in (0.0148366, 0.01253134, 0.01040762)]

# XLA has no kernel for TensorFlow's resampling
CAN_COMPILE = keras.backend.backend() != "tensorflow"


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
        (B, 9) float32, each the first two rows and what is left of the third of the
        matrix from output pixels to input pixels, as `ops.image.affine_transform`
        takes it; and last how much of `LIGHT` is added.
    """
    angle = rng.uniform(0, 2 * np.pi, num_images) * config.rotate
    mirror = np.where(rng.random(num_images) < 0.5 * config.flip, -1.0, 1.0)
    # evenly spread in the logarithm: as many magnified as reduced
    scale = config.zoom ** rng.uniform(-1, 1, num_images)
    move = rng.uniform(-shift, shift, (2, num_images))
    transforms = transforms_about_centre(image_size, angle, mirror, scale, move)
    if config.colour:  # who asks for none keeps the same chance for the rest
        transforms[:, 8] = config.colour * rng.standard_normal(num_images)
    return transforms


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
        (B, 9) float32, as `draw_transforms` says, with no light added.
    """
    cos, sin = np.cos(angle) / scale, np.sin(angle) / scale
    matrix = np.array([[mirror * cos, -sin], [mirror * sin, cos]])
    transforms = np.zeros((len(angle), NUM_DRAWN))
    transforms[:, :8] = about_centre(matrix, image_size)
    transforms[:, [2, 5]] += move.T
    return transforms.astype(np.float32)


def about_centre(matrix: np.ndarray, image_size: int) -> np.ndarray:
    """Matrices (2, 2, ...) as `ops.image.affine_transform` takes them: (..., 8)."""
    (a, b), (c, d) = matrix
    centre, zero = (image_size - 1) / 2, np.zeros_like(a)
    right, down = centre - (a + b) * centre, centre - (c + d) * centre
    return np.stack([a, b, right, c, d, down, zero, zero], axis=-1)


def resampled(
    images: keras.KerasTensor, transforms: keras.KerasTensor, view_size: int = 0
) -> keras.KerasTensor:
    """Images resampled, their light left out.

    Args:
        images: (B, S, S, 3).
        transforms: (B, 9).
        view_size: V, pixels along a side of what is wanted, about the centre; 0: S.

    Returns:
        (B, V, V, 3) float32.
    """
    images, matrices = ops.cast(images, "float32"), transforms[:, :8]
    size = images.shape[1]
    margin = (size - (view_size or size)) // 2
    if margin and keras.backend.backend() == "tensorflow":
        return resampled_within(images, matrices, margin)
    every = ops.image.affine_transform(
        images,
        matrices,
        interpolation="bilinear",
        fill_mode="reflect",
        data_format="channels_last",
    )
    return every[:, margin : size - margin, margin : size - margin]


def resampled_within(
    images: keras.KerasTensor, matrices: keras.KerasTensor, margin: int
) -> keras.KerasTensor:
    """All but a margin: (B, S - 2 margin, S - 2 margin, 3).

    Keras computes the margin too, which takes half of the time where a view is small.
    """
    import tensorflow as tf

    view_size = images.shape[1] - 2 * margin
    a, b, right, c, d, down = (matrices[:, place] for place in range(6))
    moved = [a, b, right + margin * (a + b), c, d, down + margin * (c + d)]
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.concat([tf.stack(moved, axis=1), matrices[:, 6:]], axis=1),
        output_shape=[view_size, view_size],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="REFLECT",
    )


class Warp(keras.layers.Layer):
    """Images (B, S, S, 3) and transforms (B, 9) -> the images resampled and lit.

    Args:
        view_size: as in `resampled`.
        options: as `keras.layers.Layer` takes them.
    """

    def __init__(self, view_size: int = 0, **options: object) -> None:
        super().__init__(**options)
        self.view_size = view_size
        self.supports_jit = CAN_COMPILE

    def call(
        self, images: keras.KerasTensor, transforms: keras.KerasTensor
    ) -> keras.KerasTensor:
        light = transforms[:, 8, None, None, None] * ops.array(LIGHT)
        seen = resampled(images, transforms, self.view_size)
        return ops.clip(seen + light, 0, 255)
