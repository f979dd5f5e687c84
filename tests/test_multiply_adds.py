import numpy as np
import pytest

from pipeline.backend import start_keras

start_keras()

import keras  # noqa: E402
from keras import layers, ops  # noqa: E402

from pipeline.config import make_config  # noqa: E402
from pipeline.models import build_network  # noqa: E402
from pipeline.multiply_adds import count_multiply_adds  # noqa: E402


def test_the_compact_network_costs_what_it_does_by_hand() -> None:
    network = build_network(make_config("demo", "compact").train, 64, np.full(37, 0.1))
    by_hand = (  # the central 48 px
        3 * 3 * 12 * 24 * 24 * 24  # kernel, channels in and out, places
        + 3 * 3 * 24 * 48 * 12 * 12
        + 3 * 3 * 48 * 48 * 12 * 12
        + 3 * 3 * 48 * 96 * 6 * 6
        + 3 * 3 * 96 * 96 * 6 * 6
        + 3 * 3 * 96 * 512  # the dense layer
        + 512 * 37
    )
    assert count_multiply_adds(network) == by_hand


class Turned(layers.Layer):
    """A 3 x 3 kernel and itself turned by 180 degrees, as one of twice the filters."""

    def build(self, shape: tuple) -> None:
        self.kernel = self.add_weight(shape=(3, 3, shape[-1], 5))

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        both = [self.kernel, ops.flip(self.kernel, (0, 1))]
        return ops.conv(x, ops.concatenate(both, axis=-1), padding="same")


class Quarters(layers.Layer):
    """(B, 8, 8, C) -> (4 B, 4, 4, C)"""

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        rows = ops.concatenate([x[:, :4], x[:, 4:]], axis=0)
        return ops.concatenate([rows[:, :, :4], rows[:, :, 4:]], axis=0)


@pytest.mark.parametrize(
    ("layer", "by_hand"),
    [
        (Turned(), 3 * 3 * 3 * 10 * 8 * 8),
        (
            keras.Sequential([Quarters(), layers.Conv2D(7, 3)]),
            4 * 3 * 3 * 3 * 7 * 2 * 2,
        ),
        (layers.Conv2D(6, 1, groups=3), 1 * 6 * 8 * 8),
        (layers.DepthwiseConv2D(3, depth_multiplier=2), 3 * 3 * 6 * 6 * 6),
        (layers.SeparableConv2D(5, 3), 3 * 3 * 3 * 6 * 6 + 3 * 5 * 6 * 6),
        (layers.Dense(4), 8 * 8 * 3 * 4),
        (layers.BatchNormalization(), 0),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_layers_of_all_kinds_are_counted(layer: layers.Layer, by_hand: int) -> None:
    images = keras.Input((8, 8, 3))
    assert count_multiply_adds(keras.Model(images, layer(images))) == by_hand


def test_a_product_of_unknown_size_is_no_guess() -> None:
    images = keras.Input((None, None, 3))
    network = keras.Model(images, layers.Conv2D(4, 3)(images))
    with pytest.raises(ValueError, match="expected fixed shapes"):
        count_multiply_adds(network)


class Repeated(layers.Layer):
    """A product in a loop."""

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        def product(turn: int, y: keras.KerasTensor) -> tuple:
            return turn + 1, ops.matmul(y, ops.ones((3, 3)))

        return ops.while_loop(lambda turn, y: turn < 4, product, (0, x))[1]


def test_a_loop_is_refused() -> None:
    images = keras.Input((8, 8, 3))
    network = keras.Model(images, Repeated()(images))
    with pytest.raises(ValueError, match="expected no loop or branch"):
        count_multiply_adds(network)
