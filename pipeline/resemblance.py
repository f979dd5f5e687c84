"""Held-out galaxies weighed so that together they resemble the test set."""

import numpy as np
from scipy.optimize import minimize

from pipeline.tree import QUESTIONS, answer_slice, parent_column, parent_fractions

PENALTY = 1e-3  # on how far weights go for a match, the sets' deviation being 1
LARGEST_LOGARITHM = 4.0  # of a weight
TINY = 1e-6
PARENTS = sorted({parent_column(question) for question in QUESTIONS} - {None})


def resemblance_weights(
    held_out: np.ndarray, targets: np.ndarray, test: np.ndarray
) -> np.ndarray:
    """How much more often galaxies labelled like each are met in the test set.

    Galaxies may have been chosen for training by what volunteers said of them, such as
    for their agreement. Then a picture of the same labels looks the same in both sets,
    and the weight of a galaxy depends on its labels alone. It is the exponential of a
    sum over traits of the labels, chosen so that the same traits of the predictions
    have, weighed, the mean that they have over the test set, whose labels nobody
    knows.

    Source: the method of moments for label shift (Lipton, Wang and Smola 2018), with
    traits in the place of classes.

    Args:
        held_out: (N, 37) predicted fractions of the galaxies to weigh.
        targets: (N, 37) volunteers' fractions of the same.
        test: (M, 37) of the test galaxies, predicted in the same way.

    Returns:
        (N,) float64 above 0, of mean 1.
    """
    wanted = traits(test)
    centre, spread = wanted.mean(axis=0), wanted.std(axis=0) + TINY
    predicted = (traits(held_out) - centre) / spread
    labelled = (traits(targets) - centre) / spread

    def mismatch(strengths: np.ndarray) -> float:
        means = weights_by(labelled, strengths) @ predicted / len(predicted)
        return float(means @ means + PENALTY * strengths @ strengths)

    start = np.zeros(wanted.shape[1])
    return weights_by(labelled, minimize(mismatch, start, method="L-BFGS-B").x)


def weights_by(labelled: np.ndarray, strengths: np.ndarray) -> np.ndarray:
    """(N, T) traits and (T,) strengths -> (N,) weights of mean 1."""
    logarithms = np.clip(labelled @ strengths, -LARGEST_LOGARITHM, LARGEST_LOGARITHM)
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
