"""Where a training stands, on disk, so that an interruption costs one epoch at most."""

import json
import logging
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.files import atomic
from pipeline.machine import num_cores
from pipeline.settings.backend import kept_variables
from pipeline.training.history import named

UNUSABLE = (  # whatever reading a damaged file may raise
    *(zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError),
    *(KeyError, ValueError, TypeError, AttributeError, OverflowError),
)
ARRAY_LISTS = ("variables", "optimizer", "best")

log = logging.getLogger(__name__)


@dataclass
class Checkpoint:
    """All that the epochs to come depend on.

    Attributes:
        variables: the network's, as trained.
        optimizer: the optimizer's, averaged weights among them.
        best: the network's averaged variables at the epoch that would count now.
        weights: (N,) float32, how much each galaxy of the training shards counts.
        history: a row for each finished epoch.
        watched: what divergence is told by, of the latest steps.
        cuts: where the number of epochs was lowered, as `Epochs` has them.
    """

    variables: list[np.ndarray]
    optimizer: list[np.ndarray]
    best: list[np.ndarray]
    weights: np.ndarray
    history: list[dict[str, Any]] = field(default_factory=list)
    watched: list[float] = field(default_factory=list)
    cuts: list[tuple[int, int]] = field(default_factory=list)

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Of all arrays: the same of all checkpoints of a recipe."""
        arrays = (*self.variables, *self.optimizer, *self.best, self.weights)
        return [array.shape for array in arrays]


def save_checkpoint(
    path: Path,
    checkpoint: Checkpoint,
    recipe: dict[str, Any],
    circumstances: dict[str, Any],
) -> None:
    """Writes it whole, beside the recipe it holds for and its `environment`."""
    arrays = {
        f"{name}_{number:04d}": array
        for name in ARRAY_LISTS
        for number, array in enumerate(getattr(checkpoint, name))
    }
    notes = json.dumps(
        {
            "recipe": recipe,
            "history": checkpoint.history,
            "watched": checkpoint.watched,
            "cuts": checkpoint.cuts,
            "environment": circumstances,
        }
    )
    with atomic(path) as partial:
        np.savez(partial, notes=np.array(notes), weights=checkpoint.weights, **arrays)


def load_checkpoint(
    path: Path, recipe: dict[str, Any], circumstances: dict[str, Any]
) -> Checkpoint | None:
    """The checkpoint of an interrupted training by the same recipe; else None.

    One that cannot be used is told of, since its epochs are lost.
    """
    if not path.exists():
        return None
    try:
        with open(path, "rb") as opened, np.load(opened) as file:
            notes = json.loads(str(file["notes"]))
            if notes["recipe"] != recipe:
                raise ValueError("it is of another recipe")
            lists = {
                name: [file[key] for key in sorted(file) if key.startswith(f"{name}_")]
                for name in ARRAY_LISTS
            }
            weights = file["weights"]
            warn_of_change(notes["environment"], circumstances)
            history = [named(record.values()) for record in notes["history"]]
            watched = notes.get("watched", [])
            cuts = [(after, total) for after, total in notes.get("cuts", [])]
    except UNUSABLE as error:
        log.warning("%s cannot be used (%s): the training starts over", path, error)
        return None
    return Checkpoint(
        **lists, weights=weights, history=history, watched=watched, cuts=cuts
    )


def environment(precision: str, num_devices: int) -> dict[str, Any]:
    """What makes other weights of the same recipe, to the last digits at least."""
    import keras

    return {
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        "threads": num_cores(),
        "precision": precision,
        "devices": num_devices,
        **kept_variables(),
    }


def warn_of_change(before: dict[str, Any], now: dict[str, Any]) -> None:
    """Says that a training resumes under other circumstances than it began."""
    # an older version had no others
    before = {"precision": "float32", "devices": 1} | before
    changes = [
        f"{name} {before.get(name, 'not set')}, now {now.get(name, 'not set')}"
        for name in before | now
        if before.get(name) != now.get(name)
    ]
    if changes:
        log.warning(
            "the checkpoint was made with %s: the weights will differ from those of an "
            "undisturbed run",
            "; ".join(changes),
        )
