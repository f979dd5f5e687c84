"""Convolutions to which a picture is the same in all its eight turns and mirrors.

A galaxy has no up and down. Each filter is applied turned by no, one, two and three
quarters, and mirrored, so that what it learns in one position it knows in all. Feature
maps are (B, S, S, 8 C): C features for each of the eight ways to look. Where a picture
is turned, its maps turn with it and the eight change places; the mean over the eight is
the same as before.

Source: group equivariant convolutions, for the group p4m (Cohen and Welling 2016).
"""

import keras
import numpy as np
from keras import ops

from pipeline.models.layers import StandardizedConv2D
from pipeline.settings.networks import NUM_WAYS


def turned(array: np.ndarray, way: int) -> np.ndarray:
    """(S, S, ...) mirrored where `way` is 4 or more, then turned by `way` quarters."""
    mirrored, quarters = divmod(way, 4)
    return np.rot90(array[:, ::-1] if mirrored else array, quarters)


def find_products() -> np.ndarray:
    """(8, 8): to turn by the second way and then by the first is to turn by this."""
    every = [turned(np.arange(4).reshape(2, 2), way) for way in range(NUM_WAYS)]

    def is_like(array: np.ndarray) -> int:
        return [np.array_equal(array, one) for one in every].index(True)

    return np.array([[is_like(turned(b, a)) for b in every] for a in range(NUM_WAYS)])


PRODUCTS = find_products()
INVERSES = PRODUCTS.argmin(axis=1)  # the way back: both together are way 0


def moved(size: int, way: int) -> np.ndarray:
    """Where the values of a feature map come from when the picture is turned.

    Args:
        size: S, pixels along a side.
        way: how it is turned.

    Returns:
        (S * S * 8,) places in a map (S, S, 8) of one feature.
    """
    places = np.arange(size * size * NUM_WAYS).reshape(size, size, NUM_WAYS)
    return turned(places, way)[..., PRODUCTS[INVERSES[way]]].ravel()


@keras.saving.register_keras_serializable(package="galaxy_zoo")
class EquivariantConv2D(StandardizedConv2D):
    """Feature maps (B, S, S, 8 C) -> (B, S, S, 8 filters).

    Args:
        filters: how many, each of which is applied in eight ways.
        size: pixels along a side of each.
        input_gain: as in `StandardizedConv2D`.
        block: where the input is no feature map yet but blocks of pixels,
            (B, S, S, block * block * C): pixels along a side of each; else 0.
        others: as `keras.layers.Layer` takes them.
    """

    def __init__(
        self,
        filters: int,
        size: int = 3,
        input_gain: float = 1.0,
        block: int = 0,
        **others: object,
    ) -> None:
        super().__init__(filters, size, input_gain, **others)
        self.block = block

    def applied_kernel(self) -> keras.KerasTensor:
        """(size, size, C, 8 filters), each filter in eight ways."""
        kernel = self.standardized_kernel()
        size, ways = self.size, range(NUM_WAYS)
        if self.block:
            pixels = size * self.block
            places = np.arange(pixels * pixels).reshape(pixels, pixels)
            every = [turned(places, way).ravel() for way in ways]
            kernel = blocks_to_pixels(kernel, self.block)
        else:
            every = [moved(size, way) for way in ways]
        rows = len(every[0])
        kernel = ops.reshape(kernel, (rows, -1, self.filters))
        kernel = ops.take(kernel, np.concatenate(every), axis=0)
        kernel = ops.reshape(kernel, (NUM_WAYS, rows, -1, self.filters))
        kernel = ops.transpose(kernel, (1, 2, 0, 3))
        if self.block:
            kernel = ops.reshape(kernel, (pixels, pixels, -1, NUM_WAYS * self.filters))
            return pixels_to_blocks(kernel, self.block)
        return ops.reshape(kernel, (size, size, -1, NUM_WAYS * self.filters))

    def applied_bias(self) -> keras.KerasTensor:
        return ops.tile(self.bias, [NUM_WAYS])

    def get_config(self) -> dict[str, object]:
        return super().get_config() | {"block": self.block}


def blocks_to_pixels(kernel: keras.KerasTensor, block: int) -> keras.KerasTensor:
    """(S, S, block * block * C, F) -> (S * block, S * block, C, F)."""
    size, _, _, filters = kernel.shape
    kernel = ops.reshape(kernel, (size, size, block, block, -1, filters))
    kernel = ops.transpose(kernel, (0, 2, 1, 3, 4, 5))
    return ops.reshape(kernel, (size * block, size * block, -1, filters))


def pixels_to_blocks(kernel: keras.KerasTensor, block: int) -> keras.KerasTensor:
    """(S * block, S * block, C, F) -> (S, S, block * block * C, F)."""
    pixels, _, _, filters = kernel.shape
    size = pixels // block
    kernel = ops.reshape(kernel, (size, block, size, block, -1, filters))
    kernel = ops.transpose(kernel, (0, 2, 1, 3, 4, 5))
    return ops.reshape(kernel, (size, size, -1, filters))


@keras.saving.register_keras_serializable(package="galaxy_zoo")
class FlattenEachWay(keras.layers.Layer):
    """Feature maps (B, S, S, 8 C) -> (B, 8, S * S * 8 * C), a row for each way to look.

    Each row is the whole map, turned back. Where the picture is turned, the rows change
    places and no more, so that the mean over them, each by the same layer, is the same.
    """

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        _, size, _, channels = inputs.shape
        every = [moved(size, way) for way in INVERSES]
        places, features = len(every[0]), channels // NUM_WAYS
        x = ops.reshape(inputs, (-1, places, features))
        # one gather: eight, one after the other, take two and a half times as long
        x = ops.take(x, np.concatenate(every), axis=1)
        return ops.reshape(x, (-1, NUM_WAYS, places * features))
