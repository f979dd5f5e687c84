"""How much each training galaxy counts, kept for the networks after the first."""

import logging

import numpy as np

from pipeline import artifacts, workdir
from pipeline.artifacts import Artifact, making, raw_file, require
from pipeline.config import Config, PredictConfig
from pipeline.dataset import load_targets
from pipeline.ensemble import obeying_tree, predict_members, unreadable
from pipeline.metrics import effective_number
from pipeline.resemblance import find_resemblance
from pipeline.workdir import WorkDir

log = logging.getLogger(__name__)


def weigh_galaxies(config: Config, work: WorkDir, force: bool = False) -> None:
    """Weighs the training galaxies by what the first network says of all galaxies.

    Those it was fitted to are asked about too: it knows them better than those of the
    test set, but the few held out mislead by chance, and by more.

    Reads   shards/train/, shards/test/, raw/ (solutions), models/<first>/
    Writes  weights/weights.npz  "ids" (N,) int64, "weights" (N,) float64 of mean 1
            weights/receipt.json
    """
    artifact = artifacts.weights(config, work)
    if artifact.state == "done" and not force:
        return
    first = require(artifacts.members(config, work)[0])
    train = require(artifacts.shards(config, work, "train"))
    test = require(artifacts.shards(config, work, "test"))
    solutions = raw_file(require(artifacts.raw(config, work)), "solutions")
    ids, test_ids = (np.load(workdir.ids_file(part.folder)) for part in (train, test))
    test_rows = np.flatnonzero(~unreadable(test, test_ids))
    targets = load_targets(solutions, ids)
    with making(artifact) as result:
        resemblance = find_resemblance(
            ask(first, train, np.arange(len(ids))), targets, ask(first, test, test_rows)
        )
        weights = resemblance.weigh(targets)
        with workdir.atomic(workdir.weights_file(artifact.folder)) as partial:
            np.savez(partial, ids=ids, weights=weights)
        result |= {
            "num_galaxies": len(ids),
            "num_effective": round(effective_number(weights), 1),
        }
    log.info(
        "weights: %(num_galaxies)d training galaxies resemble the test set, "
        "worth %(num_effective).0f",
        result,
    )


def ask(first: Artifact, split: Artifact, rows: np.ndarray) -> np.ndarray:
    """What the first network says of some galaxies, in a few copies: (N, 37)."""
    # not the copies of the run: another number of them must not train anew
    config = PredictConfig(turns=1)
    (fractions,) = predict_members(config, split, [first], [rows])
    return obeying_tree(config, fractions)


def load_weights(config: Config, work: WorkDir) -> np.ndarray:
    """(N,) float64 of mean 1, row by row with the training shards."""
    weights = require(artifacts.weights(config, work))
    with np.load(workdir.weights_file(weights.folder)) as file:
        return file["weights"]
