"""Whether what is predicted to be so much is so much, on average."""

from typing import NamedTuple

import numpy as np

from pipeline.data.tree import (
    QUESTIONS,
    answer_slice,
    fractions_to_shares,
    parent_fractions,
)


class Calibration(NamedTuple):
    """Predictions grouped by what they said; groups without any are left out.

    Attributes:
        predicted: (G,) mean prediction of the group.
        observed: (G,) mean of the volunteers' fractions in it.
        errors: (G,) standard error of that mean, by galaxies; NaN of a single galaxy.
        counts: (G,) its size: answers, each as often as it counts.
    """

    predicted: np.ndarray
    observed: np.ndarray
    errors: np.ndarray
    counts: np.ndarray

    @property
    def gap(self) -> float:
        """How far the groups lie from their prediction, on average over its members."""
        gaps = np.abs(self.predicted - self.observed)
        return float((gaps * self.counts).sum() / self.counts.sum())


def calibrate(
    fractions: np.ndarray,
    targets: np.ndarray,
    bins: int,
    weights: np.ndarray | None = None,
) -> Calibration:
    """Groups all pairs by the predicted fraction.

    Args:
        fractions: (N, K) predicted.
        targets: (N, K) volunteers'.
        bins: groups between 0 and 1.
        weights: (N, K) how much each pair counts; all equally by default.
    """
    weights = np.ones(fractions.shape) if weights is None else weights
    groups = np.clip((fractions * bins).astype(np.int64), 0, bins - 1)
    sums = [
        sum_by_galaxy(weights * values, groups, bins)
        for values in (1, fractions, targets)
    ]
    some = sums[0].any(axis=0)
    counts, predicted, observed = (part[:, some] for part in sums)
    total = counts.sum(axis=0)
    return Calibration(
        predicted.sum(axis=0) / total,
        observed.sum(axis=0) / total,
        errors_of_means(observed, counts),
        total,
    )


def sum_by_galaxy(values: np.ndarray, groups: np.ndarray, bins: int) -> np.ndarray:
    """The sums of (N, K) over each galaxy's members of a group: (N, bins)."""
    places = groups + bins * np.arange(len(groups))[:, None]
    sums = np.bincount(places.ravel(), values.ravel(), bins * len(groups))
    return sums.reshape(-1, bins)


def errors_of_means(observed: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Standard errors of groups' means, since one galaxy's answers err together.

    They are those of a ratio of two sums over galaxies (Cochran 1977, section 6.3).

    Args:
        observed: (N, G) each galaxy's sum in each group.
        counts: (N, G) how many values are in that sum.
    """
    total = counts.sum(axis=0)
    means = observed.sum(axis=0) / total
    squares = ((observed - means * counts) ** 2).sum(axis=0)
    num = (counts > 0).sum(axis=0)
    correction = np.where(num > 1, num / np.maximum(num - 1, 1), np.nan)
    return np.sqrt(correction * squares) / total


def asked(targets: np.ndarray) -> np.ndarray:
    """The share of volunteers who were asked each answer's question: (N, 37)."""
    shares = np.empty(targets.shape)
    for question in QUESTIONS:
        parent = parent_fractions(targets, question)
        shares[:, answer_slice(question)] = parent[:, None]
    return shares


def calibrate_asked(
    fractions: np.ndarray, targets: np.ndarray, bins: int
) -> dict[int, Calibration]:
    """Of each question the shares among those who were asked it, by its number.

    Galaxies count by the share of volunteers who were; of none, there is no question.
    """
    parts = fractions_to_shares(fractions), fractions_to_shares(targets), asked(targets)
    found = {}
    for question in QUESTIONS:
        columns = answer_slice(question)
        predicted, observed, weights = (part[:, columns] for part in parts)
        if weights.any():
            found[question.number] = calibrate(predicted, observed, bins, weights)
    return found
