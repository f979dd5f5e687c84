import subprocess
import sys
from pathlib import Path

import keras
import numpy as np

from pipeline.models.layers import StandardizedConv2D
from pipeline.models.network import of_view
from pipeline.runs.paths import PROJECT
from tests.miniature import some_fractions
from tests.networks import assert_survives_saving, build_small, noise


def test_a_network_can_learn_eight_images_by_heart() -> None:
    network, targets = build_small(width=8, dropout=0.0), some_fractions(8, seed=2)
    network.compile(keras.optimizers.Adam(3e-3), "mse")
    images = noise(8)
    before = network.test_on_batch(images, targets)
    for _ in range(120):
        network.train_on_batch(images, targets)
    network.reset_metrics()  # else the loss would be the mean over all steps
    assert network.test_on_batch(images, targets) < before / 10


def test_a_saved_network_predicts_the_same(tmp_path: Path) -> None:
    assert_survives_saving(build_small(), noise(4), tmp_path / "model.keras")


def test_the_network_sees_no_more_than_the_view() -> None:
    network, images = build_small(view_size=16), noise(4)
    blinkered = images.copy()
    blinkered[:, :8] = blinkered[:, 24:] = 0
    blinkered[:, :, :8] = blinkered[:, :, 24:] = 0
    np.testing.assert_array_equal(
        network.predict_on_batch(images), network.predict_on_batch(blinkered)
    )


def test_a_network_of_its_view_says_what_the_network_says() -> None:
    network, images = build_small(view_size=16), noise(4)
    np.testing.assert_allclose(
        of_view(network).predict_on_batch(images[:, 8:24, 8:24]),
        network.predict_on_batch(images),
        atol=1e-6,
    )


def test_each_level_halves_the_side_and_doubles_the_channels() -> None:
    network = build_small(width=8, num_levels=3)  # 32 px, in blocks of 2
    found = [
        tuple(layer.output.shape[1:])
        for layer in network.layers
        if isinstance(layer, StandardizedConv2D)
    ]
    levels = [(8, 8, 16), (4, 4, 32), (2, 2, 64)]
    assert found == [(16, 16, 8), *(shape for shape in levels for _ in range(2))]


def test_a_saved_network_loads_where_none_was_built(tmp_path: Path) -> None:
    path, network = (
        tmp_path / "model.keras",
        build_small(equivariant=True, width=8, shrink_to=16),
    )
    network.save(path)
    load = "import sys; from pathlib import Path; from pipeline.inference import views"
    load += "; views.load_network(Path(sys.argv[1]), 32)"
    subprocess.run([sys.executable, "-c", load, str(path)], check=True, cwd=PROJECT)
