"""How much each galaxy counts, so that what is learned from is like the test set."""

import logging
import math

import keras
import numpy as np

from pipeline.data.metrics import effective_sample_size
from pipeline.data.reweighting import fit_weighting
from pipeline.data.shards import Shards
from pipeline.inference.ensemble import obeying_tree
from pipeline.inference.views import predict_rows
from pipeline.settings.schema import PredictConfig
from pipeline.training.training_set import TrainingSet

MOST_ASKED = 10_000  # of each set of galaxies; their means take no more

log = logging.getLogger(__name__)


def reweight(network: keras.Model, data: TrainingSet) -> np.ndarray:
    """The weight of each training galaxy, 1 on average over those fitted: (N,) float32.

    By what a network says of them and of the test set. Those it was fitted to it knows
    better than the test set, but the few held out mislead by chance, and by more.
    """
    rows = thinned(np.arange(len(data.targets)))
    labelled = ask(network, data.shards, rows)
    test = ask(network, data.test.shards, thinned(data.test.rows))
    weights = fit_weighting(labelled, data.targets[rows], test).weigh(data.targets)
    fitted = weights[data.train]
    log.info(
        "the %d galaxies are reweighted to the test set, effective sample size %.0f",
        len(fitted),
        effective_sample_size(fitted),
    )
    return (weights / fitted.mean()).astype(np.float32)


def ask(network: keras.Model, shards: Shards, rows: np.ndarray) -> np.ndarray:
    """What a network says of some galaxies: (N, 37)."""
    return obeying_tree(PredictConfig(), predict_rows(network, shards, rows))


def thinned(rows: np.ndarray) -> np.ndarray:
    """Every row, or every k-th where they are many."""
    return rows[:: max(1, math.ceil(len(rows) / MOST_ASKED))]
