"""Stage 1: the competition's files, from wherever they come."""

import logging
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipeline import artifacts
from pipeline.artifacts import making
from pipeline.config import Config
from pipeline.jpegs import list_jpegs
from pipeline.sources import folder
from pipeline.workdir import WorkDir

log = logging.getLogger(__name__)


def download(config: Config, work: WorkDir, force: bool = False) -> None:
    """Brings the competition's files within reach.

    Reads   Kaggle, or a folder, or nothing (the demo sky is rendered)
    Writes  raw/*.zip           what Kaggle ships; a folder's files stay where they lie
            raw/receipt.json    "files": where each of them is
    """
    raw = artifacts.raw(config, work)
    if raw.state == "done" and not force:
        log.info("raw is up to date")
        return
    with making(raw, keep=config.source == "kaggle") as result:
        files = fetch(config, raw.folder)
        result |= describe(files, raw.folder)
    log.info(
        "raw: %d training and %d test images",
        result["num_train"],
        result["num_test"],
    )


def fetch(config: Config, raw: Path) -> dict[str, Path]:
    """Makes the source's files be there; says where."""
    if config.source == "kaggle":
        from pipeline.sources import kaggle

        kaggle.fetch(raw, config.kaggle)
        return folder.find_files(raw)
    if config.source == "demo":
        from pipeline.sources import demo

        truth = demo.make_demo(raw, **asdict(config.demo))
        return folder.find_files(raw) | {"truth": truth}
    if everything := folder.find_everything(Path(config.source)):
        folder.unpack_everything(everything, raw)
        return folder.find_files(raw)
    return folder.find_files(Path(config.source))


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
