"""The numbers behind the report's plots."""

from typing import NamedTuple

import numpy as np

from pipeline.data.tree import COLUMNS, QUESTIONS, Question, answer_slice

SHIFT_ERRORS = 4  # standard errors from which a shift of a mean is no chance
SHIFT_FRACTION = 0.02  # and from which it matters


def question_of(column: int) -> Question:
    """Whose answer a column is."""
    number = int(COLUMNS[column].removeprefix("Class").split(".")[0])
    return QUESTIONS[number - 1]


def answer_text(column: int) -> str:
    question = question_of(column)
    return question.answers[column - answer_slice(question).start]


def rmse_per_answer(fractions: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """RMSE of each answer over all galaxies: (37,)."""
    return np.sqrt(((fractions.astype(np.float64) - targets) ** 2).mean(axis=0))


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


def density(
    fractions: np.ndarray, targets: np.ndarray, bins: int
) -> tuple[np.ndarray, np.ndarray]:
    """Counts of (predicted, volunteers') pairs, both cut into `bins` from 0 to 1.

    Returns:
        counts (bins, bins) int64, rows by the volunteers' fraction and columns by the
        predicted one; edges (bins + 1,).
    """
    edges = np.linspace(0, 1, bins + 1)
    counts, _, _ = np.histogram2d(
        np.clip(targets, 0, 1).ravel(), np.clip(fractions, 0, 1).ravel(), (edges, edges)
    )
    return counts.astype(np.int64), edges


class Calibration(NamedTuple):
    """Predictions grouped by what they said; groups without any are left out.

    Attributes:
        predicted: (G,) mean prediction of the group.
        observed: (G,) mean of the volunteers' fractions in it.
        counts: (G,) its size.
    """

    predicted: np.ndarray
    observed: np.ndarray
    counts: np.ndarray

    @property
    def error(self) -> float:
        """How far the groups lie from their prediction, on average over its members."""
        gaps = np.abs(self.predicted - self.observed)
        return float((gaps * self.counts).sum() / self.counts.sum())


def calibrate(fractions: np.ndarray, targets: np.ndarray, bins: int) -> Calibration:
    """Groups all pairs of whatever shape by the predicted fraction."""
    predicted, observed = fractions.ravel(), targets.ravel()
    groups = np.clip((predicted * bins).astype(np.int64), 0, bins - 1)
    counts = np.bincount(groups, minlength=bins)
    some = counts > 0
    sums = [np.bincount(groups, weights, bins) for weights in (predicted, observed)]
    return Calibration(
        sums[0][some] / counts[some], sums[1][some] / counts[some], counts[some]
    )


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
