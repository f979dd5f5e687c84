"""A small network for CPUs: few pixels early, where they cost most, then channels."""

import keras
from keras import layers

from pipeline.config import TrainConfig


def features(images: keras.KerasTensor, config: TrainConfig) -> keras.KerasTensor:
    """Pixels (B, S, S, 3) of 0 to 255 -> (B, 8 width)."""
    width = config.width
    x = layers.Rescaling(1 / 127.5, offset=-1)(images)
    x = convolve(x, width, size=6, strides=2)  # (B, S/2, S/2, width)
    for factor in (2, 4):
        x = layers.MaxPooling2D()(x)
        x = convolve(x, factor * width)
        x = convolve(x, factor * width)
    x = layers.MaxPooling2D()(x)
    x = convolve(x, 8 * width)  # (B, S/16, S/16, 8 width)
    return layers.GlobalAveragePooling2D()(x)


def convolve(
    x: keras.KerasTensor, channels: int, size: int = 3, strides: int = 1
) -> keras.KerasTensor:
    x = layers.Conv2D(
        channels,
        size,
        strides=strides,
        padding="same",
        use_bias=False,  # the normalisation has one
        kernel_initializer="he_normal",
    )(x)
    x = layers.BatchNormalization(momentum=0.95)(x)  # settles within a short epoch
    return layers.ReLU()(x)
