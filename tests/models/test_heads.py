import keras
import numpy as np
import pytest

from pipeline.data.tree import tree_violations
from pipeline.models.heads import TreeRelu, TreeSoftmax
from tests.networks import MEANS, build_small, noise


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
    network = build_small(head=head)
    kernel = network.get_layer("logits").kernel
    kernel.assign(np.zeros(kernel.shape))  # of what the image adds, nothing
    fractions = network.predict_on_batch(noise(3))
    assert fractions.shape == (3, 37)
    assert fractions.dtype == np.float32
    np.testing.assert_allclose(fractions, np.tile(MEANS, (3, 1)), atol=2e-3)


def test_the_sigmoid_head_stays_between_zero_and_one() -> None:
    network = build_small(head="sigmoid")
    network.get_layer("logits").kernel.assign(
        np.random.default_rng(0).normal(0, 50, network.get_layer("logits").kernel.shape)
    )
    fractions = network.predict_on_batch(noise(8))
    assert fractions.min() >= 0
    assert fractions.max() <= 1


def test_the_relu_head_obeys_the_tree_and_knows_zero() -> None:
    logits = np.random.default_rng(1).normal(0, 1, (200, 37)).astype(np.float32)
    logits[:, [0, 3, 5, 7, 9, 13, 15, 18, 25, 28, 31]] = 0.5  # one of each question
    fractions = keras.ops.convert_to_numpy(TreeRelu()(logits))
    assert not tree_violations(fractions, 1e-6).any()
    assert (fractions == 0).mean() > 0.2


def test_the_relu_head_divides_after_its_first_steps_and_when_it_predicts() -> None:
    head = TreeRelu(undivided_steps=2)
    logits = np.full((1, 37), 0.1, np.float32)
    taken = [float(head(logits, training=True)[0, 0]) for _ in range(3)]
    assert taken == pytest.approx([0.1, 0.1, 1 / 3])  # of three answers alike
    assert float(head(logits)[0, 0]) == pytest.approx(1 / 3)


def test_a_question_whose_answers_are_all_cut_off_gives_zeros() -> None:
    fractions = keras.ops.convert_to_numpy(TreeRelu()(-np.ones((2, 37), np.float32)))
    np.testing.assert_array_equal(fractions, 0)


def test_the_head_of_another_seed_begins_with_other_weights() -> None:
    def kernel(seed: int) -> np.ndarray:
        return build_small(seed=seed).get_layer("logits").get_weights()[0]

    first = keras.initializers.RandomNormal(stddev=0.01, seed=0)(kernel(0).shape)
    np.testing.assert_array_equal(kernel(0), keras.ops.convert_to_numpy(first))
    correlation = np.corrcoef(kernel(0).ravel(), kernel(1).ravel())[0, 1]
    assert abs(correlation) < 0.1
