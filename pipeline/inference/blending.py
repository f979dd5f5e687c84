"""Other runs' predictions, averaged with this one's."""

import logging
from collections.abc import Sequence
from functools import reduce
from typing import NamedTuple

import numpy as np

from pipeline.data.splits import match_ids
from pipeline.errors import PipelineError
from pipeline.runs.contents import HeldOut, load_held_out, load_predictions
from pipeline.runs.graph import Run

LEAST_IN_COMMON = 50  # galaxies; fewer say nothing of the average

log = logging.getLogger(__name__)


class Other(NamedTuple):
    """What another run says.

    Attributes:
        name: its work directory and digest.
        fractions: (N, 37) of this run's test galaxies.
        held_out: its held-out galaxies, where it has kept them.
    """

    name: str
    fractions: np.ndarray
    held_out: HeldOut | None


def load_others(run: Run, ids: np.ndarray) -> list[Other]:
    """Whatever `predict.blend_with` names, matched to the test galaxies (N,) by id.

    Raises:
        PipelineError: one of them is unfinished, or on another test set.
    """
    return [load_other(other, ids) for other in run.blended]


def load_other(other: Run, ids: np.ndarray) -> Other:
    name = other.title
    known, fractions = load_predictions(other.predictions)
    strangers = np.setxor1d(ids, known)
    if len(strangers):
        raise PipelineError(
            f"predict.blend_with names {name}, whose {len(known)} test galaxies are "
            f"not the {len(ids)} of this run: {len(strangers)} are in only one of the "
            f"two, the first being {strangers[0]}. Name runs on the same test set."
        )
    rows = match_ids(ids, known, other.predictions.folder)
    kept = load_held_out(other.held_out) if other.held_out.is_done else None
    return Other(name, fractions[rows], kept)


def average_held_out(own: HeldOut, others: Sequence[Other]) -> HeldOut | None:
    """What all runs held out, averaged; None, told why, where that is not enough."""
    if not others:
        return own
    lacking = [other.name for other in others if other.held_out is None]
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
