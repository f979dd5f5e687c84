"""The 38-column CSV of ids and vote fractions: solutions, submissions, benchmarks."""

import csv
import io
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pipeline.data.csv_files import csv_trouble, is_zip, read_text
from pipeline.data.tree import HEADER
from pipeline.errors import PipelineError
from pipeline.output import counted, warn_once

LARGEST_ID = 10**15 - 1  # so many digits a float64 holds exactly


def read_fractions(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Reads a solutions or submission file.

    Args:
        path: a csv, a gzipped csv, a zip holding one, or a folder holding one.

    Returns:
        ids (N,) int64 and fractions (N, 37) float64, in the order of the file.

    Raises:
        PipelineError: no such file, another header, an id twice, or no numbers.
    """
    text = read_text(path)
    check_header(text, path)
    warn_of_cut(text, path)
    numbers = parse_numbers(text, path)
    ids, fractions = integer_ids(numbers[:, 0], path), numbers[:, 1:]
    unique, counts = np.unique(ids, return_counts=True)
    if len(unique) < len(ids):
        raise PipelineError(
            f"{path} has {counted(len(ids) - len(unique), 'row')} too many: galaxy "
            f"{unique[counts > 1][0]} stands there more than once."
        )
    bad = np.argwhere(~np.isfinite(fractions))
    if len(bad):
        row, column = bad[0]
        raise PipelineError(
            f"{path} has an empty or infinite value at galaxy {ids[row]}, in "
            f"{HEADER[1 + column]}."
        )
    return ids, fractions


def read_ids(path: Path) -> np.ndarray:
    """The ids of a sample submission, (N,) int64, whatever its other columns hold."""
    text = read_text(path)
    first, *_ = [*first_row(text, path), ""]
    if first.lower() != HEADER[0].lower():
        raise PipelineError(
            f'{path} should begin with the column {HEADER[0]}. It has "{first}".'
        )
    return integer_ids(parse_numbers(text, path, usecols=(0,))[:, 0], path)


def first_row(text: str, path: Path) -> list[str]:
    try:
        return next(csv.reader(io.StringIO(text)), [])
    except csv.Error as error:
        raise PipelineError(
            f"{path} is not a readable CSV: {csv_trouble(error)}."
        ) from None


def check_header(text: str, path: Path) -> None:
    """Refuses another header than the official one, but for capitals.

    Raises:
        PipelineError: it names the first column that differs.
    """
    found = first_row(text, path)
    wanted = [*HEADER]
    if [name.lower() for name in found] == [name.lower() for name in wanted]:
        return
    if not found:
        raise PipelineError(f"{path} is not a readable CSV: it is empty.")
    if any(mark in found[0] for mark in ";\t|"):
        raise PipelineError(
            f"{path} is not separated by commas. Save it as CSV in UTF-8 with commas."
        )
    place = 0
    while [name.lower() for name in found[: place + 1]] == [
        name.lower() for name in wanted[: place + 1]
    ]:
        place += 1
    there = f'"{found[place]}"' if place < len(found) else "missing"
    due = f'should be "{wanted[place]}"' if place < len(wanted) else "is one too many"
    raise PipelineError(
        f"{path} should have the 38 columns {HEADER[0]}, {HEADER[1]}, ... "
        f"{HEADER[-1]}. Found {len(found)}: column {place + 1} is {there}, and {due}."
    )


def warn_of_cut(text: str, path: Path) -> None:
    """A zip has a checksum; of a bare file nothing else tells that its end is gone."""
    if not text.endswith(("\n", "\r")) and not is_zip(path):
        warn_once(f"{path} does not end with a line end: is its last row complete?")


def parse_numbers(
    text: str, path: Path, usecols: tuple[int, ...] | None = None
) -> np.ndarray:
    """The cells below the header, (N, columns) float64.

    Raises:
        PipelineError: no rows, a row of another length, or a cell that is not a number.
    """
    lines = io.StringIO(text, newline=None)
    options = {"delimiter": ",", "quotechar": '"', "comments": None, "ndmin": 2}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of no rows: told below
            numbers = np.loadtxt(lines, skiprows=1, usecols=usecols, **options)
    except (ValueError, IndexError):
        raise PipelineError(f"{path} {first_fault(text, usecols)}.") from None
    if not len(numbers):
        raise PipelineError(f"{path} has a header, but no rows.")
    if numbers.shape[1] != len(usecols or HEADER):
        raise PipelineError(f"{path} {first_fault(text, usecols)}.")
    return numbers


def first_fault(text: str, usecols: tuple[int, ...] | None) -> str:
    """Where a table is not one of numbers, in words."""
    reader = csv.reader(io.StringIO(text))
    try:
        next(reader)
        for cells in filter(None, reader):
            for fault in faults_of(cells, usecols):
                return f"is not a table of numbers: line {reader.line_num} {fault}"
    except csv.Error as error:
        return f"is not a readable CSV: {csv_trouble(error)}"
    return "is not a table of numbers"


def faults_of(cells: list[str], usecols: tuple[int, ...] | None) -> Iterator[str]:
    if usecols is None and len(cells) != len(HEADER):
        hint = "is the file cut off?"
        if len(cells) > len(HEADER):
            hint = "a comma too many?"
        yield f"has {len(cells)} cells, the header {len(HEADER)} ({hint})"
    for name, cell in zip(HEADER, cells[: 1 if usecols else None], strict=False):
        try:
            float(cell.replace("_", "x"))
        except ValueError:
            yield f'has "{cell}" for {name}'


def integer_ids(column: np.ndarray, path: Path) -> np.ndarray:
    """Ids (N,) as int64; refused where one of them is not a galaxy's."""
    good = (column == np.rint(column)) & (column >= 0) & (column <= LARGEST_ID)
    if not good.all():
        raise PipelineError(
            f"{path} has ids that are not integers of up to 15 digits, the first being "
            f"{column[~good][0]:.15g} ({(~good).sum()} in all)."
        )
    return column.astype(np.int64)


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
