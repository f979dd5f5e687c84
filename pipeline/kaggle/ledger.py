"""The list of all submissions ever written: submissions/ledger.csv."""

import csv
from pathlib import Path
from typing import Any

from pipeline.files import atomic, locked

FIELDS = (
    *("file", "sha256", "source", "preset"),
    *("validation_rmse", "validation_standard_error", "expected_rmse"),
    *("commit", "time"),
    # what is known once it is uploaded
    *("reference", "status", "public_score", "private_score", "uploaded", "message"),
)
SAME = ("file", "sha256")  # what makes two lines the same submission


def add_to_ledger(ledger: Path, row: dict[str, Any]) -> None:
    """Appends a row, once: the same file with the same content is not listed twice."""
    with locked(lock_of(ledger), wait=True):
        rows = read_ledger(ledger)
        if not any(is_same(known, row) for known in rows):
            write_ledger(ledger, [*rows, row])


def update_ledger(ledger: Path, changes: list[dict[str, Any]]) -> None:
    """Puts what is new into the rows of these submissions; adds rows that lack."""
    with locked(lock_of(ledger), wait=True):
        rows = read_ledger(ledger)
        before = [dict(row) for row in rows]
        for change in changes:
            known = [row for row in rows if is_same(row, change)]
            for row in known:
                row |= {key: str(value) for key, value in change.items()}
            if not known:
                rows.append(change)
        if rows != before:
            write_ledger(ledger, rows)


def read_ledger(ledger: Path) -> list[dict[str, str]]:
    """The rows, oldest first; fields that an older ledger lacks are empty."""
    if not ledger.exists():
        return []
    with open(ledger, newline="", encoding="utf-8") as file:
        blank = dict.fromkeys(FIELDS, "")
        return [blank | row for row in csv.DictReader(file, restval="")]


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
