"""One network trained from shards and targets, epoch by epoch, safe to interrupt."""

import logging
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
from tqdm import tqdm

from pipeline.bars import progress
from pipeline.data.metrics import Score, score_fractions
from pipeline.files import atomic
from pipeline.inference.views import predict_rows
from pipeline.models.augmentation import NUM_DRAWN, Warp
from pipeline.models.network import build_network, of_view
from pipeline.models.precision import computing
from pipeline.parallel import ahead
from pipeline.runs.paths import checkpoint_file, history_file, network_file
from pipeline.settings.epochs import Epochs, epochs_of
from pipeline.settings.idle import first_reweighted
from pipeline.settings.networks import TrainConfig
from pipeline.settings.precision import settled
from pipeline.training.batches import batch_sizes, batches
from pipeline.training.checkpoint import (
    Checkpoint,
    environment,
    load_checkpoint,
    save_checkpoint,
)
from pipeline.training.devices import find_devices, outside
from pipeline.training.divergence import Watch
from pipeline.training.galaxy_weights import reweight
from pipeline.training.history import (
    best_rmse,
    describe_epoch,
    is_reweighted,
    kept_record,
    write_history,
)
from pipeline.training.losses import build_loss
from pipeline.training.optimizers import build_optimizer, scaled
from pipeline.training.plan import Affordable
from pipeline.training.training_set import TrainingSet
from pipeline.training.weights import (
    assign_values,
    averaged,
    copy_values,
    weights_digest,
)

log = logging.getLogger(__name__)


def fit_network(
    config: TrainConfig,
    data: TrainingSet,
    folder: Path,
    beginning: Path,
    recipe: dict[str, Any],
    title: str,
    affordable: Affordable,
) -> dict[str, Any]:
    """Trains one network, resuming from a checkpoint of the same recipe.

    Args:
        config: the settings; `seed` is this network's own.
        data: images, targets and split.
        folder: where checkpoint, history and network go.
        beginning: the checkpoint to resume from, if it is there.
        recipe: what a checkpoint must have been made by.
        title: what bar and log lines call the network.
        affordable: told how far the training is, says for how many epochs in all there
            is time.

    Returns:
        What the receipt says: the epoch that counts and its RMSE, among others.

    Raises:
        PipelineError: the training diverged.
    """
    training = Training(config, data)
    file, devices = checkpoint_file(folder), training.devices
    circumstances = environment(training.precision, devices.number)
    training.resume(load_checkpoint(beginning, recipe, circumstances))
    devices.agree(training.epoch, "checkpoint")
    per_epoch = batch_sizes(config, data).num_fitted
    with (
        computing(training.network, training.precision),
        progress(training.epochs.total * per_epoch, f"train {title}", "image") as bar,
    ):
        bar.update(training.epoch * per_epoch)
        while training.epoch < training.epochs.total:
            history = training.state.history
            if training.shorten(affordable(training.epochs, history)):
                save_checkpoint(file, training.state, recipe, circumstances)
                bar.total = training.epochs.total * per_epoch
            training.run_epoch(bar)
            save_checkpoint(file, training.state, recipe, circumstances)
            write_history(history_file(folder), history)
            line = describe_epoch(history, training.epochs.total, config.keep)
            log.info("%s: %s", title, line)
        result = training.result()
        devices.agree(int(result["weights"][:10], 16), "weights")
    with atomic(network_file(folder)) as partial:
        training.kept_network().save(partial)
    return result


