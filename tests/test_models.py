import numpy as np
import pytest

from pipeline.backend import start_keras

start_keras()

import keras  # noqa: E402

from pipeline.config import PredictConfig, make_config  # noqa: E402
from pipeline.inference import (  # noqa: E402
    Copy,
    list_copies,
    load_network,
    make_copies,
)
from pipeline.models import build_network  # noqa: E402
from pipeline.models.augmentation import Warp, draw_transforms  # noqa: E402
from pipeline.models.heads import TreeSoftmax  # noqa: E402
from pipeline.models.normalized import HE_GAIN, NormalizedConv2D  # noqa: E402
from pipeline.models.standardized import (  # noqa: E402
    RELU_GAIN,
    StandardizedConv2D,
)
from tests.conftest import some_fractions  # noqa: E402

MEANS = some_fractions(1)[0]


def build(**knobs: object) -> keras.Model:
    values = {f"train.{name}": value for name, value in knobs.items()}
    config = make_config("demo", "tiny", {"train.width": 4} | values).train
    keras.utils.set_random_seed(1)  # whatever tests have drawn before
    return build_network(config, 32, MEANS)


def noise(num_images: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (num_images, 32, 32, 3), np.uint8)


def test_the_tree_head_obeys_the_tree_whatever_the_logits() -> None:
    logits = np.random.default_rng(1).normal(0, 5, (20, 37)).astype(np.float32)
    fractions = keras.ops.convert_to_numpy(TreeSoftmax()(logits))
    sums = {  # question by question, written by hand: columns, and what they sum to
        (0, 3): 1,
        (3, 5): fractions[:, 1],
        (5, 7): fractions[:, 4],
        (7, 9): fractions[:, 4],
        (9, 13): fractions[:, 4],
        (13, 15): 1,
        (15, 18): fractions[:, 0],
        (18, 25): fractions[:, 13],
        (25, 28): fractions[:, 3],
        (28, 31): fractions[:, 7],
        (31, 37): fractions[:, 7],
    }
    for (start, stop), total in sums.items():
        np.testing.assert_allclose(fractions[:, start:stop].sum(1), total, atol=1e-6)


@pytest.mark.parametrize("head", ["tree", "sigmoid"])
def test_a_network_starts_out_from_the_means(head: str) -> None:
    network = build(head=head)
    kernel = network.get_layer("logits").kernel
    kernel.assign(np.zeros(kernel.shape))  # of what the image adds, nothing
    fractions = network.predict_on_batch(noise(3))
    assert fractions.shape == (3, 37)
    assert fractions.dtype == np.float32
    np.testing.assert_allclose(fractions, np.tile(MEANS, (3, 1)), atol=2e-3)


def test_the_sigmoid_head_stays_between_zero_and_one() -> None:
    network = build(head="sigmoid")
    network.get_layer("logits").kernel.assign(
        np.random.default_rng(0).normal(0, 50, network.get_layer("logits").kernel.shape)
    )
    fractions = network.predict_on_batch(noise(8))
    assert fractions.min() >= 0
    assert fractions.max() <= 1


def test_a_network_can_learn_eight_images_by_heart() -> None:
    network, targets = build(width=8, dropout=0.0), some_fractions(8, seed=2)
    network.compile(keras.optimizers.Adam(3e-3), "mse")
    images = noise(8)
    before = network.test_on_batch(images, targets)
    for _ in range(120):
        network.train_on_batch(images, targets)
    network.reset_metrics()  # else the loss would be the mean over all steps
    assert network.test_on_batch(images, targets) < before / 10


def test_a_saved_network_predicts_the_same(tmp_path: object) -> None:
    network, path = build(), tmp_path / "model.keras"
    network.save(path)
    np.testing.assert_array_equal(
        load_network(path).predict_on_batch(noise(4)),
        network.predict_on_batch(noise(4)),
    )


