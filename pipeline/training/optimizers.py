"""What takes the steps of a training, and how large they are when."""

from collections.abc import Iterator, Sequence
from typing import Any

import keras

from pipeline.settings.epochs import Epochs
from pipeline.settings.networks import TrainConfig

STAIRS = ((0.72, 0.1), (0.92, 0.01))  # shares of all steps, and the rate from there on
# shifts and scales, which nothing is gained by keeping small; TensorFlow adds ":0"
UNDECAYED = [r"\b(bias|gain|gamma|beta)(:0)?$"]

# to make so large a matrix orthogonal takes as long as all else in a step
NOT_MUON = [r"\bdense", r"\blogits\b"]


def build_optimizer(
    config: TrainConfig, epochs: Epochs, steps_per_epoch: int
) -> keras.Optimizer:
    """The optimizer that the settings ask for; it averages the weights if they do."""
    rate = build_schedule(config, epochs.planned * steps_per_epoch)
    if epochs.cuts:
        rate = Hastened(rate, epochs, steps_per_epoch)
    averaged_steps = config.ema_epochs * steps_per_epoch
    average = {
        "use_ema": averaged_steps > 1,
        "ema_momentum": 1 - 1 / max(averaged_steps, 1.0),
    }
    decay = config.weight_decay or None  # 0 would be subtracted, weight by weight
    common = {"learning_rate": rate, "weight_decay": decay, **average}
    if config.first_layer_rate < 1:
        optimizer = LayerwiseAdam(config.first_layer_rate, **common)
    elif config.optimizer == "adam" or (config.optimizer == "adamw" and not decay):
        return keras.optimizers.Adam(rate, **average)
    elif config.optimizer == "sgd":
        optimizer = keras.optimizers.SGD(momentum=0.9, nesterov=True, **common)
    elif config.optimizer == "muon":
        optimizer = keras.optimizers.Muon(
            adam_weight_decay=decay, exclude_layers=NOT_MUON, **common
        )
    else:
        optimizer = keras.optimizers.AdamW(**common)
    optimizer.exclude_from_weight_decay(var_names=UNDECAYED)
    return optimizer


class LayerwiseAdam(keras.optimizers.Adam):
    """Adam whose rate rises from layer to layer, since the first ones know most.

    Source: Howard and Ruder 2018, "Universal Language Model Fine-tuning for Text
    Classification", section 3.2; used for vision transformers by Bao et al. 2022.

    Attributes:
        first_layer_rate: share of the rate that the first layer has; the last has all.
        share: of the layer whose turn it is.
    """

    def __init__(self, first_layer_rate: float, **others: Any) -> None:
        super().__init__(**others)
        self.first_layer_rate = first_layer_rate
        self.share = 1.0

    def build(self, variables: list[keras.Variable]) -> None:
        super().build(variables)
        self.shares = layer_shares(
            [variable.path for variable in variables], self.first_layer_rate
        )

    def in_layers(self, variables: Sequence[Any]) -> Iterator[list[int]]:
        """Which of the variables have their turn together."""
        shares = [self.shares[self._get_variable_index(own)] for own in variables]
        for self.share in dict.fromkeys(shares):
            yield [place for place, own in enumerate(shares) if own == self.share]
        self.share = 1.0

    # the hooks of Keras that each backend has its own way of

    def _get_current_learning_rate(self) -> Any:
        return super()._get_current_learning_rate() * self.share

    def _apply_weight_decay(self, variables: Sequence[Any]) -> None:
        for places in self.in_layers(variables):
            super()._apply_weight_decay([variables[place] for place in places])

    def _backend_update_step(
        self, grads: Sequence[Any], trainable_variables: Sequence[Any], rate: Any
    ) -> None:
        for places in self.in_layers(trainable_variables):
            own = (
                [part[place] for place in places]
                for part in (grads, trainable_variables)
            )
            super()._backend_update_step(*own, rate * self.share)


def layer_shares(paths: Sequence[str], first: float) -> list[float]:
    """The share of the rate that each variable's layer has.

    Args:
        paths: of the variables, from the first layer to the last.
        first: the share of the first layer; it rises to 1 by equal factors.
    """
    layers = [path.rpartition("/")[0] for path in paths]
    number = {layer: place for place, layer in enumerate(dict.fromkeys(layers))}
    last = max(1, len(number) - 1)
    return [first ** (1 - number[layer] / last) for layer in layers]


def scaled(optimizer: keras.Optimizer, precision: str) -> keras.Optimizer:
    """The optimizer for gradients of a precision: of float16, small ones would be 0."""
    if precision == "float16":
        return keras.optimizers.LossScaleOptimizer(optimizer)
    return optimizer


def build_schedule(
    config: TrainConfig, steps: int
) -> keras.optimizers.schedules.LearningRateSchedule:
    """How the rate rises and falls over so many steps."""
    peak = config.learning_rate
    if config.schedule == "steps":
        return keras.optimizers.schedules.PiecewiseConstantDecay(
            # the last step of each rate, where Keras counts from 0
            boundaries=[round(share * steps) - 1 for share, _ in STAIRS],
            values=[peak, *(factor * peak for _, factor in STAIRS)],
        )
    rising = int(config.warmup * steps)
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=peak / 100 if rising else peak,
        warmup_target=peak if rising else None,
        warmup_steps=rising,
        decay_steps=max(1, steps - rising),
        alpha=1.0 if config.schedule == "constant" else 0.0,
    )


class Hastened(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule that ends sooner: from each cut on, its rest in fewer steps.

    Attributes:
        schedule: of all steps that were planned.
        epochs: the cuts.
        steps_per_epoch: of both.
    """

    def __init__(
        self,
        schedule: keras.optimizers.schedules.LearningRateSchedule,
        epochs: Epochs,
        steps_per_epoch: int,
    ) -> None:
        self.schedule, self.epochs = schedule, epochs
        self.steps_per_epoch = steps_per_epoch

    def __call__(self, step: Any) -> Any:
        done = keras.ops.cast(step, "float32") / self.steps_per_epoch
        over = keras.ops.zeros_like(done)
        for first, share, per_epoch in self.epochs.stretches:
            over = keras.ops.where(
                done >= first, share + per_epoch * (done - first), over
            )
        return self.schedule(over * self.epochs.planned * self.steps_per_epoch)
