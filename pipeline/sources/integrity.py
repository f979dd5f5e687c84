"""Whether a competition file is whole, and the one it should be."""

import contextlib
import zipfile
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np

from pipeline.bars import progress
from pipeline.data.archives import (
    UnreadableMember,
    list_jpegs,
    open_archive,
    reading,
    why_closed,
)
from pipeline.data.csv_files import is_zip
from pipeline.data.splits import match_ids, read_targets, refuse_alike
from pipeline.data.tables import read_fractions, read_ids
from pipeline.data.tree import tree_violations
from pipeline.errors import PipelineError
from pipeline.output import counted
from pipeline.sources.folder import FILES, find_file

TABLES = {"train_images": "solutions", "test_images": "sample"}  # of the same galaxies
TABLE_NAMES = {FILES[table] for table in TABLES.values()}
PARTNERS = TABLES | {table: images for images, table in TABLES.items()}
TOLERANCE = 1e-3  # of a sum of answers; the official labels are rounded to 2e-6


def check_together(files: Mapping[str, Path]) -> Iterator[str]:
    """Whether the competition files fit each other; before anything is made of them.

    Args:
        files: by role; the sample submission may be missing.

    Yields:
        What may be meant, but should be known, a line each.

    Raises:
        PipelineError: a file is damaged, or the galaxies of two do not fit.
    """
    train, test = (galaxies(files[f"{split}_images"]) for split in ("train", "test"))
    refuse_shared(train, test)
    known, fractions = read_targets(files["solutions"])
    rows = match_ids(train, known, files["solutions"])
    refuse_alike(fractions[rows], files["solutions"])
    if len(train) < len(known):
        lacking = np.setdiff1d(known, train)
        yield (
            f"{files['train_images']} has {counted(len(train), 'image')} for "
            f"{counted(len(known), 'labelled galaxy')}; the first without one is "
            f"{lacking[0]}. Training goes by those that are there; is it complete?"
        )
    broken = tree_violations(fractions, TOLERANCE).any(axis=1)
    if broken.any():
        yield (
            f"{files['solutions']} breaks the decision tree at "
            f"{counted(int(broken.sum()), 'galaxy')}, the first being "
            f"{known[broken][0]}: answers do not sum to the one that leads to them."
        )
    if "sample" in files:
        refuse_strangers(test, files["sample"])


def galaxies(images: Path) -> np.ndarray:
    """The ids of the images in a zip or folder, (N,) int64.

    Raises:
        PipelineError: there are none, or none that can be unpacked.
    """
    ids = np.fromiter(list_jpegs(images), np.int64)
    if not len(ids):
        raise PipelineError(f"{images} holds no galaxies: no files like 100008.jpg.")
    if is_zip(images) and (reason := why_closed(images)):
        raise PipelineError(f"{images} cannot be read: {reason}.")
    return ids


def refuse_shared(train: np.ndarray, test: np.ndarray) -> None:
    """Refuses galaxies that are to be predicted and learned from."""
    both = np.intersect1d(train, test)
    if len(both):
        raise PipelineError(
            f"{counted(len(both), 'galaxy')} of the training images are among the test "
            f"images too, the first being {both[0]}. Take them out of one of the two."
        )


def refuse_strangers(test: np.ndarray, sample: Path) -> None:
    """Refuses test images that are not those of the sample submission."""
    strangers = np.setxor1d(test, read_ids(sample))
    if len(strangers):
        raise PipelineError(
            "The test images and the sample submission differ in "
            f"{counted(len(strangers), 'galaxy')}, the first being {strangers[0]}. Is "
            "the download complete?"
        )


def trouble_with(folder: Path, role: str, compare: bool) -> str | None:
    """What is wrong with a competition file that lies in a folder; None if nothing is.

    Args:
        folder: where it lies.
        role: which it is, a key of `FILES`.
        compare: with the file of the same galaxies; else a table's numbers are read.
    """
    path = find_file(folder, FILES[role])
    broken = zip_trouble(path) if is_zip(path) else None
    return broken or content_trouble(folder, role, compare)


def content_trouble(folder: Path, role: str, compare: bool) -> str | None:
    """The same of what a file holds, not of the zip around it."""
    path = find_file(folder, FILES[role])
    if not compare:
        try:
            ids = ids_in(path)
        except PipelineError as error:
            return f"is not a table of fractions ({error})"
        return mix_up(folder, role, ids)
    if path.is_dir() and (bad := next(empty_files(path), None)):
        return f"holds an empty file, {bad.name}"
    other = find_file(folder, FILES[PARTNERS[role]])
    wanted = ids_in(other)
    missing = np.setdiff1d(wanted, ids_in(path))
    if len(missing):
        return (
            f"lacks {len(missing)} of the {len(wanted)} galaxies of {other.name}, the "
            f"first being {missing[0]}"
        )
    return None


def mix_up(folder: Path, table: str, ids: np.ndarray) -> str | None:
    """Whether a table (N,) is that of the other images, under a wrong name."""
    for images, partner in TABLES.items():
        path = find_file(folder, FILES[images])
        if partner == table or path is None:
            continue
        with contextlib.suppress(PipelineError):  # of damaged images nothing is known
            if np.isin(ids, ids_in(path)).all():
                return f"has the galaxies of {path.name}, so it is another file"
    return None


def ids_in(path: Path) -> np.ndarray:
    """The galaxies of a table or of images, by the kind of the file."""
    if path.stem.lower() not in TABLE_NAMES:
        return np.fromiter(list_jpegs(path), np.int64)
    status = path.stat()
    return table_ids(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=4)  # compared twice, and a table takes much memory to read
def table_ids(path: Path, size: int, modified: int) -> np.ndarray:
    return read_fractions(path)[0].copy()


def empty_files(images: Path) -> Iterator[Path]:
    files = (images / name for name in list_jpegs(images).values())
    return (file for file in files if file.stat().st_size == 0)


def zip_trouble(path: Path) -> str | None:
    """What is wrong with a zip: its kind, its directory, a member; None if nothing is.

    Reads every member, so that each checksum is compared.
    """
    with open(path, "rb") as file:
        start = file.read(512).lstrip().lower()
    if start.startswith((b"<html", b"<!doctype")):
        return "is a web page, not a zip"
    try:
        archive = open_archive(path)
    except UnreadableMember as error:
        return f"is not a complete zip ({error})"
    with archive:
        members = archive.infolist()
        size = sum(member.compress_size for member in members)
        with progress(size, f"checking {path.name}", "B", unit_scale=True) as bar:
            for member in members:
                if reason := member_trouble(archive, member):
                    return f"is damaged at {member.filename} ({reason})"
                bar.update(member.compress_size)
    return None if members else "is an empty zip"


def member_trouble(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> str | None:
    """Why a member cannot be read to its end; None if it can."""
    try:
        with reading(archive, member) as content:
            while content.read(1024 * 1024):
                pass
    except UnreadableMember as error:
        return str(error)
    return None
