import dataclasses

import keras
import numpy as np
import pytest

from pipeline.models.layers import StandardizedConv2D
from pipeline.settings.epochs import Epochs
from pipeline.settings.networks import TrainConfig
from pipeline.training.optimizers import (
    build_optimizer,
    build_schedule,
    layer_shares,
    scaled,
)


def rates(schedule: str, warmup: float = 0.0) -> np.ndarray:
    """The rate of each of 25 steps whose highest is 1."""
    config = TrainConfig(schedule=schedule, learning_rate=1.0, warmup=warmup)
    rate = build_schedule(config, 25)
    return np.array([float(rate(step)) for step in range(25)])


def test_steps_fall_to_a_tenth_after_72_and_92_percent() -> None:
    wanted = np.repeat([1, 0.1, 0.01], [18, 5, 2])
    np.testing.assert_allclose(rates("steps"), wanted, rtol=1e-5)


def test_a_constant_rate_stays() -> None:
    np.testing.assert_allclose(rates("constant"), 1)


def test_a_cosine_ends_near_zero() -> None:
    cosine = rates("cosine")
    assert cosine[0] == pytest.approx(1)
    assert cosine[12] > 0.5 > cosine[13]
    assert cosine[24] < 0.01


@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_a_warm_up_rises_to_the_highest_rate(schedule: str) -> None:
    rising = rates(schedule, warmup=0.2)[:6]
    assert 0 < rising[0] < 0.2
    assert (np.diff(rising) > 0).all()
    assert rising[5] == pytest.approx(1)


def test_a_constant_rate_stays_once_it_is_warm() -> None:
    np.testing.assert_allclose(rates("constant", warmup=0.2)[5:], 1, rtol=1e-6)


@pytest.mark.parametrize("name", ["adamw", "sgd", "adam", "muon"])
def test_only_kernels_decay(name: str) -> None:
    layers = [keras.layers.Dense(2), keras.layers.BatchNormalization()]
    network = keras.Sequential([keras.Input((2,)), *layers])
    config = TrainConfig(optimizer=name, weight_decay=0.1, learning_rate=1.0)
    config = dataclasses.replace(config, schedule="constant", warmup=0.0, ema_epochs=0)
    optimizer = build_optimizer(config, Epochs(config.epochs), 10)
    variables = network.trainable_variables
    for variable in variables:
        variable.assign(np.ones(variable.shape))
    zeros = [keras.ops.zeros(variable.shape) for variable in variables]
    optimizer.apply(zeros, variables)
    after = {v.name: float(np.min(keras.ops.convert_to_numpy(v))) for v in variables}
    kernel = after.pop("kernel")
    assert kernel == pytest.approx(1.0 if name == "adam" else 0.9)
    assert after == {"bias": 1, "gamma": 1, "beta": 1}


@pytest.mark.parametrize("name", ["adamw", "sgd", "adam", "muon"])
def test_without_decay_a_weight_stays(name: str) -> None:
    optimizer = build_optimizer(
        TrainConfig(optimizer=name, weight_decay=0.0), Epochs(24), 10
    )
    kernel = keras.Variable(np.ones((2, 2), np.float32), name="kernel")
    optimizer.apply([keras.ops.zeros((2, 2))], [kernel])
    assert np.array_equal(keras.ops.convert_to_numpy(kernel), np.ones((2, 2)))


def test_sgd_is_that_of_keras_with_nesterov_momentum() -> None:
    config = TrainConfig(optimizer="sgd", learning_rate=0.1, weight_decay=0.0)
    config = dataclasses.replace(config, schedule="constant", warmup=0.0, ema_epochs=0)
    ours = build_optimizer(config, Epochs(config.epochs), 10)
    theirs = keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True)
    rng = np.random.default_rng(0)
    start = rng.normal(size=(3, 2)).astype(np.float32)
    mine, other = keras.Variable(start), keras.Variable(start)
    for _ in range(4):
        gradient = keras.ops.convert_to_tensor(rng.normal(size=(3, 2)).astype("f4"))
        ours.apply([gradient], [mine])
        theirs.apply([gradient], [other])
    assert np.abs(keras.ops.convert_to_numpy(other) - start).min() > 0.01
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(mine), keras.ops.convert_to_numpy(other), rtol=1e-5
    )


def test_muon_steps_in_all_directions_alike() -> None:
    layer = StandardizedConv2D(4)
    network = keras.Sequential([keras.Input((8, 8, 2)), layer])
    config = TrainConfig(optimizer="muon", learning_rate=1e-2, weight_decay=0.0)
    config = dataclasses.replace(config, schedule="constant", warmup=0.0, ema_epochs=0)
    optimizer = build_optimizer(config, Epochs(config.epochs), 10)
    before = keras.ops.convert_to_numpy(layer.kernel)
    rng = np.random.default_rng(0)
    variables = network.trainable_variables
    gradients = [rng.normal(size=v.shape).astype("f4") for v in variables]
    optimizer.apply(gradients, variables)
    step = keras.ops.convert_to_numpy(layer.kernel) - before
    strengths = np.linalg.svd(step, compute_uv=False)
    # 5 Newton-Schulz iterations bring all singular values between 0.7 and 1.2
    assert strengths.max() / strengths.min() < 1.2 / 0.7
    # and the step to the size of one of Adam: Liu et al. 2025, 0.2 of the rate
    assert np.sqrt(np.mean(step**2)) == pytest.approx(0.2 * 1e-2, rel=0.3)


@pytest.mark.parametrize("word", ["float32", "bfloat16", "float16"])
def test_small_gradients_are_scaled_for_float16_alone(word: str) -> None:
    optimizer = scaled(build_optimizer(TrainConfig(), Epochs(24), 10), word)
    factor = float(optimizer.scale_loss(1.0))
    assert factor == (2**15 if word == "float16" else 1)  # Keras begins with that


def test_shares_of_the_rate_rise_by_equal_factors() -> None:
    paths = ["stem/kernel", "stem/bias", "block_1/a/kernel", "block_1/b/kernel"]
    shares = layer_shares([*paths, "head/kernel", "head/bias"], 0.001)
    np.testing.assert_allclose(shares, [0.001, 0.001, 0.01, 0.1, 1, 1])
    assert layer_shares(["lone/kernel"], 0.5) == [0.5]


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_each_layer_learns_and_decays_at_its_share_of_the_rate(decay: float) -> None:
    network = keras.Sequential([keras.Input((2,)), *map(keras.layers.Dense, (3, 2, 1))])
    before = [np.array(own) for own in network.trainable_variables]
    config = TrainConfig(
        learning_rate=0.01,
        schedule="constant",
        warmup=0,
        weight_decay=decay,
        first_layer_rate=0.01,
    )
    optimizer = build_optimizer(config, Epochs(9), 3)
    ones = [keras.ops.ones_like(own) for own in network.trainable_variables]
    optimizer.apply(ones, network.trainable_variables)
    shares = np.repeat([0.01, 0.1, 1], 2)  # a kernel and a bias each
    for share, old, new in zip(
        shares, before, network.trainable_variables, strict=True
    ):
        kept = 1 - 0.01 * share * decay if old.ndim == 2 else 1
        # the first step of Adam is as long as the rate, whatever the gradient
        np.testing.assert_allclose(new, kept * old - 0.01 * share, rtol=1e-5, atol=1e-7)
    assert float(optimizer.learning_rate) == pytest.approx(0.01)
