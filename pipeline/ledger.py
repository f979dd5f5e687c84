"""The list of all submissions ever written: submissions/ledger.csv."""

import csv
import subprocess
from pathlib import Path
from typing import Any

from pipeline import workdir

FIELDS = (
    *("file", "sha256", "source", "preset"),
    *("validation_rmse", "validation_standard_error", "expected_rmse"),
    *("commit", "time"),
    # what is known once it is uploaded
    *("reference", "status", "public_score", "private_score", "uploaded", "message"),
)
SAME = ("file", "sha256")  # what makes two lines the same submission


def add_to_ledger(folder: Path, row: dict[str, Any]) -> None:
    """Appends a row, once: the same file with the same content is not listed twice."""
    with workdir.locked(folder / ".ledger.lock", wait=True):
        rows = read_ledger(folder)
        if not any(is_same(known, row) for known in rows):
            write_ledger(folder, [*rows, row])


def update_ledger(folder: Path, changes: list[dict[str, Any]]) -> None:
    """Puts what is new into the rows of these submissions; adds rows that lack."""
    with workdir.locked(folder / ".ledger.lock", wait=True):
        rows = read_ledger(folder)
        before = [dict(row) for row in rows]
        for change in changes:
            known = [row for row in rows if is_same(row, change)]
            for row in known:
                row |= {key: str(value) for key, value in change.items()}
            if not known:
                rows.append(change)
        if rows != before:
            write_ledger(folder, rows)


def read_ledger(folder: Path) -> list[dict[str, str]]:
    """The rows, oldest first; fields that an older ledger lacks are empty."""
    path = workdir.ledger_file(folder)
    if not path.exists():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        blank = dict.fromkeys(FIELDS, "")
        return [blank | row for row in csv.DictReader(file, restval="")]


def write_ledger(folder: Path, rows: list[dict[str, Any]]) -> None:
    """Writes the whole ledger; a column that somebody added by hand is kept."""
    fields = list(dict.fromkeys([*FIELDS, *(key for row in rows for key in row)]))
    with (
        workdir.atomic(workdir.ledger_file(folder)) as partial,
        open(partial, "w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.DictWriter(file, fields, restval="")
        writer.writeheader()
        writer.writerows(rows)


def is_same(row: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(row[key] == other[key] for key in SAME)


def git_commit() -> str:
    """The project's commit, marked where files differ from it; empty without git."""
    command = ["git", "-C", str(workdir.PROJECT), "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
