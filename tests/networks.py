"""Networks to test, and pictures to show them."""

import math
from pathlib import Path

import keras
import numpy as np
import pytest

from pipeline.inference.views import load_network
from pipeline.machine import can_bfloat16
from pipeline.models.network import build_network
from pipeline.settings.backend import backend_name
from pipeline.settings.schema import make_settings
from tests.miniature import some_fractions

MEANS = some_fractions(1)[0]
rewritten = pytest.mark.skipif(
    backend_name() != "tensorflow" or not can_bfloat16(),
    reason="TensorFlow rewrites graphs in bfloat16 for processors with AVX-512 alone",
)


def build(
    preset: str, image_size: int | None = None, **settings: object
) -> keras.Model:
    values = {f"train.{name}": value for name, value in settings.items()}
    if image_size:
        values["preprocess.image_size"] = image_size
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
