"""Galaxies through every network, and the mean over networks."""

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from pipeline.bars import progress
from pipeline.data.shards import images_at_once
from pipeline.data.tree import fractions_to_shares, shares_to_fractions
from pipeline.errors import PipelineError, remedy
from pipeline.inference.blocks import Blocks
from pipeline.runs.contents import open_shards
from pipeline.runs.graph import Member
from pipeline.runs.paths import network_file
from pipeline.runs.receipts import Artifact, untouched
from pipeline.settings.precision import settled
from pipeline.settings.schema import PredictConfig

if TYPE_CHECKING:
    import keras

    from pipeline.inference.views import View

NOT_KEPT = Blocks()


def predict_members(
    config: PredictConfig,
    split: Artifact,
    members: Sequence[Member],
    rows: Sequence[np.ndarray],
    blocks: Blocks = NOT_KEPT,
) -> list[np.ndarray] | None:
    """What each network says of some galaxies: (len(its rows), 37) float64 each.

    Args:
        config: views, batch size and precision.
        split: the finished shards.
        members: the finished networks.
        rows: for each network, which rows of the split.
        blocks: where predictions are kept on the way, and which are made here.

    Returns:
        None where blocks of other parts are missing.
    """
    from pipeline.settings.backend import start_keras

    start_keras()
    from pipeline.inference.views import distinct_views, list_views, predict_rows
    from pipeline.models.precision import computing

    precision = settled("predict", config.precision)
    shards, every = open_shards(split, every_byte=True), list_views(config)
    own_views = [
        distinct_views(every, member.config.is_invariant) for member in members
    ]
    step = images_at_once(config.batch_size, shards.image_size)

    def ask(
        member: Member, own: np.ndarray, views: Sequence["View"]
    ) -> np.ndarray | None:
        network = open_network(member, shards.image_size)

        def predict(part: slice) -> np.ndarray:
            return predict_rows(
                network, shards, own[part], views, config.batch_size, bar.update
            )

        def skip(num_rows: int) -> None:
            bar.update(num_rows * len(views))

        name = kept_name(member, split, own)
        with computing(network, precision):
            return blocks.of(name).gather(len(own), step, predict, skip)

    tasks = [*zip(members, rows, own_views, strict=True)]
    total = sum(len(own) * len(seen) for _, own, seen in tasks)
    with progress(total, "predict", "image") as bar:
        parts = [ask(*task) for task in tasks]
    return None if any(part is None for part in parts) else parts


def kept_name(member: Member, split: Artifact, rows: np.ndarray) -> str:
    """What the kept predictions of a network follow from, beside the settings.

    What `auto` becomes is no part of it: machines that share them may differ in it.
    """
    facts = (member.receipt["content"], split.receipt["content"])
    text = "-".join((*facts, hashlib.sha256(rows.tobytes()).hexdigest()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


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
