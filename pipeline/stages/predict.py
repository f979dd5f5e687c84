"""Stage 4: the test set through every network, averaged, and what to expect of it."""

import logging

import numpy as np

from pipeline.data.metrics import effective_sample_size, mixed_score, score_fractions
from pipeline.data.reweighting import fit_weighting
from pipeline.data.splits import fold_of, match_ids
from pipeline.files import atomic
from pipeline.inference.blending import Other, average_held_out, load_others
from pipeline.inference.blocks import Blocks
from pipeline.inference.ensemble import (
    average_by_row,
    column_means,
    obeying_tree,
    predict_members,
)
from pipeline.inference.held_out import predict_held_out
from pipeline.parts import WHOLE, Part
from pipeline.runs.contents import (
    load_held_out,
    load_ids,
    unreadable,
    unreadable_share,
)
from pipeline.runs.graph import Run
from pipeline.runs.paths import blocks_folder, held_out_file, predictions_file
from pipeline.runs.receipts import is_up_to_date, making, refuse_links, require
from pipeline.settings.precision import settled

log = logging.getLogger(__name__)


def predict(run: Run, force: bool = False, part: Part = WHOLE) -> None:
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

    Args:
        run: whose networks are finished.
        force: make them anew, though they are up to date.
        part: predict just this part of the galaxies, and leave the averages to who has
            all parts.
    """
    if part != WHOLE:
        predict_part(run, part)
        return
    if not is_up_to_date(run.held_out, force):
        save_held_out(run, force)
    if is_up_to_date(run.predictions, force):
        return
    ids = load_ids(run.shards("test"))
    others = load_others(run, ids)
    with making(run.predictions, keep=not force) as made:
        blocks = Blocks(blocks_folder(made.folder))
        own, by_fold = average(run, ids, ask_networks(run, ids, blocks))
        fractions = np.mean([own, *(other.fractions for other in others)], axis=0)
        with atomic(predictions_file(made.folder)) as partial:
            np.savez(partial, ids=ids, fractions=fractions)
        blocks.remove()
        made.result |= {
            "num_images": len(ids),
            "num_as_means": len(run.shards("test").result["bad"]),
            "precision": settled("predict", run.settings.predict.precision),
            "members": [member.name for member in run.members],
            "averaged_with": [other.name for other in others],
        } | expectation(run, others, by_fold)
    log.info("predictions: %d galaxies", len(ids))


def predict_part(run: Run, part: Part) -> None:
    """Predicts a part of all galaxies, where others find it."""
    for artifact in (run.held_out, run.predictions):
        if is_up_to_date(artifact, False):
            continue
        for needed in (*artifact.needs, *artifact.inputs):
            if needed is not run.held_out:
                require(needed)
        refuse_links(artifact)
        blocks = Blocks(blocks_folder(artifact.partial), part)
        if artifact is run.held_out:
            predict_held_out(run, blocks)
        else:
            ask_networks(run, load_ids(run.shards("test")), blocks)
    log.info('part %s is done; "predict" without --part joins all', part)


def save_held_out(run: Run, force: bool) -> None:
    with making(run.held_out, keep=not force) as made:
        blocks = Blocks(blocks_folder(made.folder))
        found = predict_held_out(run, blocks)
        with atomic(held_out_file(made.folder)) as partial:
            np.savez(partial, **found._asdict())
        blocks.remove()
        rmse, standard_error = score_fractions(found.fractions, found.targets)
        made.result |= {
            "num_validation": len(found.ids),
            "precision": settled("predict", run.settings.predict.precision),
            "validation_rmse": rmse,
            "validation_standard_error": standard_error,
        }
    log.info("validation: %d galaxies", len(found.ids))


def ask_networks(run: Run, ids: np.ndarray, blocks: Blocks) -> list[np.ndarray] | None:
    """What each network says of the test galaxies, (N, 37) float64 each."""
    every_row = [np.arange(len(ids))] * len(run.members)
    return predict_members(
        run.settings.predict, run.shards("test"), run.members, every_row, blocks
    )


def average(
    run: Run, ids: np.ndarray, parts: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """What the networks say together of the test galaxies, as the shards have them.

    Returns:
        (N, 37) float64, the mean over all networks; the means of the training set for
        galaxies without a readable image. Then (M, 37) float64 of the others, each by
        the networks of one fold alone, as a held-out galaxy is predicted: the mean
        over all folds would be told from those by its smoothness.
    """
    config, shards, members = run.settings.predict, run.shards("test"), run.members
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
