"""Labelled galaxies reweighted so that together they are like the test set.

Galaxies may have been chosen for training by what volunteers said of them, such as for
their agreement. Then a picture of the same labels looks the same in both sets, and a
galaxy's weight depends on its labels alone. It is the exponential of a sum over traits
of the labels, such that the same traits of the predictions have, weighted, the mean
that they have over the test set, whose labels nobody knows.

Source: the method of moments for label shift (Lipton, Wang and Smola 2018), with traits
in the place of classes.
"""

from typing import NamedTuple

import numpy as np

from pipeline.data.tree import QUESTIONS, answer_slice, parent_column, parent_fractions

LARGEST_LOGARITHM = 3.0  # of a weight
TINY = 1e-6
PARENTS = sorted({parent_column(question) for question in QUESTIONS} - {None})


class Weighting(NamedTuple):
    """How much more often a galaxy is met in the test set, by its labels.

    Attributes:
        centre: (T,) mean of the traits over the test set.
        spread: (T,) their deviation there.
        strengths: (T,) what one deviation adds to the logarithm of a weight.
    """

    centre: np.ndarray
    spread: np.ndarray
    strengths: np.ndarray

    def weigh(self, targets: np.ndarray) -> np.ndarray:
        """(N, 37) volunteers' fractions -> (N,) float64 above 0, of mean 1."""
        return weights_by((traits(targets) - self.centre) / self.spread, self.strengths)


def fit_weighting(
    labelled: np.ndarray, targets: np.ndarray, test: np.ndarray
) -> Weighting:
    """Finds the weights that make labelled galaxies look like the test set.

    Args:
        labelled: (N, 37) predicted fractions of galaxies whose labels are known.
        targets: (N, 37) volunteers' fractions of the same.
        test: (M, 37) of the test galaxies, predicted in the same way.
    """
    from scipy.optimize import minimize

    wanted = traits(test)
    centre, spread = wanted.mean(axis=0), wanted.std(axis=0) + TINY
    predicted = (traits(labelled) - centre) / spread
    known = (traits(targets) - centre) / spread
    penalty = 1 / len(targets)  # means of few galaxies differ by chance

    def mismatch(strengths: np.ndarray) -> float:
        means = weights_by(known, strengths) @ predicted / len(predicted)
        return float(means @ means + penalty * strengths @ strengths)

    found = minimize(mismatch, np.zeros(len(centre)), method="L-BFGS-B")
    return Weighting(centre, spread, found.x)


def weights_by(deviations: np.ndarray, strengths: np.ndarray) -> np.ndarray:
    """Traits (N, T) in deviations, strengths (T,) -> (N,) weights of mean 1."""
    logarithms = np.clip(deviations @ strengths, -LARGEST_LOGARITHM, LARGEST_LOGARITHM)
    weights = np.exp(logarithms)
    return weights / weights.mean()


def traits(fractions: np.ndarray) -> np.ndarray:
    """What tells kinds of galaxies apart: (N, 37) -> (N, 17) float64.

    How much volunteers agree on each question, and how many came to those below.
    """
    agreement = [
        np.square(fractions[:, answer_slice(question)]).sum(axis=1)
        / np.maximum(parent_fractions(fractions, question), TINY)
        for question in QUESTIONS
    ]
    return np.column_stack([*agreement, fractions[:, PARENTS]]).astype(np.float64)
