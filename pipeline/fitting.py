"""One network trained from shards and targets, epoch by epoch, safe to interrupt."""

import csv
import hashlib
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from tqdm import tqdm

from pipeline import artifacts, workdir
from pipeline.artifacts import raw_file, require
from pipeline.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from pipeline.config import Config, TrainConfig
from pipeline.dataset import held_out, load_targets
from pipeline.errors import PipelineError
from pipeline.inference import predict_rows
from pipeline.losses import build_loss
from pipeline.metrics import Score, score_fractions
from pipeline.models import build_network
from pipeline.models.augmentation import NUM_DRAWN, Warp, draw_transforms
from pipeline.optimizers import build_optimizer
from pipeline.progress import progress
from pipeline.shards import Shards
from pipeline.weighing import load_weights
from pipeline.workdir import WorkDir

log = logging.getLogger(__name__)

Batch = tuple[tuple[np.ndarray, np.ndarray], np.ndarray, np.ndarray]


@dataclass(frozen=True)
class TrainingSet:
    """What a network learns from, and how it is split.

    Attributes:
        shards: the images.
        targets: (N, 37) float32, row by row with the shards.
        weights: (N,) float32, how much each galaxy counts, 1 on average.
        scale: pixels of the shards for one of the original.
        train: rows to fit.
        validation: rows held out.
    """

    shards: Shards
    targets: np.ndarray
    weights: np.ndarray
    scale: float
    train: np.ndarray
    validation: np.ndarray

    @property
    def means(self) -> np.ndarray:
        """The mean fraction of each answer among the rows to fit: (37,) float64."""
        return self.targets[self.train].mean(axis=0, dtype=np.float64)


def load_training_set(
    config: Config, work: WorkDir, fold: int = 0, weighed: bool = False
) -> TrainingSet:
    """The work directory's training galaxies, a fold of them held out.

    Reads   shards/train/, raw/ (training_solutions_rev1), weights/ if they are weighed
    """
    shards = require(artifacts.shards(config, work, "train"))
    solutions = raw_file(require(artifacts.raw(config, work)), "solutions")
    images = Shards(shards.folder, shards.result["num_shards"])
    weights = load_weights(config, work) if weighed else np.ones(len(images.ids))
    return split_training_set(
        images,
        load_targets(solutions, images.ids),
        weights,
        images.image_size / config.preprocess.crop_size,
        held_out(images.ids, config.train, fold),
    )


def split_training_set(
    shards: Shards,
    targets: np.ndarray,
    weights: np.ndarray,
    scale: float,
    chosen: np.ndarray,
) -> TrainingSet:
    """Holds out the chosen galaxies, (N,) bool."""
    train, validation = np.flatnonzero(~chosen), np.flatnonzero(chosen)
    weights = (weights / weights[train].mean()).astype(np.float32)
    return TrainingSet(shards, targets, weights, scale, train, validation)


def fit_network(
    config: TrainConfig,
    data: TrainingSet,
    folder: Path,
    recipe: dict[str, Any],
    title: str,
) -> dict[str, Any]:
    """Trains one network, going on from a checkpoint of the same recipe.

    Args:
        config: the knobs; `seed` is this network's own.
        data: images, targets and split.
        folder: where checkpoint, history and network go.
        recipe: what a checkpoint must have been made by.
        title: what bar and log lines call the network.

    Returns:
        What the receipt says: the best epoch and its validation RMSE, among others.

    Raises:
        PipelineError: the loss ran away.
    """
    training = Training(config, data)
    checkpoint = workdir.checkpoint_file(folder)
    training.resume(load_checkpoint(checkpoint, recipe))
    total = config.epochs * training.num_fitted
    with progress(total, f"train {title}", "image") as bar:
        bar.update(training.epoch * training.num_fitted)
        while training.epoch < config.epochs:
            training.run_epoch(bar)
            save_checkpoint(checkpoint, training.state, recipe)
            write_history(workdir.history_file(folder), training.state.history)
            log.info("%s: %s", title, epoch_line(config, training.state.history))
    with workdir.atomic(workdir.network_file(folder)) as partial:
        training.best_network().save(partial)
    return training.result()


