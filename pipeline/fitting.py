"""One network trained from shards and targets, epoch by epoch, safe to interrupt."""

import hashlib
import logging
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np
from tqdm import tqdm

from pipeline import workdir
from pipeline.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from pipeline.config import PredictConfig, TrainConfig
from pipeline.ensemble import obeying_tree
from pipeline.errors import PipelineError
from pipeline.history import History, best_row, comparable, write_history
from pipeline.inference import predict_rows
from pipeline.losses import build_loss
from pipeline.metrics import Score, effective_number, score_fractions
from pipeline.models import build_network
from pipeline.models.augmentation import NUM_DRAWN, Warp, draw_transforms
from pipeline.optimizers import build_optimizer
from pipeline.progress import progress
from pipeline.resemblance import find_resemblance
from pipeline.shards import Shards
from pipeline.training_set import TrainingSet

MOST_ASKED = 10_000  # of each set of galaxies; their means take no more

log = logging.getLogger(__name__)

Batch = tuple[tuple[np.ndarray, np.ndarray], np.ndarray, np.ndarray]


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
            (deferred re-weighting: Cao et al. 2019); and by then it knows what the
            test set looks like.
    """

    def __init__(self, config: TrainConfig, data: TrainingSet) -> None:
        self.config, self.data = config, data
        self.batch_size = min(config.batch_size, len(data.train))
        self.steps = len(data.train) // self.batch_size
        self.num_fitted = self.steps * self.batch_size
        self.num_alike = max(1, round(config.resemble_after * config.epochs))
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
        self.state = Checkpoint(
            variables,
            values(self.optimizer.variables),
            best=variables,
            weights=np.ones(len(data.targets), np.float32),
        )

    @property
    def epoch(self) -> int:
        """How many are finished."""
        return len(self.state.history)

    @property
    def weighed(self) -> bool:
        """Whether galaxies resemble the test set in the epoch to come."""
        return self.data.test is not None and self.epoch >= self.num_alike

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
        if self.weighed and self.epoch == self.num_alike:
            self.state.weights = self.weigh_galaxies()
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
            "weighed": int(self.weighed),
            "learning_rate": float(self.optimizer.learning_rate),
            "seconds": round(time.monotonic() - started, 1),
        }
        if not np.isfinite([row["loss"], row["validation_rmse"]]).all():
            raise PipelineError(
                f"The training ran away in epoch {row['epoch']}: its loss is no "
                "number any more. Lower train.learning_rate, and train again."
            )
        self.state.history.append(row)

    def weigh_galaxies(self) -> np.ndarray:
        """How much each counts, 1 on average over those fitted: (N,) float32.

        By what the averaged network says of them. Those it was fitted to it knows
        better than the test set, but the few held out mislead by chance, and by more.
        """
        targets = self.data.targets
        rows = sample(np.arange(len(targets)))
        with self.averaged():
            labelled = self.ask(self.data.shards, rows)
            test = self.ask(self.data.test.shards, sample(self.data.test.rows))
        resemblance = find_resemblance(labelled, targets[rows], test)
        weights = resemblance.weigh(targets)
        fitted = weights[self.data.train]
        log.info(
            "from now on the %d galaxies resemble the test set, worth %.0f",
            len(fitted),
            effective_number(fitted),
        )
        return (weights / fitted.mean()).astype(np.float32)

    def ask(self, shards: Shards, rows: np.ndarray) -> np.ndarray:
        """What the network says of some galaxies: (N, 37)."""
        return obeying_tree(PredictConfig(), predict_rows(self.network, shards, rows))

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """The network with its averaged weights, for the time of a block."""
        if self.optimizer.use_ema:
            self.optimizer.finalize_variable_values(self.trainer.trainable_variables)
        yield
        assign(self.trainer.variables, self.state.variables)

    def score_average(self) -> Score:
        """Scores the averaged weights, keeps them if none were better."""
        earlier = comparable(self.state.history, self.weighed)
        best = min((row["validation_rmse"] for row in earlier), default=np.inf)
        with self.averaged():
            score = self.score_validation()
            if score.rmse < best:
                self.state.best = values(self.trainer.variables)
        return score

    def score_validation(self) -> Score:
        rows = self.data.validation
        predicted = predict_rows(self.network, self.data.shards, rows)
        weights = self.state.weights[rows]
        return score_fractions(predicted, self.data.targets[rows], weights)

    def batches(self) -> Iterator[Batch]:
        """The batches of the epoch to come, the same ones whenever it is run.

        Yields:
            images (B, S, S, 3) uint8 and transforms (B, 9) float32; targets (B, 37);
            weights (B,).
        """
        rng = np.random.default_rng((self.config.seed, self.epoch))
        order = rng.permutation(self.data.train)[: self.num_fitted]
        for rows in order.reshape(self.steps, self.batch_size):
            transforms = draw_transforms(
                self.config,
                len(rows),
                self.data.shards.image_size,
                self.config.shift * self.data.scale,
                rng,
            )
            inputs = self.data.shards.gather(rows), transforms
            yield inputs, self.data.targets[rows], self.state.weights[rows]

    def best_network(self) -> keras.Model:
        """The network with the averaged weights of the best epoch."""
        assign(self.trainer.variables, self.state.best)
        return self.network

    def result(self) -> dict[str, Any]:
        """What there is to say of the best network."""
        self.best_network()
        score = self.score_validation()
        return {
            "validation_rmse": score.rmse,
            "validation_standard_error": score.standard_error,
            "best_epoch": best_row(self.state.history)["epoch"],
            "num_train": len(self.data.train),
            "num_validation": len(self.data.validation),
            "parameters": self.network.count_params(),
            "weights": weights_digest(self.network),
            "means": self.data.means.tolist(),
        }


def sample(rows: np.ndarray) -> np.ndarray:
    """Every row, or every so-manieth where they are many."""
    return rows[:: max(1, math.ceil(len(rows) / MOST_ASKED))]


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


def epoch_line(config: TrainConfig, history: History) -> str:
    last = history[-1]
    best = best_row(history)["validation_rmse"]
    return (
        f"epoch {last['epoch']}/{config.epochs}, {last['seconds']:.0f} s, "
        f"train RMSE {last['train_rmse']:.4f}, "
        f"validation RMSE {last['validation_rmse']:.4f} (best {best:.4f})"
    )
