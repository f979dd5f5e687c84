"""Trainings that end sooner than planned."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.runs.graph import Run
from pipeline.runs.paths import checkpoint_file
from pipeline.settings.backend import start_keras
from pipeline.settings.epochs import Epochs, epochs_of
from pipeline.settings.schema import make_settings
from pipeline.training.checkpoint import environment, load_checkpoint
from pipeline.training.fit import fit_network
from pipeline.training.history import History, read_history
from pipeline.training.optimizers import build_optimizer
from pipeline.training.plan import Affordable, all_planned
from pipeline.training.training_set import load_training_set
from tests.miniature import with_train


class Killed(Exception):
    pass


def fit(run: Run, folder: Path, affordable: Affordable = all_planned) -> dict:
    (member,) = run.members
    folder.mkdir(exist_ok=True)
    start_keras(member.config.seed)
    data = load_training_set(run, member)
    file, recipe = checkpoint_file(folder), {"of": "all"}
    return fit_network(member.config, data, folder, file, recipe, "it", affordable)


def three_after_one(epochs: Epochs, history: History) -> int:
    return 3 if len(history) == 1 else epochs.total


def test_the_printed_setting_gives_the_same_network(ready: Run, tmp_path: Path) -> None:
    run = with_train(ready, epochs=5, reweight=True, reweight_from=0.5)
    found = fit(run, tmp_path / "a", three_after_one)
    assert (found["epochs"], found["shortened"]) == (3, "1:3")
    history = read_history(tmp_path / "a" / "history.csv")
    # half of the training is over at 2.0 of 3 epochs: 0.2, then 0.6
    assert [record["reweighted"] for record in history] == [0, 0, 1]
    again = fit(with_train(run, shortened="1:3"), tmp_path / "b")
    assert again["weights"] == found["weights"]


def test_it_is_in_the_checkpoint_before_the_epoch(ready: Run, tmp_path: Path) -> None:
    run = with_train(ready, epochs=5)
    whole = fit(run, tmp_path / "a", three_after_one)

    def killed_in_the_second(epochs: Epochs, history: History) -> int:
        if epochs.cuts:
            raise Killed
        return three_after_one(epochs, history)

    with pytest.raises(Killed):
        fit(run, tmp_path / "b", killed_in_the_second)
    state = load_checkpoint(
        tmp_path / "b" / "checkpoint.npz", {"of": "all"}, environment("float32", 1)
    )
    assert state.cuts == [(1, 3)]
    # whatever it would be told now, it was lowered then
    assert fit(run, tmp_path / "b")["weights"] == whole["weights"]


def test_the_rate_falls_to_its_end_in_the_epochs_that_are_left() -> None:
    values = {"train.epochs": 10, "train.warmup": 0.0, "train.reweight": False}
    config = make_settings("demo", "tiny", values).train
    steps = 100
    usual = build_optimizer(config, epochs_of(10, ""), steps)._learning_rate
    short = build_optimizer(config, epochs_of(10, "5:7"), steps)._learning_rate

    def rates(schedule: object, epochs: list[float]) -> np.ndarray:
        return np.array([float(schedule(steps * epoch)) for epoch in epochs])

    np.testing.assert_allclose(rates(short, [0, 3, 5]), rates(usual, [0, 3, 5]))
    np.testing.assert_allclose(
        rates(short, [5.4, 6, 7]), rates(usual, [6, 7.5, 10]), atol=1e-9
    )


def test_one_epoch_more_there_is_in_any_case(ready: Run, tmp_path: Path) -> None:
    found = fit(with_train(ready, epochs=3), tmp_path / "a", lambda *_: 0)
    assert (found["epochs"], found["shortened"]) == (1, "0:1")
