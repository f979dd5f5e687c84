"""The list of all submissions ever written: submissions/ledger.csv."""

import csv
import subprocess
from pathlib import Path
from typing import Any

from pipeline import workdir

FIELDS = ("file", "sha256", "source", "preset", "validation_rmse", "commit", "time")
SAME = ("file", "sha256")  # what makes two lines the same submission


def add_to_ledger(folder: Path, row: dict[str, Any]) -> None:
    """Appends a row, once: the same file with the same content is not listed twice."""
    path = workdir.ledger_file(folder)
    with workdir.locked(folder / ".ledger.lock", wait=True):
        rows = read_ledger(folder)
        if any(all(known[key] == row[key] for key in SAME) for known in rows):
            return
        with (
            workdir.atomic(path) as partial,
            open(partial, "w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.DictWriter(file, FIELDS)
            writer.writeheader()
            writer.writerows([*rows, row])


def read_ledger(folder: Path) -> list[dict[str, str]]:
    """The rows, oldest first."""
    path = workdir.ledger_file(folder)
    if not path.exists():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


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
