"""The one zip that Kaggle's "Download All" gives, with all the others in it."""

import logging
import shutil
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from pipeline.data.archives import UnreadableMember, is_hidden, open_zip, reading
from pipeline.errors import PipelineError
from pipeline.files import PARTIAL
from pipeline.kaggle.client import COMPETITION
from pipeline.output import human_size
from pipeline.sources.folder import FILES, candidates, find_some_files

EVERYTHING = f"{COMPETITION}.zip"

log = logging.getLogger(__name__)


def find_everything(folder: Path) -> Path | None:
    """That zip, where the folder lacks some of what is in it."""
    path = folder / EVERYTHING
    return path if path.is_file() and lacking(folder) else None


def lacking(folder: Path) -> list[str]:
    """The names of the competition files that are not there."""
    found = find_some_files(folder)
    return [name for role, name in FILES.items() if role not in found]


def unpack_missing(folder: Path) -> None:
    """Takes what the folder lacks out of that zip, if it is there."""
    if archive := find_everything(folder):
        try:
            unpack_everything(archive, folder, lacking(folder))
        except PipelineError as error:
            log.warning("%s Going on without it.", error)


def unpack_everything(archive: Path, folder: Path, names: Iterable[str]) -> None:
    """Takes competition files out of the one zip that holds them all.

    Each appears in the folder once it is whole, in the place of what was there.

    Args:
        archive: the zip.
        folder: ours to write to.
        names: of the files, without their endings.

    Raises:
        PipelineError: the zip is damaged, ambiguous, or too large for the disk.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = set(names)
    members = competition_members(archive, names)
    refuse_two_forms(archive, members)
    check_room(archive, folder, members.values())
    unpacked = folder / f"everything{PARTIAL}"
    shutil.rmtree(unpacked, ignore_errors=True)
    try:
        for target, member in members.items():
            unpack_member(archive, member, unpacked / target)
        for name in names:  # what was unpacked before, in whichever form
            for path in candidates(folder, name):
                remove(path)
        for part in sorted({target.parts[0] for target in members}):
            (unpacked / part).rename(folder / part)
    except UnreadableMember as error:
        raise PipelineError(f"{archive} is damaged: {error}. Fetch it again.") from None
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)


def competition_members(
    archive: Path, names: set[str]
) -> dict[PurePosixPath, zipfile.ZipInfo]:
    """Where each of the competition's files in a zip belongs, whatever folder it is in.

    Raises:
        PipelineError: two of them belong to the same place.
    """
    found: dict[PurePosixPath, zipfile.ZipInfo] = {}
    for member in open_zip(archive).infolist():
        target = place_of(member.filename, names)
        if target is None or member.is_dir():
            continue
        if target in found:
            raise PipelineError(
                f"{archive} holds {target} twice: {found[target].filename} and "
                f"{member.filename}. Leave just the one that counts."
            )
        found[target] = member
    return found


def refuse_two_forms(archive: Path, places: Iterable[PurePosixPath]) -> None:
    """Refuses a competition file that is there zipped and unpacked."""
    forms: dict[str, str] = {}
    for form in sorted({place.parts[0] for place in places}):
        name = form.partition(".")[0]
        if name in forms:
            raise PipelineError(
                f"{archive} holds {forms[name]} and {form}. Leave just the one that "
                "counts."
            )
        forms[name] = form


def place_of(member: str, names: set[str]) -> PurePosixPath | None:
    """A member's path from the competition file on; None for what is none."""
    parts = PurePosixPath(member.replace("\\", "/")).parts
    if is_hidden(member) or ".." in parts:
        return None
    for row, part in enumerate(parts):
        if part.partition(".")[0].lower() in names:
            return PurePosixPath(part.lower(), *parts[row + 1 :])
    return None


def check_room(archive: Path, folder: Path, members: Iterable[zipfile.ZipInfo]) -> None:
    need = sum(member.file_size for member in members)
    free = shutil.disk_usage(folder).free
    if need > free:
        raise PipelineError(
            f"{archive} unpacks to {human_size(need)}; {human_size(free)} are free in "
            f"{folder}. Make room, or give a --work folder on a larger disk."
        )


def unpack_member(archive: Path, member: zipfile.ZipInfo, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with (
        reading(open_zip(archive), member) as stream,
        open(target, "wb") as out,
    ):
        shutil.copyfileobj(stream, out, 1 << 20)


def remove(path: Path) -> None:
    """Takes away what was unpacked before."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
