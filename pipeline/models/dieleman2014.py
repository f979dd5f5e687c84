"""The network that won the competition: 16 turned and mirrored parts of one image.

Source: Dieleman, Willett and Dambre 2015, "Rotation-invariant convolutional neural
networks for galaxy morphology prediction", and the code published with it.

Departs from it in the initial weights alone. The winner's are so small that the first
thousands of steps, minutes of days for him but all that a CPU has time for, say nothing
but the mean; these carry the images through to the end from the first step on.
"""

import keras
import numpy as np
from keras import layers, ops
from keras.initializers import Constant, VarianceScaling

from pipeline.models.augmentation import CAN_COMPILE, about_centre
from pipeline.settings.networks import TrainConfig

VIEW_SIZE = 69  # px of an image 3 times smaller than the original
PART_SIZE = 45  # px: the centre of the view is 10 px from two sides of a part
NUM_PARTS = 16  # 2 views, 2 mirrorings, 4 corners
NUM_MAXOUT = 2048
# Variance of what a layer puts out, for one of what comes in: He's for rectified maps;
# features as large would, at the winner's rate, throw the head past what can be mended
CONVOLUTION_SCALE, DENSE_SCALE = 2.0, 0.08
EIGHTH_TURN = np.array([[1, -1], [1, 1]]) / np.sqrt(2)


def features(images: keras.KerasTensor, config: TrainConfig) -> keras.KerasTensor:
    """Pixels (B, S, S, 3) of 0 to 255, S at least 99 -> (B, 2048)."""
    x = layers.Rescaling(1 / 255)(images)
    x = Parts()(x)  # (16 B, 45, 45, 3)
    x = convolve(x, 32, 6)
    x = layers.MaxPooling2D()(x)  # (16 B, 20, 20, 32)
    x = convolve(x, 64, 5)
    x = layers.MaxPooling2D()(x)  # (16 B, 8, 8, 64)
    x = convolve(x, 128, 3)
    x = convolve(x, 128, 3)
    x = layers.MaxPooling2D()(x)  # (16 B, 2, 2, 128)
    x = JoinParts()(x)  # (B, 8192)
    for number in (1, 2):
        # a seed of its own: the same features would fall out again
        x = layers.Dropout(config.dropout, seed=config.seed + number)(x)
        x = layers.Dense(
            2 * NUM_MAXOUT,
            kernel_initializer=VarianceScaling(DENSE_SCALE),
            bias_initializer=Constant(0.01),
        )(x)
        x = Maxout()(x)
    return x


def convolve(x: keras.KerasTensor, channels: int, size: int) -> keras.KerasTensor:
    x = layers.Conv2D(
        channels,
        size,
        use_bias=False,  # `PlaceBias` has one
        kernel_initializer=VarianceScaling(CONVOLUTION_SCALE),
    )(x)
    return layers.ReLU()(PlaceBias()(x))


@keras.saving.register_keras_serializable(package="galaxy_zoo")
class Parts(keras.layers.Layer):
    """Images (B, S, S, 3) -> parts (16 B, 45, 45, 3), an image's one after another.

    The view along the axes and the one turned by 45 degrees, each with its mirror
    image; of each the four overlapping corners, turned so that the centre of the
    image lies at row and column 34 of every part.
    """

    def __init__(self, **options: object) -> None:
        super().__init__(**options)
        self.supports_jit = CAN_COMPILE

    def call(self, images: keras.KerasTensor) -> keras.KerasTensor:
        images = ops.cast(images, "float32")  # no GPU resamples bfloat16
        straight = [central(images), central(turned(images))]
        views = straight + [ops.flip(view, axis=2) for view in straight]
        parts = [
            quarter_turned(view, quarter)[:, :PART_SIZE, :PART_SIZE]
            for view in views
            for quarter in range(4)
        ]
        return ops.reshape(ops.stack(parts, axis=1), (-1, PART_SIZE, PART_SIZE, 3))


def quarter_turned(images: keras.KerasTensor, times: int) -> keras.KerasTensor:
    """The images by so many quarters of a turn, counter-clockwise."""
    for _ in range(times):  # `ops.rot90` came with Keras 3.9
        images = ops.flip(ops.transpose(images, (0, 2, 1, 3)), axis=1)
    return images


def turned(images: keras.KerasTensor) -> keras.KerasTensor:
    """The images by an eighth of a turn."""
    transform = about_centre(EIGHTH_TURN, images.shape[1]).astype("float32")
    transforms = ops.tile(transform[None], (ops.shape(images)[0], 1))
    return ops.image.affine_transform(
        images, transforms, interpolation="bilinear", data_format="channels_last"
    )


def central(images: keras.KerasTensor) -> keras.KerasTensor:
    start = (images.shape[1] - VIEW_SIZE) // 2
    kept = slice(start, start + VIEW_SIZE)
    return images[:, kept, kept]


@keras.saving.register_keras_serializable(package="galaxy_zoo")
class JoinParts(keras.layers.Layer):
    """Features (16 B, H, W, C) of the parts -> (B, 16 H W C) of the images."""

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        return ops.reshape(x, (-1, NUM_PARTS * int(np.prod(x.shape[1:]))))

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Told, since PyTorch would find it out with no multiple of 16 parts."""
        return None, NUM_PARTS * int(np.prod(input_shape[1:]))


@keras.saving.register_keras_serializable(package="galaxy_zoo")
class Maxout(keras.layers.Layer):
    """(B, 2 F) -> (B, F), the larger of each pair."""

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        return ops.max(ops.reshape(x, (-1, x.shape[-1] // 2, 2)), axis=-1)


@keras.saving.register_keras_serializable(package="galaxy_zoo")
class PlaceBias(keras.layers.Layer):
    """Adds a bias for each place of each channel, as the winner's layers did."""

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.bias = self.add_weight(
            shape=input_shape[1:], initializer=Constant(0.1), name="bias"
        )

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        return x + self.bias
