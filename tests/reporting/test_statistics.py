import numpy as np

from pipeline.reporting.statistics import (
    density,
    extreme_rows,
    judge,
    mean_shift,
    num_asked,
    rmse_per_galaxy,
)


def test_rmse_of_a_galaxy() -> None:
    fractions, targets = np.zeros((2, 37)), np.zeros((2, 37))
    fractions[0, 4], fractions[1, 4] = 0.6, 0.8
    np.testing.assert_allclose(
        rmse_per_galaxy(fractions, targets), [0.6 / np.sqrt(37), 0.8 / np.sqrt(37)]
    )


def test_answers_are_judged_beside_the_baseline() -> None:
    fractions, baseline, targets = (np.zeros((2, 37)) for _ in range(3))
    fractions[:, 4], baseline[:, 4] = (0.6, 0.8), 0.9
    judged = judge(fractions, baseline, targets, slice(4, 5))
    np.testing.assert_allclose(judged.ours.rmse, np.sqrt((0.36 + 0.64) / 2))
    np.testing.assert_allclose(judged.baseline, 0.9)
    other = judge(fractions, baseline, targets, slice(5, 6))
    assert (other.ours.rmse, other.baseline) == (0, 0)
    assert not other.is_better


def test_better_by_chance_is_no_better() -> None:
    targets, baseline = np.zeros((100, 37)), np.full((100, 37), 0.5)
    fractions = np.full((100, 37), 0.49)  # always a little better: no chance
    assert judge(fractions, baseline, targets, slice(0, 3)).is_better
    fractions[::2], fractions[1::2] = 0.2, 0.66  # now much better, now much worse
    assert np.sqrt((0.2**2 + 0.66**2) / 2) < 0.5
    assert not judge(fractions, baseline, targets, slice(0, 3)).is_better
    worse = np.full((100, 37), 0.51)
    assert not judge(worse, baseline, targets, slice(0, 3)).is_better


def test_a_question_is_asked_where_half_the_volunteers_came_to_it() -> None:
    targets = np.zeros((3, 37))
    targets[:, 1] = 0.49, 0.5, 1  # features or disk
    targets[2, 4] = 0.9  # not edge-on
    asked = num_asked(targets)
    assert (asked[1], asked[6]) == (3, 3)  # of everybody
    assert (asked[2], asked[3], asked[10]) == (2, 1, 0)


def test_extremes_run_from_the_outside_and_share_no_row() -> None:
    errors = np.array([0.3, 0.1, 0.6, 0.2, 0.5, 0.4])
    rows = extreme_rows(errors, 2)
    assert rows["largest"].tolist() == [2, 4]
    assert rows["smallest"].tolist() == [1, 3]
    assert rows["typical"].tolist() == [0, 5]
    few = np.concatenate(list(extreme_rows(errors[:4], 2).values()))
    assert sorted(few.tolist()) == [1, 2, 3] or len(set(few.tolist())) == 3


def test_density_has_the_volunteers_upwards_and_predictions_to_the_right() -> None:
    counts = density(np.array([0.9, 0.9, 1.0]), np.array([0.1, 0.3, 0.0]), 4)
    assert counts[0, 3] == 2  # said 0.9 and 1 where the volunteers had 0.1 and 0
    assert counts[1, 3] == 1
    assert counts.sum() == 3


def spread(mean: float, num_galaxies: int) -> np.ndarray:
    """(N, 37) of this mean, half of them 0.1 above and half below: deviation 0.1."""
    fractions = np.full((num_galaxies, 37), mean)
    fractions[::2] += 0.1
    fractions[1::2] -= 0.1
    return fractions


def test_a_shift_is_notable_past_chance_and_past_a_fiftieth() -> None:
    training = spread(0.3, 10_000)  # standard error of a mean: 0.001
    shifted = training.copy()
    shifted[:, 5] += 0.03
    shifted[:, 6] += 0.015  # beyond chance, of no matter
    found = mean_shift(shifted, training)
    assert np.flatnonzero(found.notable).tolist() == [5]
    np.testing.assert_allclose(found.test[5] - found.training[5], 0.03)


def test_a_shift_that_chance_explains_is_not_notable() -> None:
    # 20 galaxies: standard error 0.1 / sqrt(20) = 0.022, four of them 0.09
    training = spread(0.3, 10_000)
    assert not mean_shift(spread(0.38, 20), training).notable.any()
    assert mean_shift(spread(0.40, 20), training).notable.all()
