"""Pictures unlike those that the networks learned from."""

from typing import NamedTuple

import numpy as np

from pipeline.catalogues.answers import Answers
from pipeline.data.tree import QUESTIONS, answer_slice
from pipeline.runs.contents import load_held_out, open_shards
from pipeline.runs.graph import Run

MOST_COMPARED = 5000  # training images, evenly spread
RARE = 0.001  # share of the training galaxies beyond each bound


class Usual(NamedTuple):
    """Between what bounds nearly all of the competition's galaxies lie.

    Attributes:
        dark, bright: the mean pixel of an image, of 0 to 255.
        decided: the largest fraction of the first question.
        side: pixels along the side of a crop that an image is made of.
    """

    dark: float
    bright: float
    decided: float
    side: float

    def unlike(self, answers: Answers) -> np.ndarray:
        """In what pictures are unlike these, (n,) text; empty where they are not."""
        with np.errstate(invalid="ignore"):
            found = {
                "small": answers.side < self.side,
                "dark": answers.brightness < self.dark,
                "bright": answers.brightness > self.bright,
                "undecided": decided(answers.fractions) < self.decided,
            }
        words = [
            ", ".join(name for name, flags in found.items() if flags[row])
            for row in range(len(answers.side))
        ]
        return np.where(answers.readable, words, "")


def usual(run: Run) -> Usual:
    """The bounds of a run's training galaxies, and of its held-out predictions."""
    shards = open_shards(run.shards("train"))
    rows = np.linspace(0, len(shards) - 1, min(MOST_COMPARED, len(shards)))
    # few at a time: all of them would fill the memory where they are large
    parts = np.array_split(rows.astype(int), max(1, len(rows) // 100))
    means = np.concatenate([shards.gather(part).mean(axis=(1, 2, 3)) for part in parts])
    return Usual(
        dark=float(np.quantile(means, RARE)),
        bright=float(np.quantile(means, 1 - RARE)),
        decided=least_decided(run),
        side=run.settings.preprocess.image_size / 2,
    )


def least_decided(run: Run) -> float:
    """The bound by the held-out galaxies; below all where they were not predicted."""
    if not run.held_out.is_done:  # in other views they were, perhaps
        return -np.inf
    fractions = load_held_out(run.held_out).fractions
    return float(np.quantile(decided(fractions), RARE))


def decided(fractions: np.ndarray) -> np.ndarray:
    """How many volunteers agree on the first question: (n, 37) -> (n,)."""
    return fractions[:, answer_slice(QUESTIONS[0])].max(axis=1)
