import numpy as np
import pytest

from pipeline.metrics import Score, score_fractions
from pipeline.resemblance import resemblance_weights


def sky(num_easy: int, num_hard: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Fractions predicted and true; hard galaxies lie in the middle, off by more."""
    rng = np.random.default_rng(seed)
    hard = np.repeat([False, True], [num_easy, num_hard])[:, None]
    fractions = rng.random((len(hard), 37))
    clear = np.round(fractions[:, :3]) + rng.normal(0, 0.1, (len(hard), 3))
    vague = 0.5 + rng.normal(0, 0.1, (len(hard), 3))
    fractions[:, :3] = np.where(hard, vague, clear)
    errors = rng.normal(0, np.where(hard, 0.12, 0.08), fractions.shape)
    return fractions, fractions + errors


def plain_and_weighted(num_easy: int, num_hard: int) -> tuple[Score, Score, Score]:
    """Held out: a mix. Test: hard galaxies alone. The third score is the truth."""
    fractions, targets = sky(num_easy, num_hard, seed=1)
    test_fractions, test_targets = sky(0, 3000, seed=2)
    weights = resemblance_weights(fractions, test_fractions)
    return (
        score_fractions(fractions, targets),
        score_fractions(fractions, targets, weights),
        score_fractions(test_fractions, test_targets),
    )


def test_weighed_galaxies_score_like_the_hard_ones_they_resemble() -> None:
    plain, weighted, truth = plain_and_weighted(num_easy=1000, num_hard=500)
    assert plain.rmse < truth.rmse - 5 * plain.standard_error
    error = np.hypot(weighted.standard_error, truth.standard_error)
    assert weighted.rmse == pytest.approx(truth.rmse, abs=2 * error)


def test_where_both_sets_are_alike_the_score_stays() -> None:
    plain, weighted, _ = plain_and_weighted(num_easy=0, num_hard=1500)
    assert weighted.rmse == pytest.approx(plain.rmse, abs=plain.standard_error)


def test_weights_are_positive_and_one_on_average_even_for_a_handful() -> None:
    weights = resemblance_weights(sky(2, 2, seed=0)[0], sky(3, 0, seed=1)[0])
    assert weights.min() > 0
    assert weights.mean() == pytest.approx(1)
