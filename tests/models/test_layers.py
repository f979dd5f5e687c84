import numpy as np
import pytest

from pipeline.settings.backend import start_keras
from tests.networks import noise

start_keras()

import keras  # noqa: E402

from pipeline.models.layers import (  # noqa: E402
    HE_GAIN,
    RELU_GAIN,
    NormalizedConv2D,
    StandardizedConv2D,
)


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
