from pathlib import Path

import pytest

from pipeline.history import best_row, comparable, read_history, write_history

OLD = [{"epoch": 1, "validation_rmse": 0.3}, {"epoch": 2, "validation_rmse": 0.4}]


def rows(*weighed: int) -> list[dict[str, float]]:
    """Each epoch with a larger error than the one before."""
    return [
        {"epoch": epoch, "validation_rmse": 0.1 * epoch, "weighed": then}
        for epoch, then in enumerate(weighed, 1)
    ]


@pytest.mark.parametrize(
    ("history", "epoch"),
    [(rows(0, 0, 0), 1), (rows(0, 0, 1, 1), 3), (rows(1, 1), 1), (OLD, 1)],
)
def test_the_best_epoch_is_one_of_those_scored_like_the_last(
    history: list[dict[str, float]], epoch: int
) -> None:
    assert best_row(history)["epoch"] == epoch


def test_epochs_are_compared_with_their_like() -> None:
    history = rows(0, 0, 1)
    assert comparable(history, weighed=False) == history[:2]
    assert comparable(history, weighed=True) == history[2:]


def test_a_history_read_is_the_one_written(tmp_path: Path) -> None:
    write_history(tmp_path / "h.csv", rows(0, 1))
    assert read_history(tmp_path / "h.csv") == rows(0, 1)
