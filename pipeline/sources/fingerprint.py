"""What a competition file holds, told by names, sizes and CRCs, wherever it lies."""

import hashlib
import os
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from pipeline.bars import progress
from pipeline.data.archives import files_in, list_jpegs, open_zip
from pipeline.data.csv_files import csv_member, csv_on_disk, is_zip
from pipeline.sources.folder import IMAGES

EVERYTHING = "everything"  # the role of the zip that files were unpacked from
BLOCK = 1 << 20  # bytes read at a time


class Located(NamedTuple):
    """A competition file: where it is, and what it holds.

    Attributes:
        path: a zip, a csv or a folder.
        content: the digest of names, sizes and CRCs; the same zipped and unpacked.
        stamp: sizes and times; while they stay, the content need not be read again.
            They are no part of the content.
    """

    path: Path
    content: str
    stamp: str


def locate(role: str, path: Path, known: Located | None = None) -> Located:
    """Takes the content of a file, unless it is known and untouched since.

    Args:
        role: a key of `FILES`, or `EVERYTHING`.
        path: where it is.
        known: what was found of that role before, there or where it lay then.

    Raises:
        PipelineError: a zip cannot be read.
    """
    stamp = stamp_of(path)
    if known is not None and known.stamp == stamp:
        return known._replace(path=path)
    return Located(path, digest_lines(content_lines(role, path)), stamp)


def content_lines(role: str, path: Path) -> Iterable[str]:
    if role == EVERYTHING:
        return member_lines(path)
    return image_lines(path) if role in IMAGES else [table_line(path)]


def member_lines(path: Path) -> Iterator[str]:
    """Name, size and CRC of whatever is in a zip."""
    for member in open_zip(path).infolist():
        yield f"{member.filename} {member.file_size} {member.CRC:08x}"


def image_lines(path: Path) -> Iterator[str]:
    """Galaxy, size and CRC of each image, in the order of the galaxies."""
    if path.is_dir():
        members = list_jpegs(path)
        with progress(len(members), f"reading {path.name}", "image") as bar:
            for galaxy, name in members.items():
                yield f"{galaxy} {size_and_crc(path / name)}"
                bar.update(1)
        return
    archive = open_zip(path)
    for galaxy, name in list_jpegs(path).items():
        member = archive.getinfo(name)
        yield f"{galaxy} {member.file_size} {member.CRC:08x}"


def table_line(path: Path) -> str:
    """Size and CRC of the CSV itself."""
    if is_zip(path):
        member = csv_member(path)
        return f"{member.file_size} {member.CRC:08x}"
    return size_and_crc(csv_on_disk(path))


def size_and_crc(file: Path) -> str:
    if not file.is_file():  # a link to nothing, say; whoever reads it tells
        return "no file"
    size, crc = 0, 0
    with open(file, "rb") as stream:
        while block := stream.read(BLOCK):
            size, crc = size + len(block), zlib.crc32(block, crc)
    return f"{size} {crc:08x}"


def stamp_of(path: Path) -> str:
    """Sizes and times of a file, or of all files in a folder."""
    if not path.is_dir():
        return stamp_of_status(path.stat())
    return digest_lines(
        f"{name} {stamp_of_file(os.path.join(path, name))}"
        for name in sorted(files_in(path))
    )


def stamp_of_file(file: str) -> str:
    """Of what a link leads to, unless that is nothing."""
    try:
        return stamp_of_status(os.stat(file))
    except OSError:
        return stamp_of_status(os.lstat(file))


def stamp_of_status(status: os.stat_result) -> str:
    """Size and times; that of the last change of any kind cannot be set by hand."""
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"


def digest_lines(lines: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for line in lines:
        digest.update(f"{line}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()
