"""Stage 1: the competition's files, from wherever they come."""

import logging
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from pipeline.data.archives import list_jpegs
from pipeline.runs.graph import Run
from pipeline.runs.origin import Demo, InPlace
from pipeline.runs.receipts import is_up_to_date, making, refuse_links
from pipeline.settings.schema import Settings
from pipeline.sources import folder
from pipeline.sources.everything import find_everything, lacking, unpack_everything
from pipeline.sources.integrity import check_together

log = logging.getLogger(__name__)


def download(run: Run, force: bool = False) -> None:
    """Fetches, finds or renders the competition's files.

    Reads   Kaggle, or a folder, or nothing (the demo sky is rendered)
    Writes  raw/demo-<digest>/*.zip     the demo sky
            raw/kaggle/*.zip            what Kaggle ships
            raw/<source>/receipt.json   where each file is, and what it holds; those of
                                        a folder stay where they are
    """
    raw = run.raw
    if isinstance(raw, InPlace):
        for line in second_candidates(run, raw):
            log.warning("%s", line)
    if is_up_to_date(raw, force):
        if isinstance(raw, InPlace) and not raw.is_noted:
            raw.note(raw.result, raw.receipt["made"]["seconds"])
        return
    if isinstance(raw, Demo):
        render_sky(raw, run.settings)
    else:
        note_files(run, raw)
    log.info(
        "raw: %d training and %d test images",
        raw.result["num_train"],
        raw.result["num_test"],
    )


def render_sky(raw: Demo, settings: Settings) -> None:
    from pipeline.sources import demo

    with making(raw) as made:
        truth = demo.make_demo(made.folder, **asdict(settings.demo))
        files = folder.find_files(made.folder) | {"truth": truth}
        made.result |= {
            "files": {role: path.name for role, path in files.items()},
            "num_train": settings.demo.num_train,
            "num_test": settings.demo.num_test,
        }


def note_files(run: Run, raw: InPlace) -> None:
    """Makes the files be there, and notes what they hold."""
    started = time.monotonic()
    refuse_links(raw)
    raw.folder.mkdir(parents=True, exist_ok=True)
    if raw.fetched:
        from pipeline.sources import kaggle

        kaggle.fetch(raw.folder, run.settings.kaggle)
    elif archive := find_everything(raw.source):
        unpack_everything(archive, raw.folder, lacking(raw.source))
    for line in check_files(raw.paths, raw):
        log.warning("%s", line)
    counts = {
        f"num_{split}": len(list_jpegs(raw.paths[f"{split}_images"]))
        for split in ("train", "test")
    }
    raw.note(counts, time.monotonic() - started)


def second_candidates(run: Run, raw: InPlace) -> Iterator[str]:
    """A line for whatever could have been taken in the place of what is."""
    yield from folder.second_candidates(raw.source)
    archive, here = find_everything(raw.source), folder.find_some_files(raw.source)
    if archive and here:
        names = " and ".join(path.name for path in here.values())
        yield f"{names} count; what {archive} may hold in their place is not read"
    if (
        raw.fetched
        and raw.folder != run.work.raw
        and folder.find_some_files(run.work.raw)
    ):
        yield f"{raw.folder} counts; the files beside it in {run.work.raw} are not read"


def check_files(files: dict[str, Path], raw: InPlace) -> Iterator[str]:
    folder.refuse_missing(files, raw.source)
    return check_together(files)
