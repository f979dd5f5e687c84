import keras
import numpy as np
import pytest

from pipeline.models.layers import (
    HE_GAIN,
    RELU_GAIN,
    NormalizedConv2D,
    Shrink,
    StandardizedConv2D,
)
from tests.networks import noise


@pytest.mark.parametrize("rectified", [False, True])
def test_standardized_filters_keep_a_signal_at_its_size(rectified: bool) -> None:
    signal = np.random.default_rng(0).normal(size=(4, 32, 32, 64)).astype(np.float32)
    gain = RELU_GAIN if rectified else 1.0
    layer = StandardizedConv2D(128, input_gain=gain)
    outputs = layer(np.maximum(signal, 0) if rectified else signal)
    spread = keras.ops.convert_to_numpy(outputs)[:, 1:-1, 1:-1].std()
    assert spread == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("filters", [128, 0])
def test_normalized_filters_keep_a_rectified_signal_at_its_size(filters: int) -> None:
    signal = np.random.default_rng(0).normal(size=(4, 32, 32, 64)).astype(np.float32)
    layer = NormalizedConv2D(filters, 3, gain=HE_GAIN)
    outputs = keras.ops.convert_to_numpy(layer(np.maximum(signal, 0)))[:, 1:-1, 1:-1]
    assert np.square(outputs).mean() == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("filters", [5, 0])
def test_the_size_of_a_normalized_filter_is_its_gain_alone(filters: int) -> None:
    layer, images = NormalizedConv2D(filters, 3, stride=2), noise(4).astype(np.float32)
    before = keras.ops.convert_to_numpy(layer(images))
    assert before.shape == (4, 16, 16, filters or 3)
    layer.kernel.assign(7 * layer.kernel)
    layer.gain.assign(2 * layer.gain)
    after = keras.ops.convert_to_numpy(layer(images))
    np.testing.assert_allclose(after, 2 * before, rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("make", [NormalizedConv2D, StandardizedConv2D])
def test_filters_are_made_in_float32_and_rounded_once(make: type) -> None:
    layer = make(5, 3)
    dot = np.zeros((1, 3, 3, 4), np.float32)
    dot[0, 1, 1, 0] = 1  # so that the outputs are the filters
    layer.build(dot.shape)
    layer.gain.assign(np.linspace(0.5, 3, 5))
    exact = layer(dot)
    layer.dtype_policy = "mixed_bfloat16"
    rounded = keras.ops.cast(exact, "bfloat16")
    assert keras.ops.all(layer(dot) == rounded)
    assert keras.ops.any(keras.ops.cast(rounded, "float32") != exact)


def test_a_shrunk_pixel_is_the_mean_of_what_it_covers() -> None:
    images = noise(3, size=8).astype(np.float32)
    halved = images.reshape(3, 4, 2, 4, 2, 3).mean(axis=(2, 4))
    np.testing.assert_allclose(Shrink(4)(images), halved, rtol=1e-5)
    row = np.array([[9.0, 3.0, 0.0]], np.float32)  # in two: one and a half pixels each
    square = np.broadcast_to(row[:, :, None, None], (1, 3, 3, 1))
    found = keras.ops.convert_to_numpy(Shrink(2)(square.transpose(0, 2, 1, 3)))
    np.testing.assert_allclose(found[0, 0, :, 0], [7.0, 1.0], rtol=1e-5)
    np.testing.assert_allclose(Shrink(8)(images), images, rtol=1e-5)
