"""What can be known before work: folders that are closed or full, a Keras too old."""

import errno
import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from pipeline.data.archives import list_jpegs
from pipeline.data.submission import NUM_TEST
from pipeline.errors import NO_TEMPORARY_FOLDER, PipelineError, forbidden, remedy
from pipeline.kaggle.ledger import lock_of
from pipeline.machine import num_cores
from pipeline.output import human_size
from pipeline.runs.contents import load_predictions
from pipeline.runs.graph import Run
from pipeline.runs.paths import SPLITS, Split
from pipeline.settings.backend import OLDEST_MUON, refuse_older_keras
from pipeline.settings.precision import check_precision
from pipeline.settings.schema import Settings
from pipeline.sources.folder import FILES, find_file

NUM_TRAIN = 61_578  # images of the competition
ZIP_BYTES = 1_810_000_000  # its zips
JPEG_BYTES = 14_000  # one image of the demo sky
MEMBER_BYTES = 100_000_000  # a network and its checkpoint, more or less
ROW_BYTES = 400  # of a submission
FREE_HEADS = ("sigmoid", "linear")
OTHERS = "--work, or --set export.folder=DIR for submissions"


class Need(NamedTuple):
    """Bytes that are still to be written: so many surely, and so many about."""

    surely: int
    about: int


def check_before_work(run: Run, stages: Collection[str]) -> Iterator[str]:
    """Looks at the folders that stages write to.

    Yields:
        What may come to be a trouble, a line each.

    Raises:
        PipelineError: a folder may not be written, or surely has too little room; or
            the installed Keras is too old, or the machine has no such precision.
    """
    folders = [run.work.root]
    if "export" in stages:
        folders.append(run.submissions.root)
        refuse_forbidden(lock_of(run.submissions.ledger), os.R_OK | os.W_OK)
        refuse_free_outputs(run.settings)
    for folder in folders:
        refuse_closed(folder)
    for path in paths_of_ours(run, stages):
        refuse_forbidden(path)
    if "train" in stages and not all(member.is_done for member in run.members):
        for kind in run.settings.kinds.values():
            refuse_old_muon(kind.optimizer)
        refuse_threads(run.settings.train.threads)
    if "predict" in stages and not run.predictions.is_done:
        check_blended(run)
    yield from check_precision(run.settings, stages)
    for folder, need in needs_of(run, stages).items():
        yield from check_room(folder, need)


def check_room(folder: Path, need: Need) -> Iterator[str]:
    """Whether a folder's disk has room; a disk that tells no size has."""
    disk = shutil.disk_usage(nearest(folder))
    if not disk.total:
        return
    told = (
        f"{human_size(disk.free)} are free for {folder}; {human_size(need.surely)} "
        f"are surely to come, about {human_size(need.about)} in all"
    )
    if need.surely > disk.free:
        raise PipelineError(f"{told}. Make room, or name another folder: {OTHERS}.")
    if need.about > disk.free:
        yield told


def refuse_threads(threads: int) -> None:
    """Refuses more cores for each network than there are."""
    if threads > num_cores():
        raise PipelineError(
            f"train.threads={threads} is more than the {num_cores()} cores here."
        )
    if threads and not hasattr(os, "sched_setaffinity"):
        raise PipelineError("train.threads is for Linux: leave it at 0.")


def refuse_old_muon(optimizer: str) -> None:
    if optimizer == "muon":
        asked = "train.optimizer=muon"
        refuse_older_keras(OLDEST_MUON, asked, ", or name another --preset")


def check_blended(run: Run) -> None:
    """Refuses runs to be averaged with that are unfinished, or named more than once.

    Raises:
        PipelineError: there is one.
    """
    folders = [other.predictions.folder.resolve() for other in run.blended]
    for other in run.blended:
        names = f"predict.blend_with names {other.title}"
        if folders.count(other.predictions.folder.resolve()) > 1:
            raise PipelineError(f"{names} twice. Take it off the list.")
        if not other.predictions.is_done:
            words = f"--config={other.work.run(other.digest)}"
            raise PipelineError(
                f"{names}, which has no finished predictions. Run "
                f"{remedy('predict', other.work.root, words)} first."
            )
        if other.held_out.name == run.held_out.name:
            raise PipelineError(
                f"{names}, which has the networks and views of this run. Take it off "
                "the list."
            )
        fractions = load_predictions(other.predictions).fractions
        if not ((fractions >= 0) & (fractions <= 1)).all():  # nor where it is NaN
            raise PipelineError(
                f"{names}, whose predictions are not all from 0 to 1. Take it off the "
                "list."
            )