class Training:
    """The loop over epochs: a network, its optimizer and where they stand.

    Attributes:
        precision: what the network computes in.
        network: images (B, S, S, 3) -> fractions (B, 37).
        devices: on which it is trained.
        trainer: the same behind the augmentation, compiled.
        state: all that the epochs to come depend on.
        epochs: how many there are, where that was lowered.
    """

    def __init__(self, config: TrainConfig, data: TrainingSet) -> None:
        self.config, self.data = config, data
        self.precision = settled("train", config.precision, config.model)
        self.epochs = epochs_of(config.epochs, config.shortened)
        self.watch = Watch(config, data.means)
        self.devices = find_devices()
        with self.devices.scope():
            network = build_network(config, data.shards.image_size, data.means)
            self.trainer = build_trainer(network)
        self.network = network if self.devices.number == 1 else outside(network)
        self.compile()
        variables = copy_values(self.trainer.variables)
        self.state = Checkpoint(
            variables,
            copy_values(self.trainer.optimizer.variables),
            best=variables,
            weights=np.ones(len(data.targets), np.float32),
        )

    @property
    def epoch(self) -> int:
        """How many are finished."""
        return len(self.state.history)

    @property
    def reweighted(self) -> bool:
        """Whether galaxies are reweighted to the test set in the epoch to come.

        Weights make a network fit fewer galaxies more closely, so all count equally
        before (deferred re-weighting: Cao et al. 2019); and by then it knows what the
        test set looks like. The last epoch counts those, however soon it comes.
        """
        if self.data.test is None:
            return False
        share = Epochs(self.epochs.planned).share_over(first_reweighted(self.config))
        is_last = self.epoch + 1 == self.epochs.total
        return self.epochs.share_over(self.epoch) >= share or is_last

    def compile(self) -> None:
        """Makes the optimizer, with the rates that the number of epochs asks for."""
        steps = batch_sizes(self.config, self.data).steps
        with self.devices.scope():
            optimizer = build_optimizer(self.config, self.epochs, steps)
            self.trainer.compile(
                scaled(optimizer, self.precision),
                build_loss(self.config),
                metrics=[keras.metrics.RootMeanSquaredError(name="rmse")],
            )
            self.trainer.optimizer.build(self.trainer.trainable_variables)
        self.devices.prepare(self.trainer, self.config)

    def shorten(self, total: int) -> bool:
        """Ends after so many epochs, if that is sooner: whether it is.

        One more there is in any case.
        """
        total = max(total, self.epoch + 1)
        if total >= self.epochs.total:
            return False
        log.info("%d epochs in place of %d: time is short", total, self.epochs.total)
        self.epochs = self.epochs.cut(self.epoch, total)
        self.state.cuts = list(self.epochs.cuts)
        self.compile()
        assign_values(self.trainer.optimizer.variables, self.state.optimizer)
        return True

    def resume(self, found: Checkpoint | None) -> None:
        """Puts all where the checkpoint stands."""
        if found is None:
            return
        if found.shapes != self.state.shapes:
            log.warning(
                "the checkpoint is of another network: the training starts over"
            )
            return
        self.state = found
        if found.cuts:
            self.epochs = Epochs(self.config.epochs, tuple(found.cuts))
            self.compile()
        self.watch.ratios.extend(found.watched)
        assign_values(self.trainer.variables, found.variables)
        assign_values(self.trainer.optimizer.variables, found.optimizer)
        log.info("resuming after epoch %d", self.epoch)

    def run_epoch(self, bar: tqdm) -> None:
        """Fits every training image once, then scores the averaged weights."""
        started = time.monotonic()
        reweighted, history = self.reweighted, self.state.history
        if reweighted and not (history and is_reweighted(history[-1])):
            with averaged(self.trainer, self.state.variables):
                self.state.weights = reweight(self.network, self.data)
        loss, rmse = self.fit_batches(bar)
        self.state.variables = copy_values(self.trainer.variables)
        self.state.optimizer = copy_values(self.trainer.optimizer.variables)
        record = {
            "epoch": self.epoch + 1,
            "loss": loss,
            "train_rmse": rmse,
            "epoch_rmse": self.score_average().rmse,
            "reweighted": int(reweighted),
            "learning_rate": float(self.trainer.optimizer.learning_rate),
            "seconds": round(time.monotonic() - started, 1),
        }
        self.state.watched = list(self.watch.ratios)
        history.append(record)

    def fit_batches(self, bar: tqdm) -> tuple[float, float]:
        """Takes the steps of an epoch; returns the mean loss and the RMSE over them."""
        fitted = []
        # not Trainer.fit: at the end of an epoch TensorFlow's data set, tuning itself,
        # sleeps until the next of ever longer intervals, as long as the epoch at worst
        weights, epoch = self.state.weights, self.epoch
        for batch in ahead(batches(self.config, self.data, weights, epoch)):
            loss, rmse = self.devices.fit(batch)
            self.watch.see(self.epoch + 1, loss, rmse, batch.targets)
            fitted.append((loss, rmse**2))
            bar.update(len(batch.targets))
        loss, squared_error = np.mean(fitted, axis=0, dtype=np.float64)
        return float(loss), float(np.sqrt(squared_error))

    def score_average(self) -> Score:
        """Scores the averaged weights, keeps them unless better ones are to count."""
        best = best_rmse(self.state.history, self.reweighted)
        with averaged(self.trainer, self.state.variables):
            score = self.score()
            self.watch.see_score(self.epoch + 1, score.rmse)
            if self.config.keep == "last" or score.rmse < best:
                self.state.best = copy_values(self.trainer.variables)
        return score

    def score(self) -> Score:
        """The network as it is on the validation galaxies, weighted as in training."""
        rows = self.data.validation
        predicted = predict_rows(
            self.network,
            self.data.shards,
            rows,
            # takes less memory than a step of training, which keeps what it computes
            batch_size=4 * self.config.batch_size,
        )
        weights = self.state.weights[rows]
        return score_fractions(predicted, self.data.targets[rows], weights)

    def score_means(self) -> Score:
        """The training column means, scored like the network."""
        rows = self.data.validation
        targets, weights = self.data.targets[rows], self.state.weights[rows]
        means = np.broadcast_to(self.data.means, targets.shape)
        return score_fractions(means, targets, weights)

    def kept_network(self) -> keras.Model:
        """The network with the averaged weights of the epoch that counts."""
        assign_values(self.trainer.variables, self.state.best)
        return self.network

    def result(self) -> dict[str, Any]:
        """What there is to say of the network that is kept.

        Raises:
            PipelineError: it is so bad that the training has diverged.
        """
        network, score = self.kept_network(), self.score()
        epoch = kept_record(self.state.history, self.config.keep)["epoch"]
        self.watch.see_end(self.epoch)
        self.watch.see_score(epoch, score.rmse, self.score_means().rmse)
        return {
            "epoch_rmse": score.rmse,
            "epoch_standard_error": score.standard_error,
            "kept_epoch": epoch,
            "epochs": self.epoch,
            "shortened": self.epochs.spelled,
            "precision": self.precision,
            "devices": self.devices.number,
            "num_train": len(self.data.train),
            "num_validation": len(self.data.validation),
            "parameters": network.count_params(),
            "weights": weights_digest(network),
            "means": self.data.means.tolist(),
        }


def build_trainer(network: keras.Model) -> keras.Model:
    """The network behind the augmentation: images and transforms in."""
    images = keras.Input(network.input_shape[1:], dtype="uint8", name="images")
    transforms = keras.Input((NUM_DRAWN,), name="transforms")
    seen = of_view(network)  # the pixels around a view are not computed
    warped = Warp(seen.input_shape[1])(images, transforms)
    return keras.Model([images, transforms], seen(warped))
