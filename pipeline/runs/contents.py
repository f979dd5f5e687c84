"""What is in finished artifacts, as arrays."""

import contextlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pipeline.data.shards import Shards
from pipeline.errors import PipelineError, remedy
from pipeline.files import file_digest
from pipeline.runs.graph import Run
from pipeline.runs.paths import held_out_file, ids_file, predictions_file, shard_file
from pipeline.runs.receipts import Artifact, untouched


class Predictions(NamedTuple):
    """Test galaxies: ids (N,) int64, and predicted fractions (N, 37) float64."""

    ids: np.ndarray
    fractions: np.ndarray


class HeldOut(NamedTuple):
    """Galaxies, and what the networks that were not fitted to them say.

    Attributes:
        ids: (N,) int64.
        fractions: (N, 37) float64, predicted.
        targets: (N, 37) float32, volunteers'.
    """

    ids: np.ndarray
    fractions: np.ndarray
    targets: np.ndarray


def load_ids(shards: Artifact) -> np.ndarray:
    """The galaxies of a split, row by row: (N,) int64."""
    return np.load(untouched(shards, ids_file(shards.folder)))


def open_shards(shards: Artifact, every_byte: bool = False) -> Shards:
    """The images of a split, mapped into memory.

    Args:
        shards: the finished split.
        every_byte: see first that they are those made, which reads them all.

    Raises:
        PipelineError: they are not, or the split is not done.
    """
    num_shards = shards.result["num_shards"]
    paths = [shard_file(shards.folder, number) for number in range(num_shards)]
    if every_byte:
        for path in paths:
            untouched(shards, path)
    return Shards(load_ids(shards), [map_images(shards, path) for path in paths])


def map_images(shards: Artifact, path: Path) -> np.ndarray:
    """One of the files of images: (n, S, S, 3) uint8, not read yet.

    Raises:
        PipelineError: it does not begin like one; its bytes are many to compare.
    """
    images = None
    with contextlib.suppress(ValueError):
        images = np.load(path, mmap_mode="r")
    if images is None or images.dtype != np.uint8 or images.ndim != 4:
        untouched(shards, path)
        raise ValueError(f"{path} was made without images")
    return images


def unreadable(shards: Artifact, ids: np.ndarray) -> np.ndarray:
    """Which galaxies (N,) of a split have no readable image: (N,) bool."""
    return np.isin(ids, [int(galaxy) for galaxy in shards.result["bad"]])


def unreadable_share(shards: Artifact) -> float:
    """How many of the images of a split could not be read, 0 to 1."""
    return len(shards.result["bad"]) / shards.result["num_images"]


def load_predictions(predictions: Artifact) -> Predictions:
    path = untouched(predictions, predictions_file(predictions.folder))
    with np.load(path) as file:
        return Predictions(file["ids"], file["fractions"])


def load_held_out(held_out: Artifact) -> HeldOut:
    path = untouched(held_out, held_out_file(held_out.folder))
    with np.load(path) as file:
        return HeldOut(file["ids"], file["fractions"], file["targets"])


def submission_csv(run: Run) -> Path:
    """Where the finished submission is."""
    return run.submissions.root / run.submission.result["csv"]


def trouble_with_csv(run: Run) -> str | None:
    """How the finished submission's file differs from its receipt; None: not at all."""
    path = submission_csv(run)
    if not path.is_file():
        return "is gone"
    if file_digest(path) != run.submission.result["sha256"]:
        return "was changed since its export"
    return None


def exported_csv(run: Run) -> Path:
    """The finished submission.

    Raises:
        PipelineError: there is none, or it is not as it was exported.
    """
    path, trouble = submission_csv(run), trouble_with_csv(run)
    if trouble:
        raise PipelineError(
            f"{path} {trouble}. Run {remedy('export', run.work.root)}, which "
            "writes it anew and keeps what is changed."
        )
    return path
