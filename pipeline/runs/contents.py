"""What is in finished artifacts, as arrays."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pipeline.data.archives import ZIP_TROUBLE
from pipeline.data.shards import Shards
from pipeline.data.tree import NUM_ANSWERS
from pipeline.errors import PipelineError, remedy
from pipeline.files import file_digest
from pipeline.runs.graph import Run
from pipeline.runs.paths import held_out_file, ids_file, predictions_file, shard_file
from pipeline.runs.receipts import Artifact, not_as_made, untouched


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


@contextlib.contextmanager
def as_made(artifact: Artifact, file: Path) -> Iterator[None]:
    """Lets the block read a file of a finished artifact.

    Raises:
        PipelineError: its bytes are not those made; or they are, by the receipt, and
            still not what the block takes, as in a work directory of somebody else's.
    """
    untouched(artifact, file)
    try:
        yield
    except (KeyError, TypeError, *ZIP_TROUBLE):
        raise not_as_made(artifact, file) from None


def of_galaxies(ids: np.ndarray, *tables: np.ndarray) -> list[np.ndarray]:
    """Ids (N,) and numbers of them (N, 37), as they are.

    Raises:
        ValueError: they are something else.
    """
    good = ids.dtype == np.int64 and ids.ndim == 1 and len(np.unique(ids)) == len(ids)
    shape = (len(ids), NUM_ANSWERS)
    if not good or any(t.shape != shape or t.dtype.kind != "f" for t in tables):
        raise ValueError("not of galaxies")
    return [ids, *tables]


def load_ids(shards: Artifact) -> np.ndarray:
    """The galaxies of a split, row by row: (N,) int64."""
    file = ids_file(shards.folder)
    with as_made(shards, file):
        return of_galaxies(np.load(file))[0]


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
        raise not_as_made(shards, path)
    return images


def unreadable(shards: Artifact, ids: np.ndarray) -> np.ndarray:
    """Which galaxies (N,) of a split have no readable image: (N,) bool."""
    return np.isin(ids, [int(galaxy) for galaxy in shards.result["bad"]])


def unreadable_share(shards: Artifact) -> float:
    """How many of the images of a split could not be read, 0 to 1."""
    return len(shards.result["bad"]) / shards.result["num_images"]


def load_predictions(predictions: Artifact) -> Predictions:
    file = predictions_file(predictions.folder)
    with as_made(predictions, file), np.load(file) as arrays:
        return Predictions(*of_galaxies(arrays["ids"], arrays["fractions"]))


def load_held_out(held_out: Artifact) -> HeldOut:
    file = held_out_file(held_out.folder)
    with as_made(held_out, file), np.load(file) as arrays:
        parts = (arrays[name] for name in HeldOut._fields)
        return HeldOut(*of_galaxies(*parts))


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
