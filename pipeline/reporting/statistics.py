"""The numbers behind the report's plots."""

from typing import NamedTuple

import numpy as np

from pipeline.data.metrics import Score, paired_difference, score_fractions
from pipeline.data.tree import QUESTIONS, parent_fractions

BETTER_ERRORS = 2  # standard errors from which a difference is no chance
SHIFT_ERRORS = 4  # standard errors from which a shift of a mean is no chance
SHIFT_FRACTION = 0.02  # and from which it matters


class Judged(NamedTuple):
    """How well some answers are predicted.

    Attributes:
        ours: their RMSE.
        baseline: the RMSE of the baseline.
        is_better: whether ours is the smaller one, by more than chance explains.
    """

    ours: Score
    baseline: float
    is_better: bool


def judge(
    fractions: np.ndarray, baseline: np.ndarray, targets: np.ndarray, columns: slice
) -> Judged:
    """Judges the answers in some columns of (N, 37), beside the baseline's (N, 37)."""
    parts = [values[:, columns] for values in (fractions, baseline, targets)]
    difference = paired_difference(*parts)
    return Judged(
        score_fractions(parts[0], parts[2]),
        score_fractions(parts[1], parts[2]).rmse,
        difference.rmse < -BETTER_ERRORS * difference.standard_error,
    )


def num_asked(targets: np.ndarray) -> dict[int, int]:
    """Of how many galaxies (N, 37) at least half the volunteers were asked a question.

    Returns:
        By the question's number.
    """
    return {
        question.number: int((parent_fractions(targets, question) >= 0.5).sum())
        for question in QUESTIONS
    }


def rmse_per_galaxy(fractions: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """RMSE of each galaxy over all answers: (N,)."""
    return np.sqrt(((fractions.astype(np.float64) - targets) ** 2).mean(axis=1))


def extreme_rows(errors: np.ndarray, count: int) -> dict[str, np.ndarray]:
    """The rows of the largest, typical and smallest errors.

    Args:
        errors: (N,).
        count: how many of each; fewer where there are not three times as many.

    Returns:
        "largest", largest first; "typical", around the median; "smallest", smallest
        first; no row is in two of them.
    """
    order = np.argsort(errors, kind="stable")
    count = min(count, len(order) // 3)
    start = (len(order) - count) // 2
    return {
        "largest": order[::-1][:count],
        "typical": order[start : start + count],
        "smallest": order[:count],
    }


def density(fractions: np.ndarray, targets: np.ndarray, bins: int) -> np.ndarray:
    """Counts of (predicted, volunteers') pairs, both cut into `bins` from 0 to 1.

    Returns:
        (bins, bins) int64, rows by the volunteers' fraction and columns by the
        predicted one.
    """
    edges = np.linspace(0, 1, bins + 1)
    counts, _, _ = np.histogram2d(
        np.clip(targets, 0, 1).ravel(), np.clip(fractions, 0, 1).ravel(), (edges, edges)
    )
    return counts.astype(np.int64)


class Shift(NamedTuple):
    """The mean of each answer in the test set beside the training set's.

    Attributes:
        test: (37,) mean prediction.
        training: (37,) mean of the volunteers' fractions.
        notable: (37,) bool, too far apart for chance and for comfort.
    """

    test: np.ndarray
    training: np.ndarray
    notable: np.ndarray


def mean_shift(predicted: np.ndarray, targets: np.ndarray) -> Shift:
    """Compares the means of the predictions (N, 37) and of the targets (M, 37)."""
    test, training = predicted.mean(axis=0), targets.mean(axis=0, dtype=np.float64)
    variance = predicted.var(axis=0) / len(predicted)
    variance = variance + targets.var(axis=0, dtype=np.float64) / len(targets)
    gap = np.abs(test - training)
    notable = (gap > SHIFT_FRACTION) & (gap > SHIFT_ERRORS * np.sqrt(variance))
    return Shift(test, training, notable)
