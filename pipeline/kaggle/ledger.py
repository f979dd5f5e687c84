"""The list of all submissions ever written: submissions/ledger.csv."""

import csv
import io
import re
from pathlib import Path
from typing import Any

from pipeline.errors import PipelineError
from pipeline.files import locked, read_text, write_text

FIELDS = (
    *("file", "sha256", "source", "preset"),
    *("validation_rmse", "validation_standard_error", "expected_rmse"),
    *("commit", "time"),
    # what is known once it is uploaded
    *("reference", "status", "public_score", "private_score", "uploaded", "message"),
)
SAME = ("file", "sha256")  # what makes two lines the same submission
LONGEST = 1000  # characters of a cell; the words of others may be any number
# what a spreadsheet takes for a formula; quotation marks before it are ours
FORMULA = re.compile(r"'*\s*[=+\-@\t\r]")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(nan|inf)")
OF_UPLOAD = FIELDS[FIELDS.index("reference") :]


def add_to_ledger(ledger: Path, row: dict[str, Any]) -> None:
    """Appends a row, once: the same file with the same content is not listed twice."""
    with locked(lock_of(ledger), wait=True):
        rows = read_ledger(ledger)
        if not any(is_same(known, row) for known in rows):
            write_ledger(ledger, [*rows, row])


def update_ledger(ledger: Path, changes: list[dict[str, Any]]) -> None:
    """Puts what is new into the rows of these uploads; adds rows that lack.

    Each upload has a row, by its reference; the first one takes the row that the export
    has written. So a known score is never lost to another upload of the same file.
    """
    with locked(lock_of(ledger), wait=True):
        rows = read_ledger(ledger)
        before = [dict(row) for row in rows]
        for change in changes:
            row_for(rows, change).update(
                {key: str(value)[:LONGEST] for key, value in change.items()}
            )
        if rows != before:
            write_ledger(ledger, rows)


def row_for(rows: list[dict[str, str]], change: dict[str, Any]) -> dict[str, str]:
    """The row that a change belongs to; a new one, appended, where there is none."""
    same = [row for row in rows if is_same(row, change)]
    for reference in (str(change.get("reference", "")), ""):
        for row in same:
            if row["reference"] == reference:
                return row
    new = dict(same[-1]) if same else dict.fromkeys(FIELDS, "")
    rows.append(new | dict.fromkeys(OF_UPLOAD, ""))
    return rows[-1]


def read_ledger(ledger: Path) -> list[dict[str, str]]:
    """The rows, oldest first; fields that an older ledger lacks are empty.

    Raises:
        PipelineError: it is not a ledger any more; it is left as it is.
    """
    if not ledger.exists():
        return []
    if not ledger.is_file():
        raise unreadable(ledger, "it is not a file")
    lines = read_lines(ledger)
    if not lines:
        raise unreadable(ledger, "it is empty")
    fields = lines[0][1]
    for name in SAME:
        if name not in fields:
            raise unreadable(ledger, f'it has no column "{name}"')
    for name in fields:
        if fields.count(name) > 1:
            raise unreadable(ledger, f'it has {fields.count(name)} columns "{name}"')
    for number, cells in lines[1:]:
        if len(cells) != len(fields):
            than = "more" if len(cells) > len(fields) else "fewer"
            reason = f"line {number} has {than} cells than the first"
            raise unreadable(ledger, reason)
    blank = dict.fromkeys(FIELDS, "")
    return [blank | dict(zip(fields, cells, strict=True)) for _, cells in lines[1:]]


def read_lines(ledger: Path) -> list[tuple[int, list[str]]]:
    """The cells of each line that has some, with its number."""
    try:
        reader = csv.reader(io.StringIO(read_text(ledger), newline=""), strict=True)
        lines = [(reader.line_num, [*map(unquoted, row)]) for row in reader if row]
    except csv.Error as error:
        raise unreadable(ledger, str(error)) from None
    if any("\0" in cell for _, cells in lines for cell in cells):
        raise unreadable(ledger, "it holds NUL bytes")
    return lines


def unreadable(ledger: Path, reason: str) -> PipelineError:
    return PipelineError(
        f"{ledger} is not a readable ledger: {reason}. Save it as CSV in UTF-8 with "
        "commas, or move it away to begin a new one."
    )


def write_ledger(ledger: Path, rows: list[dict[str, Any]]) -> None:
    """Writes the whole ledger; a column that somebody added by hand is kept."""
    fields = list(dict.fromkeys([*FIELDS, *(key for row in rows for key in row)]))
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(map(quoted, fields))
    writer.writerows(
        [quoted(str(row.get(field, ""))) for field in fields] for row in rows
    )
    write_text(ledger, text.getvalue())


def quoted(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    is_formula = FORMULA.match(cell) and not NUMBER.fullmatch(cell)
    return f"'{cell}" if is_formula else cell


def unquoted(cell: str) -> str:
    is_quoted = cell.startswith("'") and FORMULA.match(cell, 1)
    return cell[1:] if is_quoted else cell


def is_same(row: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(row[key] == other[key] for key in SAME)


def lock_of(ledger: Path) -> Path:
    return ledger.with_name(f".{ledger.stem}.lock")
