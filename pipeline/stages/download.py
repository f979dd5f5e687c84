"""Stage 1: the competition's files, from wherever they come."""

import logging
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipeline.data.archives import list_jpegs
from pipeline.runs.graph import Run
from pipeline.runs.receipts import making
from pipeline.settings.schema import Settings
from pipeline.sources import folder

log = logging.getLogger(__name__)


def download(run: Run, force: bool = False) -> None:
    """Fetches, finds or renders the competition's files.

    Reads   Kaggle, or a folder, or nothing (the demo sky is rendered)
    Writes  raw/*.zip           what Kaggle ships; a folder's files stay where they lie
            raw/receipt.json    "files": where each of them is
    """
    raw, settings = run.raw, run.settings
    if raw.is_done and not force:
        log.info("raw is up to date")
        return
    with making(raw, keep=settings.source == "kaggle") as result:
        files = fetch(settings, raw.folder)
        result |= describe(files, raw.folder)
    log.info(
        "raw: %d training and %d test images",
        result["num_train"],
        result["num_test"],
    )


def fetch(settings: Settings, raw: Path) -> dict[str, Path]:
    """Makes the source's files be there; says where."""
    if settings.source == "kaggle":
        from pipeline.sources import kaggle

        kaggle.fetch(raw, settings.kaggle)
        return folder.find_files(raw)
    if settings.source == "demo":
        from pipeline.sources import demo

        truth = demo.make_demo(raw, **asdict(settings.demo))
        return folder.find_files(raw) | {"truth": truth}
    if everything := folder.find_everything(Path(settings.source)):
        folder.unpack_everything(everything, raw)
        return folder.find_files(raw)
    return folder.find_files(Path(settings.source))


def describe(files: dict[str, Path], raw: Path) -> dict[str, Any]:
    """What the receipt says: paths within raw/ are relative, so that it may move."""
    return {
        "files": {
            role: str(path.relative_to(raw) if path.is_relative_to(raw) else path)
            for role, path in files.items()
        },
        "digests": {role: folder.digest_of(path) for role, path in files.items()},
        "num_train": len(list_jpegs(files["train_images"])),
        "num_test": len(list_jpegs(files["test_images"])),
    }
