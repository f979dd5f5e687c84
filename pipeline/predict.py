"""Stage 4: the test set through every network, averaged, and what to expect of it."""

import logging
from typing import Any

import numpy as np

from pipeline import artifacts, workdir
from pipeline.artifacts import Artifact, making, require
from pipeline.blending import average_validation, load_others
from pipeline.config import Config
from pipeline.dataset import fold_of, match_ids
from pipeline.ensemble import (
    as_submitted,
    average_by_row,
    obeying_tree,
    predict_members,
    unreadable,
)
from pipeline.metrics import effective_number, score_fractions
from pipeline.resemblance import find_resemblance
from pipeline.validation import Validation, validation
from pipeline.workdir import WorkDir

log = logging.getLogger(__name__)


def predict(config: Config, work: WorkDir, force: bool = False) -> None:
    """Averages what all networks say of all copies of each test galaxy.

    Reads   shards/test/, models/<member>/, what validation reads,
            predictions/ and validation/ of the work directories in predict.also
    Writes  validation/, as the module of that name says
            predictions/predictions.npz  "ids" (N,) int64, "fractions" (N, 37) float64
            predictions/receipt.json     with the RMSE to be expected
    """
    shards = require(artifacts.shards(config, work, "test"))
    members = [require(member) for member in artifacts.members(config, work)]
    ids = np.load(workdir.ids_file(shards.folder))
    others = load_others(config, work, ids)
    held_out = validation(config, work, force)
    predictions = artifacts.predictions(config, work)
    if predictions.state == "done" and not force:
        log.info("predictions are up to date")
        return
    with making(predictions) as result:
        own, alike = ask_networks(config, shards, members, ids)
        fractions = np.mean([own, *(other.fractions for other in others)], axis=0)
        with workdir.atomic(workdir.predictions_file(predictions.folder)) as partial:
            np.savez(partial, ids=ids, fractions=fractions)
        result |= {
            "num_images": len(ids),
            "num_as_means": len(shards.result["bad"]),
            "members": [member.name for member in members],
            "averaged_with": [other.folder for other in others],
        }
        scored = average_validation(held_out, others)
        if scored is not None:
            rows = match_ids(scored.ids, held_out.ids, work.validation)
            result |= expectation(scored, held_out.fractions[rows], alike)
    log.info(
        "predictions: %d galaxies, %d networks, %d copies",
        len(ids),
        len(members),
        config.predict.num_copies,
    )
    for line in describe(result):
        log.info("%s", line)


def ask_networks(
    config: Config, shards: Artifact, members: list[Artifact], ids: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What the networks say of the test galaxies.

    Args:
        config: the knobs.
        shards: the finished test shards.
        members: the finished networks.
        ids: (N,) int64, the galaxies of the shards.

    Returns:
        (N, 37) float64, the mean over all networks; the means of the training set for
        galaxies without a readable image. Then (M, 37) float64 of the others, each by
        the networks of one fold alone, as a galaxy held out is predicted: the mean
        over all folds would be told from those by its smoothness.
    """
    every_row = [np.arange(len(ids))] * len(members)
    parts = predict_members(config.predict, shards, members, every_row)
    fractions = np.mean(parts, axis=0)
    bad = unreadable(shards, ids)
    folds = fold_of(ids, config.train.folds)
    rows = [np.flatnonzero(folds == member.fold) for member in config.members()]
    chosen = [part[own] for part, own in zip(parts, rows, strict=True)]
    _, alike = average_by_row(chosen, rows)
    return (
        as_submitted(config.predict, shards, members, ids, fractions),
        obeying_tree(config.predict, alike[~bad]),
    )


def expectation(
    scored: Validation, held_out: np.ndarray, test: np.ndarray
) -> dict[str, Any]:
    """The RMSE on the galaxies held out, as they are and weighed like the test set.

    Args:
        scored: these galaxies, N of them, by all that is averaged.
        held_out: (N, 37) the same galaxies by this run's networks.
        test: (M, 37) the test galaxies by this run's networks.
    """
    weights = find_resemblance(held_out, scored.targets, test).weigh(scored.targets)
    plain = score_fractions(scored.fractions, scored.targets)
    expected = score_fractions(scored.fractions, scored.targets, weights)
    return {
        "num_validation": len(scored.ids),
        "validation_rmse": plain.rmse,
        "validation_standard_error": plain.standard_error,
        "expected_rmse": expected.rmse,
        "expected_standard_error": expected.standard_error,
        "num_effective": round(effective_number(weights), 1),
    }


def describe(result: dict[str, Any]) -> list[str]:
    """What the receipt says of the RMSE, where it is known."""
    if "expected_rmse" not in result:
        return []
    return [
        "validation: RMSE {validation_rmse:.4f} ± {validation_standard_error:.4f} "
        "on {num_validation} galaxies held out".format(**result),
        "expected on the test set: RMSE {expected_rmse:.4f} ± "
        "{expected_standard_error:.4f}, these weighed to resemble it (worth "
        "{num_effective:.0f})".format(**result),
    ]
