"""Which CSV is meant, in a zip, a folder or by itself, and its text."""

import gzip
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from pipeline.data.archives import (
    UnreadableMember,
    files_in,
    is_hidden,
    open_zip,
    reading,
)
from pipeline.errors import PipelineError
from pipeline.output import some_of, warn_once

LARGEST_TABLE = 1_000_000_000  # bytes; the competition's have 20 MB


class Chosen(NamedTuple):
    """A CSV among what a zip or a folder holds.

    Attributes:
        name: the one that counts, relative to the zip or folder.
        others: the tables beside it, which do not.
    """

    name: str
    others: tuple[str, ...]


def choose_csv(names: Iterable[str], path: Path) -> Chosen:
    """The CSV that has the name of its zip or folder; any other if it is the only one.

    Raises:
        PipelineError: there is none, or several would do; `path` is the zip or folder.
    """
    tables = sorted(
        name for name in names if name.lower().endswith(".csv") and not is_hidden(name)
    )
    official = f"{path.name.partition('.')[0]}.csv".lower()
    named = [name for name in tables if Path(name).name.lower() == official]
    fitting = named or tables
    if not fitting:
        raise PipelineError(f"{path} is not a readable CSV: no .csv inside.")
    if len(fitting) > 1:
        raise PipelineError(
            f"{path} holds {len(fitting)} tables: {some_of(fitting)}. Leave just "
            "the one that counts."
        )
    return Chosen(fitting[0], tuple(sorted(set(tables) - set(fitting))))


def csv_member(path: Path) -> zipfile.ZipInfo:
    """The entry of the CSV that counts in a zip."""
    archive = open_zip(path)
    return archive.getinfo(choose_csv(archive.namelist(), path).name)


def csv_on_disk(path: Path) -> Path:
    """A CSV itself, or the one that counts in a folder."""
    return path / choose_csv(files_in(path), path).name if path.is_dir() else path


def is_zip(path: Path) -> bool:
    return path.suffix.lower() == ".zip" and not path.is_dir()


def read_text(path: Path) -> str:
    """The text of a csv, a gzipped csv, or the csv in a zip or a folder.

    Raises:
        PipelineError: it is not there, damaged, too large, or not text in UTF-8.
    """
    try:
        return decoded(read_bytes(path), path)
    except FileNotFoundError:
        raise PipelineError(f"{path} does not exist.") from None
    except (UnreadableMember, gzip.BadGzipFile, EOFError, zlib.error) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise PipelineError(f"{path} is not a readable CSV: {reason}.") from None


def read_bytes(path: Path) -> bytes:
    if is_zip(path):
        tell_of_others(path, open_zip(path).namelist())
        member = csv_member(path)
        refuse_large(member.file_size, path)
        with reading(open_zip(path), member) as stream:
            return stream.read()
    if path.is_dir():
        tell_of_others(path, files_in(path))
    file = csv_on_disk(path)
    with gzip.open(file) if file.suffix == ".gz" else open(file, "rb") as stream:
        content = stream.read(LARGEST_TABLE + 1)
    refuse_large(len(content), path)
    return content


def refuse_large(size: int, path: Path) -> None:
    if size > LARGEST_TABLE:
        raise PipelineError(
            f"{path} is not a table of this competition: it has more than "
            f"{LARGEST_TABLE / 1e9:g} GB."
        )


def decoded(content: bytes, path: Path) -> str:
    """Text, without the byte order mark that spreadsheets put before it."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise PipelineError(
            f"{path} is not text in UTF-8. Save it as CSV in UTF-8 with commas."
        )
    return text


def tell_of_others(path: Path, names: Iterable[str]) -> None:
    chosen = choose_csv(names, path)
    if chosen.others:
        warn_once(
            f"{path}: {chosen.name} counts, by its name; not read: "
            f"{some_of(chosen.others)}"
        )


def csv_trouble(error: Exception) -> str:
    """What Python's reader says of a table, as somebody can act on it."""
    if "new-line character" in str(error):
        return "its lines end in CR alone. Save it with usual line ends"
    return str(error)
