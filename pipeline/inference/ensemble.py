"""Galaxies through every network, and the mean over networks."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from pipeline.data.tree import fractions_to_shares, shares_to_fractions
from pipeline.errors import PipelineError, remedy
from pipeline.progress import progress
from pipeline.runs.contents import open_shards
from pipeline.runs.graph import Member
from pipeline.runs.paths import network_file
from pipeline.runs.receipts import Artifact, untouched
from pipeline.settings.precision import settled
from pipeline.settings.schema import PredictConfig

if TYPE_CHECKING:
    import keras


def predict_members(
    config: PredictConfig,
    split: Artifact,
    members: Sequence[Member],
    rows: Sequence[np.ndarray],
) -> list[np.ndarray]:
    """What each network says of some galaxies: (len(its rows), 37) float64 each.

    Args:
        config: views, batch size and precision.
        split: the finished shards.
        members: the finished networks.
        rows: for each network, which rows of the split.
    """
    from pipeline.settings.backend import start_keras

    start_keras()
    from pipeline.inference.views import list_views, predict_rows
    from pipeline.models.precision import computing

    precision = settled("predict", config.precision)
    shards, views = open_shards(split, every_byte=True), list_views(config)
    parts = []
    with progress(sum(map(len, rows)) * len(views), "predict", "image") as bar:
        for member, own in zip(members, rows, strict=True):
            network = open_network(member, shards.image_size)
            with computing(network, precision):
                found = predict_rows(
                    network, shards, own, views, config.batch_size, bar.update
                )
            parts.append(found)
    return parts


def open_network(member: Member, image_size: int) -> "keras.Model":
    """A finished network.

    Raises:
        PipelineError: another one's file is in its place, or one that does not load.
    """
    from pipeline.inference.views import load_network

    path = untouched(member, network_file(member.folder))
    try:
        return load_network(path, image_size)
    except PipelineError as error:
        again = remedy("train", member.root, "--force")
        raise PipelineError(f"{error} Run {again} to train it again.") from error


def average_by_row(
    parts: Sequence[np.ndarray], rows: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """The mean over just those networks that predicted a row.

    Args:
        parts: for each network, (len(its rows), 37).
        rows: for each network, which rows it predicted.

    Returns:
        The rows that some network predicted, (N,) in rising order, and (N, 37) float64.
    """
    known = np.unique(np.concatenate(rows))
    sums, counts = np.zeros((len(known), parts[0].shape[1])), np.zeros(len(known))
    for part, own in zip(parts, rows, strict=True):
        places = np.searchsorted(known, own)
        sums[places] += part
        counts[places] += 1
    return known, sums / counts[:, None]


def column_means(members: Sequence[Member]) -> np.ndarray:
    """The mean fractions of the galaxies that were fitted: (37,) float64."""
    return np.mean([member.result["means"] for member in members], axis=0)


def obeying_tree(config: PredictConfig, fractions: np.ndarray) -> np.ndarray:
    """Between 0 and 1; each question rescaled to its parent if the setting asks for it.

    Changes nothing but rounding where the head obeys the tree itself.
    """
    fractions = np.clip(fractions, 0, 1)  # a linear head knows no bounds
    if not config.obey_tree:
        return fractions
    return shares_to_fractions(fractions_to_shares(fractions))
