"""The run to look at: one page with every plot and picture in it."""

import dataclasses
import logging
from typing import Any

import numpy as np

from pipeline import artifacts, workdir
from pipeline.artifacts import Artifact, making, raw_file, require
from pipeline.config import SECTIONS, Config
from pipeline.dataset import load_targets
from pipeline.ensemble import unreadable
from pipeline.history import read_history
from pipeline.sources import source_name
from pipeline.validation import Validation, validation
from pipeline.workdir import SPLITS, WorkDir

NUM_COPIES = 11  # augmented, beside the one galaxy as it is
FATES = {"train": "left out", "test": "predicted as the column means"}

log = logging.getLogger(__name__)


def report(config: Config, work: WorkDir, force: bool = False) -> None:
    """Draws what the networks learnt, where they err and how the test set looks.

    Reads   raw/, shards/, models/<member>/, predictions/, classify/ where it is there
    Writes  report/plots/<name>.png  the plots
            report/receipt.json
            report.html              all of it, needing no other file
    """
    from pipeline.page import render

    require(artifacts.predictions(config, work))
    data = validation(config, work)
    artifact = artifacts.report(config, work)
    if artifact.state == "done" and work.page.exists() and not force:
        log.info("report is up to date")
        return
    with making(artifact) as result:
        page = render(gather(config, work, data))
        with workdir.atomic(work.page) as partial:
            partial.write_text(page, encoding="utf-8")
        result |= {"page": str(work.page), "num_bytes": len(page.encode())}
    log.info("report: %s, %.1f MB", work.page, result["num_bytes"] / 1e6)


def gather(config: Config, work: WorkDir, data: Validation) -> dict[str, Any]:
    """Everything that the template asks for."""
    from pipeline import sections
    from pipeline.pictures import load_originals
    from pipeline.shards import Shards

    plots = sections.Plots(work.report)
    raw = require(artifacts.raw(config, work))
    members = artifacts.members(config, work)
    train, test = (require(artifacts.shards(config, work, split)) for split in SPLITS)
    means = np.mean([member.result["means"] for member in members], axis=0)
    histories = {
        member.name: read_history(workdir.history_file(member.folder))
        for member in members
    }
    learning, note = sections.learning(plots, histories)
    errors = sections.errors(plots, data, means)
    rows = sections.chosen_galaxies(data, config.report.num_galaxies)
    shown = data.ids[np.concatenate(list(rows.values()))]
    one = int(data.ids[rows["typical"][0]]) if len(shown) else int(data.ids[0])
    wanted = [int(galaxy) for galaxy in {*shown.tolist(), one}]
    source = raw_file(raw, "train_images")
    originals = dict(zip(wanted, load_originals(source, wanted), strict=True))
    images = Shards(train.folder, train.result["num_shards"])
    seen = images.gather(np.flatnonzero(images.ids == one))[0]
    solutions = load_targets(raw_file(raw, "solutions"), images.ids)
    facts = at_a_glance(config, work, train, test)
    return {
        **facts,
        **sections.standing(config.source, facts["rmse"]),
        "learning_note": note,
        **errors,
        "groups": sections.galaxy_groups(plots, config, data, rows, originals),
        "views_of_one": sections.views_of_one(config, one, originals[one], seen),
        **sections.augmented(config, seen, augmented_copies(config, seen)),
        **(test_set := examine_test_set(config, work, plots, solutions)),
        "bad": bad_images({"train": train, "test": test}),
        "classes": classes(config, work),
        "plots": {
            "learning": learning,
            "questions": errors["questions"],
            "answers": errors["answers"],
            "shift": test_set["shift"],
            **sections.agreement(plots, data),
        },
    }


def at_a_glance(
    config: Config, work: WorkDir, train: Artifact, test: Artifact
) -> dict[str, Any]:
    held_out = artifacts.validation(config, work)
    finished = [
        item
        for item in artifacts.all_artifacts(config, work)
        if item.state == "done" and item.name != "report"
    ]
    times = [
        {"name": item.name, "seconds": item.receipt["made"]["seconds"]}
        for item in finished
    ]
    return {
        "source_name": source_name(config.source),
        "preset": config.preset,
        "work_name": work.root.name,
        "made_at": held_out.receipt["made"]["at"].replace("T", " ")[:16] + " UTC",
        "rmse": held_out.result["validation_rmse"],
        "standard_error": held_out.result["validation_standard_error"],
        "num_validation": held_out.result["num_validation"],
        "submission": artifacts.predictions(config, work).result,
        "num_train": train.result["num_images"],
        "num_test": test.result["num_images"],
        "num_networks": len(config.members()),
        "num_copies": config.predict.num_copies,
        "times": times,
        "plots_folder": workdir.plot_file(work.report, "any").parent.relative_to(
            work.root
        ),
        "knobs": [
            (f"{section}.{item.name}", getattr(getattr(config, section), item.name))
            for section, cls in SECTIONS.items()
            for item in dataclasses.fields(cls)
        ],
    }


def augmented_copies(config: Config, seen: np.ndarray) -> np.ndarray:
    """What training makes of one image (S, S, 3): (B, S, S, 3) uint8."""
    from pipeline.backend import start_keras

    start_keras()
    from pipeline.models.augmentation import Warp, draw_transforms

    size = seen.shape[0]
    shift = config.train.shift * size / config.preprocess.crop_size
    rng = np.random.default_rng(config.train.seed)
    transforms = draw_transforms(config.train, NUM_COPIES, size, shift, rng)
    copies = np.repeat(seen[None], NUM_COPIES, axis=0)
    return np.rint(np.asarray(Warp()(copies, transforms))).astype(np.uint8)


def examine_test_set(
    config: Config, work: WorkDir, plots: Any, solutions: np.ndarray
) -> dict[str, Any]:
    """The shift of the means, and the galaxies that the networks are surest of."""
    from pipeline import sections
    from pipeline.images import crop_center
    from pipeline.page import photo
    from pipeline.pictures import load_originals

    raw = require(artifacts.raw(config, work))
    predictions = require(artifacts.predictions(config, work))
    with np.load(workdir.predictions_file(predictions.folder)) as file:
        ids, fractions = file["ids"], file["fractions"]
    shards = artifacts.shards(config, work, "test")
    good = ~unreadable(shards, ids)
    found = sections.extreme_galaxies(ids[good], fractions[good])
    names = sorted({galaxy for galaxy, _ in found})
    originals = load_originals(raw_file(raw, "test_images"), names)
    by_id = dict(zip(names, originals, strict=True))
    return {
        **sections.shift(plots, fractions[good], solutions),
        "extremes": [
            {
                "id": galaxy,
                "text": text,
                "photo": photo(
                    crop_center(by_id[galaxy], config.preprocess.crop_size),
                    f"Test galaxy {galaxy}: {text}",
                ),
            }
            for galaxy, text in found
        ],
    }


def bad_images(shards: dict[str, Artifact]) -> list[dict[str, str]]:
    return [
        {"id": galaxy, "split": split, "reason": reason, "fate": FATES[split]}
        for split, artifact in shards.items()
        for galaxy, reason in artifact.result["bad"].items()
    ]


def classes(config: Config, work: WorkDir) -> dict[str, Any] | None:
    """The table of classify, where that has been run."""
    found = artifacts.classification(config, work)
    return found.result if found.state == "done" else None
