"""Stage 2: every picture cropped, shrunk and packed, so that training reads arrays."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.data.archives import file_reader, list_jpegs
from pipeline.data.images import BadImage, prepare
from pipeline.data.shards import save_array
from pipeline.errors import PipelineError
from pipeline.files import read_json, write_json
from pipeline.parallel import map_parallel
from pipeline.parts import WHOLE, Part
from pipeline.runs.graph import Run
from pipeline.runs.paths import (
    SPLITS,
    Split,
    ids_file,
    shard_file,
    shard_note_file,
)
from pipeline.runs.receipts import is_up_to_date, making, refuse_links, require
from pipeline.settings.schema import PreprocessConfig

MOST_TOLERATED = 3  # bad images, however small their set is

log = logging.getLogger(__name__)


def preprocess(run: Run, force: bool = False, part: Part = WHOLE) -> None:
    """Turns every raw image into one row of a shard.

    Reads   raw/                                zips or folders of jpgs
    Writes  shards/<split>-<digest>/NNNNN.npy   (n, S, S, 3) uint8, S = image_size
            shards/<split>-<digest>/ids.npy     (N,) int64, the row order of the shards
            shards/<split>-<digest>/receipt.json  "bad": images that cannot be read

    A bad training image is left out; a bad test image keeps a black row, since a
    submission needs every row.

    Args:
        run: whose galaxies.
        force: make the shards anew, though they are up to date.
        part: make just this part of them, and leave the rest to who has all parts.
    """
    for split in SPLITS:
        shards = run.shards(split)
        config = run.settings.preprocess
        if is_up_to_date(shards, force):
            bad, num_listed = shards.result["bad"], shards.result["num_listed"]
            stop_if_too_many(bad, num_listed, config, shards.folder)
            continue
        images = require(run.raw).file(f"{split}_images")
        if part != WHOLE:
            refuse_links(shards)
            tasks = list_tasks(images, shards.partial, split, config)
            make_missing(tasks, split, config, part)
            continue
        with making(shards, keep=not force) as made:
            made.result |= make_shards(images, made.folder, split, config)
        num_images = made.result["num_images"]
        log.info("%s: %d images of %d px", shards.name, num_images, config.image_size)
    if part != WHOLE:
        log.info('part %s is done; "preprocess" without --part joins all', part)


@dataclass(frozen=True)
class ShardTask:
    """One shard to make: which galaxies, from where, to where."""

    images: Path
    members: tuple[tuple[int, str], ...]  # galaxy id, name in the zip or folder
    folder: Path
    number: int
    crop_size: int
    image_size: int
    keep_bad: bool


@dataclass(frozen=True)
class ShardReport:
    """What came of a task: the galaxy of each row, and why others failed."""

    ids: list[int]
    bad: dict[int, str]


def make_shards(
    images: Path, folder: Path, split: Split, config: PreprocessConfig
) -> dict[str, object]:
    """Fills the folder of a split; returns what its receipt says.

    Raises:
        PipelineError: no images at all, or too many bad ones.
    """
    tasks = list_tasks(images, folder, split, config)
    reports = make_missing(tasks, split, config, WHOLE)
    ids = [galaxy for report in reports for galaxy in report.ids]
    bad = {galaxy: why for report in reports for galaxy, why in report.bad.items()}
    num_listed = sum(len(task.members) for task in tasks)
    if not ids:
        raise PipelineError(f"{images}: none of its {num_listed} images is readable.")
    save_array(ids_file(folder), np.array(ids, np.int64))
    for task in tasks:
        shard_note_file(folder, task.number).unlink()
    for galaxy, reason in bad.items():
        fate = "predicted as the column means" if split == "test" else "left out"
        log.warning("bad image %d.jpg: %s; %s", galaxy, reason, fate)
    return {
        "num_listed": num_listed,
        "num_images": len(ids),
        "num_shards": len(tasks),
        "bad": {str(galaxy): reason for galaxy, reason in bad.items()},
    }


def list_tasks(
    images: Path, folder: Path, split: Split, config: PreprocessConfig
) -> list[ShardTask]:
    """All shards of a split, whether they are there already or not."""
    return [
        ShardTask(
            images=images,
            members=part,
            folder=folder,
            number=number,
            crop_size=config.crop_size,
            image_size=config.image_size,
            keep_bad=split == "test",
        )
        for number, part in enumerate(
            batched_items(list_jpegs(images), config.shard_size)
        )
    ]


def make_missing(
    tasks: Sequence[ShardTask], split: Split, config: PreprocessConfig, part: Part
) -> list[ShardReport]:
    """Makes the shards of a part that are not there yet; says what is in all of them.

    Raises:
        PipelineError: too many images are bad.
    """
    kept = {task.number: load_report(task) for task in tasks}
    missing = [
        tasks[number]
        for number in part.own([task.number for task in tasks])
        if kept[number] is None
    ]
    num_listed = sum(len(task.members) for task in tasks)
    sizes = [len(task.members) for task in missing]
    made = map_parallel(make_shard, missing, f"preprocess {split}", sizes)
    for task, report in zip(missing, made, strict=True):
        kept[task.number] = report
        bad = {k: why for own in kept.values() if own for k, why in own.bad.items()}
        stop_if_too_many(bad, num_listed, config, task.images)
    return [report for report in kept.values() if report]


def batched_items(
    members: dict[int, str], size: int
) -> Iterator[tuple[tuple[int, str], ...]]:
    items = list(members.items())
    for start in range(0, len(items), size):
        yield tuple(items[start : start + size])


def stop_if_too_many(
    bad: Mapping[Any, str], num_listed: int, config: PreprocessConfig, images: Path
) -> None:
    """Raises PipelineError where more images are bad than the settings tolerate."""
    allowed = max(MOST_TOLERATED, int(config.max_bad_share * num_listed))
    if len(bad) > allowed:
        galaxy, reason = next(iter(bad.items()))
        raise PipelineError(
            f"{images}: more than {allowed} images are unreadable, the first being "
            f"{galaxy}.jpg ({reason}). Fetch the file again, or raise "
            "preprocess.max_bad_share."
        )


def make_shard(task: ShardTask) -> ShardReport:
    """Reads, prepares and saves the images of one shard."""
    read = file_reader(task.images)
    size = task.image_size
    rows = np.zeros((len(task.members), size, size, 3), np.uint8)
    ids: list[int] = []
    bad: dict[int, str] = {}
    for galaxy, name in task.members:
        try:
            rows[len(ids)] = prepare(read(name), task.crop_size, size)
        except BadImage as error:
            bad[galaxy] = str(error)
            if not task.keep_bad:
                continue
        ids.append(galaxy)
    save_array(shard_file(task.folder, task.number), rows[: len(ids)])
    report = ShardReport(ids, bad)
    write_json(shard_note_file(task.folder, task.number), asdict(report))
    return report


def load_report(task: ShardTask) -> ShardReport | None:
    """What is in a shard that is there already; None where it is not, or not whole."""
    note = read_json(shard_note_file(task.folder, task.number))
    shard = shard_file(task.folder, task.number)
    if not shard.is_file():
        return None
    try:
        bad = {int(galaxy): reason for galaxy, reason in note["bad"].items()}
        report = ShardReport(note["ids"], bad)
        shape = (len(report.ids), task.image_size, task.image_size, 3)
        whole = np.load(shard, mmap_mode="r").shape == shape
    except (OSError, ValueError, EOFError, KeyError, TypeError, AttributeError):
        return None
    return report if whole else None