class Training:
    """A network, its optimizer and where they stand.

    Attributes:
        network: images (B, S, S, 3) -> fractions (B, 37).
        trainer: the same behind the augmentation, compiled.
        state: all that the epochs to come depend on.
        num_fitted: images fitted in one epoch; what fills no batch is left out.
        num_alike: epochs in which all galaxies count alike. Weights make a network fit
            fewer galaxies more closely, so it learns from all before it is shifted
            (deferred re-weighting: Cao et al. 2019).
    """

    def __init__(self, config: TrainConfig, data: TrainingSet) -> None:
        self.config, self.data = config, data
        self.batch_size = min(config.batch_size, len(data.train))
        self.steps = len(data.train) // self.batch_size
        self.num_fitted = self.steps * self.batch_size
        self.num_alike = round(config.resemble_after * config.epochs)
        self.network = build_network(config, data.shards.image_size, data.means)
        self.trainer = build_trainer(self.network)
        self.trainer.compile(
            build_optimizer(config, self.steps),
            build_loss(config),
            metrics=[keras.metrics.RootMeanSquaredError(name="rmse")],
        )
        self.optimizer = self.trainer.optimizer
        self.optimizer.build(self.trainer.trainable_variables)
        variables = values(self.trainer.variables)
        self.state = Checkpoint(variables, values(self.optimizer.variables), variables)

    @property
    def epoch(self) -> int:
        """How many are finished."""
        return len(self.state.history)

    def resume(self, found: Checkpoint | None) -> None:
        """Puts all where the checkpoint stands."""
        if found is None:
            return
        self.state = found
        assign(self.trainer.variables, found.variables)
        assign(self.optimizer.variables, found.optimizer)
        log.info("going on after epoch %d", self.epoch)

    def run_epoch(self, bar: tqdm) -> None:
        """Fits every training image once, then scores the averaged weights."""
        started = time.monotonic()
        fitted = []
        # not Trainer.fit: at the end of an epoch TensorFlow's data set, tuning itself,
        # sleeps until the next of ever longer intervals, as long as the epoch at worst
        for inputs, targets, weights in self.batches():
            loss, rmse = self.trainer.train_on_batch(inputs, targets, weights)
            fitted.append((loss, rmse**2))
            bar.update(self.batch_size)
        self.state.variables = values(self.trainer.variables)
        self.state.optimizer = values(self.optimizer.variables)
        loss, squared_error = np.mean(fitted, axis=0, dtype=np.float64)
        row = {
            "epoch": self.epoch + 1,
            "loss": float(loss),
            "train_rmse": float(np.sqrt(squared_error)),
            "validation_rmse": self.score_average().rmse,
            "learning_rate": float(self.optimizer.learning_rate),
            "seconds": round(time.monotonic() - started, 1),
        }
        if not np.isfinite([row["loss"], row["validation_rmse"]]).all():
            raise PipelineError(
                f"The training ran away in epoch {row['epoch']}: its loss is no "
                "number any more. Lower train.learning_rate, and train again."
            )
        self.state.history.append(row)

    def score_average(self) -> Score:
        """Scores the averaged weights, keeps them if none were better."""
        if self.optimizer.use_ema:
            self.optimizer.finalize_variable_values(self.trainer.trainable_variables)
        score = self.score_validation()
        earlier = [row["validation_rmse"] for row in self.state.history]
        if score.rmse < min(earlier, default=np.inf):
            self.state.best = values(self.trainer.variables)
        assign(self.trainer.variables, self.state.variables)
        return score

    def score_validation(self) -> Score:
        rows = self.data.validation
        predicted = predict_rows(self.network, self.data.shards, rows)
        weights = self.data.weights[rows]
        return score_fractions(predicted, self.data.targets[rows], weights)

    def batches(self) -> Iterator[Batch]:
        """The batches of the epoch to come, the same ones whenever it is run.

        Yields:
            images (B, S, S, 3) uint8 and transforms (B, 9) float32; targets (B, 37);
            weights (B,).
        """
        rng = np.random.default_rng((self.config.seed, self.epoch))
        order = rng.permutation(self.data.train)[: self.num_fitted]
        alike = self.epoch < self.num_alike
        weights = np.ones_like(self.data.weights) if alike else self.data.weights
        for rows in order.reshape(self.steps, self.batch_size):
            transforms = draw_transforms(
                self.config,
                len(rows),
                self.data.shards.image_size,
                self.config.shift * self.data.scale,
                rng,
            )
            images = self.data.shards.gather(rows)
            yield (images, transforms), self.data.targets[rows], weights[rows]

    def best_network(self) -> keras.Model:
        """The network with the averaged weights of the best epoch."""
        assign(self.trainer.variables, self.state.best)
        return self.network

    def result(self) -> dict[str, Any]:
        """What there is to say of the best network."""
        self.best_network()
        score = self.score_validation()
        history = self.state.history
        return {
            "validation_rmse": score.rmse,
            "validation_standard_error": score.standard_error,
            "best_epoch": min(history, key=lambda row: row["validation_rmse"])["epoch"],
            "num_train": len(self.data.train),
            "num_validation": len(self.data.validation),
            "parameters": self.network.count_params(),
            "weights": weights_digest(self.network),
            "means": self.data.means.tolist(),
        }


def build_trainer(network: keras.Model) -> keras.Model:
    """The network behind the augmentation: images and transforms in."""
    images = keras.Input(network.input_shape[1:], dtype="uint8", name="images")
    transforms = keras.Input((NUM_DRAWN,), name="transforms")
    return keras.Model([images, transforms], network(Warp()(images, transforms)))


def values(variables: list[keras.Variable]) -> list[np.ndarray]:
    """Copies, which later steps leave alone."""
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def assign(variables: list[keras.Variable], arrays: list[np.ndarray]) -> None:
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)


def weights_digest(network: keras.Model) -> str:
    """Equal for networks whose weights are, bit for bit."""
    digest = hashlib.sha256()
    for weight in network.get_weights():
        digest.update(weight.tobytes())
    return digest.hexdigest()


def write_history(path: Path, history: list[dict[str, Any]]) -> None:
    with (
        workdir.atomic(path) as partial,
        open(partial, "w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.DictWriter(file, history[0])
        writer.writeheader()
        writer.writerows(history)


def epoch_line(config: TrainConfig, history: list[dict[str, Any]]) -> str:
    last = history[-1]
    best = min(row["validation_rmse"] for row in history)
    return (
        f"epoch {last['epoch']}/{config.epochs}, {last['seconds']:.0f} s, "
        f"train RMSE {last['train_rmse']:.4f}, "
        f"validation RMSE {last['validation_rmse']:.4f} (best {best:.4f})"
    )
