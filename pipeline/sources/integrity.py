"""Whether a competition file is whole, and the one it should be."""

import zipfile
from functools import lru_cache
from pathlib import Path

import numpy as np

from pipeline.data.archives import list_jpegs
from pipeline.data.tables import read_fractions
from pipeline.errors import PipelineError
from pipeline.progress import progress
from pipeline.sources.folder import FILES, UNREADABLE, find_file

TABLES = {"train_images": "solutions", "test_images": "sample"}  # of the same galaxies
TABLE_NAMES = {FILES[table] for table in TABLES.values()}
PARTNERS = TABLES | {table: images for images, table in TABLES.items()}


def trouble_with(folder: Path, role: str, compare: bool) -> str | None:
    """What is wrong with a competition file that lies in a folder; None if nothing is.

    Args:
        folder: where it lies.
        role: which it is, a key of `FILES`.
        compare: with the file of the same galaxies; else a table's numbers are read.
    """
    path = find_file(folder, FILES[role])
    broken = zip_trouble(path) if path.suffix == ".zip" else None
    return broken or content_trouble(folder, role, compare)


def content_trouble(folder: Path, role: str, compare: bool) -> str | None:
    """The same of what a file holds, not of the zip around it."""
    path = find_file(folder, FILES[role])
    if not compare:
        try:
            ids_in(path)
        except PipelineError as error:
            return f"is not a table of fractions ({error})"
        return None
    if path.is_dir() and (bad := next(filter(is_empty, path.rglob("*.jpg")), None)):
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


def ids_in(path: Path) -> np.ndarray:
    """The galaxies of a table or of images, by the kind of the file."""
    if path.stem not in TABLE_NAMES:
        return np.fromiter(list_jpegs(path), np.int64)
    status = path.stat()
    return table_ids(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=4)  # compared twice, and a table takes much memory to read
def table_ids(path: Path, size: int, modified: int) -> np.ndarray:
    return read_fractions(path)[0].copy()


def is_empty(file: Path) -> bool:
    return file.stat().st_size == 0


def zip_trouble(path: Path) -> str | None:
    """What is wrong with a zip: its kind, its directory, a member; None if nothing is.

    Reads every member, so that each checksum is compared.
    """
    with open(path, "rb") as file:
        start = file.read(512).lstrip().lower()
    if start.startswith((b"<html", b"<!doctype")):
        return "is a web page, not a zip"
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            size = sum(member.compress_size for member in members)
            with progress(size, f"checking {path.name}", "B", unit_scale=True) as bar:
                for member in members:
                    name = member.filename
                    with archive.open(member) as file:
                        while file.read(1024 * 1024):
                            pass
                    bar.update(member.compress_size)
    except zipfile.BadZipFile as error:
        return f"is not a complete zip ({error})"
    except UNREADABLE:
        return f"is damaged at {name}"
    return None if members else "is an empty zip"
