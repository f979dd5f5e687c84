"""Galaxies through every member, and the mean over members."""

import numpy as np

from pipeline import workdir
from pipeline.artifacts import Artifact
from pipeline.config import PredictConfig
from pipeline.progress import progress
from pipeline.tree import fractions_to_shares, shares_to_fractions


def predict_members(
    config: PredictConfig,
    split: Artifact,
    members: list[Artifact],
    rows: list[np.ndarray],
) -> list[np.ndarray]:
    """What each member says of some galaxies: (len(its rows), 37) float64 each.

    Args:
        config: copies and batch size.
        split: the finished shards.
        members: the finished networks.
        rows: for each member, which rows of the split.
    """
    from pipeline.backend import start_keras

    start_keras()
    from pipeline.inference import list_copies, load_network, predict_rows
    from pipeline.shards import Shards

    shards = Shards(split.folder, split.result["num_shards"])
    copies = list_copies(config)
    parts = []
    with progress(sum(map(len, rows)) * len(copies), "predict", "image") as bar:
        for member, own in zip(members, rows, strict=True):
            network = load_network(workdir.network_file(member.folder))
            parts.append(
                predict_rows(
                    network, shards, own, copies, config.batch_size, bar.update
                )
            )
    return parts


def average_by_row(
    parts: list[np.ndarray], rows: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """The mean over just those members that predicted a row.

    Args:
        parts: for each member, (len(its rows), 37).
        rows: for each member, which rows it predicted.

    Returns:
        The rows that some member predicted, (N,) in rising order, and (N, 37) float64.
    """
    known = np.unique(np.concatenate(rows))
    sums, counts = np.zeros((len(known), parts[0].shape[1])), np.zeros(len(known))
    for part, own in zip(parts, rows, strict=True):
        places = np.searchsorted(known, own)
        sums[places] += part
        counts[places] += 1
    return known, sums / counts[:, None]


def as_submitted(
    config: PredictConfig,
    split: Artifact,
    members: list[Artifact],
    ids: np.ndarray,
    fractions: np.ndarray,
) -> np.ndarray:
    """What a submission says of galaxies: the column means where there is no image.

    Args:
        config: whether to obey the tree.
        split: the finished shards, which name the unreadable images.
        members: the networks that predicted.
        ids: (N,) int64.
        fractions: (N, 37) as predicted.

    Returns:
        (N, 37) float64.
    """
    bad = unreadable(split, ids)
    known = np.where(bad[:, None], column_means(members), fractions)
    return obeying_tree(config, known)


def unreadable(split: Artifact, ids: np.ndarray) -> np.ndarray:
    """Which galaxies of finished shards have no image: (N,) bool."""
    return np.isin(ids, [int(galaxy) for galaxy in split.result["bad"]])


def column_means(members: list[Artifact]) -> np.ndarray:
    """The mean fractions of the galaxies that were fitted: (37,) float64."""
    return np.mean([member.result["means"] for member in members], axis=0)


def obeying_tree(config: PredictConfig, fractions: np.ndarray) -> np.ndarray:
    """Between 0 and 1, each question rescaled to its parent if the knob asks for it.

    Changes nothing but rounding where the head obeys the tree itself.
    """
    fractions = np.clip(fractions, 0, 1)  # a linear head knows no bounds
    if not config.obey_tree:
        return fractions
    return shares_to_fractions(fractions_to_shares(fractions))
