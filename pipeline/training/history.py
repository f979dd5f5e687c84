"""How a training went: a record for each epoch, and which of them counts.

The epoch RMSE is that of the averaged weights on the validation galaxies, one view of
each; from the epoch on that galaxies are reweighted, so are these.
"""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipeline.files import atomic

History = list[dict[str, Any]]
COLUMNS = (
    *("epoch", "loss", "train_rmse", "epoch_rmse"),
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
            return [named(row) for row in values]
    except (FileNotFoundError, NotADirectoryError, ValueError, csv.Error):
        return []


def named(values: Iterable[float]) -> dict[str, Any]:
    """A record by its values: an older version had other names for them."""
    return dict(zip(COLUMNS, values, strict=True))


def kept_record(history: History, keep: str) -> dict[str, Any]:
    """The epoch that counts: the last, or the best of those scored like the last."""
    last = history[-1]
    if keep == "last":
        return last
    scored = comparable(history, is_reweighted(last))
    return min(scored, key=lambda record: record["epoch_rmse"])


def best_rmse(history: History, reweighted: bool) -> float:
    """The lowest epoch RMSE so far of epochs scored so; inf without any."""
    scored = comparable(history, reweighted)
    return min((record["epoch_rmse"] for record in scored), default=float("inf"))


def comparable(history: History, reweighted: bool) -> History:
    """The epochs whose validation galaxies were reweighted too, or were not."""
    return [record for record in history if is_reweighted(record) == reweighted]


def is_reweighted(record: dict[str, Any]) -> bool:
    """Whether galaxies were reweighted to the test set then."""
    return bool(record["reweighted"])


def describe_epoch(history: History, epochs: int, keep: str) -> str:
    """The last record of a training of so many epochs, in a line."""
    last = history[-1]
    line = (
        f"epoch {last['epoch']}/{epochs}, {last['seconds']:.0f} s, "
        f"training RMSE {last['train_rmse']:.4f}, epoch RMSE {last['epoch_rmse']:.4f}"
    )
    if keep == "last":
        return line
    return f"{line} (best {kept_record(history, keep)['epoch_rmse']:.4f})"
