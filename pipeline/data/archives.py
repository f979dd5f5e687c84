"""A zip or a folder of jpgs, read by galaxy id without unpacking."""

import errno
import lzma
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import IO, NoReturn

from pipeline.data.images import BadImage
from pipeline.errors import PipelineError
from pipeline.output import warn_once

JPEG_NAME = re.compile(r"([0-9]{1,15})\.jpe?g", re.IGNORECASE)
LARGEST_JPEG = 2_000_000  # bytes; the competition's have some 14,000
# what `zipfile` raises over bytes that are not as it wants them: damage of any kind,
# a compression or a version that it does not know, a password
ZIP_TROUBLE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    RuntimeError,
    ValueError,
    OverflowError,
    struct.error,
)
# of an OSError: bz2 gives none, and a place before the start of a file is invalid
OF_DAMAGE = (None, errno.EINVAL)
ENCRYPTED = "it is encrypted. Unpack it with its password"
OTHER_COMPRESSION = (
    "its compression (deflate64, for one) is not supported. Unpack it with the program "
    "that made it"
)
COMPRESSIONS = (
    *(zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED),
    *(zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA),
)


class UnreadableMember(Exception):
    """A member of a zip cannot be read; in words, why."""


def is_hidden(name: str) -> bool:
    """Whether a path in a zip or folder is what a system adds (`__MACOSX/`, `._x`)."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return any(
        part == "__MACOSX" or (part.startswith(".") and part != "..") for part in parts
    )


def list_jpegs(path: Path) -> dict[int, str]:
    """Finds the galaxies in a zip or a folder, at any depth.

    What else lies there (`__MACOSX/`, `._100008.jpg`, `Thumbs.db`) is passed over.

    Returns:
        The member name by galaxy id, in the order of the ids.

    Raises:
        PipelineError: the zip cannot be read, or a galaxy is there twice.
    """
    found: dict[int, str] = {}
    for name in files_in(path) if path.is_dir() else open_zip(path).namelist():
        match = JPEG_NAME.fullmatch(name.replace("\\", "/").rpartition("/")[2])
        if match and not is_hidden(name):
            galaxy = int(match[1])
            if galaxy in found:
                raise PipelineError(
                    f"{path} holds galaxy {galaxy} twice: {found[galaxy]} and {name}. "
                    "Take one of the two away."
                )
            found[galaxy] = name
    return dict(sorted(found.items()))


def why_closed(zip_file: Path) -> str | None:
    """Why no image of a zip can be unpacked, whatever it holds; None where one can."""
    archive = open_zip(zip_file)
    members = [*map(archive.getinfo, list_jpegs(zip_file).values())]
    if all(member.flag_bits & 1 for member in members):
        return ENCRYPTED
    if all(member.compress_type not in COMPRESSIONS for member in members):
        return OTHER_COMPRESSION
    return None


def files_in(folder: Path) -> Iterator[str]:
    """The files in a folder at any depth, relative to it; linked folders' once.

    Raises:
        OSError: a folder in it cannot be read.
    """
    whole, seen = os.path.realpath(folder), set[str]()
    for place, folders, names in os.walk(folder, onerror=throw, followlinks=True):
        real = os.path.realpath(place)
        is_around = whole.startswith(os.path.join(real, ""))
        if is_around:
            warn_once(f"{place} leads to {real}, around {folder}; it is not read")
        if is_around or real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders.sort()
        start = os.path.relpath(place, folder)
        for name in sorted(names):
            yield os.path.normpath(os.path.join(start, name))


def throw(error: OSError) -> NoReturn:
    raise error


def file_reader(path: Path, largest: int = LARGEST_JPEG) -> Callable[[str], bytes]:
    """A function from member name to bytes; BadImage where it cannot be read.

    Args:
        path: a folder or a zip.
        largest: bytes that a picture may have.
    """
    if path.is_dir():
        return lambda name: read_file(path / name, largest)
    archive = open_zip(path)
    return lambda name: read_member(archive, name, largest)


def read_file(file: Path, largest: int) -> bytes:
    if "\0" in str(file):  # no file system has it
        raise BadImage("has a NUL in its name")
    try:
        refuse_large(file.stat().st_size, largest)
        if not file.is_file():
            raise BadImage("is not a file, but a folder, a pipe or a device")
        return file.read_bytes()
    except OSError as error:
        raise BadImage(f"cannot be read ({error.strerror})") from None


def read_member(archive: zipfile.ZipFile, name: str, largest: int) -> bytes:
    try:
        refuse_large(archive.getinfo(name).file_size, largest)
        with reading(archive, archive.getinfo(name)) as stream:
            return stream.read()
    except UnreadableMember as error:
        raise BadImage(str(error)) from None


def refuse_large(size: int, largest: int) -> None:
    """Refuses what is no galaxy's picture before it fills the memory."""
    if size > largest:
        raise BadImage(f"{size:,} bytes, more than a galaxy has")


@contextmanager
def reading(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[IO[bytes]]:
    """A member's content as a stream; what fails in the block is UnreadableMember."""
    with telling_damage(), archive.open(member) as stream:
        yield stream


@contextmanager
def telling_damage() -> Iterator[None]:
    """What `zipfile` raises over damaged bytes is UnreadableMember, in words."""
    try:
        yield
    except (*ZIP_TROUBLE, OSError) as error:
        ours = isinstance(error, BadImage)
        of_the_disk = isinstance(error, OSError) and error.errno not in OF_DAMAGE
        if ours or of_the_disk:
            raise
        raise UnreadableMember(in_words(error)) from None


def in_words(error: Exception) -> str:
    """What `zipfile` says, on one line."""
    if isinstance(error, UnicodeError):
        return "a name in it is damaged"
    text = " ".join(str(error).split()).rstrip(".")
    if "encrypted" in text:
        return ENCRYPTED
    if "compression" in text:
        return OTHER_COMPRESSION
    return text or "it ends too early"


def open_archive(path: Path) -> zipfile.ZipFile:
    """The opened zip; UnreadableMember where it is not a whole one."""
    with telling_damage():
        return zipfile.ZipFile(path)


@lru_cache(maxsize=4)  # the directory of 80,000 members takes a while to parse
def open_zip_as_it_is(path: Path, size: int, modified: int) -> zipfile.ZipFile:
    try:
        return open_archive(path)
    except UnreadableMember as error:
        raise PipelineError(
            f"{path} is not a complete zip file ({size} bytes): {error}. Fetch it "
            "again."
        ) from None


def open_zip(path: Path) -> zipfile.ZipFile:
    """The opened zip, shared within this process until the file changes.

    Raises:
        PipelineError: it is not a zip, or not a whole one.
    """
    status = path.stat()
    return open_zip_as_it_is(path, status.st_size, status.st_mtime_ns)
