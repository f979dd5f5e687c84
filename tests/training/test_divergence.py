import math

import numpy as np
import pytest

from pipeline.errors import PipelineError
from pipeline.settings.networks import TrainConfig
from pipeline.training.divergence import Watch

MEANS = np.full(37, 0.3)
TARGETS = np.full((4, 37), 0.5)  # the means are 0.2 away from them


def watch() -> Watch:
    return Watch(TrainConfig(learning_rate=0.5), MEANS)


def see(watching: Watch, *errors: float) -> None:
    for rmse in errors:
        watching.see(3, rmse**2, rmse, TARGETS)


@pytest.mark.parametrize(
    ("loss", "word"), [(math.nan, "NaN"), (math.inf, "infinite"), (-math.inf, "infin")]
)
def test_a_loss_that_is_no_number_ends_the_training_at_once(
    loss: float, word: str
) -> None:
    with pytest.raises(PipelineError) as refusal:
        watch().see(3, loss, 0.1, TARGETS)
    assert f"training diverged in epoch 3: the loss is {word}" in str(refusal.value)
    assert str(refusal.value).endswith(
        "No network was saved. Lower train.learning_rate, now 0.5, and train again."
    )


def test_fifty_steps_far_worse_than_the_means_end_it() -> None:
    watching = watch()
    see(watching, *[0.1] * 10, *[0.4] * 34)
    with pytest.raises(PipelineError, match="train RMSE is 2 times that of the train"):
        see(watching, *[0.4] * 6)


def test_an_early_rise_that_falls_again_is_normal() -> None:
    watching = watch()
    see(watching, *[1e4] * 20, *[0.15] * 200)
    watching.see_end(3)


def test_a_little_worse_than_the_means_is_no_divergence() -> None:
    watching = watch()
    see(watching, *[0.24] * 200)
    watching.see_end(3)
    watching.see_score(3, 0.24, 0.2)


def test_the_end_is_judged_however_few_the_steps() -> None:
    watching = watch()
    see(watching, 0.2, 0.4, 0.5)
    with pytest.raises(PipelineError, match="epoch 1: the train RMSE is 2.2 times"):
        watching.see_end(1)
    with pytest.raises(PipelineError, match="the epoch RMSE is NaN"):
        watch().see_score(3, math.nan)


def test_what_does_not_hold_for_the_held_out_galaxies_is_no_divergence() -> None:
    with pytest.raises(PipelineError) as refusal:
        watch().see_score(3, 0.6, 0.2)
    assert str(refusal.value) == (
        "the epoch RMSE is 3 times that of the training column means, though the "
        "train RMSE is not: the galaxies are too few, or too similar, to learn "
        "from. No network was saved. Train on more, or lower train.epochs or "
        "train.learning_rate."
    )
