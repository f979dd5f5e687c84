"""Held-out galaxies weighed so that together they resemble the test set."""

import numpy as np


def resemblance_weights(held_out: np.ndarray, test: np.ndarray) -> np.ndarray:
    """How much more often each held-out galaxy's kind is met in the test set.

    A logistic regression learns to tell the two sets apart by what the networks
    predict; the odds it gives a galaxy for being of the test set are in proportion to
    the ratio of the sets' densities there (Bickel, Brueckner and Scheffer 2009). What
    the predictions do not show, such as galaxies chosen for the agreement of their
    volunteers, it cannot make up for.

    Args:
        held_out: (N, 37) predicted fractions of the galaxies to weigh.
        test: (M, 37) of the test galaxies, predicted in the same way.

    Returns:
        (N,) float64 above 0, of mean 1.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    both = np.concatenate([held_out, test])
    # with squares, since sets may differ in how clear their galaxies are
    traits = StandardScaler().fit_transform(np.hstack([both, both**2]))
    is_test = np.arange(len(both)) >= len(held_out)
    regression = LogisticRegression(max_iter=1000).fit(traits, is_test)
    weights = np.exp(regression.decision_function(traits[: len(held_out)]))
    return weights / weights.mean()
