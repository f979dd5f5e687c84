import keras
import numpy as np

from pipeline.models.augmentation import Warp, draw_transforms
from pipeline.models.dieleman2014 import Parts
from pipeline.settings.backend import backend_name
from pipeline.settings.schema import make_settings
from tests.networks import noise


def transforms(num_images: int = 50, **settings: object) -> np.ndarray:
    still = {"rotate": False, "flip": False, "zoom": 1.0, "shift": 0.0} | settings
    values = {f"train.{name}": value for name, value in still.items()}
    config = make_settings("demo", "tiny", values).train
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


def test_light_is_added_along_one_axis_of_colour() -> None:
    grey = np.full((50, 32, 32, 3), 100, np.uint8)
    added = warp(grey, transforms(50, colour=0.5)) - 100
    red, green, blue = added[:, 16, 16].T
    np.testing.assert_allclose(green, red * 0.01253134 / 0.0148366, atol=1e-3)
    np.testing.assert_allclose(blue, red * 0.01040762 / 0.0148366, atol=1e-3)
    assert 1.2 < red.std() < 2.6  # half of 0.0148 * 255 = 1.9


def test_a_view_is_the_centre_of_what_is_resampled() -> None:
    images = noise(20)
    matrices = transforms(20, rotate=True, zoom=1.3, shift=4.0, colour=0.5)
    view = keras.ops.convert_to_numpy(Warp(20)(images, matrices))
    # a hundredth of a step of 256: what float32 leaves of a place between pixels
    np.testing.assert_allclose(view, warp(images, matrices)[:, 6:-6, 6:-6], atol=1e-2)


def test_light_changes_no_other_draw() -> None:
    with_light = transforms(5, rotate=True, colour=0.5)
    np.testing.assert_array_equal(with_light[:, :8], transforms(5, rotate=True)[:, :8])


def test_tensorflow_is_told_not_to_compile_the_resampling() -> None:
    compiles = backend_name() != "tensorflow"
    assert Warp().supports_jit == compiles
    assert Parts().supports_jit == compiles
