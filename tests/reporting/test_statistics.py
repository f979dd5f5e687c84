import numpy as np

from pipeline.reporting.statistics import (
    answer_text,
    calibrate,
    density,
    extreme_rows,
    mean_shift,
    question_of,
    rmse_per_answer,
    rmse_per_galaxy,
)


def test_a_column_knows_its_question_and_answer() -> None:
    assert (question_of(0).number, answer_text(0)) == (1, "smooth")
    assert (question_of(24).number, answer_text(24)) == (8, "dust lane")
    assert (question_of(36).number, answer_text(36)) == (11, "can't tell")


def test_rmse_of_an_answer_and_of_a_galaxy() -> None:
    fractions, targets = np.zeros((2, 37)), np.zeros((2, 37))
    fractions[0, 4], fractions[1, 4] = 0.6, 0.8
    per_answer = rmse_per_answer(fractions, targets)
    np.testing.assert_allclose(per_answer[4], np.sqrt((0.36 + 0.64) / 2))
    assert not per_answer[[*range(4), *range(5, 37)]].any()
    np.testing.assert_allclose(
        rmse_per_galaxy(fractions, targets), [0.6 / np.sqrt(37), 0.8 / np.sqrt(37)]
    )


def test_extremes_run_from_the_outside_and_share_no_row() -> None:
    errors = np.array([0.3, 0.1, 0.6, 0.2, 0.5, 0.4])
    rows = extreme_rows(errors, 2)
    assert rows["largest"].tolist() == [2, 4]
    assert rows["smallest"].tolist() == [1, 3]
    assert rows["typical"].tolist() == [0, 5]
    few = np.concatenate(list(extreme_rows(errors[:4], 2).values()))
    assert sorted(few.tolist()) == [1, 2, 3] or len(set(few.tolist())) == 3


def test_density_has_the_volunteers_upwards_and_predictions_to_the_right() -> None:
    counts, edges = density(np.array([0.9, 0.9, 1.0]), np.array([0.1, 0.3, 0.0]), 4)
    np.testing.assert_allclose(edges, [0, 0.25, 0.5, 0.75, 1])
    assert counts[0, 3] == 2  # said 0.9 and 1 where the volunteers had 0.1 and 0
    assert counts[1, 3] == 1
    assert counts.sum() == 3


def test_calibration_groups_by_what_was_predicted() -> None:
    predicted = np.array([[0.1, 0.2], [0.9, 1.0]])
    observed = np.array([[0.0, 0.5], [0.8, 0.6]])
    groups = calibrate(predicted, observed, 2)
    np.testing.assert_allclose(groups.predicted, [0.15, 0.95])
    np.testing.assert_allclose(groups.observed, [0.25, 0.7])
    assert groups.counts.tolist() == [2, 2]
    np.testing.assert_allclose(groups.error, (0.10 + 0.25) / 2)


def test_calibration_leaves_out_groups_without_answers() -> None:
    groups = calibrate(np.array([0.05, 0.95]), np.array([0.0, 1.0]), 10)
    np.testing.assert_allclose(groups.predicted, [0.05, 0.95])


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
