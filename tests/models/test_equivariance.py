from pathlib import Path

import keras
import numpy as np
import pytest

from pipeline.models.equivariance import (
    INVERSES,
    PRODUCTS,
    EquivariantConv2D,
    FlattenEachWay,
    turned,
)
from pipeline.models.layers import RELU_GAIN
from pipeline.settings.networks import NUM_WAYS
from tests.networks import assert_survives_saving, build_small, noise, predict


def small_network(**settings: object) -> keras.Model:
    """One whose head has a kernel, as after a training."""
    network = build_small(width=16, **settings)
    kernel = network.get_layer("logits").kernel
    kernel.assign(np.random.default_rng(0).normal(size=kernel.shape, scale=0.1))
    return network


def patches() -> np.ndarray:
    """Pictures (4, 32, 32, 3) whose patches have sides of 4 pixels."""
    return noise(4, size=8).repeat(4, axis=1).repeat(4, axis=2)


def every_way(images: np.ndarray) -> list[np.ndarray]:
    """Images (B, S, S, C), turned and mirrored by numpy alone."""
    turns = [np.rot90(images, quarters, axes=(1, 2)) for quarters in range(4)]
    return [*turns, *(turn[:, :, ::-1] for turn in turns)]


def test_the_eight_ways_are_a_group() -> None:
    for row in (*PRODUCTS, *PRODUCTS.T):
        assert sorted(row) == [*range(NUM_WAYS)]
    assert (PRODUCTS[range(NUM_WAYS), INVERSES] == 0).all()
    picture = np.arange(9).reshape(3, 3)
    for second in range(NUM_WAYS):
        for first in range(NUM_WAYS):
            both = turned(turned(picture, second), first)
            assert (both == turned(picture, PRODUCTS[first, second])).all()


@pytest.mark.parametrize(
    "settings", [{}, {"num_levels": 1}, {"view_size": 16}, {"shrink_to": 16}]
)
def test_a_picture_is_the_same_turned_and_mirrored(settings: dict) -> None:
    network = small_network(equivariant=True, **settings)
    first, *others = (predict(network, turn) for turn in every_way(patches()))
    assert np.std(first, axis=0).max() > 0.01  # it tells pictures apart
    for other in others:
        np.testing.assert_allclose(other, first, atol=1e-5)


def test_other_networks_do_see_a_difference() -> None:
    network = small_network()
    first, other, *_ = (predict(network, turn) for turn in every_way(patches()))
    assert np.abs(first - other).max() > 0.01


def test_maps_turn_with_the_picture_and_change_places() -> None:
    layer = EquivariantConv2D(3)
    maps = np.random.default_rng(0).normal(size=(2, 6, 6, NUM_WAYS * 5))
    maps = maps.astype(np.float32)
    first = keras.ops.convert_to_numpy(layer(maps)).reshape(2, 6, 6, NUM_WAYS, 3)
    for way in range(NUM_WAYS):
        versions = maps.reshape(2, 6, 6, NUM_WAYS, 5)[:, :, :, PRODUCTS[INVERSES[way]]]
        image = [turned(one, way) for one in versions]
        found = keras.ops.convert_to_numpy(layer(np.reshape(image, maps.shape)))
        wanted = [turned(one, way) for one in first[:, :, :, PRODUCTS[INVERSES[way]]]]
        np.testing.assert_allclose(found, np.reshape(wanted, found.shape), atol=1e-4)


def test_a_turned_map_has_the_same_rows_in_another_order() -> None:
    maps = np.random.default_rng(0).normal(size=(1, 4, 4, NUM_WAYS * 2))
    rows = keras.ops.convert_to_numpy(FlattenEachWay()(maps))[0]
    assert rows.shape == (NUM_WAYS, 4 * 4 * NUM_WAYS * 2)
    np.testing.assert_array_equal(rows[0], maps.ravel().astype(np.float32))
    for way in range(1, NUM_WAYS):
        versions = maps.reshape(4, 4, NUM_WAYS, 2)[:, :, PRODUCTS[INVERSES[way]]]
        moved = turned(versions, way).reshape(maps.shape)
        others = keras.ops.convert_to_numpy(FlattenEachWay()(moved))[0]
        assert sorted(map(tuple, others)) == sorted(map(tuple, rows))
        assert not np.array_equal(others, rows)


@pytest.mark.parametrize("rectified", [False, True])
def test_equivariant_filters_keep_a_signal_at_its_size(rectified: bool) -> None:
    signal = np.random.default_rng(0).normal(size=(4, 32, 32, 64)).astype(np.float32)
    layer = EquivariantConv2D(16, input_gain=RELU_GAIN if rectified else 1.0)
    outputs = layer(np.maximum(signal, 0) if rectified else signal)
    spread = keras.ops.convert_to_numpy(outputs)[:, 1:-1, 1:-1].std()
    assert spread == pytest.approx(1, abs=0.05)


def test_its_filters_are_an_eighth_of_the_channels() -> None:
    plain = build_small(width=16).layers
    own = small_network(equivariant=True).layers
    channels = [layer.output.shape[-1] for layer in own if hasattr(layer, "gain")]
    assert channels == [
        layer.output.shape[-1] for layer in plain if hasattr(layer, "gain")
    ]
    filters = [layer.filters for layer in own if isinstance(layer, EquivariantConv2D)]
    assert filters == [channel // NUM_WAYS for channel in channels]


def test_a_saved_equivariant_network_predicts_the_same(tmp_path: Path) -> None:
    network = small_network(equivariant=True)
    assert_survives_saving(network, noise(4), tmp_path / "model.keras")
