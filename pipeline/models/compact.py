"""A small plain network for CPUs: a strided start, then pairs of 3 x 3 convolutions."""

import keras
from keras import layers

from pipeline.config import TrainConfig


def features(images: keras.KerasTensor, config: TrainConfig) -> keras.KerasTensor:
    """(B, S, S, 3) -> (B, 8 width)."""
    width = config.width
    x = convolve(images, width, size=5, strides=2)
    x = convolve(x, width)
    for factor in (2, 4):
        x = layers.MaxPooling2D()(x)
        x = convolve(x, factor * width)
        x = convolve(x, factor * width)
    x = layers.MaxPooling2D()(x)
    x = convolve(x, 8 * width)
    return layers.GlobalAveragePooling2D()(x)


def convolve(
    x: keras.KerasTensor, channels: int, size: int = 3, strides: int = 1
) -> keras.KerasTensor:
    return layers.Conv2D(
        channels,
        size,
        strides=strides,
        padding="same",
        activation="relu",
        kernel_initializer="he_normal",
    )(x)
