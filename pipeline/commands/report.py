"""One page with every plot and picture of a run; prints its path."""

import argparse
import dataclasses
import filecmp
import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.data.splits import load_targets
from pipeline.files import atomic
from pipeline.inference.ensemble import column_means
from pipeline.kaggle.standings import is_test_set
from pipeline.progress import spelled_out
from pipeline.runs.contents import (
    HeldOut,
    load_held_out,
    load_ids,
    load_predictions,
    open_shards,
    unreadable,
)
from pipeline.runs.graph import Run
from pipeline.runs.paths import SPLITS, history_file, page_file, plot_file
from pipeline.runs.receipts import is_up_to_date, making, require, untouched
from pipeline.runs.resolve import Resolved
from pipeline.settings.schema import SECTIONS, Settings
from pipeline.sources.choose import source_name
from pipeline.training.history import read_history

EXAMPLE = "./run.sh report --work work/demo"
NUM_AUGMENTED = 11  # beside the one galaxy as it is
FATES = {"train": "left out", "test": "predicted as the column means"}

log = logging.getLogger(__name__)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--force", action="store_true", help="though it is up to date")


def command(resolved: Resolved, options: argparse.Namespace) -> str:
    report(resolved.run, options.force)
    return str(resolved.run.work.page)


def report(run: Run, force: bool = False) -> None:
    """Draws what the networks learned, where they err and how the test set looks.

    Reads   shards/, models/<network>/, predictions/, held_out/, classify-<digest>/ and
            raw/ where they are there
    Writes  report-<digest>/plots/<name>.png  the plots
            report-<digest>/report.html       all of it, needing no other file
            report.html                       a copy of the newest
    """
    from pipeline.reporting.html import render

    require(run.predictions)
    if not is_up_to_date(run.report, force):
        with making(run.report) as made:
            html = render(collect(run, made.folder))
            content = html.encode(errors=spelled_out.__name__)
            page_file(made.folder).write_bytes(content)
            made.result["num_bytes"] = len(content)
        log.info("report: %.1f MB", made.result["num_bytes"] / 1e6)
    newest = page_file(run.report.folder)
    if not (run.work.page.is_file() and filecmp.cmp(newest, run.work.page, False)):
        with atomic(run.work.page) as partial:
            shutil.copyfile(newest, partial)


def collect(run: Run, folder: Path) -> dict[str, Any]:
    """Everything that the template asks for; the plots are kept in a folder too."""
    from pipeline.reporting import sections

    plots, data = sections.Plots(folder), load_held_out(run.held_out)
    histories = {
        member.name: read_history(untouched(member, history_file(member.folder)))
        for member in run.members
    }
    learning, note = sections.learning(plots, histories)
    errors = sections.errors(plots, data, column_means(run.members))
    facts = at_a_glance(run)
    test_set = examine_test_set(run, data, plots)
    return {
        **facts,
        **standing(run),
        "learning_note": note,
        **errors,
        **look_at_galaxies(run, data, plots),
        **test_set,
        "bad": bad_images(run),
        "classes": run.classification.result if run.classification.is_done else None,
        "plots": {
            "learning": learning,
            "questions": errors["questions"],
            "answers": errors["answers"],
            "shift": test_set["shift"],
            **sections.agreement(plots, data),
        },
    }


def standing(run: Run) -> dict[str, Any]:
    """Where the submission would have ended in 2014, if that can be said."""
    from pipeline.reporting import sections

    result, expected = run.predictions.result, None
    if "expected_rmse" in result:
        expected = sections.Expected(
            result["expected_rmse"], result["expected_standard_error"]
        )
    kaggles = is_test_set(load_predictions(run.predictions).ids)
    return sections.standing(expected, kaggles)


