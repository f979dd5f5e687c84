"""Networks to test, and pictures to show them."""

import math
from pathlib import Path

import numpy as np

from pipeline.settings.backend import start_keras
from pipeline.settings.schema import make_settings
from tests.miniature import some_fractions

start_keras()

import keras  # noqa: E402

from pipeline.inference.views import load_network  # noqa: E402
from pipeline.models.network import build_network  # noqa: E402

MEANS = some_fractions(1)[0]


def build(preset: str, **settings: object) -> keras.Model:
    values = {f"train.{name}": value for name, value in settings.items()}
    made = make_settings("demo", preset, values)
    keras.utils.set_random_seed(1)  # whatever tests have drawn before
    return build_network(made.train, made.preprocess.image_size, MEANS)


def build_small(**settings: object) -> keras.Model:
    """A network for images of 32 px."""
    return build("tiny", **({"width": 4} | settings))


def count_trained(network: keras.Model) -> int:
    return sum(math.prod(weight.shape) for weight in network.trainable_weights)


def noise(num_images: int, size: int = 32) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (num_images, size, size, 3), np.uint8)


def predict(network: keras.Model, images: np.ndarray) -> np.ndarray:
    # called at once: a graph for each network would take minutes
    return keras.ops.convert_to_numpy(network(images, training=False))


def assert_survives_saving(
    network: keras.Model, images: np.ndarray, path: Path
) -> None:
    network.save(path)
    again = predict(load_network(path, images.shape[1]), images)
    np.testing.assert_array_equal(again, predict(network, images))
