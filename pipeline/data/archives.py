"""A zip or a folder of jpgs, read by galaxy id without unpacking."""

import re
import zipfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path, PurePosixPath

from pipeline.errors import PipelineError

JPEG_NAME = re.compile(r"(\d+)\.jpe?g", re.IGNORECASE)


def list_jpegs(path: Path) -> dict[int, str]:
    """Finds the galaxies in a zip or a folder, at any depth.

    What else lies there (`__MACOSX/`, `._100008.jpg`, `Thumbs.db`) is passed over.

    Returns:
        The member name by galaxy id, in the order of the ids.
    """
    if path.is_dir():
        names = (str(file.relative_to(path)) for file in path.rglob("*"))
    else:
        names = open_zip(path).namelist()
    found: dict[int, str] = {}
    for name in names:
        parts = PurePosixPath(name.replace("\\", "/"))
        match = JPEG_NAME.fullmatch(parts.name)
        if match and "__MACOSX" not in parts.parts:
            found.setdefault(int(match[1]), name)
    return dict(sorted(found.items()))


def jpeg_reader(path: Path) -> Callable[[str], bytes]:
    """A function from member name to bytes."""
    if path.is_dir():
        return lambda name: (path / name).read_bytes()
    return open_zip(path).read


@lru_cache(maxsize=4)  # the directory of 80,000 members takes a while to parse
def open_zip_as_it_is(path: Path, size: int, modified: int) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except zipfile.BadZipFile:
        raise PipelineError(
            f"{path} is not a complete zip file ({size} bytes). Fetch it again."
        ) from None


def open_zip(path: Path) -> zipfile.ZipFile:
    """The opened zip, shared within this process until the file changes.

    Raises:
        PipelineError: it is not a zip, or not a whole one.
    """
    status = path.stat()
    return open_zip_as_it_is(path, status.st_size, status.st_mtime_ns)