def test_the_network_sees_no_more_than_the_view() -> None:
    network, images = build(view_size=16), noise(4)
    blinkered = images.copy()
    blinkered[:, :8] = blinkered[:, 24:] = 0
    blinkered[:, :, :8] = blinkered[:, :, 24:] = 0
    np.testing.assert_array_equal(
        network.predict_on_batch(images), network.predict_on_batch(blinkered)
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


def transforms(num_images: int = 50, **knobs: object) -> np.ndarray:
    still = {"rotate": False, "flip": False, "zoom": 1.0, "shift": 0.0} | knobs
    values = {f"train.{name}": value for name, value in still.items()}
    config = make_config("demo", "tiny", values).train
    rng = np.random.default_rng(0)
    return draw_transforms(config, num_images, 32, config.shift, rng)


def warp(images: np.ndarray, matrices: np.ndarray) -> np.ndarray:
    return keras.ops.convert_to_numpy(Warp()(images, matrices))


def test_no_augmentation_leaves_images_as_they_are() -> None:
    np.testing.assert_allclose(warp(noise(5), transforms(5)), noise(5), atol=1e-3)


def test_flips_mirror_about_half_the_images() -> None:
    images = noise(50)
    flipped = warp(images, transforms(flip=True))
    same = np.abs(flipped - images).max(axis=(1, 2, 3)) < 1e-3
    mirrored = np.abs(flipped - images[:, :, ::-1]).max(axis=(1, 2, 3)) < 1e-3
    assert (same ^ mirrored).all()
    assert 10 < mirrored.sum() < 40


def test_turns_keep_the_centre_and_sizes() -> None:
    matrices = transforms(rotate=True)
    centre = np.array([15.5, 15.5, 1])
    top = np.einsum("bk,k->b", matrices[:, 0:3], centre)
    bottom = np.einsum("bk,k->b", matrices[:, 3:6], centre)
    np.testing.assert_allclose([top, bottom], np.full((2, 50), 15.5), atol=1e-4)
    area = matrices[:, 0] * matrices[:, 4] - matrices[:, 1] * matrices[:, 3]
    np.testing.assert_allclose(area, 1, atol=1e-5)
    angles = np.arctan2(matrices[:, 3], matrices[:, 0])
    assert angles.min() < -2
    assert angles.max() > 2


def test_zooms_and_shifts_stay_within_their_bounds() -> None:
    zoomed = transforms(1000, zoom=1.3)
    scale = 1 / np.sqrt(zoomed[:, 0] * zoomed[:, 4] - zoomed[:, 1] * zoomed[:, 3])
    assert 1 / 1.3 - 1e-5 < scale.min() < 0.8
    assert 1.25 < scale.max() < 1.3 + 1e-5
    moved = transforms(1000, shift=4.0)[:, [2, 5]]
    assert -4 <= moved.min() < -3.5
    assert 3.5 < moved.max() <= 4


def test_a_shift_moves_the_picture() -> None:
    matrix = transforms(1)
    matrix[0, 2] = 3  # three pixels along the rows
    images = noise(1)
    moved = warp(images, matrix)
    np.testing.assert_allclose(moved[:, :, :-3], images[:, :, 3:], atol=1e-3)


def copies_of(images: np.ndarray, **knobs: object) -> list[np.ndarray]:
    return [make_copies(images, copy) for copy in list_copies(PredictConfig(**knobs))]


def test_the_eight_copies_are_all_different_and_the_first_is_the_image() -> None:
    images = noise(2)
    copies = copies_of(images)
    np.testing.assert_array_equal(copies[0], images)
    np.testing.assert_array_equal(copies[4], images[:, :, ::-1])
    np.testing.assert_array_equal(copies[2], images[:, ::-1, ::-1])
    assert len({copy.tobytes() for copy in copies}) == 8


def test_the_number_of_copies_is_as_told() -> None:
    for knobs in ({}, {"flips": False}, {"turns": 1}, {"turns": 3, "zooms": 5}):
        config = PredictConfig(**knobs)
        assert len(set(list_copies(config))) == config.num_copies
    assert PredictConfig(flips=False, turns=6, zooms=3).num_copies == 18


def test_zooms_are_evenly_spread_around_the_image_as_it_is() -> None:
    config = PredictConfig(flips=False, turns=1, zooms=5, zoom=1.44)
    zooms = [copy.zoom for copy in list_copies(config)]
    assert zooms == pytest.approx([1 / 1.44, 1 / 1.2, 1, 1.2, 1.44])


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_turn_by_resampling_goes_the_way_of_an_exact_one(mirrored: bool) -> None:
    exact = make_copies(noise(2), Copy(mirrored, 0.25))
    nearly = make_copies(noise(2), Copy(mirrored, 0.25, zoom=1 + 1e-9))
    assert exact.dtype == np.uint8
    assert nearly.dtype == np.float32
    np.testing.assert_allclose(nearly, exact, atol=0.01)


def test_a_zoom_shows_the_middle_larger() -> None:
    image = np.zeros((1, 32, 32, 3), np.uint8)
    image[:, 12:20, 12:20] = 200  # eight pixels across
    larger = make_copies(image, Copy(zoom=2.0))[0, 16, :, 0]
    assert (larger > 100).sum() == 16


def test_light_is_added_along_one_axis_of_colour() -> None:
    grey = np.full((50, 32, 32, 3), 100, np.uint8)
    added = warp(grey, transforms(50, colour=0.5)) - 100
    red, green, blue = added[:, 16, 16].T
    np.testing.assert_allclose(green, red * 0.01253134 / 0.0148366, atol=1e-3)
    np.testing.assert_allclose(blue, red * 0.01040762 / 0.0148366, atol=1e-3)
    assert 1.2 < red.std() < 2.6  # half of 0.0148 * 255 = 1.9


def test_light_changes_no_other_draw() -> None:
    with_light = transforms(5, rotate=True, colour=0.5)
    np.testing.assert_array_equal(with_light[:, :8], transforms(5, rotate=True)[:, :8])
