"""The 38-column CSV of ids and vote fractions: solutions, submissions, benchmarks."""

import io
import zipfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from pipeline.data.tree import HEADER
from pipeline.errors import PipelineError

if TYPE_CHECKING:
    import pandas as pd


def read_fractions(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Reads a solutions or submission file.

    Args:
        path: a csv, a gzipped csv, a zip holding one, or a folder holding one.

    Returns:
        ids (N,) int64 and fractions (N, 37) float64, in the order of the file.

    Raises:
        PipelineError: no such file, another header, an id twice, or no numbers.
    """
    table = read_table(path)
    if len(table.columns) != len(HEADER) or [
        name.lower() for name in table.columns
    ] != [name.lower() for name in HEADER]:
        raise PipelineError(
            f"{path} should have the 38 columns GalaxyID, Class1.1, ... Class11.6. "
            f"Found {len(table.columns)}: {', '.join(table.columns[:3])}, ..."
        )
    ids = integer_ids(table, path)
    try:
        fractions = table.iloc[:, 1:].to_numpy(np.float64)
    except (ValueError, TypeError) as error:
        raise PipelineError(
            f"{path} holds something that is not a number: {error}."
        ) from None
    unique, counts = np.unique(ids, return_counts=True)
    if len(unique) < len(ids):
        raise PipelineError(
            f"{path} has {len(ids) - len(unique)} rows too many: galaxy "
            f"{unique[counts > 1][0]} stands there more than once."
        )
    if not np.isfinite(fractions).all():
        row = int(np.flatnonzero(~np.isfinite(fractions).all(axis=1))[0])
        raise PipelineError(
            f"{path} has an empty or infinite value at galaxy {ids[row]}."
        )
    return ids, fractions


def read_ids(path: Path) -> np.ndarray:
    """The ids of a sample submission, (N,) int64, whatever its other columns hold."""
    return integer_ids(read_table(path), path)


def integer_ids(table: "pd.DataFrame", path: Path) -> np.ndarray:
    """The first column, (N,) int64; refused where it holds anything but integers."""
    try:
        column = table.iloc[:, 0].to_numpy()
        with np.errstate(invalid="ignore"):  # what has no integer is told below
            ids = column.astype(np.int64)
    except (ValueError, TypeError, OverflowError, IndexError):
        raise PipelineError(f"{path} has no galaxy ids in its first column.") from None
    wrong = np.flatnonzero(ids != column)
    if len(wrong):
        raise PipelineError(
            f"{path} has {len(wrong)} ids that are not integers, the first being "
            f"{column[wrong[0]]}."
        )
    return ids


def read_table(path: Path) -> "pd.DataFrame":
    import pandas as pd

    try:
        return pd.read_csv(csv_inside(path), compression=compression_of(path))
    except (FileNotFoundError, IsADirectoryError):
        raise PipelineError(f"There is no file {path}.") from None
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        reason = str(error).strip().splitlines()[0]
        raise PipelineError(f"{path} is not a readable CSV: {reason}.") from None


def compression_of(path: Path) -> str | None:
    return "gzip" if path.suffix == ".gz" else None


def csv_inside(path: Path) -> Path | io.BytesIO:
    """The CSV in a zip or a folder; else the path itself."""
    if path.suffix != ".zip" or path.is_dir():
        return csv_on_disk(path)
    with zipfile.ZipFile(path) as archive:
        return io.BytesIO(archive.read(csv_member(archive, path)))


def csv_on_disk(path: Path) -> Path:
    """A CSV itself, or the one in a folder."""
    if not path.is_dir():
        return path
    return next(iter(sorted(path.rglob("[!.]*.csv"))), path / "*.csv")


def csv_member(archive: zipfile.ZipFile, path: Path) -> zipfile.ZipInfo:
    """The CSV in a zip, without what macOS adds.

    Raises:
        PipelineError: there is none; `path` is the zip's.
    """
    for member in archive.infolist():
        parts = PurePosixPath(member.filename)
        hidden = "__MACOSX" in parts.parts or parts.name.startswith(".")
        if parts.suffix == ".csv" and not hidden:
            return member
    raise PipelineError(f"{path} is not a readable CSV: no .csv inside.")


def write_fractions(path: Path, ids: np.ndarray, fractions: np.ndarray) -> None:
    """Writes the competition's CSV, seven decimals a number.

    Args:
        path: the csv.
        ids: (N,) int64.
        fractions: (N, 37).
    """
    import pandas as pd

    table = pd.DataFrame(fractions, columns=list(HEADER[1:]))
    table.insert(0, HEADER[0], ids)
    table.to_csv(path, index=False, float_format="%.7f", lineterminator="\n")
