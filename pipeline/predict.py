"""Stage 4: the test set through every network, averaged."""

import logging

import numpy as np

from pipeline import artifacts, workdir
from pipeline.artifacts import making, require
from pipeline.config import Config
from pipeline.ensemble import as_submitted, predict_members
from pipeline.workdir import WorkDir

log = logging.getLogger(__name__)


def predict(config: Config, work: WorkDir, force: bool = False) -> None:
    """Averages what all networks say of all orientations of each test galaxy.

    Reads   shards/test/, models/<member>/
    Writes  predictions/predictions.npz  "ids" (N,) int64, "fractions" (N, 37) float64
            predictions/receipt.json
    """
    predictions = artifacts.predictions(config, work)
    if predictions.state == "done" and not force:
        log.info("predictions are up to date")
        return
    shards = require(artifacts.shards(config, work, "test"))
    members = [require(member) for member in artifacts.members(config, work)]
    with making(predictions) as result:
        ids, fractions = predict_members(config.predict, shards, members)
        fractions = as_submitted(config.predict, shards, members, ids, fractions)
        with workdir.atomic(workdir.predictions_file(predictions.folder)) as partial:
            np.savez(partial, ids=ids, fractions=fractions)
        result |= {
            "num_images": len(ids),
            "num_as_means": len(shards.result["bad"]),
            "members": [member.name for member in members],
            "validation_rmse": float(
                np.mean([member.result["validation_rmse"] for member in members])
            ),
        }
    log.info(
        "predictions: %d galaxies, %d networks, %d orientations",
        len(ids),
        len(members),
        config.predict.views,
    )
