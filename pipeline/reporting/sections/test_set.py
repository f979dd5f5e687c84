"""How the test set looks, and what of the images could not be read."""

from typing import Any

import numpy as np

from pipeline.data.images import crop_center
from pipeline.data.splits import load_targets
from pipeline.data.tree import COLUMNS
from pipeline.reporting.html import photo
from pipeline.reporting.pictures import load_pictures
from pipeline.reporting.plot_files import PlotFiles
from pipeline.reporting.plots.shift import shifts
from pipeline.reporting.statistics import SHIFT_FRACTION, mean_shift
from pipeline.reporting.words import answer_text, full_answer
from pipeline.runs.contents import HeldOut, load_ids, load_predictions, unreadable
from pipeline.runs.graph import Run
from pipeline.runs.paths import SPLITS

FATES = {"train": "left out", "test": "predicted as the training column means"}
# the answers of which the surest test galaxy is shown
EXTREMES = (
    *("Class1.1", "Class1.2", "Class1.3", "Class2.1", "Class3.1", "Class4.1"),
    *("Class5.4", "Class6.1", "Class7.1", "Class7.3", "Class8.1", "Class8.6"),
)


def test_set(run: Run, data: HeldOut, plots: PlotFiles) -> dict[str, Any]:
    """The shift of the means, and the galaxies that the networks are surest of."""
    ids, fractions = load_predictions(run.predictions)
    good = ~unreadable(run.shards("test"), ids)
    return {
        **shift(plots, fractions[good], training_targets(run, data)),
        "extremes": photos(run, extreme_galaxies(ids[good], fractions[good])),
        "bad": bad_images(run),
    }


def training_targets(run: Run, data: HeldOut) -> np.ndarray:
    """The volunteers' fractions of all training galaxies (N, 37).

    Of the held-out ones, a sample of them, where the solutions are not at hand.
    """
    solutions = run.raw.find("solutions")
    if solutions is None:
        return data.targets
    return load_targets(solutions, load_ids(run.shards("train")))


def shift(
    plots: PlotFiles, predicted: np.ndarray, targets: np.ndarray
) -> dict[str, Any]:
    """The test set's means beside the training set's, and whether that is a warning."""
    found = mean_shift(predicted, targets)
    gaps = found.test - found.training
    far = int(np.abs(gaps).argmax())
    largest = f"{COLUMNS[far]} ({answer_text(far)}) by {gaps[far]:+.3f}"
    warning = ""
    if found.notable.any():
        warning = (
            f"the test set's mean of {found.notable.sum()} of 37 answers differs from "
            "the training set's by more than chance explains and by over "
            f"{SHIFT_FRACTION}, most that of {largest}. Either the test galaxies are "
            "others than the training galaxies, or the network is biased."
        )
    return {
        "warning": warning,
        "limit": SHIFT_FRACTION,
        "shift": plots.keep(
            "shift",
            shifts(found),
            "Mean fraction of each answer, test and training. The largest difference "
            f"is that of {largest}.",
            {"answer": COLUMNS, **found._asdict()},
        ),
    }


def extreme_galaxies(ids: np.ndarray, fractions: np.ndarray) -> dict[int, str]:
    """For some answers the galaxy that has most of it, and the words for that.

    A galaxy stands for one answer only: for the next one, the next best does.
    """
    found: dict[int, str] = {}
    for column in map(COLUMNS.index, EXTREMES):
        left = np.flatnonzero(~np.isin(ids, list(found)))
        if len(left):
            row = left[fractions[left, column].argmax()]
            text = f"{full_answer(column)}, {fractions[row, column]:.2f}"
            found[int(ids[row])] = text
    return found


def photos(run: Run, found: dict[int, str]) -> list[dict[str, Any]]:
    by_id = load_pictures(run, "test", sorted(found)).by_id
    size = run.settings.preprocess.crop_size
    return [
        {
            "id": galaxy,
            "text": text,
            "photo": photo(
                crop_center(by_id[galaxy], size), f"Test galaxy {galaxy}: {text}"
            ),
        }
        for galaxy, text in found.items()
    ]


def bad_images(run: Run) -> list[dict[str, str]]:
    return [
        {"id": galaxy, "split": split, "reason": reason, "fate": FATES[split]}
        for split in SPLITS
        for galaxy, reason in run.shards(split).result["bad"].items()
    ]
