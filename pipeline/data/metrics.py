"""The competition's score, and how sure one can be of it."""

from typing import NamedTuple

import numpy as np

from pipeline.data.tree import QUESTIONS, answer_slice


class Score(NamedTuple):
    """An RMSE and its standard error."""

    rmse: float
    standard_error: float


def score_fractions(
    fractions: np.ndarray, targets: np.ndarray, weights: np.ndarray | None = None
) -> Score:
    """RMSE over all galaxies and answers, the square root last.

    The standard error is that of the mean over galaxies, carried through the root;
    with weights that of a ratio of two sums (Cochran 1977, section 6.3).

    Args:
        fractions: (N, 37) predicted.
        targets: (N, 37) volunteers'.
        weights: (N,) how much each galaxy counts; all alike by default.
    """
    squares = (fractions.astype(np.float64) - targets) ** 2
    per_galaxy = squares.mean(axis=1)
    num = len(per_galaxy)
    shares = np.full(num, 1 / num) if weights is None else weights / weights.sum()
    mean = shares @ per_galaxy
    rmse = float(np.sqrt(mean))
    if rmse == 0 or num < 2:
        return Score(rmse, 0.0)
    variance = ((shares * (per_galaxy - mean)) ** 2).sum() * num / (num - 1)
    return Score(rmse, float(np.sqrt(variance) / (2 * rmse)))


def effective_sample_size(weights: np.ndarray) -> float:
    """How many galaxies of equal weight would tell as much (Kish 1965)."""
    return float(weights.sum() ** 2 / (weights**2).sum())


def rmse_per_question(fractions: np.ndarray, targets: np.ndarray) -> dict[int, float]:
    """RMSE over the answers of each question, by its number."""
    squares = (fractions.astype(np.float64) - targets) ** 2
    return {
        question.number: float(np.sqrt(squares[:, answer_slice(question)].mean()))
        for question in QUESTIONS
    }
