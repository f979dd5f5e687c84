"""Other work directories' predictions, averaged with this run's."""

import logging
from collections.abc import Sequence
from functools import reduce
from typing import NamedTuple

import numpy as np

from pipeline.data.splits import match_ids
from pipeline.errors import PipelineError
from pipeline.runs.contents import HeldOut, load_held_out, load_predictions
from pipeline.runs.graph import Foreign, Run
from pipeline.runs.paths import WorkDir, predictions_file

LEAST_IN_COMMON = 50  # galaxies; fewer say nothing of the average

log = logging.getLogger(__name__)


class Other(NamedTuple):
    """What another work directory says.

    Attributes:
        folder: its root.
        fractions: (N, 37) of this run's test galaxies.
        held_out: its held-out galaxies, where it has kept them.
    """

    folder: str
    fractions: np.ndarray
    held_out: HeldOut | None


def load_others(run: Run, ids: np.ndarray) -> list[Other]:
    """Whatever `predict.also` names, matched to the test galaxies (N,) by id.

    Raises:
        PipelineError: one of them is none, is unfinished, an average itself, or on
            another test set.
    """
    folders = [run.work.root.resolve(), *(item.folder.parent for item in run.blended)]
    for folder in folders:
        if folders.count(folder) > 1:
            raise PipelineError(
                f"predict.also takes other work directories, each once. {folder} is "
                "named twice, or is this one. Take it off the list."
            )
    return [load_other(item, ids) for item in run.blended]


def load_other(predictions: Foreign, ids: np.ndarray) -> Other:
    work = WorkDir(predictions.folder.parent)
    receipt = predictions.receipt
    if receipt is None:
        raise PipelineError(
            f"predict.also names {work.root}, which has no finished predictions. Run "
            f'"./run.sh predict --work {work.root}" first.'
        )
    if parts := receipt["recipe"].get("settings", {}).get("also"):
        raise PipelineError(
            f"predict.also names {work.root}, which is an average with {parts} already."
            " Name work directories that were predicted without predict.also."
        )
    known, fractions = load_predictions(predictions)
    strangers = np.setxor1d(ids, known)
    if len(strangers):
        raise PipelineError(
            f"predict.also names {work.root}, whose {len(known)} test galaxies are not "
            f"the {len(ids)} of this run: {len(strangers)} are in only one of the two, "
            f"the first being {strangers[0]}. Name runs on the same test set."
        )
    held_out = Foreign("held out", work.held_out, "predict", {})
    # one made since, of other networks, would not tell of these predictions
    kept = None
    if held_out.digest == receipt["recipe"]["inputs"].get("held out", ""):
        kept = load_held_out(held_out)
    rows = match_ids(ids, known, predictions_file(predictions.folder))
    return Other(str(work.root), fractions[rows], kept)


def average_held_out(own: HeldOut, others: Sequence[Other]) -> HeldOut | None:
    """The galaxies held out of every run, averaged; None, told why, without enough."""
    if not others:
        return own
    lacking = [other.folder for other in others if other.held_out is None]
    if lacking:
        log.warning(
            "%s keeps no held-out galaxies: the average's RMSE is not known", lacking[0]
        )
        return None
    every = [own, *(other.held_out for other in others)]
    common = reduce(np.intersect1d, [part.ids for part in every])
    if len(common) < LEAST_IN_COMMON:
        log.warning(
            "%d galaxies were held out of all %d runs, too few: the average's "
            "validation RMSE is not known",
            len(common),
            len(every),
        )
        return None
    rows = [np.intersect1d(part.ids, common, return_indices=True)[1] for part in every]
    parts = [part.fractions[chosen] for part, chosen in zip(every, rows, strict=True)]
    return HeldOut(common, np.mean(parts, axis=0), own.targets[rows[0]])
