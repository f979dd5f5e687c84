import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

from pipeline.errors import PipelineError
from pipeline.runs.graph import Run
from pipeline.runs.paths import (
    checkpoint_file,
    history_file,
    network_file,
    receipt_file,
)
from pipeline.stages.train import train
from pipeline.training import fit
from pipeline.training.checkpoint import environment, load_checkpoint
from pipeline.training.history import read_history
from tests.miniature import with_train
from tests.networks import rewritten


def result(run: Run, member: int = 0) -> dict:
    return run.members[member].result


def time_written(run: Run) -> int:
    """When the first network was."""
    return network_file(run.members[0].folder).stat().st_mtime_ns


def test_training_leaves_network_history_and_receipt(ready: Run) -> None:
    train(ready)
    folder = ready.members[0].folder
    files = {history_file(folder), network_file(folder), receipt_file(folder)}
    assert set(folder.iterdir()) == files
    history = read_history(history_file(folder))
    assert [record["epoch"] for record in history] == [1, 2]
    best = min(record["epoch_rmse"] for record in history)
    assert result(ready)["epoch_rmse"] == pytest.approx(best)


@pytest.mark.usefixtures("eager")
def test_a_second_run_trains_nothing(ready: Run) -> None:
    train(ready)
    before = time_written(ready)
    train(ready)
    assert time_written(ready) == before


def test_without_shards_the_command_is_named(run: Run) -> None:
    with pytest.raises(PipelineError, match=r'is missing. Run "./run.sh download --w'):
        train(run)


