"""Galaxies through every member, averaged."""

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
    rows: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The mean over members: ids (N,) int64, fractions (N, 37) float64.

    Args:
        config: orientations and batch size.
        split: the finished shards.
        members: the finished networks.
        rows: which rows of the split; all by default.
    """
    from pipeline.backend import start_keras

    start_keras()
    from pipeline.inference import load_network, predict_rows
    from pipeline.shards import Shards

    shards = Shards(split.folder, split.result["num_shards"])
    if rows is None:
        rows = np.arange(len(shards))
    parts = []
    with progress(len(rows) * len(members), "predict", "image") as bar:
        for member in members:
            network = load_network(workdir.network_file(member.folder))
            parts.append(
                predict_rows(
                    network, shards, rows, config.views, config.batch_size, bar.update
                )
            )
    return shards.ids[rows], np.mean(parts, axis=0)


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
    bad = np.isin(ids, [int(galaxy) for galaxy in split.result["bad"]])
    known = np.where(bad[:, None], column_means(members), fractions)
    return obeying_tree(config, known)


def column_means(members: list[Artifact]) -> np.ndarray:
    """The mean fractions of the galaxies that were fitted: (37,) float64."""
    return np.mean([member.result["means"] for member in members], axis=0)


def obeying_tree(config: PredictConfig, fractions: np.ndarray) -> np.ndarray:
    """Rescales each question to its parent, where the knob asks for it.

    Changes nothing but rounding where the head obeys the tree itself.
    """
    if not config.obey_tree:
        return fractions
    return shares_to_fractions(fractions_to_shares(fractions))
