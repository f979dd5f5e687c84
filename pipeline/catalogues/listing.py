"""Which pictures there are, and what they are called: a folder, a zip, or a table."""

import csv
import gzip
import hashlib
import importlib.util
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from zipfile import is_zipfile

from pipeline.catalogues.pictures import ENDINGS, LARGEST
from pipeline.data.archives import file_reader, files_in, is_hidden, open_zip
from pipeline.data.csv_files import csv_trouble
from pipeline.errors import Misuse, PipelineError, typed
from pipeline.output import some_of

PATHS = ("path", "file", "filename", "image", "picture")  # of a table's column
IDS = ("id", "galaxyid", "objid", "objectid", "name")
TABLES = (".csv", ".csv.gz", ".parquet")


class Listing(NamedTuple):
    """The galaxies of a catalogue.

    Attributes:
        place: the folder or zip that holds their pictures.
        names: of the pictures in it, or whole paths.
        ids: of the galaxies, none of them twice.
    """

    place: Path
    names: Sequence[str]
    ids: Sequence[str]

    @property
    def digest(self) -> str:
        """What tells it from other catalogues: all names and ids, in their order."""
        found = hashlib.sha256()
        for pair in zip(self.ids, self.names, strict=True):
            found.update("\0".join((*pair, "")).encode(errors="surrogateescape"))
        return found.hexdigest()

    def reader(self) -> Callable[[str], bytes]:
        """From a picture's name to its bytes; BadImage where it cannot be read."""
        return file_reader(self.place, LARGEST)


class Columns(NamedTuple):
    """The columns of a table that count, as they were typed."""

    path: str | None = None
    id: str | None = None


def list_pictures(what: Path, columns: Columns) -> Listing:
    """Finds the pictures of a catalogue.

    Args:
        what: a folder or a zip of pictures, whose ids are their names without the
            ending; or a table, whose paths are relative to its folder.
        columns: of a table, where they are not called what is usual.

    Raises:
        PipelineError: there are none, two of one id, or no such columns.
        Misuse: columns are named, but there is no table.
    """
    if not what.exists():
        raise PipelineError(f"{what} does not exist.")
    is_table = not what.is_dir() and what.name.lower().endswith(TABLES)
    if any(columns) and not is_table:
        raise Misuse(f"--path-column and --id-column are for tables. {what} is none.")
    listing = read_table(what, columns) if is_table else list_place(what)
    if not listing.names and is_table:
        raise PipelineError(f"{what} has a header, but no rows.")
    if not listing.names:
        raise PipelineError(
            f"{what} has no pictures: none of its files ends in {', '.join(ENDINGS)}."
        )
    refuse_twins(listing, what)
    return listing


def list_place(place: Path) -> Listing:
    """The pictures in a folder or a zip, at any depth, by their names."""
    if not place.is_dir() and place.suffix.lower() != ".zip" and not is_zipfile(place):
        raise PipelineError(
            f"{place} is not a folder, a zip, or a table ({', '.join(TABLES)})."
        )
    found = files_in(place) if place.is_dir() else open_zip(place).namelist()
    names = sorted(
        name for name in found if name.lower().endswith(ENDINGS) and not is_hidden(name)
    )
    return Listing(place, names, [bare(name) for name in names])


def bare(name: str) -> str:
    """A name without folder and ending: "a/J0123+45.png" -> "J0123+45"."""
    return name.replace("\\", "/").rpartition("/")[2].rpartition(".")[0]


def read_table(file: Path, columns: Columns) -> Listing:
    """The pictures that a CSV or Parquet file names."""
    read = read_parquet if file.suffix.lower() == ".parquet" else read_csv
    header, rows = read(file)
    places = [
        place_of(header, wanted, usual, option, file)
        for wanted, usual, option in (
            (columns.path, PATHS, "--path-column"),
            (columns.id, IDS, "--id-column"),
        )
    ]
    names, ids = [], []
    for number, cells in enumerate(rows, 2):
        if len(cells) != len(header):
            raise PipelineError(
                f"{file} has {len(cells)} cells in row {number}, the header has "
                f"{len(header)}."
            )
        name, galaxy = (cells[place] for place in places)
        if not name or not galaxy:
            raise PipelineError(f"{file} has an empty path or id in row {number}.")
        names.append(name)
        ids.append(galaxy)
    return Listing(file.parent, names, ids)


def read_csv(file: Path) -> tuple[list[str], Iterable[list[str]]]:
    """The header and the rows of a CSV that may be gzipped, as text."""
    rows = csv_rows(file)
    return next(rows, []), rows


def csv_rows(file: Path) -> Iterator[list[str]]:
    opened = gzip.open if file.suffix.lower() == ".gz" else open
    try:
        with opened(file, "rt", encoding="utf-8-sig", newline="") as stream:
            yield from filter(None, csv.reader(stream))
    except UnicodeDecodeError:
        raise PipelineError(
            f"{file} is not text in UTF-8. Save it as CSV in UTF-8 with commas."
        ) from None
    except (csv.Error, gzip.BadGzipFile, EOFError) as error:
        reason = csv_trouble(error)
        raise PipelineError(f"{file} is not a readable CSV: {reason}.") from None


def read_parquet(file: Path) -> tuple[list[str], Iterable[list[str]]]:
    if not importlib.util.find_spec("pyarrow"):
        install = typed(sys.executable, "-m", "pip", "install", "pyarrow")
        raise PipelineError(
            f'{file} needs the package pyarrow. Run "{install}", or save it as CSV.'
        )
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        content = pq.ParquetFile(file)
    except (pa.ArrowException, OSError) as error:
        line = str(error).splitlines()[0]
        raise PipelineError(f"{file} is not a readable Parquet file: {line}") from None

    def rows() -> Iterable[list[str]]:
        for batch in content.iter_batches():
            parts = [column.to_pylist() for column in batch.columns]
            for cells in zip(*parts, strict=True):
                yield ["" if cell is None else str(cell) for cell in cells]

    return content.schema_arrow.names, rows()


def place_of(
    header: Sequence[str],
    wanted: str | None,
    usual: Sequence[str],
    option: str,
    file: Path,
) -> int:
    """Where the column is that was named, or the only one of a usual name."""
    if len(header) == 1 and (other := re.search("[;\t|]", header[0])):
        raise PipelineError(
            f'{file} has "{other[0]}" between its columns. Save it as CSV with commas.'
        )
    if twice := [name for name in header if header.count(name) > 1]:
        raise PipelineError(f'{file} has two columns "{twice[0]}". Rename one.')
    if wanted is not None:
        if wanted in header:
            return header.index(wanted)
        raise PipelineError(
            f'{file} has no column "{wanted}". It has {some_of(header)}.'
        )
    found = [
        place for place, name in enumerate(header) if name.strip().lower() in usual
    ]
    if len(found) != 1:
        raise PipelineError(
            f"{file} should have one column of the names {', '.join(usual)}. It has "
            f"{some_of(header)}: name the right one by {option}."
        )
    return found[0]


def refuse_twins(listing: Listing, what: Path) -> None:
    """Refuses a catalogue in which an id stands twice."""
    seen: dict[str, str] = {}
    for galaxy, name in zip(listing.ids, listing.names, strict=True):
        if galaxy in seen:
            raise PipelineError(
                f'{what} has two pictures of the id "{galaxy}": {seen[galaxy]} and '
                f"{name}. Rename one, or name a table with a column of ids."
            )
        seen[galaxy] = name
