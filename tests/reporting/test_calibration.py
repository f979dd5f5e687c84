import numpy as np

from pipeline.reporting.calibration import calibrate, calibrate_asked


def test_calibration_groups_by_what_was_predicted() -> None:
    predicted = np.array([[0.1, 0.2], [0.9, 1.0]])
    observed = np.array([[0.0, 0.5], [0.8, 0.6]])
    groups = calibrate(predicted, observed, 2)
    np.testing.assert_allclose(groups.predicted, [0.15, 0.95])
    np.testing.assert_allclose(groups.observed, [0.25, 0.7])
    assert groups.counts.tolist() == [2, 2]
    np.testing.assert_allclose(groups.gap, (0.10 + 0.25) / 2)


def test_calibration_leaves_out_groups_without_answers() -> None:
    groups = calibrate(np.array([[0.05], [0.95]]), np.array([[0.0], [1.0]]), 10)
    np.testing.assert_allclose(groups.predicted, [0.05, 0.95])
    assert np.isnan(groups.errors).all()  # one galaxy tells nothing of the spread


def test_the_error_of_a_group_is_by_galaxies() -> None:
    predicted = np.full((4, 1), 0.5)
    observed = np.array([[0.2], [0.4], [0.6], [0.8]])
    once = calibrate(predicted, observed, 10)
    # the deviation of 0.2, 0.4, 0.6, 0.8 is 0.2582, its square root of four a half
    np.testing.assert_allclose(once.errors, [0.1291], atol=1e-4)
    # the same answer twice is no news
    twice = calibrate(np.tile(predicted, 2), np.tile(observed, 2), 10)
    np.testing.assert_allclose(twice.errors, once.errors)
    np.testing.assert_allclose(twice.counts, 2 * once.counts)


def test_a_question_is_judged_by_those_who_were_asked() -> None:
    predicted, observed = np.zeros((2, 37)), np.zeros((2, 37))
    # features or disk: everybody, and one volunteer of ten
    predicted[:, 1], observed[:, 1] = (1, 0.1), (1, 0.1)
    # edge-on: half of those asked are predicted, all of them said so
    predicted[:, 3], predicted[:, 4] = (0.5, 0.05), (0.5, 0.05)
    observed[:, 3] = 1, 0.1
    groups = calibrate_asked(predicted, observed, 10)[2]
    np.testing.assert_allclose(groups.predicted, [0.5])
    np.testing.assert_allclose(groups.observed, [0.5])  # yes 1 and no 0
    np.testing.assert_allclose(groups.counts, [2 * 1.1])


def test_a_question_that_nobody_was_asked_has_no_calibration() -> None:
    smooth = np.zeros((3, 37))
    smooth[:, 0] = 1
    assert set(calibrate_asked(smooth, smooth, 10)) == {1, 6, 7}
