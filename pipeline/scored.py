"""What the networks say of galaxies whose labels are known, kept for comparison."""

import logging
from pathlib import Path

import numpy as np

from pipeline import artifacts, workdir
from pipeline.artifacts import making, require
from pipeline.config import Config
from pipeline.dataset import held_out, load_targets
from pipeline.ensemble import as_submitted, predict_members
from pipeline.errors import PipelineError
from pipeline.fractions import read_fractions
from pipeline.validation import Validation, validation
from pipeline.workdir import WorkDir

log = logging.getLogger(__name__)


def scored_ids(config: Config, work: WorkDir, solutions: Path | None) -> np.ndarray:
    """The galaxies to be scored: (N,) int64, in the order of the shards.

    Reads   shards/train/ids.npy, or shards/test/ids.npy and the solutions

    Args:
        config: which galaxies are held out.
        work: where the shards are.
        solutions: labels of test galaxies; None: those held out of training.

    Raises:
        PipelineError: the solutions are of none of the test galaxies.
    """
    shards = require(artifacts.shards(config, work, "test" if solutions else "train"))
    ids = np.load(workdir.ids_file(shards.folder))
    if solutions is None:
        folds = range(config.train.folds)
        return ids[np.any([held_out(ids, config.train, fold) for fold in folds], 0)]
    labelled = np.isin(ids, read_fractions(solutions)[0])
    if not labelled.any():
        raise PipelineError(
            f"{solutions} has labels of none of the {len(ids)} test galaxies. Without "
            "--solutions the galaxies held out of training are scored."
        )
    return ids[labelled]


def score_galaxies(
    config: Config, work: WorkDir, solutions: Path | None, force: bool = False
) -> None:
    """Predicts the galaxies to be scored, and counts what that costs.

    Reads   models/<member>/, shards/, the solutions; raw/ (solutions) without them
    Writes  scored/scored.npz    "ids" (N,) int64, "fractions" (N, 37) float64,
                                 "targets" (N, 37) float32
            scored/receipt.json  "multiply_adds" of one image through all networks
            validation/, where no solutions are given
    """
    if solutions:
        found = predict_test_galaxies(config, work, solutions)
    else:
        found = validation(config, work, force)
    members = artifacts.members(config, work)
    from pipeline.backend import start_keras

    start_keras()
    from pipeline.inference import load_network
    from pipeline.multiply_adds import count_multiply_adds

    scored = artifacts.scored(config, work, solutions)
    with making(scored) as result:
        with workdir.atomic(workdir.scored_file(scored.folder)) as partial:
            np.savez(partial, **found._asdict())
        result["multiply_adds"] = sum(
            count_multiply_adds(load_network(workdir.network_file(member.folder)))
            for member in members
        )


def predict_test_galaxies(config: Config, work: WorkDir, solutions: Path) -> Validation:
    """The test galaxies that have labels, predicted as for a submission."""
    shards = require(artifacts.shards(config, work, "test"))
    members = [require(member) for member in artifacts.members(config, work)]
    all_ids = np.load(workdir.ids_file(shards.folder))
    rows = np.flatnonzero(np.isin(all_ids, scored_ids(config, work, solutions)))
    ids = all_ids[rows]
    parts = predict_members(config.predict, shards, members, [rows] * len(members))
    fractions = np.mean(parts, axis=0)
    fractions = as_submitted(config.predict, shards, members, ids, fractions)
    return Validation(ids, fractions, load_targets(solutions, ids))


def load_scored(config: Config, work: WorkDir, solutions: Path | None) -> Validation:
    scored = require(artifacts.scored(config, work, solutions))
    with np.load(workdir.scored_file(scored.folder)) as file:
        return Validation(file["ids"], file["fractions"], file["targets"])
