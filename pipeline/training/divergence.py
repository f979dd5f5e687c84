"""Whether a training has diverged, which no later step mends."""

import math
from collections import deque

import numpy as np

from pipeline.errors import PipelineError
from pipeline.settings.networks import TrainConfig

# A network starts out at the training column means. Of 40 trainings, 8 with each of
# five heads and losses, by rates from 0.002 to 1000, those that learned ended at 0.92
# times the error of these means or less, those that did not at 1.41 times or more. On
# the way an error of 10,000 times was mended within 20 steps: so a median is watched,
# not a step.
NUM_WATCHED = 50  # steps
MOST = 1.25  # times the error of the means
SMALLEST = 1e-3  # an error; below it nothing has gone wrong


class Watch:
    """Looks at the steps of a training, and ends one that has diverged.

    Attributes:
        config: the settings.
        means: (37,) what the network starts out at.
        ratios: how many times the error of the means the latest steps' errors were.
    """

    def __init__(self, config: TrainConfig, means: np.ndarray) -> None:
        self.config, self.means = config, means
        self.ratios: deque[float] = deque(maxlen=NUM_WATCHED)

    def see(self, epoch: int, loss: float, rmse: float, targets: np.ndarray) -> None:
        """Takes note of a step.

        Args:
            epoch: its number, from 1 on.
            loss: over the batch.
            rmse: over the batch.
            targets: (B, 37) of the batch.

        Raises:
            PipelineError: the training has diverged.
        """
        self.refuse_if(not math.isfinite(loss), epoch, f"the loss is {spoken(loss)}")
        self.refuse_if(not math.isfinite(rmse), epoch, f"the RMSE is {spoken(rmse)}")
        baseline = float(np.sqrt(np.square(targets - self.means).mean()))
        self.ratios.append(rmse / max(baseline, SMALLEST))
        if len(self.ratios) == NUM_WATCHED:
            self.compare(epoch, "train RMSE", float(np.median(self.ratios)))

    def see_score(self, epoch: int, rmse: float, baseline: float = math.inf) -> None:
        """Takes note of the epoch RMSE, beside that of the means where it counts.

        Raises:
            PipelineError: the training has diverged, or taught nothing that holds.
        """
        what = f"the epoch RMSE is {spoken(rmse)}"
        self.refuse_if(not math.isfinite(rmse), epoch, what)
        ratio = rmse / max(baseline, SMALLEST)
        if ratio > MOST:  # what is wrong with the steps shows in the train RMSE
            raise PipelineError(
                f"the epoch RMSE is {ratio:.2g} times that of the training column "
                "means, though the train RMSE is not: the galaxies are too few, or too "
                "similar, to learn from. No network was saved. Train on more, or "
                "lower train.epochs or train.learning_rate."
            )

    def see_end(self, epoch: int) -> None:
        """Judges by the later half of what was watched, though it be few steps.

        Raises:
            PipelineError: the training has diverged.
        """
        later = list(self.ratios)[len(self.ratios) // 2 :]
        if later:
            self.compare(epoch, "train RMSE", float(np.median(later)))

    def compare(self, epoch: int, which: str, ratio: float) -> None:
        """Refuses an error too many times that of the means."""
        what = f"the {which} is {ratio:.2g} times that of the training column means"
        self.refuse_if(ratio > MOST, epoch, what)

    def refuse_if(self, bad: bool, epoch: int, what: str) -> None:
        if bad:
            raise PipelineError(
                f"training diverged in epoch {epoch}: {what}. No network was saved. "
                f"Lower train.learning_rate, now {self.config.learning_rate:g}, and "
                "train again."
            )


def spoken(number: float) -> str:
    return "NaN" if math.isnan(number) else "infinite"
