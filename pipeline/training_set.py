"""What the networks learn from, out of a work directory."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pipeline import artifacts
from pipeline.artifacts import Artifact, raw_file, require
from pipeline.config import Config
from pipeline.dataset import held_out, load_targets
from pipeline.ensemble import unreadable
from pipeline.shards import Shards
from pipeline.workdir import WorkDir


class Unlabelled(NamedTuple):
    """Images that the galaxies learned from are to resemble.

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
        test: what they are weighed to resemble, if they are.
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


def load_training_set(config: Config, work: WorkDir, fold: int = 0) -> TrainingSet:
    """The work directory's training galaxies, a fold of them held out.

    Reads   shards/train/, raw/ (training_solutions_rev1)
            shards/test/ where train.resemble is set
    """
    images = open_shards(artifacts.shards(config, work, "train"))
    solutions = raw_file(require(artifacts.raw(config, work)), "solutions")
    chosen = held_out(images.ids, config.train, fold)
    return TrainingSet(
        images,
        load_targets(solutions, images.ids),
        images.image_size / config.preprocess.crop_size,
        train=np.flatnonzero(~chosen),
        validation=np.flatnonzero(chosen),
        test=load_unlabelled(config, work) if config.train.resemble else None,
    )


def load_unlabelled(config: Config, work: WorkDir) -> Unlabelled:
    artifact = artifacts.shards(config, work, "test")
    shards = open_shards(artifact)
    return Unlabelled(shards, np.flatnonzero(~unreadable(artifact, shards.ids)))


def open_shards(artifact: Artifact) -> Shards:
    return Shards(artifact.folder, artifact.result["num_shards"])