def refuse_closed(folder: Path) -> None:
    """Refuses a folder that may not be written, or made.

    Raises:
        PipelineError: it may not.
    """
    place = nearest(folder)
    if not place.is_dir():
        raise PipelineError(
            f"{folder} cannot be made, since {place} is a file. Name another folder: "
            f"{OTHERS}."
        )
    if not os.access(place, os.W_OK | os.X_OK):
        raise PipelineError(
            f"{folder} may not be written by this user: {place} is read-only for it. "
            f"Name another folder: {OTHERS}."
        )
    if not folder.exists():
        refuse_unmakeable(folder, place)


def refuse_unmakeable(folder: Path, place: Path) -> None:
    """Refuses a folder where none can be made whatever the permissions, as in /proc."""
    try:
        Path(tempfile.mkdtemp(dir=place)).rmdir()
    except OSError as error:
        reason = error.strerror
        raise PipelineError(
            f"{folder} cannot be made ({reason}). Name another folder: {OTHERS}."
        ) from None


def refuse_free_outputs(settings: Settings) -> None:
    """Refuses to predict what the export would not take."""
    head = settings.train.head
    if head in FREE_HEADS and not settings.predict.obey_tree:
        raise PipelineError(
            f"What train.head={head} predicts breaks the decision tree, which the "
            "export refuses. Set predict.obey_tree=true."
        )


def refuse_no_temporary_folder() -> None:
    """Refuses to begin what Keras and matplotlib could not end."""
    try:
        tempfile.gettempdir()
    except FileNotFoundError:
        raise PipelineError(NO_TEMPORARY_FOLDER) from None


def paths_of_ours(run: Run, stages: Collection[str]) -> Iterator[Path]:
    """What was made before, and that stages may read, replace or add to."""
    yield run.work.run(run.digest).parent
    for item in run.artifacts:
        if item.made_by in stages:
            for folder in (item.folder.parent, item.folder, item.partial):
                yield folder
                if folder.is_dir() and folder != item.folder.parent:
                    yield from folder.iterdir()
    if "export" in stages and (receipt := run.submission.receipt):
        yield run.submissions.root / receipt["result"]["csv"]


def refuse_forbidden(path: Path, wanted: int = os.R_OK) -> None:
    """Refuses what is there, but not for this user; a folder is to be written to."""
    if path.is_dir():
        wanted = os.R_OK | os.W_OK | os.X_OK
    if path.exists() and not os.access(path, wanted):
        raise PipelineError(forbidden(path, os.strerror(errno.EACCES)))


def nearest(folder: Path) -> Path:
    """The folder itself, or the first one above it that is there."""
    return next(place for place in (folder, *folder.parents) if os.path.lexists(place))


def told_room(run: Run, stages: Collection[str]) -> str:
    """What is free for a run's work directory, and what stages would still write."""
    root = run.work.root
    free = shutil.disk_usage(nearest(root)).free
    about = needs_of(run, stages)[root].about
    return f"{human_size(free)} free for {root}; about {human_size(about)} are to come"


def needs_of(run: Run, stages: Collection[str]) -> dict[Path, Need]:
    """What the artifacts take that stages would still make, in each folder."""
    parts = [*bytes_to_come(run, stages)]
    surely = sum(size for size, certain in parts if certain)
    needs = {run.work.root: Need(surely, sum(size for size, _ in parts))}
    if "export" in stages and not run.submission.is_done:
        num_rows = count_images(run)["test"]
        # twice, since an older one stays until the new one is whole
        needs[run.submissions.root] = Need(0, 2 * ROW_BYTES * num_rows)
    return needs


def bytes_to_come(run: Run, stages: Collection[str]) -> Iterator[tuple[int, bool]]:
    """The size of each artifact that is not done, and whether it is sure."""
    num_images, source = count_images(run), run.settings.source
    if "download" in stages and not run.raw.is_done:
        if source == "demo":
            yield sum(num_images.values()) * JPEG_BYTES, False
        if source == "kaggle":
            yield max(0, ZIP_BYTES - folder_bytes(run.raw.folder)), False
    if "preprocess" in stages:
        size = run.settings.preprocess.image_size
        for split in SPLITS:
            if not run.shards(split).is_done:
                yield num_images[split] * size * size * 3, True
    if "train" in stages:
        yield MEMBER_BYTES * sum(not member.is_done for member in run.members), False


def count_images(run: Run) -> dict[Split, int]:
    """How many images each set has, or will have once it is there."""
    source, demo = run.settings.source, run.settings.demo
    if source == "demo":
        return {"train": demo.num_train, "test": demo.num_test}
    if run.raw.is_done:
        return {split: run.raw.result[f"num_{split}"] for split in SPLITS}
    if source == "kaggle":
        return {"train": NUM_TRAIN, "test": NUM_TEST}
    found = {
        split: find_file(Path(source), FILES[f"{split}_images"]) for split in SPLITS
    }
    return {
        split: len(list_jpegs(path)) if path else 0 for split, path in found.items()
    }


def folder_bytes(folder: Path) -> int:
    files = folder.glob("*.zip*") if folder.is_dir() else []
    return sum(file.stat().st_size for file in files)
