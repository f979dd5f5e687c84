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
        weights: (N,) how much each galaxy counts; all equally by default.
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


def mixed_score(most: Score, rest: Score, share: float) -> Score:
    """The score of galaxies of which a share is scored as the rest.

    The standard error takes both to err together, since the same galaxies tell them.
    """
    parts = ((most, 1 - share), (rest, share))
    rmse = float(np.sqrt(sum(part * score.rmse**2 for score, part in parts)))
    if rmse == 0:
        return Score(0.0, 0.0)
    error = sum(part * score.rmse * score.standard_error for score, part in parts)
    return Score(rmse, error / rmse)


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


class Difference(NamedTuple):
    """By how much one RMSE is above another, and its standard error."""

    rmse: float
    standard_error: float


def paired_difference(
    fractions: np.ndarray, baseline: np.ndarray, targets: np.ndarray
) -> Difference:
    """The RMSE of some predictions less that of others, on the same galaxies.

    The standard error is by the delta method: that of the mean over galaxies of the
    difference of squared errors, each divided by twice its RMSE. Galaxies that are hard
    for both cancel, so it is far below the errors of the two RMSEs.

    Args:
        fractions: (N, 37) predicted.
        baseline: (N, 37) predicted by the other.
        targets: (N, 37) volunteers'.
    """
    errors = [
        ((part.astype(np.float64) - targets) ** 2).mean(axis=1)
        for part in (fractions, baseline)
    ]
    roots = [float(np.sqrt(part.mean())) for part in errors]
    if min(roots) == 0 or len(targets) < 2:
        return Difference(roots[0] - roots[1], 0.0)
    parts = errors[0] / (2 * roots[0]) - errors[1] / (2 * roots[1])
    spread = float(parts.std(ddof=1) / np.sqrt(len(targets)))
    return Difference(roots[0] - roots[1], spread)
