"""Targets looked up by galaxy id, and the split into train and validation."""

from pathlib import Path

import numpy as np

from pipeline.data.tables import read_fractions
from pipeline.errors import PipelineError
from pipeline.output import counted
from pipeline.settings.networks import TrainConfig

LEAST_HELD_OUT = 2  # galaxies on each side; of one, no error can be told
LEAST_SPREAD = 1e-3  # of an answer's fractions; volunteers are some 40 for a galaxy


def match_ids(wanted: np.ndarray, known: np.ndarray, path: Path) -> np.ndarray:
    """Where each wanted galaxy stands among the known: (N,) rows.

    Raises:
        PipelineError: some are not known; `path` is the file that lacks them.
    """
    order = np.argsort(known)
    places = np.searchsorted(known, wanted, sorter=order)
    rows = order[np.minimum(places, len(known) - 1)]
    missing = wanted[known[rows] != wanted]
    if len(missing):
        raise PipelineError(
            f"{path} has no row for {len(missing)} of {len(wanted)} galaxies, the "
            f"first being {missing[0]}. Is the file complete?"
        )
    return rows


def load_targets(path: Path, ids: np.ndarray) -> np.ndarray:
    """The volunteers' fractions of the given galaxies.

    Args:
        path: the solutions, in any order, of these and other galaxies.
        ids: (N,) int64.

    Returns:
        (N, 37) float32, in the order of `ids`.

    Raises:
        PipelineError: a galaxy without a row, or fractions outside [0, 1].
    """
    known, fractions = read_targets(path)
    return fractions[match_ids(ids, known, path)].astype(np.float32)


def read_targets(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """All the solutions: ids (N,) int64 and fractions (N, 37) float64.

    Raises:
        PipelineError: not a table of fractions, or fractions outside [0, 1].
    """
    known, fractions = read_fractions(path)
    outside = ((fractions < 0) | (fractions > 1)).any(axis=1)
    if outside.any():
        raise PipelineError(
            f"{path} has fractions outside 0 to 1 in "
            f"{counted(int(outside.sum()), 'row')}, the first being galaxy "
            f"{known[outside][0]}."
        )
    return known, fractions


def refuse_alike(fractions: np.ndarray, path: Path) -> None:
    """Refuses fractions (N, 37) that teach nothing; `path` is the file they are from.

    Raises:
        PipelineError: they are of one galaxy, or the same of all.
    """
    if len(fractions) == 1:
        raise PipelineError(
            f"Of the galaxies in {path} just 1 is left to learn from. Train on more."
        )
    if np.ptp(fractions, axis=0).max() < LEAST_SPREAD:
        raise PipelineError(
            f"{path} has the same fractions for all {len(fractions)} galaxies to learn "
            "from, so there is nothing to learn. Is it the right file?"
        )


def held_out(ids: np.ndarray, config: TrainConfig, fold: int) -> np.ndarray:
    """Chooses a network's validation galaxies by their ids alone.

    So a galaxy stays on its side whatever others come or go, and whatever the seed.

    Args:
        ids: (N,) int64.
        config: how many folds, or about which share to hold out if it is one.
        fold: the network's.

    Returns:
        (N,) bool, True for validation.

    Raises:
        PipelineError: there are too few galaxies to leave some on each side.
    """
    if config.num_folds == 1:
        chosen = even_spread(ids) < config.validation_fraction
        trouble = f"hold out a share of {config.validation_fraction} for validation"
        way = "Lower" if config.validation_fraction > 0.5 else "Raise"
        remedy = f"{way} train.validation_fraction"
    else:
        chosen = fold_of(ids, config.num_folds) == fold
        trouble = f"fill {config.num_folds} folds"
        remedy = "Lower train.num_folds"
    if min(chosen.sum(), (~chosen).sum()) < LEAST_HELD_OUT:
        raise PipelineError(
            f"{len(ids)} training galaxies are too few to {trouble}. {remedy}."
        )
    return chosen


def fold_of(ids: np.ndarray, folds: int) -> np.ndarray:
    """The fold of each galaxy, 0 to folds - 1: (N,) int64."""
    return (even_spread(ids) * folds).astype(np.int64)


def even_spread(ids: np.ndarray) -> np.ndarray:
    """A fixed number in [0, 1) for each id: (N,) float64."""
    # the 53 bits that a float holds exactly: rounding up would give 1
    return (scrambled(ids) >> np.uint64(11)) / 2.0**53


def scrambled(ids: np.ndarray) -> np.ndarray:
    """A fixed, evenly spread 64-bit number for each id: (N,) uint64.

    Source: the finaliser of SplitMix64 (Steele, Lea and Flood 2014).
    """
    x = ids.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
