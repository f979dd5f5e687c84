"""Stage 2: every picture cropped, shrunk and packed, so that training reads arrays."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.data.archives import jpeg_reader, list_jpegs
from pipeline.data.images import BadImage, prepare
from pipeline.data.shards import save_array
from pipeline.errors import PipelineError
from pipeline.parallel import map_parallel
from pipeline.runs.graph import Run
from pipeline.runs.paths import SPLITS, Split, ids_file, shard_file
from pipeline.runs.receipts import is_up_to_date, making, require
from pipeline.settings.schema import PreprocessConfig

MOST_TOLERATED = 3  # bad images, however small their set is

log = logging.getLogger(__name__)


def preprocess(run: Run, force: bool = False) -> None:
    """Turns every raw image into one row of a shard.

    Reads   raw/                                zips or folders of jpgs
    Writes  shards/<split>-<digest>/NNNNN.npy   (n, S, S, 3) uint8, S = image_size
            shards/<split>-<digest>/ids.npy     (N,) int64, the row order of the shards
            shards/<split>-<digest>/receipt.json  "bad": images that cannot be read

    A bad training image is left out; a bad test image keeps a black row, since a
    submission needs every row.
    """
    for split in SPLITS:
        shards = run.shards(split)
        config = run.settings.preprocess
        if is_up_to_date(shards, force):
            bad, num_listed = shards.result["bad"], shards.result["num_listed"]
            stop_if_too_many(bad, num_listed, config, shards.folder)
            continue
        images = require(run.raw).file(f"{split}_images")
        with making(shards) as made:
            made.result |= make_shards(images, made.folder, split, config)
        num_images = made.result["num_images"]
        log.info("%s: %d images of %d px", shards.name, num_images, config.image_size)


@dataclass(frozen=True)
class ShardTask:
    """One shard to make: which galaxies, from where, to where."""

    images: Path
    members: tuple[tuple[int, str], ...]  # galaxy id, name in the zip or folder
    shard: Path
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
    members = list_jpegs(images)
    tasks = [
        ShardTask(
            images=images,
            members=part,
            shard=shard_file(folder, number),
            crop_size=config.crop_size,
            image_size=config.image_size,
            keep_bad=split == "test",
        )
        for number, part in enumerate(batched_items(members, config.shard_size))
    ]
    ids: list[int] = []
    bad: dict[int, str] = {}
    sizes = [len(task.members) for task in tasks]
    for report in map_parallel(make_shard, tasks, f"preprocess {split}", sizes):
        ids += report.ids
        bad |= report.bad
        stop_if_too_many(bad, len(members), config, images)
    if not ids:
        raise PipelineError(f"{images}: none of its {len(members)} images is readable.")
    save_array(ids_file(folder), np.array(ids, np.int64))
    for galaxy, reason in bad.items():
        fate = "predicted as the column means" if split == "test" else "left out"
        log.warning("bad image %d.jpg: %s; %s", galaxy, reason, fate)
    return {
        "num_listed": len(members),
        "num_images": len(ids),
        "num_shards": len(tasks),
        "bad": {str(galaxy): reason for galaxy, reason in bad.items()},
    }


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
    read = jpeg_reader(task.images)
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
    save_array(task.shard, rows[: len(ids)])
    return ShardReport(ids, bad)
