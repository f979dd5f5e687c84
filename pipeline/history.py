"""How a training went: a row for each epoch, and which of them counts."""

import csv
from pathlib import Path
from typing import Any

from pipeline.workdir import atomic

History = list[dict[str, Any]]


def write_history(path: Path, history: History) -> None:
    with (
        atomic(path) as partial,
        open(partial, "w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.DictWriter(file, history[0])
        writer.writeheader()
        writer.writerows(history)


def read_history(path: Path) -> History:
    """Every value a float."""
    with open(path, newline="", encoding="utf-8") as file:
        return [
            {key: float(value) for key, value in row.items()}
            for row in csv.DictReader(file)
        ]


def best_row(history: History) -> dict[str, Any]:
    """The epoch that counts, among those scored like the last."""
    last = comparable(history, is_weighed(history[-1]))
    return min(last, key=lambda row: row["validation_rmse"])


def comparable(history: History, weighed: bool) -> History:
    """The epochs whose galaxies held out were weighed too, or were not."""
    return [row for row in history if is_weighed(row) == weighed]


def is_weighed(row: dict[str, Any]) -> bool:
    """Whether galaxies resembled the test set then; once there was no such column."""
    return bool(row.get("weighed", False))
