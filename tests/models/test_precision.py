import os
from pathlib import Path

import keras
import numpy as np
import pytest

from pipeline.models import precision
from pipeline.models.precision import VARIABLES, computing
from tests.networks import (
    assert_survives_saving,
    build,
    build_small,
    noise,
    predict,
    rewritten,
)

# A number of bfloat16 has 8 bits: rounding moves it by 1 / 512 of itself at most. All
# numbers here are of the size of 1, and most roundings cancel.
MOST = 1 / 128


@pytest.fixture
def by_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a GPU: Keras tells each layer what to compute in."""
    monkeypatch.setattr(precision, "has_gpu", lambda: True)


def assert_close_but_not_equal(found: np.ndarray, expected: np.ndarray) -> None:
    assert found.dtype == np.float32
    assert 0 < np.abs(found - expected).max() < MOST


@rewritten
@pytest.mark.parametrize("model", ["compact", "efficientnetlite0"])
def test_a_cpu_computes_in_bfloat16_for_the_time_of_a_block(model: str) -> None:
    network, images = build_small(model=model), noise(4)
    before = network.predict_on_batch(images)
    with computing(network, "bfloat16"):
        assert_close_but_not_equal(network.predict_on_batch(images), before)
    np.testing.assert_array_equal(network.predict_on_batch(images), before)
    assert not os.environ.keys() & VARIABLES.keys()


@rewritten
def test_several_networks_compute_in_bfloat16_at_a_time() -> None:
    network, images = build_small(), noise(4)
    before = network.predict_on_batch(images)
    with computing(network, "bfloat16"), computing(build_small(), "bfloat16"):
        assert_close_but_not_equal(network.predict_on_batch(images), before)
    np.testing.assert_array_equal(network.predict_on_batch(images), before)
    assert not os.environ.keys() & VARIABLES.keys()


@rewritten
def test_products_of_the_head_and_the_loss_are_not_rewritten() -> None:
    import tensorflow as tf

    multiply = tf.function(tf.matmul)
    convolve = tf.function(lambda a, b: tf.nn.conv2d(a, b, 1, "SAME"))
    rng = np.random.default_rng(0)
    matrices = rng.random((2, 8, 8), np.float32)
    images, filters = rng.random((2, 8, 8, 8), np.float32), np.ones((3, 3, 8, 4), "f")
    before = multiply(*matrices).numpy(), convolve(images, filters).numpy()
    with computing(build_small(), "bfloat16"):
        after = multiply(*matrices).numpy(), convolve(images, filters).numpy()
    np.testing.assert_array_equal(after[0], before[0])
    assert (after[1] != before[1]).any()


@pytest.mark.usefixtures("by_policy")
@pytest.mark.parametrize("word", ["bfloat16", "float16"])
@pytest.mark.parametrize(
    "model", ["compact", "efficientnetlite0", "sirressi2020", "dieleman2014"]
)
def test_a_gpu_computes_all_but_the_head_in_fewer_bits(model: str, word: str) -> None:
    preset = "dieleman2014" if model == "dieleman2014" else "tiny"
    network = build(preset, model=model)
    images = noise(2, network.input_shape[1])
    before = predict(network, images)
    with computing(network, word):
        policies = {layer.name: layer.dtype_policy.name for layer in network.layers}
        assert_close_but_not_equal(predict(network, images), before)
    np.testing.assert_array_equal(predict(network, images), before)
    assert {policies.pop("logits"), policies.pop("fractions")} == {"float32"}
    assert set(policies.values()) == {f"mixed_{word}"}


@pytest.mark.usefixtures("by_policy")
def test_what_was_compiled_before_computes_anew_within_the_block_and_after() -> None:
    network, images = build_small(), noise(4)
    before = network.predict_on_batch(images)
    with computing(network, "bfloat16"):
        assert_close_but_not_equal(network.predict_on_batch(images), before)
    np.testing.assert_array_equal(network.predict_on_batch(images), before)


@pytest.mark.usefixtures("by_policy")
def test_a_saved_network_is_the_same_whatever_it_computed_in(tmp_path: Path) -> None:
    network = build_small()
    with pytest.raises(KeyboardInterrupt), computing(network, "float16"):
        predict(network, noise(2))
        raise KeyboardInterrupt
    assert_survives_saving(network, noise(2), tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert {layer.dtype_policy.name for layer in again.layers} == {"float32"}
    assert {weight.dtype for weight in again.weights} == {"float32"}
