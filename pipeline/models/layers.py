"""Convolutions that need no batch normalisation behind them."""

import math

import keras
import numpy as np
from keras import ops

HE_GAIN = math.sqrt(2)  # undoes what ReLU takes from the root mean square
RELU_GAIN = math.sqrt(2 / (1 - 1 / math.pi))  # undoes what ReLU takes from a deviation
SMALLEST_SQUARE = 1e-12
SMALLEST_VARIANCE = 1e-8


@keras.saving.register_keras_serializable(package="galaxy_zoo")
class NormalizedConv2D(keras.layers.Layer):
    """A convolution that learns the direction and the size of its filters apart.

    Images (B, S, S, C) -> (B, S / stride, S / stride, filters). A step turns a large
    filter as far as a small one, as behind a batch normalisation, but nothing is
    computed per pixel, a picture's result does not hang on the others in its batch, and
    averaged weights need no averaged statistics.

    Source: weight normalization (Salimans and Kingma 2016).

    Args:
        filters: how many; 0: one for each channel, which sees no other.
        size: pixels along a side of each.
        stride: pixels from one place to the next.
        gain: the norm of each filter at first.
        others: as `keras.layers.Layer` takes them.
    """

    def __init__(
        self,
        filters: int,
        size: int,
        stride: int = 1,
        gain: float = 1.0,
        **others: object,
    ) -> None:
        super().__init__(**others)
        self.filters, self.size, self.stride = filters, size, stride
        self.first_gain = gain

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        channels = input_shape[-1]
        self.kernel = self.add_weight(
            (self.size, self.size, channels, self.filters or 1),
            "random_normal",
            autocast=False,
            name="kernel",
        )
        shape = (self.filters or channels,)
        first = keras.initializers.Constant(self.first_gain)
        self.gain = self.add_weight(shape, first, autocast=False, name="gain")
        self.bias = self.add_weight(shape, "zeros", name="bias")

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        convolve = ops.conv if self.filters else ops.depthwise_conv
        outputs = convolve(
            inputs,
            ops.cast(self.normalized_kernel(), self.compute_dtype),
            strides=self.stride,
            padding="same",
            data_format="channels_last",
        )
        return outputs + self.bias

    def normalized_kernel(self) -> keras.KerasTensor:
        """The kernel, each of its filters of norm `gain`."""
        # as tensors: JAX does not take variables where it infers shapes
        kernel, gain = map(ops.convert_to_tensor, (self.kernel, self.gain))
        axes = (0, 1, 2)
        if not self.filters:  # a filter is what one channel has, the last but one
            axes, gain = (0, 1), gain[:, None]
        squares = ops.sum(ops.square(kernel), axis=axes, keepdims=True)
        return kernel * (ops.rsqrt(squares + SMALLEST_SQUARE) * gain)

    def get_config(self) -> dict[str, object]:
        own = {name: getattr(self, name) for name in ("filters", "size", "stride")}
        return super().get_config() | own | {"gain": self.first_gain}


@keras.saving.register_keras_serializable(package="galaxy_zoo")
class StandardizedConv2D(keras.layers.Layer):
    """Images (B, S, S, C) -> (B, S, S, filters), by filters of mean 0 and learned size.

    So a signal of deviation 1 leaves with deviation 1, as behind a batch normalisation,
    but a picture's result does not hang on the others in its batch; averaged weights
    need no averaged statistics to go with them; and nothing is computed per pixel.

    The kernel is kept as a matrix, a column for each filter, which is what Muon takes.

    Source: scaled weight standardization (Brock, De and Smith 2021).

    Args:
        filters: how many.
        size: pixels along a side of each.
        input_gain: the inverse of the deviation of the inputs: `RELU_GAIN` after ReLU.
        others: as `keras.layers.Layer` takes them.
    """

    def __init__(
        self, filters: int, size: int = 3, input_gain: float = 1.0, **others: object
    ) -> None:
        super().__init__(**others)
        self.filters, self.size, self.input_gain = filters, size, input_gain

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.shape = (self.size, self.size, input_shape[-1], self.filters)
        fan_in = math.prod(self.shape[:-1])
        self.kernel = self.add_weight(
            (fan_in, self.filters), autocast=False, name="kernel"
        )
        self.gain = self.add_weight(
            (self.filters,), "ones", autocast=False, name="gain"
        )
        self.bias = self.add_weight((self.filters,), "zeros", name="bias")

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        kernel = ops.cast(self.applied_kernel(), self.compute_dtype)
        outputs = ops.conv(inputs, kernel, padding="same", data_format="channels_last")
        return outputs + self.applied_bias()

    def applied_kernel(self) -> keras.KerasTensor:
        """(size, size, C, channels of the outputs)."""
        return self.standardized_kernel()

    def applied_bias(self) -> keras.KerasTensor:
        """A number for each channel of the outputs."""
        return self.bias

    def standardized_kernel(self) -> keras.KerasTensor:
        """(size, size, C, filters), each filter of norm `gain * input_gain`."""
        kernel = ops.convert_to_tensor(self.kernel)  # as `NormalizedConv2D` does
        fan_in = kernel.shape[0]
        mean, variance = ops.moments(kernel, axes=0, keepdims=True)
        scale = ops.rsqrt(fan_in * ops.maximum(variance, SMALLEST_VARIANCE))
        filters = (kernel - mean) * (scale * self.gain * self.input_gain)
        return ops.reshape(filters, self.shape)

    def get_config(self) -> dict[str, object]:
        own = {name: getattr(self, name) for name in ("filters", "size", "input_gain")}
        return super().get_config() | own


@keras.saving.register_keras_serializable(package="galaxy_zoo")
class Shrink(keras.layers.Layer):
    """Images (B, S, S, C) -> (B, size, size, C): each pixel the mean of what it covers.

    Args:
        size: pixels along a side, no more than S.
        others: as `keras.layers.Layer` takes them.
    """

    def __init__(self, size: int, **others: object) -> None:
        super().__init__(**others)
        self.size = size

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.shares = covered_shares(input_shape[1], self.size)

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        shares = ops.cast(self.shares, inputs.dtype)
        rows = ops.einsum("ih,bhwc->biwc", shares, inputs)
        return ops.einsum("jw,biwc->bijc", shares, rows)

    def get_config(self) -> dict[str, object]:
        return super().get_config() | {"size": self.size}


def covered_shares(large: int, small: int) -> np.ndarray:
    """(small, large) float32: of each pixel, how much every larger picture's one is."""
    ends = np.arange(1, small + 1)[:, None] * large / small
    first = np.maximum(ends - large / small, np.arange(large))
    last = np.minimum(ends, np.arange(1, large + 1))
    return (np.maximum(0, last - first) * small / large).astype(np.float32)
