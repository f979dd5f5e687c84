import csv
import dataclasses
from pathlib import Path

import numpy as np
import pytest
from tqdm import tqdm

from pipeline import artifacts, workdir
from pipeline.backend import start_keras
from pipeline.config import Config
from pipeline.errors import PipelineError
from pipeline.train import train
from pipeline.training_set import load_training_set
from pipeline.workdir import WorkDir
from tests.finished_run import Run

start_keras()

from pipeline import fitting  # noqa: E402


def with_knobs(config: Config, **knobs: object) -> Config:
    return dataclasses.replace(config, train=dataclasses.replace(config.train, **knobs))


def result(config: Config, work: WorkDir, member: int = 0) -> dict:
    return artifacts.members(config, work)[member].result


def test_training_leaves_network_history_and_receipt(ready: Run) -> None:
    config, work = ready
    train(config, work)
    folder = work.member(0)
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["history.csv", "model.keras", "receipt.json"]
    with open(folder / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    best = min(float(row["validation_rmse"]) for row in rows)
    assert result(config, work)["validation_rmse"] == pytest.approx(best)


@pytest.mark.usefixtures("eager")
def test_a_second_run_trains_nothing(ready: Run) -> None:
    config, work = ready
    train(config, work)
    before = (work.member(0) / "model.keras").stat().st_mtime_ns
    train(config, work)
    assert (work.member(0) / "model.keras").stat().st_mtime_ns == before


def test_without_shards_the_command_is_named(config: Config, work: WorkDir) -> None:
    with pytest.raises(PipelineError, match=r'is missing. Run "./run.sh preprocess"'):
        train(config, work)


def interrupt_after(epochs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    save, saved = fitting.save_checkpoint, []

    def save_then_stop(path: Path, *rest: object) -> None:
        save(path, *rest)
        saved.append(path)
        if len(saved) == epochs:
            raise KeyboardInterrupt

    monkeypatch.setattr(fitting, "save_checkpoint", save_then_stop)


@pytest.mark.usefixtures("eager")
def test_an_interrupted_training_ends_with_the_same_weights(
    ready: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, work = ready
    config = with_knobs(config, epochs=4, ema_epochs=2.0)
    train(config, work)
    undisturbed = result(config, work)
    with monkeypatch.context() as patch:
        interrupt_after(2, patch)
        with pytest.raises(KeyboardInterrupt):
            train(config, work, force=True)
    assert artifacts.members(config, work)[0].state == "incomplete"
    train(config, work)
    assert result(config, work) == undisturbed


@pytest.mark.usefixtures("eager")
def test_a_checkpoint_of_another_recipe_is_not_gone_on_from(
    ready: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, work = ready
    other = with_knobs(config, learning_rate=0.01)
    with monkeypatch.context() as patch:
        interrupt_after(1, patch)
        with pytest.raises(KeyboardInterrupt):
            train(other, work)
    train(config, work)
    after_another = result(config, work)
    train(config, work, force=True)
    assert result(config, work) == after_another


@pytest.mark.usefixtures("eager")
def test_another_seed_gives_another_network(ready: Run) -> None:
    config, work = ready
    config = with_knobs(config, seeds=2)
    train(config, work)
    first, second = result(config, work, 0), result(config, work, 1)
    assert first["weights"] != second["weights"]
    assert first["num_validation"] == second["num_validation"]


@pytest.mark.usefixtures("eager")
def test_one_more_member_leaves_the_others_alone(ready: Run) -> None:
    config, work = ready
    train(config, work)
    before = (work.member(0) / "model.keras").stat().st_mtime_ns
    train(with_knobs(config, seeds=2), work)
    assert (work.member(0) / "model.keras").stat().st_mtime_ns == before
    assert (work.member(1) / "receipt.json").exists()


@pytest.mark.usefixtures("eager")
def test_a_partner_is_trained_by_its_own_knobs_and_leaves_the_others_alone(
    ready: Run,
) -> None:
    config, work = ready
    train(config, work)
    before = (work.member(0) / "model.keras").stat().st_mtime_ns
    config = with_knobs(config, partners="tiny")
    train(config, work)
    assert (work.member(0) / "model.keras").stat().st_mtime_ns == before
    own, partner = artifacts.members(config, work)
    assert partner.folder.name == "tiny-seed0"
    assert own.receipt["recipe"]["knobs"]["width"] == 4
    assert partner.receipt["recipe"]["knobs"]["width"] == 8
    assert partner.result["num_validation"] == own.result["num_validation"]


@pytest.mark.usefixtures("eager")
def test_each_fold_has_its_network_and_an_interrupted_run_keeps_the_finished(
    ready: Run, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    config, work = ready
    caplog.set_level("INFO", "pipeline")
    config = with_knobs(config, folds=2)
    with monkeypatch.context() as patch:
        interrupt_after(3, patch)  # the first member has two epochs
        with pytest.raises(KeyboardInterrupt):
            train(config, work)
    first, second = artifacts.members(config, work)
    assert [first.folder.name, second.folder.name] == ["fold0-seed0", "fold1-seed0"]
    assert (first.state, second.state) == ("done", "incomplete")
    before = first.receipt
    train(config, work)
    assert first.receipt == before
    assert second.state == "done"
    assert "fold1-seed0 (2/2): epoch 2/2" in caplog.text
    # what one network was fitted to, the other one held out
    assert first.result["num_train"] == second.result["num_validation"]
    assert first.result["num_validation"] == second.result["num_train"]


@pytest.mark.usefixtures("eager")
def test_a_loss_that_runs_away_is_told_in_a_line(ready: Run) -> None:
    config, work = ready
    config = with_knobs(config, learning_rate=1e30, warmup=0.0)
    with pytest.raises(
        PipelineError, match="ran away in epoch .* Lower train.learning"
    ):
        train(config, work)
    assert artifacts.members(config, work)[0].state != "done"


@pytest.mark.parametrize("knobs", [{"loss": "votes"}, {"head": "sigmoid"}])
def test_alternatives_train(ready: Run, knobs: dict[str, str]) -> None:
    config, work = ready
    config = with_knobs(config, **knobs)
    train(config, work)
    assert np.isfinite(result(config, work)["validation_rmse"])


@pytest.mark.usefixtures("eager")
def test_a_galaxy_of_no_weight_is_not_learnt_from(ready: Run) -> None:
    config, work = ready
    data = load_training_set(config, work)
    idle = data.train[::2]
    mixed = data.targets.copy()
    mixed[idle] = mixed[idle[::-1]]  # so that the means stay
    every = np.ones(len(data.targets), np.float32)
    some = np.where(np.isin(np.arange(len(every)), idle), 0, every)

    def fitted(targets: np.ndarray, weights: np.ndarray) -> str:
        start_keras()
        changed = dataclasses.replace(data, targets=targets)
        training = fitting.Training(config.train, changed)
        training.state.weights = weights
        for batch in training.batches():
            training.trainer.train_on_batch(*batch)
        return fitting.weights_digest(training.network)

    assert fitted(data.targets, some) == fitted(mixed, some)
    assert fitted(data.targets, every) != fitted(mixed, every)


def test_galaxies_count_alike_until_the_share_of_epochs_is_over(ready: Run) -> None:
    config, work = ready
    config = with_knobs(config, epochs=4, resemble=True, resemble_after=0.5)
    training = fitting.Training(config.train, load_training_set(config, work))
    for epoch in range(4):
        training.run_epoch(tqdm(disable=True))
        weights = training.state.weights
        assert weights.shape == training.data.targets.shape[:1]
        assert (weights == 1).all() == (epoch < 2)
        assert weights[training.data.train].mean() == pytest.approx(1)
    history = training.state.history
    assert [row["weighed"] for row in history] == [0, 0, 1, 1]
    chosen = min(history[2:], key=lambda row: row["validation_rmse"])
    found = training.result()
    assert found["best_epoch"] == chosen["epoch"]
    assert found["validation_rmse"] == pytest.approx(chosen["validation_rmse"])


@pytest.mark.parametrize(
    ("most", "train", "test"), [(24, 24, 6), (23, 12, 6), (2, 2, 2)]
)
def test_the_network_is_asked_about_all_galaxies_or_every_so_manieth(
    ready: Run, monkeypatch: pytest.MonkeyPatch, most: int, train: int, test: int
) -> None:
    config, work = ready
    config = with_knobs(config, resemble=True)
    training = fitting.Training(config.train, load_training_set(config, work))
    asked = {}
    find = fitting.find_resemblance

    def listen(labelled: np.ndarray, targets: np.ndarray, test: np.ndarray) -> object:
        asked.update(labelled=labelled, targets=targets, test=test)
        return find(labelled, targets, test)

    monkeypatch.setattr(fitting, "find_resemblance", listen)
    monkeypatch.setattr(fitting, "MOST_ASKED", most)
    weights = training.weigh_galaxies()
    assert len(weights) == 24
    assert {name: len(rows) for name, rows in asked.items()} == {
        "labelled": train,
        "targets": train,
        "test": test,
    }


def test_an_image_that_cannot_be_read_is_not_resembled(ready: Run) -> None:
    config, work = ready
    receipt = workdir.receipt_file(work.shards("test"))
    content = workdir.read_json(receipt)
    ids = np.load(workdir.ids_file(work.shards("test")))
    content["result"]["bad"] = {str(ids[2]): "no jpg"}
    workdir.write_json(receipt, content)
    data = load_training_set(with_knobs(config, resemble=True), work)
    assert data.test.rows.tolist() == [0, 1, 3, 4, 5]


@pytest.mark.usefixtures("eager")
def test_a_weighed_training_interrupted_ends_with_the_same_weights(
    ready: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, work = ready
    config = with_knobs(config, epochs=4, resemble=True, resemble_after=0.5)
    train(config, work)
    undisturbed = result(config, work)
    for finished in (2, 3):  # before and after the galaxies were weighed
        with monkeypatch.context() as patch:
            interrupt_after(finished, patch)
            with pytest.raises(KeyboardInterrupt):
                train(config, work, force=True)
        train(config, work)
        assert result(config, work) == undisturbed


@pytest.mark.usefixtures("eager")
def test_a_weighed_network_hangs_on_the_test_set(ready: Run) -> None:
    config, work = ready
    train(config, work)
    assert artifacts.members(config, work)[0].state == "done"
    weighed = with_knobs(config, resemble=True)
    assert artifacts.members(weighed, work)[0].state == "stale"
    workdir.receipt_file(work.shards("test")).unlink()
    with pytest.raises(PipelineError, match='is incomplete. Run "./run.sh preprocess"'):
        train(weighed, work)
    assert artifacts.members(config, work)[0].state == "done"


def test_the_galaxies_held_out_are_weighed_too(ready: Run) -> None:
    config, work = ready
    data = load_training_set(config, work)
    one = data.validation[0]
    alone = dataclasses.replace(data, validation=data.validation[:1])
    training = fitting.Training(config.train, alone)
    expected = training.score_validation()
    training.data = data
    training.state.weights = np.where(np.arange(len(data.targets)) == one, 1.0, 0.0)
    found = training.score_validation()
    assert found.rmse == pytest.approx(expected.rmse, rel=1e-6)
