"""One page with every plot and picture of a run; prints its path."""

import argparse
import filecmp
import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import typed
from pipeline.files import atomic
from pipeline.inference.ensemble import column_means
from pipeline.output import spelled_out
from pipeline.runs.contents import HeldOut, load_held_out, open_shards
from pipeline.runs.graph import Run
from pipeline.runs.paths import page_file, plots_folder
from pipeline.runs.receipts import is_up_to_date, making, require
from pipeline.runs.resolve import Resolved
from pipeline.settings.schema import all_settings, value_of

EXAMPLE = "./run.sh report --work work/demo"

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
    Writes  report-<digest>/plots/<name>.svg  the plots
            report-<digest>/plots/<name>.csv  their numbers
            report-<digest>/report.html       all of it, needing no other file
            report.html                       a copy of the newest
    """
    from pipeline.reporting.html import render

    require(run.predictions)
    if not is_up_to_date(run.report, force):
        for member in run.members:
            require(member)
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
    """What each part of the page shows; the plots are kept in a folder too."""
    from pipeline.reporting.plot_files import PlotFiles
    from pipeline.reporting.sections import agreement, overview
    from pipeline.reporting.sections.errors import errors
    from pipeline.reporting.sections.galaxies import all_galaxies
    from pipeline.reporting.sections.learning import learning
    from pipeline.reporting.sections.test_set import test_set

    plots, data = PlotFiles(folder), load_held_out(run.held_out)
    return {
        "header": overview.header(run),
        "overview": overview.overview(run, data),
        "learning": learning(run, plots),
        "errors": errors(plots, data, column_means(run.members)),
        "agreement": agreement.agreement(plots, data),
        "tree": agreement.tree(plots, data),
        **look_at_galaxies(run, data),
        "all_galaxies": all_galaxies(plots, data),
        "test_set": test_set(run, data, plots),
        "classes": run.classification.result if run.classification.is_done else None,
        "times": overview.times(run),
        "settings": settings_of(run),
        "commands": commands(run, int(data.ids[0])),
        "plots_folder": plots_folder(run.report.folder).relative_to(run.work.root),
    }


def look_at_galaxies(run: Run, data: HeldOut) -> dict[str, Any]:
    """Held-out galaxies of large and small errors; how the network sees one galaxy."""
    from pipeline.reporting.pictures import load_pictures
    from pipeline.reporting.sections import galaxies, seen

    settings = run.settings
    rows = galaxies.chosen_galaxies(data, settings.report.num_galaxies)
    one = seen.barred_spiral(data.targets)
    wanted = np.unique([*np.concatenate(list(rows.values())), one]).astype(int)
    pictures = load_pictures(run, "train", data.ids[wanted].tolist())
    shards = open_shards(run.shards("train"))
    (image,) = shards.gather(np.flatnonzero(shards.ids == data.ids[one]))
    size = settings.preprocess.crop_size
    return {
        "groups": galaxies.galaxy_groups(data, rows, pictures, size),
        "seen": seen.what_is_seen(settings, data, one, pictures, image),
        "original": pictures.original,
    }


def commands(run: Run, galaxy: int) -> dict[str, str]:
    """What else may be typed for this run."""
    words = {"classify": [], "report": [], "show": [str(galaxy)]}
    work = ["--work", str(run.work.root)]
    return {name: typed("./run.sh", name, *more, *work) for name, more in words.items()}


def settings_of(run: Run) -> list[dict[str, Any]]:
    """Every setting with its value, and whether that is its default."""
    settings = []
    for key, item in all_settings().items():
        value = value_of(run.settings, key)
        settings.append(
            {"key": key, "value": value, "is_default": value == item.default}
        )
    return settings