def interrupt_after(epochs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    save, saved = fit.save_checkpoint, []

    def save_then_stop(path: Path, *rest: object) -> None:
        save(path, *rest)
        saved.append(path)
        if len(saved) == epochs:
            raise KeyboardInterrupt

    monkeypatch.setattr(fit, "save_checkpoint", save_then_stop)


def train_interrupted(run: Run, epochs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trains until so many epochs are saved."""
    with monkeypatch.context() as patch:
        interrupt_after(epochs, patch)
        with pytest.raises(KeyboardInterrupt):
            train(run)


@pytest.mark.usefixtures("eager")
def test_an_interrupted_training_ends_with_the_same_weights(
    ready: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = with_train(ready, epochs=4, ema_epochs=2.0)
    train(run)
    undisturbed = result(run)
    shutil.rmtree(run.members[0].folder)
    train_interrupted(run, 2, monkeypatch)
    assert run.members[0].state == "half made"
    train(run)
    assert result(run) == undisturbed


@pytest.mark.usefixtures("eager")
def test_another_setting_in_between_takes_nothing_from_an_interrupted_training(
    ready: Run, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "pipeline")
    run, other = with_train(ready, epochs=3), with_train(ready, width=6)
    train(run)
    undisturbed = result(run)
    shutil.rmtree(run.members[0].folder)
    train_interrupted(run, 1, monkeypatch)
    train(other)
    caplog.clear()
    train(run)
    assert "resuming after epoch 1" in caplog.text
    assert "epoch 1/3" not in caplog.text
    assert result(run) == undisturbed
    assert other.members[0].state == "done"


@pytest.mark.usefixtures("eager")
def test_a_checkpoint_made_by_other_software_is_resumed_with_a_warning(
    ready: Run, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as patch:
        interrupt_after(1, patch)
        patch.setattr("pipeline.training.checkpoint.num_cores", lambda: 99)
        with pytest.raises(KeyboardInterrupt):
            train(ready)
    train(ready)
    assert "the checkpoint was made with threads 99, now" in caplog.text


@pytest.mark.usefixtures("eager")
def test_a_checkpoint_of_another_recipe_is_not_resumed(
    ready: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = with_train(ready, learning_rate=0.01)
    train_interrupted(other, 1, monkeypatch)
    shutil.copytree(other.members[0].partial, ready.members[0].partial)
    train(ready)
    after_another = result(ready)
    train(ready, force=True)
    assert result(ready) == after_another


@pytest.mark.usefixtures("eager")
def test_another_seed_gives_another_network(ready: Run) -> None:
    run = with_train(ready, num_seeds=2)
    train(run)
    first, second = result(run, 0), result(run, 1)
    assert first["weights"] != second["weights"]
    assert first["num_validation"] == second["num_validation"]


@pytest.mark.usefixtures("eager")
def test_one_more_member_leaves_the_others_alone(ready: Run) -> None:
    train(ready)
    before = time_written(ready)
    more = with_train(ready, num_seeds=2)
    train(more)
    assert time_written(ready) == before
    assert [member.state for member in more.members] == ["done", "done"]


@pytest.mark.usefixtures("eager")
def test_each_fold_has_its_network_and_an_interrupted_run_keeps_the_finished(
    ready: Run, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "pipeline")
    run = with_train(ready, num_folds=2)
    train_interrupted(run, 3, monkeypatch)  # the first member has two epochs
    first, second = run.members
    assert (first.fold, second.fold) == (0, 1)
    assert first.folder.name != second.folder.name
    assert (first.state, second.state) == ("done", "half made")
    before = first.receipt
    train(run)
    assert first.receipt == before
    assert second.state == "done"
    assert f"{second.title} (2/2): epoch 2/2" in caplog.text
    # what one network was fitted to, the other one held out
    assert first.result["num_train"] == second.result["num_validation"]
    assert first.result["num_validation"] == second.result["num_train"]


@pytest.mark.usefixtures("eager")
def test_a_training_that_diverged_is_told_in_a_line(ready: Run) -> None:
    run = with_train(ready, learning_rate=1e30, weight_decay=0.0)
    with pytest.raises(
        PipelineError, match="diverged in epoch .* Lower train.learning"
    ) as refusal:
        train(run)
    assert "\n" not in str(refusal.value)
    assert run.members[0].state != "done"


@pytest.mark.usefixtures("eager")
def test_a_training_that_diverges_keeps_the_last_good_epoch_and_is_refused_again(
    ready: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = with_train(ready, epochs=4)
    take_step = fit.Training.fit_batches

    def diverge(training: fit.Training, bar: object) -> tuple[float, float]:
        if training.epoch >= 2:  # as from a step that was far too large
            for variable in training.network.trainable_variables:
                variable.assign(variable + float("nan"))
        return take_step(training, bar)

    monkeypatch.setattr(fit.Training, "fit_batches", diverge)
    for _ in range(2):
        with pytest.raises(PipelineError) as refusal:
            train(run)
        assert str(refusal.value) == (
            "training diverged in epoch 3: the loss is NaN. No network was saved. "
            "Lower train.learning_rate, now 0.002, and train again."
        )
        assert len(read_history(history_file(run.members[0].partial))) == 2
        assert not network_file(run.members[0].partial).exists()
        assert run.members[0].state == "half made"


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("kept", [slice(0), slice(99), slice(None, None, -1)])
def test_a_damaged_checkpoint_costs_its_epochs_and_says_so(
    ready: Run,
    kept: slice,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupt_after(1, patch)
        train(ready)
    file = checkpoint_file(ready.members[0].partial)
    file.write_bytes(file.read_bytes()[kept])
    train(ready)
    assert f"{file} cannot be used" in caplog.text
    assert "the training starts over" in caplog.text
    assert ready.members[0].is_done


@pytest.mark.usefixtures("eager")
def test_what_is_watched_outlives_an_interruption(
    ready: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = with_train(ready, epochs=3)
    train_interrupted(run, 2, monkeypatch)
    file, recipe = checkpoint_file(run.members[0].partial), run.members[0].recipe
    found = load_checkpoint(file, recipe, environment("float32", 1))
    assert len(found.watched) == 2  # epochs of one step


@pytest.mark.parametrize(
    "settings",
    [
        {"loss": "votes"},
        {"head": "sigmoid"},
        {"optimizer": "sgd", "schedule": "steps", "warmup": 0.0},
    ],
)
def test_alternatives_train(ready: Run, settings: dict[str, object]) -> None:
    run = with_train(ready, **settings)
    train(run)
    assert np.isfinite(result(run)["epoch_rmse"])


@pytest.mark.usefixtures("eager")
def test_a_reweighted_training_interrupted_ends_with_the_same_weights(
    ready: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = with_train(ready, epochs=4, reweight=True, reweight_from=0.5)
    train(run)
    undisturbed = result(run)
    for finished in (2, 3):  # before and after the galaxies were reweighted
        shutil.rmtree(run.members[0].folder)
        train_interrupted(run, finished, monkeypatch)
        train(run)
        assert result(run) == undisturbed


@pytest.mark.usefixtures("eager")
def test_a_reweighted_network_hangs_on_the_test_set(ready: Run) -> None:
    train(ready)
    assert ready.members[0].state == "done"
    reweighted = with_train(ready, reweight=True)
    assert reweighted.members[0].state == "missing"
    receipt_file(ready.shards("test").folder).unlink()
    with pytest.raises(PipelineError, match='is damaged. Run "./run.sh preprocess --w'):
        train(reweighted)
    assert ready.members[0].state == "done"


@rewritten
def test_a_training_in_bfloat16_leaves_a_network_like_any_other(ready: Run) -> None:
    run = with_train(ready, precision="bfloat16")
    assert run.members[0].name != ready.members[0].name
    train(ready)
    train(run)
    assert result(ready)["precision"] == "float32"
    assert result(run)["precision"] == "bfloat16"
    assert result(run)["weights"] != result(ready)["weights"]
    assert result(run)["epoch_rmse"] == pytest.approx(
        result(ready)["epoch_rmse"], abs=0.002
    )
    network = keras.saving.load_model(network_file(run.members[0].folder))
    assert {layer.dtype_policy.name for layer in network.layers} == {"float32"}


@pytest.mark.usefixtures("eager")
def test_a_training_in_float16_on_a_gpu_resumes(
    ready: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for room in ("settings", "models"):  # a CPU computes the same, just slowly
        monkeypatch.setattr(f"pipeline.{room}.precision.has_gpu", lambda: True)
    run = with_train(ready, precision="float16", epochs=3, ema_epochs=2.0)
    train(run)
    undisturbed = result(run)
    assert undisturbed["precision"] == "float16"
    shutil.rmtree(run.members[0].folder)
    train_interrupted(run, 1, monkeypatch)
    train(run)
    assert result(run) == undisturbed


@pytest.mark.usefixtures("eager")
def test_a_checkpoint_of_another_precision_is_resumed_with_a_warning(
    ready: Run, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as patch:
        interrupt_after(1, patch)
        patch.setattr(fit, "settled", lambda *words: "bfloat16")
        with pytest.raises(KeyboardInterrupt):
            train(ready)
    train(ready)
    assert "the checkpoint was made with precision bfloat16, now float32" in caplog.text
    assert result(ready)["precision"] == "float32"
