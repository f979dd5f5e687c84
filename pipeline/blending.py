"""Other work directories' predictions, averaged with this one's."""

import logging
from functools import reduce
from typing import NamedTuple

import numpy as np

from pipeline import artifacts, workdir
from pipeline.artifacts import Foreign
from pipeline.config import Config
from pipeline.dataset import match_ids
from pipeline.errors import PipelineError
from pipeline.validation import Validation, load_validation
from pipeline.workdir import WorkDir

LEAST_IN_COMMON = 50  # galaxies; fewer say nothing of the average

log = logging.getLogger(__name__)


class Other(NamedTuple):
    """What another work directory says.

    Attributes:
        folder: its root.
        fractions: (N, 37) of this run's test galaxies.
        validation: its held-out galaxies, where it has kept them.
    """

    folder: str
    fractions: np.ndarray
    validation: Validation | None


def load_others(config: Config, work: WorkDir, ids: np.ndarray) -> list[Other]:
    """Whatever `predict.also` names, matched to the test galaxies (N,) by id.

    Raises:
        PipelineError: one of them is none, is unfinished, an average itself, or on
            another test set.
    """
    found = artifacts.others(config)
    folders = [work.root.resolve(), *(item.folder.parent for item in found)]
    for folder in folders:
        if folders.count(folder) > 1:
            raise PipelineError(
                f"predict.also takes other work directories, each once. {folder} is "
                "named twice, or is this one. Take it off the list."
            )
    return [load_other(item, ids) for item in found]


def load_other(predictions: Foreign, ids: np.ndarray) -> Other:
    work = WorkDir(predictions.folder.parent)
    receipt = predictions.receipt
    if receipt is None:
        raise PipelineError(
            f"predict.also names {work.root}, which has no finished predictions. Run "
            f'"./run.sh predict --work {work.root}" first.'
        )
    if parts := receipt["recipe"]["knobs"].get("also"):
        raise PipelineError(
            f"predict.also names {work.root}, which is an average with {parts} already."
            " Name work directories that were predicted without predict.also."
        )
    path = workdir.predictions_file(predictions.folder)
    with np.load(path) as file:
        known, fractions = file["ids"], file["fractions"]
    strangers = np.setxor1d(ids, known)
    if len(strangers):
        raise PipelineError(
            f"predict.also names {work.root}, whose {len(known)} test galaxies are not "
            f"the {len(ids)} of this run: {len(strangers)} are in only one of the two, "
            f"the first being {strangers[0]}. Name runs on the same test set."
        )
    held_out = Foreign("validation", work.validation, "predict", {})
    # one made since, of other networks, would not tell of these predictions
    kept = None
    if held_out.digest == receipt["recipe"]["inputs"].get("validation", ""):
        kept = load_validation(workdir.validation_file(work.validation))
    return Other(str(work.root), fractions[match_ids(ids, known, path)], kept)


def average_validation(own: Validation, others: list[Other]) -> Validation | None:
    """The galaxies held out of every run, averaged; None, told why, without enough."""
    if not others:
        return own
    lacking = [other.folder for other in others if other.validation is None]
    if lacking:
        log.warning("%s keeps no validation: the average's is not known", lacking[0])
        return None
    every = [own, *(other.validation for other in others)]
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
    return Validation(common, np.mean(parts, axis=0), own.targets[rows[0]])
