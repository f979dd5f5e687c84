from pathlib import Path

import keras
import numpy as np
import pytest

from pipeline.models import dieleman2014
from tests.miniature import some_fractions
from tests.networks import (
    assert_survives_saving,
    build,
    count_trained,
    noise,
    predict,
)


def test_each_part_has_the_centre_in_the_same_corner() -> None:
    images = np.zeros((2, 99, 99, 3), np.float32)
    images[0, 49, 49], images[1, 49, 49] = 1, 2
    parts = keras.ops.convert_to_numpy(dieleman2014.Parts()(images))
    assert parts.shape == (32, 45, 45, 3)
    np.testing.assert_allclose(parts[:16, 34, 34], 1, atol=1e-5)
    np.testing.assert_allclose(parts[16:, 34, 34], 2, atol=1e-5)
    assert (parts > 0.5).sum() == 32 * 3


def test_the_first_parts_are_the_corners_turned_in() -> None:
    image = noise(1, 69).astype(np.float32)
    wide = np.pad(image, ((0, 0), (15, 15), (15, 15), (0, 0)))
    parts = keras.ops.convert_to_numpy(dieleman2014.Parts()(wide))
    corners = [  # from upper left, in the order of quarter-turns, written by hand
        image[0, :45, :45],
        image[0, :45, 24:].transpose(1, 0, 2)[::-1],
        image[0, 24:, 24:][::-1, ::-1],
        image[0, 24:, :45].transpose(1, 0, 2)[:, ::-1],
    ]
    np.testing.assert_array_equal(parts[:4], corners)


def test_quarter_turns_and_mirrors_only_exchange_parts() -> None:
    image = noise(1, 99).astype(np.float32)
    parts = keras.ops.convert_to_numpy(dieleman2014.Parts()(image)).reshape(16, -1)
    for changed in (np.rot90(image, axes=(1, 2)), image[:, :, ::-1]):
        others = dieleman2014.Parts()(np.ascontiguousarray(changed))
        others = keras.ops.convert_to_numpy(others).reshape(16, -1)
        for part in parts:
            assert np.abs(others - part).max(axis=1).min() < 0.1


def test_the_turned_view_sees_true_pixels_everywhere() -> None:
    white = np.full((1, 99, 99, 3), 255, np.float32)
    parts = keras.ops.convert_to_numpy(dieleman2014.Parts()(white))
    np.testing.assert_allclose(parts, 255, atol=0.01)


def test_the_winners_network_has_42_million_weights() -> None:
    kernels = 6 * 6 * 3 * 32 + 5 * 5 * 32 * 64 + 3 * 3 * 64 * 128 + 3 * 3 * 128 * 128
    biases = 40 * 40 * 32 + 16 * 16 * 64 + 6 * 6 * 128 + 4 * 4 * 128
    joined = 16 * 2 * 2 * 128
    dense = (joined + 1) * 4096 + (2048 + 1) * 4096 + (2048 + 1) * 37
    assert kernels + biases + dense == 42_377_125
    assert count_trained(build("dieleman2014")) == 42_377_125


@pytest.fixture
def few_maxouts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dieleman2014, "NUM_MAXOUT", 16)


@pytest.mark.usefixtures("few_maxouts")
def test_the_winners_network_survives_saving(tmp_path: Path) -> None:
    network = build("dieleman2014")
    assert predict(network, noise(2, 99)).shape == (2, 37)
    assert_survives_saving(network, noise(2, 99), tmp_path / "model.keras")


@pytest.mark.usefixtures("few_maxouts")
def test_the_winners_network_learns_a_handful_of_images() -> None:
    network = build("dieleman2014", dropout=0.0)
    network.compile(keras.optimizers.Adam(1e-3), "mse")
    images, targets = noise(2, 99), some_fractions(2, seed=2)
    losses = []
    for _ in range(15):
        network.reset_metrics()
        losses.append(float(network.train_on_batch(images, targets)))
    assert losses[-1] < losses[0] * 0.8


def test_maxout_takes_the_larger_of_each_pair() -> None:
    pairs = np.array([[1.0, 5, 4, 2, -3, -1]], np.float32)
    larger = keras.ops.convert_to_numpy(dieleman2014.Maxout()(pairs))
    np.testing.assert_array_equal(larger, [[5, 4, -1]])
