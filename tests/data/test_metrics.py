import numpy as np
import pytest

from pipeline.data.metrics import (
    Score,
    effective_sample_size,
    mixed_score,
    paired_difference,
    rmse_per_question,
    score_fractions,
)


def test_the_root_is_taken_last() -> None:
    targets = np.zeros((2, 37))
    fractions = np.zeros((2, 37))
    fractions[0] = 0.6
    # half of all values are off by 0.6: sqrt(0.36 / 2), not (0.6 + 0) / 2
    assert score_fractions(fractions, targets).rmse == pytest.approx(0.18**0.5)


def test_the_standard_error_is_what_repeated_samples_scatter_by() -> None:
    rng = np.random.default_rng(0)
    spread = rng.gamma(2.0, 0.05, (200, 500, 1))
    errors = rng.normal(0, 1, (200, 500, 37)) * spread
    scores = [score_fractions(sample, np.zeros((500, 37))) for sample in errors]
    scatter = np.std([score.rmse for score in scores])
    typical = np.mean([score.standard_error for score in scores])
    assert typical == pytest.approx(scatter, rel=0.15)


def test_the_error_of_a_difference_is_what_repeated_samples_scatter_by() -> None:
    rng = np.random.default_rng(0)
    hard = rng.gamma(2.0, 0.05, (300, 500, 1))  # galaxies are hard for both networks
    errors = rng.normal(0, 1, (2, 300, 500, 37)) * hard + np.array([0.02, 0.0]).reshape(
        2, 1, 1, 1
    )
    zeros = np.zeros((500, 37))
    gaps = [paired_difference(*pair, zeros) for pair in zip(*errors, strict=True)]
    scatter = np.std([gap.rmse for gap in gaps])
    assert np.mean([gap.standard_error for gap in gaps]) == pytest.approx(
        scatter, rel=0.15
    )
    alone = np.mean([score_fractions(one, zeros).standard_error for one in errors[0]])
    assert scatter < 0.5 * alone


def test_a_difference_by_hand() -> None:
    targets = np.zeros((2, 37))
    gap = paired_difference(np.full((2, 37), 0.3), np.full((2, 37), 0.1), targets)
    assert gap.rmse == pytest.approx(0.2)
    assert gap.standard_error == pytest.approx(0)


def test_galaxies_without_an_image_are_expected_to_score_as_the_means() -> None:
    # half of the squares are 0.01, half 0.03
    found = mixed_score(Score(0.1, 0.001), Score(0.03**0.5, 0.002), 0.5)
    assert found.rmse == pytest.approx(0.02**0.5)
    assert mixed_score(Score(0.1, 0.001), Score(0.2, 0.0), 0.0) == Score(0.1, 0.001)


def test_a_weight_of_two_counts_a_galaxy_twice() -> None:
    rng = np.random.default_rng(0)
    fractions, targets = rng.random((3, 37)), rng.random((3, 37))
    weighted = score_fractions(fractions, targets, np.array([1.0, 2.0, 1.0]))
    twice = score_fractions(fractions[[0, 1, 1, 2]], targets[[0, 1, 1, 2]])
    assert weighted.rmse == pytest.approx(twice.rmse)


def test_the_weighted_standard_error_is_what_repeated_samples_scatter_by() -> None:
    rng = np.random.default_rng(0)
    spread = rng.gamma(2.0, 0.05, (300, 500, 1))
    errors = rng.normal(0, 1, (300, 500, 37)) * spread
    # the galaxies with large errors weigh more, with some chance in it
    weights = spread[:, :, 0] * rng.random((300, 500))
    scores = [
        score_fractions(sample, np.zeros((500, 37)), counts)
        for sample, counts in zip(errors, weights, strict=True)
    ]
    scatter = np.std([score.rmse for score in scores])
    typical = np.mean([score.standard_error for score in scores])
    assert typical == pytest.approx(scatter, rel=0.15)


def test_the_effective_sample_size_is_that_of_the_galaxies_that_count() -> None:
    assert effective_sample_size(np.full(7, 3.0)) == pytest.approx(7)
    assert effective_sample_size(np.array([1.0, 1.0, 0.0, 0.0])) == pytest.approx(2)


def test_a_questions_rmse_knows_only_its_answers() -> None:
    targets = np.zeros((4, 37))
    fractions = np.zeros((4, 37))
    fractions[:, 13:15] = 0.5  # question 6
    by_question = rmse_per_question(fractions, targets)
    assert by_question[6] == pytest.approx(0.5)
    assert sum(by_question.values()) == pytest.approx(0.5)
