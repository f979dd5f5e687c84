"""Stage 4: the test set through every network, averaged, and what to expect of it."""

import logging

import numpy as np

from pipeline.data.metrics import effective_sample_size, mixed_score, score_fractions
from pipeline.data.reweighting import fit_weighting
from pipeline.data.splits import fold_of, match_ids
from pipeline.files import atomic
from pipeline.inference.blending import Other, average_held_out, load_others
from pipeline.inference.ensemble import (
    average_by_row,
    column_means,
    obeying_tree,
    predict_members,
)
from pipeline.inference.held_out import predict_held_out
from pipeline.runs.contents import (
    load_held_out,
    load_ids,
    unreadable,
    unreadable_share,
)
from pipeline.runs.graph import Run
from pipeline.runs.paths import held_out_file, predictions_file
from pipeline.runs.receipts import is_up_to_date, making
from pipeline.settings.precision import settled

log = logging.getLogger(__name__)


def predict(run: Run, force: bool = False) -> None:
    """Averages what all networks say of all views of each galaxy.

    Reads   shards/, models/<network>/, raw/ (solutions), and predictions/ and held_out/
            of the runs in predict.blend_with
    Writes  held_out/<digest>/held_out.npz        "ids" (N,) int64, "fractions" (N, 37)
                                                  float64, "targets" (N, 37) float32
            predictions/<digest>/predictions.npz  "ids" (N,) int64, "fractions" (N, 37)
                                                  float64
            predictions/<digest>/receipt.json     with the RMSE to be expected

    The validation RMSE is over all views, by the networks that did not see the galaxy;
    the weighted one over the same galaxies, reweighted to the test set; the expected
    one is of the test set as it is, galaxies without a readable image included.
    """
    if not is_up_to_date(run.held_out, force):
        save_held_out(run)
    if is_up_to_date(run.predictions, force):
        return
    ids = load_ids(run.shards("test"))
    others = load_others(run, ids)
    with making(run.predictions) as made:
        own, by_fold = ask_networks(run, ids)
        fractions = np.mean([own, *(other.fractions for other in others)], axis=0)
        with atomic(predictions_file(made.folder)) as partial:
            np.savez(partial, ids=ids, fractions=fractions)
        made.result |= {
            "num_images": len(ids),
            "num_as_means": len(run.shards("test").result["bad"]),
            "precision": settled("predict", run.settings.predict.precision),
            "members": [member.name for member in run.members],
            "averaged_with": [other.name for other in others],
        } | expectation(run, others, by_fold)
    log.info("predictions: %d galaxies", len(ids))


def save_held_out(run: Run) -> None:
    with making(run.held_out) as made:
        found = predict_held_out(run)
        with atomic(held_out_file(made.folder)) as partial:
            np.savez(partial, **found._asdict())
        rmse, standard_error = score_fractions(found.fractions, found.targets)
        made.result |= {
            "num_validation": len(found.ids),
            "precision": settled("predict", run.settings.predict.precision),
            "validation_rmse": rmse,
            "validation_standard_error": standard_error,
        }
    log.info("validation: %d galaxies", len(found.ids))


def ask_networks(run: Run, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the networks say of the test galaxies, (N,) in the order of the shards.

    Returns:
        (N, 37) float64, the mean over all networks; the means of the training set for
        galaxies without a readable image. Then (M, 37) float64 of the others, each by
        the networks of one fold alone, as a held-out galaxy is predicted: the mean
        over all folds would be told from those by its smoothness.
    """
    config, shards, members = run.settings.predict, run.shards("test"), run.members
    every_row = [np.arange(len(ids))] * len(members)
    parts = predict_members(config, shards, members, every_row)
    bad = unreadable(shards, ids)
    fractions = np.where(bad[:, None], column_means(members), np.mean(parts, axis=0))
    folds = fold_of(ids, run.settings.train.num_folds)
    rows = [np.flatnonzero(folds == member.fold) for member in members]
    chosen = [part[own] for part, own in zip(parts, rows, strict=True)]
    _, by_fold = average_by_row(chosen, rows)
    return obeying_tree(config, fractions), obeying_tree(config, by_fold[~bad])


def expectation(
    run: Run, others: list[Other], test: np.ndarray
) -> dict[str, float | int]:
    """The RMSE on held-out galaxies as they are, reweighted, and what that lets expect.

    Args:
        run: whose networks they are.
        others: the runs that are blended with them.
        test: (M, 37) the readable test galaxies by this run's networks.

    Returns:
        What the receipt says of it; nothing where it is not known.
    """
    own = load_held_out(run.held_out)
    averaged = average_held_out(own, others)
    if averaged is None:
        return {}
    ids, fractions, targets = averaged
    rows = match_ids(ids, own.ids, run.held_out.folder)
    weights = fit_weighting(own.fractions[rows], targets, test).weigh(targets)
    plain = score_fractions(fractions, targets)
    weighted = score_fractions(fractions, targets, weights)
    means = np.broadcast_to(column_means(run.members), targets.shape)
    by_means = score_fractions(means, targets, weights)
    expected = mixed_score(weighted, by_means, unreadable_share(run.shards("test")))
    return {
        "num_validation": len(ids),
        "validation_rmse": plain.rmse,
        "validation_standard_error": plain.standard_error,
        "weighted_validation_rmse": weighted.rmse,
        "weighted_validation_standard_error": weighted.standard_error,
        "expected_rmse": expected.rmse,
        "expected_standard_error": expected.standard_error,
        "num_effective": round(effective_sample_size(weights), 1),
    }
