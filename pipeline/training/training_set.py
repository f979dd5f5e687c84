"""What a network learns from, out of a run."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pipeline.data.shards import Shards
from pipeline.data.splits import held_out, load_targets, refuse_alike
from pipeline.runs.contents import open_shards, unreadable
from pipeline.runs.graph import Member, Run


class Unlabelled(NamedTuple):
    """Images that the galaxies learned from are reweighted to.

    Attributes:
        shards: the images.
        rows: which of them can be read.
    """

    shards: Shards
    rows: np.ndarray


@dataclass(frozen=True)
class TrainingSet:
    """What a network learns from, and how it is split.

    Attributes:
        shards: the images.
        targets: (N, 37) float32, row by row with the shards.
        scale: pixels of the shards for one of the original.
        train: rows to fit.
        validation: rows held out.
        test: what they are reweighted to, if they are.
    """

    shards: Shards
    targets: np.ndarray
    scale: float
    train: np.ndarray
    validation: np.ndarray
    test: Unlabelled | None = None

    @property
    def means(self) -> np.ndarray:
        """The mean fraction of each answer among the rows to fit: (37,) float64."""
        return self.targets[self.train].mean(axis=0, dtype=np.float64)


def load_training_set(run: Run, member: Member) -> TrainingSet:
    """The run's training galaxies, the network's fold of them held out.

    Reads   shards/train/, raw/ (training_solutions_rev1)
            shards/test/ where train.reweight is set
    """
    shards = open_shards(run.shards("train"), every_byte=True)
    chosen = held_out(shards.ids, member.config, member.fold)
    solutions = run.raw.file("solutions")
    targets = load_targets(solutions, shards.ids)
    refuse_alike(targets[~chosen], solutions)
    return TrainingSet(
        shards,
        targets,
        shards.image_size / run.settings.preprocess.crop_size,
        train=np.flatnonzero(~chosen),
        validation=np.flatnonzero(chosen),
        test=load_unlabelled(run) if member.config.reweight else None,
    )


def load_unlabelled(run: Run) -> Unlabelled:
    shards = open_shards(run.shards("test"), every_byte=True)
    readable = ~unreadable(run.shards("test"), shards.ids)
    return Unlabelled(shards, np.flatnonzero(readable))
