"""The list of all submissions ever written: submissions/ledger.csv."""

import csv
from pathlib import Path
from typing import Any

from pipeline.errors import PipelineError
from pipeline.files import atomic, locked

FIELDS = (
    *("file", "sha256", "source", "preset"),
    *("validation_rmse", "validation_standard_error", "expected_rmse"),
    *("commit", "time"),
    # what is known once it is uploaded
    *("reference", "status", "public_score", "private_score", "uploaded", "message"),
)
SAME = ("file", "sha256")  # what makes two lines the same submission
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
                {key: str(value) for key, value in change.items()}
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
    try:
        # spreadsheets begin a file with a byte order mark
        with open(ledger, newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restval="")
            rows = list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise unreadable(ledger, str(error)) from None
    lacking = [name for name in SAME if name not in (reader.fieldnames or ())]
    if lacking:
        raise unreadable(ledger, f'it has no column "{lacking[0]}"')
    for number, row in enumerate(rows, 2):
        if None in row:
            raise unreadable(ledger, f"line {number} has more cells than the first")
    blank = dict.fromkeys(FIELDS, "")
    return [blank | row for row in rows]


def unreadable(ledger: Path, reason: str) -> PipelineError:
    return PipelineError(
        f"{ledger} is not a readable ledger: {reason}. Save it as CSV in UTF-8 with "
        "commas, or move it away to begin a new one."
    )


def write_ledger(ledger: Path, rows: list[dict[str, Any]]) -> None:
    """Writes the whole ledger; a column that somebody added by hand is kept."""
    fields = list(dict.fromkeys([*FIELDS, *(key for row in rows for key in row)]))
    with (
        atomic(ledger) as partial,
        open(partial, "w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.DictWriter(file, fields, restval="")
        writer.writeheader()
        writer.writerows(rows)


def is_same(row: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(row[key] == other[key] for key in SAME)


def lock_of(ledger: Path) -> Path:
    return ledger.with_name(f".{ledger.stem}.lock")
