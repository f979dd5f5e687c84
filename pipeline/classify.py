"""The simplified problem: is a galaxy smooth, a disk or an artifact?"""

import logging
from typing import Any, NamedTuple

import numpy as np

from pipeline import artifacts, classifiers, workdir
from pipeline.artifacts import making, raw_file, require
from pipeline.classifiers import Fitted, Part, judge
from pipeline.config import Config
from pipeline.dataset import held_out, load_targets, match_ids
from pipeline.errors import PipelineError
from pipeline.validation import Validation, validation
from pipeline.workdir import WorkDir

NAMES = ("smooth", "disk", "artifact")  # the largest of Class1.1, 1.2 and 1.3
WHY_NO_ZEROS = (
    "An l2 penalty leaves no weight at zero because its pull is in proportion to the "
    "weight: it fades as the weight shrinks, so that weights get small and never "
    "vanish. An l1 penalty pulls with the same strength down to zero, and does empty "
    "weights. Under l2 only a pixel that is the same in all images keeps weight zero."
)

log = logging.getLogger(__name__)


def classify(config: Config, work: WorkDir, force: bool = False) -> None:
    """Compares the course report's classifiers with this network on hard labels.

    Reads   shards/train/ (or the raw images), raw/ (solutions), models/<member>/
    Writes  validation/            where it is not current
            classify/receipt.json  accuracies and confusion matrices
    """
    data = validation(config, work)
    artifact = artifacts.classification(config, work)
    if artifact.state == "done" and not force:
        log.info("classify is up to date")
        return
    shards = require(artifacts.shards(config, work, "train"))
    solutions = raw_file(require(artifacts.raw(config, work)), "solutions")
    ids = np.load(workdir.ids_file(shards.folder))
    classes = load_targets(solutions, ids)[:, :3].argmax(axis=1)
    split = choose_split(
        # with several folds, the networks of the first one are compared
        held_out(ids, config.train, fold=0),
        config.classify.num_images,
        config.classify.seed,
    )
    with making(artifact) as result:
        fit, watch, test = (
            Part(load_images(config, work, ids, rows), classes[rows]) for rows in split
        )
        if len(np.unique(fit.classes)) < 2:
            raise PipelineError(
                f"All {len(fit.classes)} galaxies to fit are of one class. Raise "
                "classify.num_images."
            )
        result |= describe_split(config, fit, watch, test)
        regression = ours(data, ids[split.test], config, work)
        result["methods"] = compare(config, fit, watch, test, regression)
    log.info(
        "classify: %d galaxies to fit, %d to test", len(split.fit), len(split.test)
    )


class Split(NamedTuple):
    """Rows to fit, to watch while fitting, and to test on."""

    fit: np.ndarray
    watch: np.ndarray
    test: np.ndarray


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


def load_images(
    config: Config, work: WorkDir, ids: np.ndarray, rows: np.ndarray
) -> np.ndarray:
    """The shards' images, or the crops at full size: (N, S, S, 3) uint8."""
    from pipeline.images import crop_center
    from pipeline.pictures import load_originals
    from pipeline.shards import Shards

    if not config.classify.full_size:
        shards = artifacts.shards(config, work, "train")
        return Shards(shards.folder, shards.result["num_shards"]).gather(rows)
    source = raw_file(artifacts.raw(config, work), "train_images")
    size = config.preprocess.crop_size
    images = np.empty((len(rows), size, size, 3), np.uint8)
    for place, galaxy in enumerate(ids[rows]):
        (original,) = load_originals(source, [galaxy])
        images[place] = crop_center(original, size)
    return images


def describe_split(
    config: Config, fit: Part, watch: Part, test: Part
) -> dict[str, Any]:
    size = fit.images.shape[1]
    weights = "balanced" if config.classify.class_weights else "equal"
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


def ours(data: Validation, ids: np.ndarray, config: Config, work: WorkDir) -> Fitted:
    """The regression's largest of Class1.1 to Class1.3; its time is the training's."""
    rows = match_ids(ids, data.ids, work.validation)
    seconds = sum(
        member.receipt["made"]["seconds"] for member in artifacts.members(config, work)
    )
    return Fitted(data.fractions[rows, :3].argmax(axis=1), seconds, None, "")


def compare(
    config: Config, fit: Part, watch: Part, test: Part, regression: Fitted
) -> list[dict[str, Any]]:
    knobs = config.classify
    methods = {
        "always the commonest class": lambda: classifiers.commonest(fit, test),
        "logistic regression": lambda: classifiers.logistic_regression(
            knobs, fit, test
        ),
        "small CNN": lambda: classifiers.small_cnn(knobs, fit, watch, test),
        "this network's Class1.1 to 1.3": lambda: regression,
    }
    verdicts = []
    for name, run in methods.items():
        verdicts.append(judge(name, run(), test.classes, len(NAMES)))
        log.info("%s: accuracy %.1f %%", name, 100 * verdicts[-1]["accuracy"])
    return verdicts


def describe(config: Config, work: WorkDir) -> str:
    """The finished comparison as a few lines of text."""
    result = artifacts.classification(config, work).result
    lines = [result["about"], ""]
    lines.append(f"{'':32}accuracy        balanced  zero weights      time")
    for row in result["methods"]:
        accuracy, error, balanced = (
            100 * row[key]
            for key in ("accuracy", "standard_error", "balanced_accuracy")
        )
        zeros = "" if row["zero_share"] is None else f"{100 * row['zero_share']:.2f} %"
        lines.append(
            f"{row['name']:32}{accuracy:5.1f} ± {error:3.1f} %  {balanced:7.1f} %"
            f"{zeros:>14}{row['seconds']:8.1f} s  {row['note']}".rstrip()
        )
    for row in result["methods"]:
        lines += ["", f"{row['name']}: volunteers' class, and what was predicted"]
        lines.append(" " * 12 + "".join(f"{name:>10}" for name in NAMES))
        lines += [
            f"  {name:10}" + "".join(f"{count:10}" for count in counts)
            for name, counts in zip(NAMES, row["confusion"], strict=True)
        ]
    return "\n".join([*lines, "", result["why_no_zeros"]])
