"""What takes the steps of a training, and how large they are when."""

import keras
from keras import ops

from pipeline.config import TrainConfig

FALLS = {"steps": (0.72, 0.92), "constant": ()}  # shares of all steps, as in 2014
# shifts and scales, which nothing is gained by keeping small; TensorFlow adds ":0"
UNDECAYED = [r"\b(bias|gain|gamma|beta)(:0)?$"]

# to make so large a matrix orthogonal takes as long as all else in a step
NOT_MUON = [r"\bdense", r"\blogits\b"]


def build_optimizer(config: TrainConfig, steps_per_epoch: int) -> keras.Optimizer:
    """The optimizer that the knobs ask for; it averages the weights if they do."""
    rate = build_schedule(config, config.epochs * steps_per_epoch)
    averaged_steps = config.ema_epochs * steps_per_epoch
    average = {
        "use_ema": averaged_steps > 1,
        "ema_momentum": 1 - 1 / max(averaged_steps, 1.0),
    }
    if config.optimizer == "adam":
        return keras.optimizers.Adam(rate, **average)
    decay = config.weight_decay or None  # 0 would be subtracted, weight by weight
    if config.optimizer == "sgd":
        optimizer = Nesterov(
            rate, momentum=0.9, nesterov=True, weight_decay=decay, **average
        )
    elif config.optimizer == "muon":
        optimizer = keras.optimizers.Muon(
            rate,
            weight_decay=decay,
            adam_weight_decay=decay,
            exclude_layers=NOT_MUON,
            **average,
        )
    else:
        optimizer = keras.optimizers.AdamW(rate, weight_decay=decay, **average)
    optimizer.exclude_from_weight_decay(var_names=UNDECAYED)
    return optimizer


class Nesterov(keras.optimizers.SGD):
    """SGD with Nesterov momentum, in one pass over the weights under TensorFlow.

    Keras goes over them several times, which for many millions takes twice as long.
    """

    def update_step(
        self,
        gradient: keras.KerasTensor,
        variable: keras.Variable,
        learning_rate: keras.KerasTensor,
    ) -> None:
        if keras.backend.backend() != "tensorflow":
            super().update_step(gradient, variable, learning_rate)
            return
        import tensorflow as tf

        momentum = self.momentums[self._get_variable_index(variable)]
        tf.raw_ops.ResourceApplyKerasMomentum(
            var=variable.handle,
            accum=momentum.value.handle,
            lr=ops.cast(learning_rate, variable.dtype),
            grad=ops.cast(gradient, variable.dtype),
            momentum=self.momentum,
            use_nesterov=True,
        )


def build_schedule(
    config: TrainConfig, steps: int
) -> keras.optimizers.schedules.LearningRateSchedule:
    """How the rate rises and falls over so many steps."""
    rising = int(config.warmup * steps)
    peak = config.learning_rate
    if config.schedule == "cosine":
        return keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=peak / 100 if rising else peak,
            warmup_target=peak if rising else None,
            warmup_steps=rising,
            decay_steps=max(1, steps - rising),
        )
    falls = [round(share * steps) for share in FALLS[config.schedule]]
    return Stairs(peak, rising, falls)


class Stairs(keras.optimizers.schedules.LearningRateSchedule):
    """Rises to a peak in a line, then is a tenth of itself from each fall on.

    Attributes:
        peak: the highest rate.
        rising: steps until it is reached.
        falls: the steps from which on it is a tenth of what it was.
    """

    def __init__(self, peak: float, rising: int, falls: list[int]) -> None:
        super().__init__()
        self.peak, self.rising, self.falls = peak, rising, falls

    def __call__(self, step: keras.Variable | int) -> keras.KerasTensor:
        step = ops.cast(step, "float32")
        # a first step of rate 0 would be none
        rate = self.peak * ops.minimum(1.0, (step + 1) / (self.rising + 1))
        for fall in self.falls:
            rate = ops.where(step < fall, rate, rate / 10)
        return rate
