"""A convolution that keeps signals at their size without batch statistics."""

import math

import keras
from keras import ops

RELU_GAIN = math.sqrt(2 / (1 - 1 / math.pi))  # undoes what ReLU takes from a deviation
SMALLEST_VARIANCE = 1e-8


@keras.saving.register_keras_serializable(package="galaxy_zoo")
class StandardizedConv2D(keras.layers.Conv2D):
    """Each filter is shifted to mean 0 and scaled to a learnt size before it is used.

    So a signal of deviation 1 leaves with deviation 1, as behind a batch normalisation,
    but a picture's result does not hang on the others in its batch; averaged weights
    need no averaged statistics to go with them; and nothing is computed per pixel.

    Source: scaled weight standardization (Brock, De and Smith 2021).

    Args:
        input_gain: the inverse of the deviation of the inputs: `RELU_GAIN` after ReLU.
        others: as `keras.layers.Conv2D` takes them.
    """

    def __init__(self, *args: object, input_gain: float = 1.0, **kwargs: object):
        super().__init__(*args, **kwargs)
        self.input_gain = input_gain

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        super().build(input_shape)
        self.gain = self.add_weight(
            shape=(self.filters,), initializer="ones", name="gain"
        )

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        outputs = ops.conv(
            inputs,
            self.standardized_kernel(),
            strides=self.strides,
            padding=self.padding,
            data_format=self.data_format,
        )
        return outputs + self.bias

    def standardized_kernel(self) -> keras.KerasTensor:
        """(k, k, C, filters), each filter of mean 0 and norm `gain * input_gain`."""
        fan_in = math.prod(self.kernel.shape[:-1])
        mean, variance = ops.moments(self.kernel, axes=(0, 1, 2), keepdims=True)
        size = ops.rsqrt(fan_in * ops.maximum(variance, SMALLEST_VARIANCE))
        return (self.kernel - mean) * (size * self.gain * self.input_gain)

    def get_config(self) -> dict[str, object]:
        return super().get_config() | {"input_gain": self.input_gain}
