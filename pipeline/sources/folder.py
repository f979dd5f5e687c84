"""A folder that already holds the competition's files, zipped or unpacked."""

from collections.abc import Iterator
from pathlib import Path

from pipeline.data.archives import open_zip
from pipeline.data.csv_files import is_zip
from pipeline.errors import PipelineError
from pipeline.kaggle.client import COMPETITION
from pipeline.output import some_of

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


def find_files(folder: Path) -> dict[str, Path]:
    """Finds the competition's files in a folder.

    Returns:
        By role (a key of `FILES`): a zip, a csv or a folder.

    Raises:
        PipelineError: a needed one is not there.
    """
    found = find_some_files(folder)
    refuse_missing(found, folder)
    return found


def refuse_missing(found: dict[str, Path], folder: Path) -> None:
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


def find_some_files(folder: Path) -> dict[str, Path]:
    """Those of the competition's files that are in a folder, by role."""
    found = {role: find_file(folder, name) for role, name in FILES.items()}
    return {role: path for role, path in found.items() if path}


def find_file(folder: Path, name: str) -> Path | None:
    """A competition file by its name without ending, zipped or unpacked.

    Of several the zip counts, as Kaggle ships it, unless it is damaged.
    """
    found = candidates(folder, name)
    whole = (path for path in found if len(found) == 1 or is_whole(path))
    return next(whole, found[0] if found else None)


def candidates(folder: Path, name: str) -> list[Path]:
    """A competition file in every form that is there, a zip before what is unpacked."""
    here = entries(folder)
    return [
        path
        for wanted in (f"{name}.zip", f"{name}.csv", name)
        for path in here
        if path.name.lower() == wanted
        and (path.is_dir() or ("." in wanted and path.is_file()))
    ]


def entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def is_whole(path: Path) -> bool:
    """Whether a zip has its directory; anything else is taken to be whole."""
    try:
        return not is_zip(path) or bool(open_zip(path).infolist())
    except PipelineError:
        return False


def second_candidates(folder: Path) -> Iterator[str]:
    """A line for each competition file that is there twice: which counts, and why."""
    for name in FILES.values():
        found, chosen = candidates(folder, name), find_file(folder, name)
        others = {*found, *copies(folder, name)} - {chosen}
        if not chosen or not others:
            continue
        reason = "a zip is as Kaggle ships it"
        if len(found) == 1:
            reason = "it has Kaggle's name"
        elif not is_zip(chosen):
            reason = "the zip is damaged" if is_zip(found[0]) else "it comes first"
        told = some_of(sorted(path.name for path in others))
        yield f"{chosen} counts, since {reason}; {told} beside it is not read"


def copies(folder: Path, name: str) -> Iterator[Path]:
    """What begins like a competition file's name: `name (1).zip`, `name.csv.gz`."""
    for path in entries(folder):
        rest = path.name.lower().removeprefix(name)
        is_other = rest not in ("", ".zip", ".csv", path.name.lower())
        if is_other and not rest[0].isalnum() and not is_unfinished(path):
            yield path


def is_unfinished(path: Path) -> bool:
    """Whether it is a download of ours that is under way, or was set aside."""
    return ".zip." in path.name


def is_competition_file(name: str) -> bool:
    """Whether a file or folder of this name is the competition's, or ours beside it."""
    stem = name.split(".")[0].lower()
    return stem in (*FILES.values(), *UNUSED, COMPETITION, "kaggle", "receipt")
