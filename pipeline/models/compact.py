"""A small network for CPUs: little work where pixels are many, more where they are few.

What costs time on a CPU is less the multiplying than the moving of large, shallow
arrays and convolutions of tiny ones. So blocks of pixels become channels before the
first convolution, and the last few pixels go into a dense layer.
"""

import keras
from keras import layers

from pipeline.models.equivariance import (
    EquivariantConv2D,
    FlattenEachWay,
)
from pipeline.models.layers import RELU_GAIN, StandardizedConv2D
from pipeline.settings.networks import NUM_WAYS, TrainConfig


def features(images: keras.KerasTensor, config: TrainConfig) -> keras.KerasTensor:
    """Images (B, S, S, 3) in 0..255, S a multiple of the block -> (B, 512).

    A side has at least 2 ** (levels + 1) blocks. Where the network is equivariant, the
    features of a picture are those of the picture turned by quarters or mirrored.
    """
    width, block = config.width, config.block_size
    x = layers.Rescaling(1 / 127.5, offset=-1)(images)
    # (B, S/2, S/2, width) where a block is 2 px wide
    x = blocks_to_channels(x, block)
    x = convolve(x, width, config.equivariant, input_gain=1.0, block=block)
    for _ in range(config.num_levels):
        width *= 2
        x = layers.MaxPooling2D()(x)
        x = convolve(x, width, config.equivariant)
        x = convolve(x, width, config.equivariant)
    x = layers.MaxPooling2D()(x)
    # with 2 levels: S/16 * S/16 * 4 width, for each way to look
    x = FlattenEachWay()(x) if config.equivariant else layers.Flatten()(x)
    x = layers.Dropout(config.dropout, seed=config.seed)(x)
    x = layers.Dense(512, activation="relu", kernel_initializer="he_normal")(x)
    return layers.GlobalAveragePooling1D()(x) if config.equivariant else x


def blocks_to_channels(images: keras.KerasTensor, block: int) -> keras.KerasTensor:
    """(B, S, S, C) -> (B, S / block, S / block, block * block * C)."""
    _, height, width, channels = images.shape
    rows, columns = height // block, width // block
    x = layers.Reshape((rows, block, columns, block, channels))(images)
    x = layers.Permute((1, 3, 2, 4, 5))(x)
    return layers.Reshape((rows, columns, block * block * channels))(x)


def convolve(
    x: keras.KerasTensor,
    channels: int,
    equivariant: bool,
    input_gain: float = RELU_GAIN,
    block: int = 0,
) -> keras.KerasTensor:
    """A convolution and ReLU; of blocks of pixels where their size is given."""
    if equivariant:
        filters = channels // NUM_WAYS
        x = EquivariantConv2D(filters, input_gain=input_gain, block=block)(x)
    else:
        x = StandardizedConv2D(channels, input_gain=input_gain)(x)
    return layers.ReLU()(x)
