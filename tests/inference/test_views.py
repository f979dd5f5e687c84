import itertools

import keras
import numpy as np
import pytest

from pipeline.data.shards import Shards, images_at_once
from pipeline.inference.views import (
    View,
    distinct_views,
    list_views,
    predict_rows,
    resampling,
    seen_in,
)
from pipeline.models.augmentation import Warp, transforms_about_centre
from pipeline.settings.schema import PredictConfig
from tests.networks import build_small, noise


def views_of(images: np.ndarray, **settings: object) -> list[np.ndarray]:
    return [*seen_in(images, list_views(PredictConfig(**settings)))]


def see(images: np.ndarray, view: View) -> np.ndarray:
    (seen,) = seen_in(images, [view])
    return seen


def test_the_eight_views_are_all_different_and_the_first_is_the_image() -> None:
    images = noise(2)
    views = views_of(images)
    np.testing.assert_array_equal(views[0], images)
    np.testing.assert_array_equal(views[4], images[:, :, ::-1])
    np.testing.assert_array_equal(views[2], images[:, ::-1, ::-1])
    assert len({view.tobytes() for view in views}) == 8


def test_the_number_of_views_is_as_told() -> None:
    for settings in (
        {},
        {"flips": False},
        {"num_rotations": 1},
        {"num_rotations": 3, "num_zooms": 5},
    ):
        config = PredictConfig(**settings)
        assert len(set(list_views(config))) == config.num_views
    assert PredictConfig(flips=False, num_rotations=6, num_zooms=3).num_views == 18


def test_zooms_are_evenly_spread_around_the_image_as_it_is() -> None:
    config = PredictConfig(flips=False, num_rotations=1, num_zooms=5, zoom=1.44)
    zooms = [view.zoom for view in list_views(config)]
    assert zooms == pytest.approx([1 / 1.44, 1 / 1.2, 1, 1.2, 1.44])


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_turn_by_resampling_goes_the_way_of_an_exact_one(mirrored: bool) -> None:
    exact = see(noise(2), View(mirrored, 0.25))
    nearly = see(noise(2), View(mirrored, 0.25, zoom=1 + 1e-9))
    assert exact.dtype == np.uint8
    assert nearly.dtype == np.float32
    np.testing.assert_allclose(nearly, exact, atol=0.01)


def test_views_that_are_resampled_together_are_those_made_one_by_one() -> None:
    images = noise(2)
    for rotations in (1, 4, 8, 10):
        config = PredictConfig(num_rotations=rotations, num_zooms=3)
        views = list_views(config)
        keys = [resampling(view) for view in views]
        assert len([*itertools.groupby(keys)]) == len(set(keys))
        for view, seen in zip(views, seen_in(images, views), strict=True):
            every = np.ones(len(images))
            transforms = transforms_about_centre(
                images.shape[1],
                angle=2 * np.pi * view.turn * every,
                mirror=-every if view.mirrored else every,
                scale=view.zoom * every,
                move=np.zeros((2, len(images))),
            )
            alone = keras.ops.convert_to_numpy(Warp()(images, transforms))
            # where a pixel at the rim falls between two reflections, either counts
            different = np.abs(seen.astype(float) - alone) > 0.1
            assert different.mean() < 0.01, view


def test_a_zoom_shows_the_middle_larger() -> None:
    image = np.zeros((1, 32, 32, 3), np.uint8)
    image[:, 12:20, 12:20] = 200  # eight pixels across
    larger = see(image, View(zoom=2.0))[0, 16, :, 0]
    assert (larger > 100).sum() == 16


def test_large_images_are_predicted_few_at_a_time() -> None:
    # 256 of 96 px are 2.4 million pixels, and so are 47 of 224 px
    for asked, size, taken in ((256, 96, 256), (256, 224, 47), (16, 224, 16)):
        assert images_at_once(asked, size) == taken
    assert images_at_once(256, 4000) == 1


def test_how_many_are_predicted_at_a_time_changes_rounding_alone() -> None:
    network, shards = build_small(), Shards(np.arange(9), [noise(5), noise(4)])
    at_once = predict_rows(network, shards, np.arange(9))
    in_steps = predict_rows(network, shards, np.arange(9), batch_size=4)
    np.testing.assert_allclose(at_once, in_steps, atol=1e-6)


@pytest.mark.parametrize("num_rotations", [1, 3, 8, 6])
def test_an_invariant_network_need_not_see_every_view(num_rotations: int) -> None:
    config = PredictConfig(num_rotations=num_rotations, num_zooms=3)
    views = list_views(config)
    few = distinct_views(views, invariant=True)
    # with 8 by no turn and by 45 degrees, each of 3 zooms; with 6 by 0 and 60 = 60 - 90
    assert len(few) == 3 * {1: 1, 3: 3, 8: 2, 6: 3}[num_rotations]
    assert distinct_views(views, invariant=False) == views
    network = build_small(equivariant=True, width=8)
    kernel = network.get_layer("logits").kernel
    kernel.assign(np.random.default_rng(0).normal(size=kernel.shape, scale=0.1))
    shards = Shards(
        np.arange(5), [noise(5, size=8).repeat(4, axis=1).repeat(4, axis=2)]
    )
    every, some, one = (
        predict_rows(network, shards, np.arange(5), own)
        for own in (views, few, few[:1])
    )
    np.testing.assert_allclose(some, every, atol=1e-5)
    assert np.abs(one - every).max() > 1e-3  # views do differ
