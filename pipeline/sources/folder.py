"""A folder that already holds the competition's files, zipped or unpacked."""

import logging
import shutil
import zipfile
import zlib
from pathlib import Path

from pipeline.errors import PipelineError
from pipeline.files import PARTIAL
from pipeline.kaggle.client import COMPETITION

# what each file is to the pipeline, by Kaggle's name without its ending
FILES = {
    "train_images": "images_training_rev1",
    "test_images": "images_test_rev1",
    "solutions": "training_solutions_rev1",
    "sample": "all_zeros_benchmark",
}
IMAGES = ("train_images", "test_images")
OPTIONAL = {"sample"}
UNUSED = ("all_ones_benchmark", "central_pixel_benchmark", "test_solutions")
UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError)  # of a zip
EVERYTHING = f"{COMPETITION}.zip"  # what "Download All" gives

log = logging.getLogger(__name__)


def find_files(folder: Path) -> dict[str, Path]:
    """Finds the competition's files in a folder.

    Returns:
        By role (a key of `FILES`): a zip, a csv or a folder.

    Raises:
        PipelineError: a needed one is not there.
    """
    found = find_some_files(folder)
    missing = [
        name
        for role, name in FILES.items()
        if role not in found and role not in OPTIONAL
    ]
    if missing:
        raise PipelineError(
            f"{folder} lacks {' and '.join(missing)} (.zip, or unpacked). "
            "It should hold the competition's files as Kaggle ships them."
        )
    return found


def find_some_files(folder: Path) -> dict[str, Path]:
    """Those of the competition's files that are in a folder, by role."""
    found = {role: find_file(folder, name) for role, name in FILES.items()}
    return {role: path for role, path in found.items() if path}


def find_file(folder: Path, name: str) -> Path | None:
    """A competition file by its name without ending, zipped or unpacked."""
    for path in (folder / f"{name}.zip", folder / f"{name}.csv", folder / name):
        if path.exists():
            return path
    return None


def is_competition_file(name: str) -> bool:
    """Whether a file or folder of this name is the competition's, or ours beside it."""
    stem = name.split(".")[0]
    return stem in (*FILES.values(), *UNUSED, COMPETITION, "kaggle", "receipt")


def find_everything(folder: Path) -> Path | None:
    """The one zip that holds all the others, where the others are not there."""
    path = folder / EVERYTHING
    here = any(find_file(folder, name) for name in FILES.values())
    return path if path.exists() and not here else None


def unpack_everything(archive: Path, folder: Path) -> None:
    """Takes the competition's files out of the one zip that holds them all.

    Each appears in the folder once it is whole; what is there already stays.
    """
    unpacked = folder / f"everything{PARTIAL}"
    shutil.rmtree(unpacked, ignore_errors=True)
    unpacked.mkdir(parents=True)
    try:
        with zipfile.ZipFile(archive) as everything:
            for member in everything.infolist():
                if not member.is_dir() and "__MACOSX" not in member.filename:
                    everything.extract(member, unpacked)
        for part in unpacked.iterdir():
            if not (folder / part.name).exists():
                part.rename(folder / part.name)
    except UNREADABLE as error:
        raise PipelineError(f"{archive} is not a complete zip: {error}.") from None
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)


def unpack_missing(folder: Path) -> None:
    """Takes what the folder lacks out of the zip of everything, if that is there."""
    archive = folder / EVERYTHING
    if archive.exists() and not all(find_file(folder, name) for name in FILES.values()):
        try:
            unpack_everything(archive, folder)
        except PipelineError as error:
            log.warning("%s Going on without it.", error)
