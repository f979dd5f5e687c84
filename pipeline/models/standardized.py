"""A convolution that keeps signals at their size without batch statistics."""

import math

import keras
from keras import ops

RELU_GAIN = math.sqrt(2 / (1 - 1 / math.pi))  # undoes what ReLU takes from a deviation
SMALLEST_VARIANCE = 1e-8


@keras.saving.register_keras_serializable(package="galaxy_zoo")
class StandardizedConv2D(keras.layers.Layer):
    """Images (B, S, S, C) -> (B, S, S, filters), by filters of mean 0 and learnt size.

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
        self.kernel = self.add_weight((fan_in, self.filters), name="kernel")
        self.gain = self.add_weight((self.filters,), "ones", name="gain")
        self.bias = self.add_weight((self.filters,), "zeros", name="bias")

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        kernel = self.standardized_kernel()
        outputs = ops.conv(inputs, kernel, padding="same", data_format="channels_last")
        return outputs + self.bias

    def standardized_kernel(self) -> keras.KerasTensor:
        """(size, size, C, filters), each filter of norm `gain * input_gain`."""
        fan_in = self.kernel.shape[0]
        mean, variance = ops.moments(self.kernel, axes=0, keepdims=True)
        scale = ops.rsqrt(fan_in * ops.maximum(variance, SMALLEST_VARIANCE))
        filters = (self.kernel - mean) * (scale * self.gain * self.input_gain)
        return ops.reshape(filters, self.shape)

    def get_config(self) -> dict[str, object]:
        own = {name: getattr(self, name) for name in ("filters", "size", "input_gain")}
        return super().get_config() | own
