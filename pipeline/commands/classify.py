"""The simplified problem: smooth, disk or artifact, by four methods."""

import argparse
import logging
from typing import Any, NamedTuple

import numpy as np

from pipeline.data.splits import held_out, load_targets, match_ids
from pipeline.errors import PipelineError
from pipeline.runs.contents import load_held_out, load_ids, open_shards
from pipeline.runs.graph import Run
from pipeline.runs.receipts import is_up_to_date, making, require
from pipeline.runs.resolve import Resolved
from pipeline.tables import table
from pipeline.training import classifiers
from pipeline.training.classifiers import Fitted, Part, judge

EXAMPLE = "./run.sh classify --work work/demo"
NAMES = ("smooth", "disk", "artifact")  # the largest of Class1.1, 1.2 and 1.3
HEADER = ("method", "accuracy", "balanced", "zero weights", "time", "")
WHY_NO_ZEROS = (
    "An l2 penalty leaves no weight at zero because its pull is in proportion to the "
    "weight: it fades as the weight shrinks, so that weights get small and never "
    "vanish. An l1 penalty pulls with the same strength down to zero, and does empty "
    "weights. Under l2 only a pixel that is the same in all images keeps weight zero."
)

log = logging.getLogger(__name__)


class Split(NamedTuple):
    """Rows to fit, to watch while fitting, and to test on."""

    fit: np.ndarray
    watch: np.ndarray
    test: np.ndarray


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--force", action="store_true", help="though it is up to date")


def command(resolved: Resolved, options: argparse.Namespace) -> str:
    classify(resolved.run, options.force)
    return describe_result(resolved.run)


def classify(run: Run, force: bool = False) -> None:
    """Compares the course report's classifiers with this network on hard labels.

    Reads   shards/train (or the raw images), raw/ (solutions), held_out/<digest>/
    Writes  classify-<digest>/receipt.json  accuracies and confusion matrices
    """
    require(run.held_out)
    if is_up_to_date(run.classification, force):
        return
    ids = load_ids(run.shards("train"))
    solutions = run.raw.file("solutions")
    classes = load_targets(solutions, ids)[:, :3].argmax(axis=1)
    settings = run.settings.classify
    # with several folds, the networks of the first one are compared
    validation_rows = held_out(ids, run.settings.train, fold=0)
    split = choose_split(validation_rows, settings.num_images, settings.seed)
    with making(run.classification) as made:
        fit, watch, test = (
            Part(load_images(run, ids, rows), classes[rows]) for rows in split
        )
        if len(np.unique(fit.classes)) < 2:
            raise PipelineError(
                f"All {len(fit.classes)} galaxies to fit are of one class. Raise "
                "classify.num_images."
            )
        made.result |= describe_split(run, fit, watch, test)
        made.result["methods"] = compare(run, fit, watch, test, ids[split.test])
    log.info(
        "classify: %d galaxies to fit, %d to test", len(split.fit), len(split.test)
    )


def choose_split(validation_rows: np.ndarray, num_images: int, seed: int) -> Split:
    """Eight to one to one; tested only on galaxies that no network was fitted to.

    Args:
        validation_rows: (N,) bool, True for those held out.
        num_images: of all three together, 0 for as many as there are.
        seed: fixes the choice.
    """
    rng = np.random.default_rng(seed)
    outside = rng.permutation(np.flatnonzero(validation_rows))
    inside = rng.permutation(np.flatnonzero(~validation_rows))
    if num_images:
        num_test = max(1, round(num_images / 10))
        outside, inside = outside[:num_test], inside[: num_images - num_test]
    num_watch = max(1, round(len(inside) / 9))
    return Split(inside[num_watch:], inside[:num_watch], outside)


def load_images(run: Run, ids: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The shards' images, or the crops at full size: (N, S, S, 3) uint8."""
    from pipeline.data.images import crop_center
    from pipeline.reporting.pictures import load_originals

    if not run.settings.classify.full_size:
        return open_shards(run.shards("train")).gather(rows)
    source = run.raw.file("train_images")
    size = run.settings.preprocess.crop_size
    images = np.empty((len(rows), size, size, 3), np.uint8)
    for place, original in enumerate(load_originals(source, ids[rows])):
        images[place] = crop_center(original, size)
    return images


def describe_split(run: Run, fit: Part, watch: Part, test: Part) -> dict[str, Any]:
    size = fit.images.shape[1]
    weights = "balanced" if run.settings.classify.class_weights else "equal"
    shares = np.bincount(test.classes, minlength=3) / len(test.classes)
    mixture = ", ".join(
        f"{share:.0%} {name}" for name, share in zip(NAMES, shares, strict=True)
    )
    return {
        "names": NAMES,
        "num_fit": len(fit.classes),
        "num_watch": len(watch.classes),
        "num_test": len(test.classes),
        "image_size": size,
        "about": (
            "A galaxy's class is the largest of Class1.1 to Class1.3. "
            f"{len(fit.classes)} galaxies to fit, {len(watch.classes)} to watch, "
            f"{len(test.classes)} to test ({mixture}); {size} px; {weights} class "
            "weights. This network was fitted to every galaxy not held out."
        ),
        "why_no_zeros": WHY_NO_ZEROS,
    }


def compare(
    run: Run, fit: Part, watch: Part, test: Part, test_ids: np.ndarray
) -> list[dict[str, Any]]:
    """Fits each method and judges it on the test galaxies."""
    settings = run.settings.classify
    methods = {
        "always the commonest class": lambda: classifiers.commonest(fit, test),
        "logistic regression": lambda: classifiers.logistic_regression(
            settings, fit, test
        ),
        "small CNN": lambda: classifiers.small_cnn(settings, fit, watch, test),
        "this network's Class1.1 to 1.3": lambda: ours(run, test_ids),
    }
    verdicts = []
    for name, fitted in methods.items():
        verdicts.append(judge(name, fitted(), test.classes, len(NAMES)))
        log.info("%s: accuracy %.1f %%", name, 100 * verdicts[-1]["accuracy"])
    return verdicts


def ours(run: Run, ids: np.ndarray) -> Fitted:
    """The regression's largest of Class1.1 to Class1.3; its time is the training's."""
    data = load_held_out(run.held_out)
    rows = match_ids(ids, data.ids, run.held_out.folder)
    seconds = sum(member.receipt["made"]["seconds"] for member in run.members)
    return Fitted(data.fractions[rows, :3].argmax(axis=1), seconds, None, "")


def describe_result(run: Run) -> str:
    """The finished comparison as a few lines of text."""
    result = run.classification.result
    parts = [
        result["about"],
        table(HEADER, map(method_cells, result["methods"]), HEADER[1:-1]),
    ]
    for row in result["methods"]:
        cells = [
            (f"  {name}", *map(str, counts))
            for name, counts in zip(NAMES, row["confusion"], strict=True)
        ]
        title = f"{row['name']}: volunteers' class, and what was predicted"
        parts.append(f"{title}\n{table(('', *NAMES), cells, NAMES)}")
    return "\n\n".join([*parts, result["why_no_zeros"]])


def method_cells(row: dict[str, Any]) -> tuple[str, ...]:
    accuracy, error, balanced = (
        100 * row[key] for key in ("accuracy", "standard_error", "balanced_accuracy")
    )
    zeros = "" if row["zero_share"] is None else f"{100 * row['zero_share']:.2f} %"
    return (
        row["name"],
        f"{accuracy:.1f} ± {error:.1f} %",
        f"{balanced:.1f} %",
        zeros,
        f"{row['seconds']:.1f} s",
        row["note"],
    )
