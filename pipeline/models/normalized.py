"""Convolutions that can take the place of one with a batch normalisation behind it."""

import math

import keras
from keras import ops

HE_GAIN = math.sqrt(2)  # undoes what ReLU takes from the root mean square
SMALLEST_SQUARE = 1e-12


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
            name="kernel",
        )
        shape = (self.filters or channels,)
        first = keras.initializers.Constant(self.first_gain)
        self.gain = self.add_weight(shape, first, name="gain")
        self.bias = self.add_weight(shape, "zeros", name="bias")

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        convolve = ops.conv if self.filters else ops.depthwise_conv
        outputs = convolve(
            inputs,
            self.normalized_kernel(),
            strides=self.stride,
            padding="same",
            data_format="channels_last",
        )
        return outputs + self.bias

    def normalized_kernel(self) -> keras.KerasTensor:
        """The kernel, each of its filters of norm `gain`."""
        axes, gain = (0, 1, 2), self.gain
        if not self.filters:  # a filter is what one channel has, the last but one
            axes, gain = (0, 1), self.gain[:, None]
        squares = ops.sum(ops.square(self.kernel), axis=axes, keepdims=True)
        return self.kernel * (ops.rsqrt(squares + SMALLEST_SQUARE) * gain)

    def get_config(self) -> dict[str, object]:
        own = {name: getattr(self, name) for name in ("filters", "size", "stride")}
        return super().get_config() | own | {"gain": self.first_gain}
