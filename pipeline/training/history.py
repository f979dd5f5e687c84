"""How a training went: a record for each epoch, and which of them counts."""

import csv
from pathlib import Path
from typing import Any

from pipeline.files import atomic

History = list[dict[str, Any]]
COLUMNS = (
    *("epoch", "loss", "train_rmse", "validation_rmse"),
    *("reweighted", "learning_rate", "seconds"),
)


def write_history(path: Path, history: History) -> None:
    with (
        atomic(path) as partial,
        open(partial, "w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(history)


def read_history(path: Path) -> History:
    """Every value a float; no record where there is not a readable file of them."""
    try:
        with open(path, newline="", encoding="utf-8") as file:
            _, *rows = csv.reader(file)
            values = [[float(value) for value in row] for row in rows]
            return [dict(zip(COLUMNS, row, strict=True)) for row in values]
    except (FileNotFoundError, NotADirectoryError, ValueError, csv.Error):
        return []


def best_record(history: History) -> dict[str, Any]:
    """The epoch that counts, among those scored like the last."""
    last = comparable(history, is_reweighted(history[-1]))
    return min(last, key=lambda record: record["validation_rmse"])


def best_rmse(history: History, reweighted: bool) -> float:
    """The lowest validation RMSE so far of epochs scored so; inf without any."""
    scored = comparable(history, reweighted)
    return min((record["validation_rmse"] for record in scored), default=float("inf"))


def comparable(history: History, reweighted: bool) -> History:
    """The epochs whose validation galaxies were reweighted too, or were not."""
    return [record for record in history if is_reweighted(record) == reweighted]


def is_reweighted(record: dict[str, Any]) -> bool:
    """Whether galaxies were reweighted to the test set then."""
    return bool(record["reweighted"])


def describe_epoch(history: History, epochs: int) -> str:
    """The last record of a training of so many epochs, in a line."""
    last, best = history[-1], best_record(history)["validation_rmse"]
    return (
        f"epoch {last['epoch']}/{epochs}, {last['seconds']:.0f} s, "
        f"train RMSE {last['train_rmse']:.4f}, "
        f"validation RMSE {last['validation_rmse']:.4f} (best {best:.4f})"
    )