def look_at_galaxies(run: Run, data: HeldOut, plots: Any) -> dict[str, Any]:
    """Held-out galaxies of large and small errors; how the network sees one of them."""
    from pipeline.reporting import sections
    from pipeline.reporting.pictures import load_pictures

    settings = run.settings
    rows = sections.chosen_galaxies(data, settings.report.num_galaxies)
    shown = data.ids[np.concatenate(list(rows.values()))]
    one = int(data.ids[rows["typical"][0]]) if len(shown) else int(data.ids[0])
    wanted = [int(galaxy) for galaxy in {*shown.tolist(), one}]
    pictures = load_pictures(run, "train", wanted)
    images = open_shards(run.shards("train"))
    (seen,) = images.gather(np.flatnonzero(images.ids == one))
    return {
        "groups": sections.galaxy_groups(plots, settings, data, rows, pictures.by_id),
        "views_of_one": sections.views_of_one(settings, one, pictures, seen),
        "original": pictures.original,
        **sections.augmentation(settings, seen, augment(settings, seen)),
    }


def at_a_glance(run: Run) -> dict[str, Any]:
    settings = run.settings
    times = [
        {"name": item.name, "seconds": item.receipt["made"]["seconds"]}
        for item in run.artifacts
        if item.is_done and item.kind != "report"
    ]
    train, test = (run.shards(split) for split in SPLITS)
    made = run.held_out.receipt["made"]["at"]
    return {
        "source_name": source_name(settings.source),
        "preset": settings.preset,
        "work_name": run.work.root.name,
        "made_at": made.replace("T", " ")[:16] + " UTC",
        "rmse": run.held_out.result["validation_rmse"],
        "standard_error": run.held_out.result["validation_standard_error"],
        "num_validation": run.held_out.result["num_validation"],
        "submission": run.predictions.result,
        "num_train": train.result["num_images"],
        "num_test": test.result["num_images"],
        "num_networks": len(run.members),
        "num_views": settings.predict.num_views,
        "times": times,
        "run": run.digest,
        "plots_folder": plot_file(run.report.folder, "any").parent.relative_to(
            run.work.root
        ),
        "settings": [
            (f"{section}.{item.name}", getattr(getattr(settings, section), item.name))
            for section, cls in SECTIONS.items()
            for item in dataclasses.fields(cls)
        ],
    }


def augment(settings: Settings, seen: np.ndarray) -> np.ndarray:
    """What training makes of one image (S, S, 3): (B, S, S, 3) uint8."""
    from pipeline.settings.backend import start_keras

    start_keras()
    from pipeline.models.augmentation import Warp, draw_transforms

    size = seen.shape[0]
    shift = settings.train.shift * size / settings.preprocess.crop_size
    rng = np.random.default_rng(settings.train.seed)
    transforms = draw_transforms(settings.train, NUM_AUGMENTED, size, shift, rng)
    images = np.repeat(seen[None], NUM_AUGMENTED, axis=0)
    return np.rint(np.asarray(Warp()(images, transforms))).astype(np.uint8)


def examine_test_set(run: Run, data: HeldOut, plots: Any) -> dict[str, Any]:
    """The shift of the means, and the galaxies that the networks are surest of."""
    from pipeline.data.images import crop_center
    from pipeline.reporting import sections
    from pipeline.reporting.html import photo
    from pipeline.reporting.pictures import load_pictures

    ids, fractions = load_predictions(run.predictions)
    good = ~unreadable(run.shards("test"), ids)
    found = sections.extreme_galaxies(ids[good], fractions[good])
    names = sorted({galaxy for galaxy, _ in found})
    by_id = load_pictures(run, "test", names).by_id
    size = run.settings.preprocess.crop_size
    return {
        **sections.shift(plots, fractions[good], training_targets(run, data)),
        "extremes": [
            {
                "id": galaxy,
                "text": text,
                "photo": photo(
                    crop_center(by_id[galaxy], size), f"Test galaxy {galaxy}: {text}"
                ),
            }
            for galaxy, text in found
        ],
    }


def training_targets(run: Run, data: HeldOut) -> np.ndarray:
    """The volunteers' fractions of all training galaxies (N, 37).

    Of the held-out ones, a sample of them, where the solutions are not at hand.
    """
    solutions = run.raw.find("solutions")
    if solutions is None:
        return data.targets
    return load_targets(solutions, load_ids(run.shards("train")))


def bad_images(run: Run) -> list[dict[str, str]]:
    return [
        {"id": galaxy, "split": split, "reason": reason, "fate": FATES[split]}
        for split in SPLITS
        for galaxy, reason in run.shards(split).result["bad"].items()
    ]
