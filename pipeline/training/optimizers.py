"""What takes the steps of a training, and how large they are when."""

import keras

from pipeline.settings.schema import TrainConfig

STAIRS = ((0.72, 0.1), (0.92, 0.01))  # shares of all steps, and the rate from there on
# shifts and scales, which nothing is gained by keeping small; TensorFlow adds ":0"
UNDECAYED = [r"\b(bias|gain|gamma|beta)(:0)?$"]

# to make so large a matrix orthogonal takes as long as all else in a step
NOT_MUON = [r"\bdense", r"\blogits\b"]


def build_optimizer(config: TrainConfig, steps_per_epoch: int) -> keras.Optimizer:
    """The optimizer that the settings ask for; it averages the weights if they do."""
    rate = build_schedule(config, config.epochs * steps_per_epoch)
    averaged_steps = config.ema_epochs * steps_per_epoch
    average = {
        "use_ema": averaged_steps > 1,
        "ema_momentum": 1 - 1 / max(averaged_steps, 1.0),
    }
    if config.optimizer == "adam":
        return keras.optimizers.Adam(rate, **average)
    decay = config.weight_decay or None  # 0 would be subtracted, weight by weight
    common = {"learning_rate": rate, "weight_decay": decay, **average}
    if config.optimizer == "sgd":
        optimizer = keras.optimizers.SGD(momentum=0.9, nesterov=True, **common)
    elif config.optimizer == "muon":
        optimizer = keras.optimizers.Muon(
            adam_weight_decay=decay, exclude_layers=NOT_MUON, **common
        )
    else:
        optimizer = keras.optimizers.AdamW(**common)
    optimizer.exclude_from_weight_decay(var_names=UNDECAYED)
    return optimizer


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
