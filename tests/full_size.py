"""The competition's files at full size, from few pictures; made by hand.

`python -m tests.full_size OUT`, from the project's folder, for benchmarks: 2 GB in
half a minute. The pictures are those of a small demo sky, or of `--jpegs`; each of them
stands under many ids, and its labels with it.
"""

import argparse
import itertools
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pipeline.bars import progress
from pipeline.data.archives import file_reader, list_jpegs
from pipeline.data.splits import match_ids
from pipeline.data.submission import NUM_TEST
from pipeline.data.tables import read_fractions, read_ids
from pipeline.data.tree import NUM_ANSWERS
from pipeline.errors import PipelineError
from pipeline.files import atomic
from pipeline.output import human_size, start_logging
from pipeline.runs.preflight import JPEG_BYTES, NUM_TRAIN, nearest
from pipeline.sources.demo import (
    add_member,
    csv_lines,
    draw_ids,
    make_demo,
    write_zipped_csv,
)
from pipeline.sources.folder import FILES, IMAGES, find_file, find_files

NUM_PICTURES = 300  # of the demo sky, a third of them for the test set


class Ids(NamedTuple):
    """The galaxies of each set, (N,) int64, ascending."""

    train: np.ndarray
    test: np.ndarray


def main() -> None:
    options = parser().parse_args()
    start_logging()
    try:
        write_full_size(options.out, options.jpegs, options.ids, options.share)
    except PipelineError as error:
        sys.exit(f"error: {error}")


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m tests.full_size", description=__doc__
    )
    made.add_argument("out", type=Path, help="an empty folder, or a new one")
    made.add_argument(
        "--jpegs",
        type=Path,
        help="a folder with pictures and labels in Kaggle's layout, or one of its zips "
        "of images, for both sets; without it, of a demo sky",
    )
    made.add_argument(
        "--ids",
        type=Path,
        help="a folder with train_ids.npy and test_ids.npy, or with Kaggle's tables; "
        "without it, ids are made up",
    )
    made.add_argument("--share", type=float, default=1.0, help="of the galaxies")
    return made


def write_full_size(
    out: Path, jpegs: Path | None = None, ids: Path | None = None, share: float = 1.0
) -> None:
    """Writes images, labels and sample submission as Kaggle ships them.

    Args:
        out: where they are to be.
        jpegs: where pictures and labels come from; None: a demo sky.
        ids: where the ids come from; None: they are made up.
        share: how many of the competition's galaxies, up to 1.

    Raises:
        PipelineError: something is there already, or too little room.
    """
    galaxies = first_share(load_ids(ids) if ids else made_up_ids(), share)
    refuse_filled(out)
    refuse_small(out, sum(map(len, galaxies)) * JPEG_BYTES)
    out.mkdir(parents=True, exist_ok=True)
    if jpegs:
        write_competition(out, find_pictures(jpegs), galaxies)
        return
    with tempfile.TemporaryDirectory() as sky:
        num_test = NUM_PICTURES // 3
        make_demo(Path(sky), NUM_PICTURES - num_test, num_test, 0, num_volunteers=45)
        write_competition(out, find_files(Path(sky)), galaxies)


def first_share(ids: Ids, share: float) -> Ids:
    """Every so many of them, from the first to the last."""
    if not 0 < share <= 1:
        raise PipelineError(f"--share must be above 0, and 1 at most. Got {share}.")
    parts = [np.linspace(0, len(own) - 1, max(1, int(share * len(own)))) for own in ids]
    return Ids(*(own[rows.astype(int)] for own, rows in zip(ids, parts, strict=True)))


def made_up_ids() -> Ids:
    return Ids(*draw_ids(NUM_TRAIN, NUM_TEST, seed=0))


def load_ids(folder: Path) -> Ids:
    """The ids of both sets, from arrays or from Kaggle's tables.

    Raises:
        PipelineError: neither is there.
    """
    roles = {"train": "solutions", "test": "sample"}
    return Ids(*(np.sort(ids_of(folder, *names)) for names in roles.items()))


def ids_of(folder: Path, split: str, role: str) -> np.ndarray:
    array, table = folder / f"{split}_ids.npy", find_file(folder, FILES[role])
    if array.is_file():
        return np.load(array)
    if table:
        return read_ids(table)
    raise PipelineError(f"{folder} has neither {array.name} nor {FILES[role]}.zip.")


def refuse_filled(out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise PipelineError(f"{out} is not empty. Name a folder that is not there yet.")


def refuse_small(out: Path, size: int) -> None:
    free = shutil.disk_usage(nearest(out.absolute())).free
    if free < size:
        raise PipelineError(
            f"{out} would take about {human_size(size)}; {human_size(free)} are free. "
            "Make room, or name another folder."
        )


def find_pictures(place: Path) -> dict[str, Path]:
    """Images of both sets and the labels, by their role."""
    if place.is_dir():
        return find_files(place)
    return find_files(place.parent) | dict.fromkeys(IMAGES, place)


def write_competition(out: Path, pictures: dict[str, Path], ids: Ids) -> None:
    """Writes the four zips.

    Args:
        out: an empty folder.
        pictures: images and labels, by their role.
        ids: of the galaxies to be written.
    """
    known, fractions = read_fractions(pictures["solutions"])
    shown = write_images(out, "train_images", pictures, ids.train)
    labels = fractions[match_ids(shown, known, pictures["solutions"])]
    write_zipped_csv(out, FILES["solutions"], csv_lines(ids.train, labels))
    write_images(out, "test_images", pictures, ids.test)
    zeros = np.zeros((len(ids.test), NUM_ANSWERS))
    write_zipped_csv(out, FILES["sample"], csv_lines(ids.test, zeros))


def write_images(
    out: Path, role: str, pictures: dict[str, Path], ids: np.ndarray
) -> np.ndarray:
    """Writes a zip of jpgs, which are stored as they are.

    Returns:
        (N,) int64, the galaxy whose picture each id has.
    """
    shown = []

    def under_new_ids() -> Iterator[tuple[int, bytes]]:
        for galaxy, (source, jpeg) in zip(ids, cycled(pictures[role]), strict=False):
            shown.append(source)
            yield galaxy, jpeg

    write_members(out, role, under_new_ids(), len(ids))
    return np.array(shown)


def write_members(
    out: Path, role: str, pictures: Iterable[tuple[int, bytes]], number: int
) -> None:
    """Writes a zip of jpgs as Kaggle ships it, from each galaxy's id and bytes."""
    name = FILES[role]
    with (
        atomic(out / f"{name}.zip") as partial,
        zipfile.ZipFile(partial, "w") as archive,
        progress(number, name, "image") as bar,
    ):
        for galaxy, jpeg in pictures:
            add_member(archive, f"{name}/{galaxy}.jpg", jpeg, zipfile.ZIP_STORED)
            bar.update()


def cycled(images: Path) -> Iterator[tuple[int, bytes]]:
    """Each galaxy's id and jpg, over and over, read anew each time."""
    read = file_reader(images)
    members: Iterable[tuple[int, str]] = itertools.cycle(list_jpegs(images).items())
    return ((galaxy, read(member)) for galaxy, member in members)


if __name__ == "__main__":
    main()
