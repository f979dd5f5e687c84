"""A folder that already holds the competition's files, zipped or unpacked."""

import hashlib
import logging
import shutil
import zipfile
import zlib
from functools import lru_cache
from pathlib import Path

from pipeline.data.archives import open_zip
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
OPTIONAL = {"sample"}
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
    found = {role: find_file(folder, name) for role, name in FILES.items()}
    missing = [
        FILES[role] for role, path in found.items() if not path and role not in OPTIONAL
    ]
    if missing:
        raise PipelineError(
            f"{folder} lacks {' and '.join(missing)} (.zip, or unpacked). "
            "It should hold the competition's files as Kaggle ships them."
        )
    return {role: path for role, path in found.items() if path}


def find_file(folder: Path, name: str) -> Path | None:
    """A competition file by its name without ending, zipped or unpacked."""
    for path in (folder / f"{name}.zip", folder / f"{name}.csv", folder / name):
        if path.exists():
            return path
    return None


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
        raise PipelineError(f"{archive} is no whole zip: {error}.") from None
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


def fingerprint(folder: Path) -> str:
    """Changes when the content of a folder's competition files does.

    Zips count by the checksums of their members, folders by size and time of theirs.
    """
    if everything := find_everything(folder):
        return digest_of(everything)
    texts = [f"{role} {digest_of(path)}" for role, path in find_files(folder).items()]
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def digest_of(path: Path) -> str:
    status = path.stat()
    if path.suffix == ".zip":
        return zip_digest(path, status.st_size, status.st_mtime_ns)
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
        lines = [f"{file.relative_to(path)} {stamp(file)}" for file in files]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()
    return hashlib.sha256(path.read_bytes()).hexdigest()


def stamp(file: Path) -> str:
    status = file.stat()
    return f"{status.st_size} {status.st_mtime_ns}"


@lru_cache(maxsize=8)
def zip_digest(path: Path, size: int, modified: int) -> str:
    lines = [
        f"{member.filename} {member.file_size} {member.CRC}"
        for member in open_zip(path).infolist()
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
