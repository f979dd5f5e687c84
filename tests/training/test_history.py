from pathlib import Path

import pytest

from pipeline.training.history import (
    COLUMNS,
    History,
    best_rmse,
    comparable,
    describe_epoch,
    kept_record,
    read_history,
    write_history,
)


def records(*reweighted: int) -> History:
    """Each epoch with a larger error than the one before."""
    return [
        {"epoch": epoch, "epoch_rmse": 0.1 * epoch, "reweighted": then}
        for epoch, then in enumerate(reweighted, 1)
    ]


@pytest.mark.parametrize(
    ("history", "epoch"),
    [(records(0, 0, 0), 1), (records(0, 0, 1, 1), 3), (records(1, 1), 1)],
)
def test_the_best_epoch_is_one_of_those_scored_like_the_last(
    history: History, epoch: int
) -> None:
    assert kept_record(history, "best")["epoch"] == epoch
    assert kept_record(history, "last") == history[-1]


def test_a_line_names_the_best_epoch_only_where_it_counts() -> None:
    record = dict.fromkeys(COLUMNS, 0.5)
    history = [record | {"epoch_rmse": 0.1}, record | {"epoch_rmse": 0.2}]
    assert describe_epoch(history, 3, "best").endswith("RMSE 0.2000 (best 0.1000)")
    assert describe_epoch(history, 3, "last").endswith("epoch RMSE 0.2000")


def test_epochs_are_compared_with_their_like() -> None:
    history = records(0, 0, 1)
    assert comparable(history, reweighted=False) == history[:2]
    assert comparable(history, reweighted=True) == history[2:]


def test_the_best_rmse_is_of_epochs_scored_so_if_there_are_any() -> None:
    history = records(0, 0, 1)
    assert best_rmse(history, reweighted=False) == 0.1
    assert best_rmse(history, reweighted=True) == pytest.approx(0.3)
    assert best_rmse(history[:2], reweighted=True) == float("inf")


def test_a_history_read_is_the_one_written(tmp_path: Path) -> None:
    history = [dict.fromkeys(COLUMNS, 0.5), dict.fromkeys(COLUMNS, 1e-9)]
    write_history(tmp_path / "h.csv", history)
    assert read_history(tmp_path / "h.csv") == history


@pytest.mark.parametrize(
    "content", [b"", b"epoch,loss\n1,2\n", b"\xff\xfe", b"a\n" + b"1," * 99, b"\0"]
)
def test_a_damaged_history_says_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "h.csv").write_bytes(content)
    assert read_history(tmp_path / "h.csv") == []
