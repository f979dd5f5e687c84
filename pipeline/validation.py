"""What the networks say of the galaxies held out, kept for all who look at it."""

import logging
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pipeline import artifacts, workdir
from pipeline.artifacts import making, raw_file, require
from pipeline.config import Config
from pipeline.dataset import held_out, load_targets
from pipeline.ensemble import average_by_row, obeying_tree, predict_members
from pipeline.metrics import score_fractions
from pipeline.workdir import WorkDir

log = logging.getLogger(__name__)


class Validation(NamedTuple):
    """Galaxies, and what the networks that were not fitted to them say.

    Attributes:
        ids: (N,) int64.
        fractions: (N, 37) float64, predicted.
        targets: (N, 37) float32, volunteers'.
    """

    ids: np.ndarray
    fractions: np.ndarray
    targets: np.ndarray


def validation(config: Config, work: WorkDir, force: bool = False) -> Validation:
    """The predictions of the held-out galaxies, made where they are not current.

    Each galaxy is predicted by all members that were not fitted to it, and by no other.

    Reads   shards/train/, raw/ (solutions), models/<member>/
    Writes  validation/validation.npz  "ids" (N,) int64, "fractions" (N, 37) float64,
                                       "targets" (N, 37) float32
            validation/receipt.json
    """
    artifact = artifacts.validation(config, work)
    path = workdir.validation_file(artifact.folder)
    if artifact.state != "done" or force:
        shards = require(artifacts.shards(config, work, "train"))
        members = [require(member) for member in artifacts.members(config, work)]
        solutions = raw_file(require(artifacts.raw(config, work)), "solutions")
        all_ids = np.load(workdir.ids_file(shards.folder))
        rows = [
            np.flatnonzero(held_out(all_ids, config.train, member.fold))
            for member in config.members()
        ]
        with making(artifact) as result:
            parts = predict_members(config.predict, shards, members, rows)
            chosen, fractions = average_by_row(parts, rows)
            ids, fractions = all_ids[chosen], obeying_tree(config.predict, fractions)
            targets = load_targets(solutions, ids)
            with workdir.atomic(path) as partial:
                np.savez(partial, ids=ids, fractions=fractions, targets=targets)
            rmse, standard_error = score_fractions(fractions, targets)
            result |= {
                "num_validation": len(ids),
                "validation_rmse": rmse,
                "validation_standard_error": standard_error,
            }
        log.info("validation: %d galaxies", len(ids))
    return load_validation(path)


def load_validation(path: Path) -> Validation:
    with np.load(path) as file:
        return Validation(file["ids"], file["fractions"], file["targets"])
